package chattemplate

import (
	"slices"
	"strings"
)

// folded is the key that sorting without case compares by.
func folded(v any, cased bool) any {
	if s, ok := v.(string); ok && !cased {
		return strings.ToLower(s)
	}
	return v
}

func (e *evaluator) sortBy(items []any, key func(any) (any, error), reverse bool) ([]any, error) {
	type pair struct{ key, item any }
	pairs := make([]pair, len(items))
	for i, x := range items {
		k, err := key(x)
		if err != nil {
			return nil, err
		}
		pairs[i] = pair{k, x}
	}
	var bad error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		order, ok := compare(a.key, b.key)
		if !ok && bad == nil {
			bad = e.operand(e.line, "<", a.key, b.key)
		}
		if reverse {
			return -order
		}
		return order
	})
	out := make([]any, len(pairs))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out, bad
}

func sorted(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	attribute, _ := a.get(2, "attribute")
	out, err := e.sortBy(items, func(x any) (any, error) {
		x, err := e.attribute(x, attribute)
		return folded(x, a.flag(1, "case_sensitive")), err
	}, a.flag(0, "reverse"))
	return &List{Items: out}, err
}

func dictSort(e *evaluator, v any, a *arguments) (any, error) {
	d, ok := v.(*Dict)
	if !ok {
		return nil, fail(e.line, "dictsort needs a mapping, not %s", typeName(v))
	}
	pairs, err := e.dictMethod(d, "items", nil)
	if err != nil {
		return nil, err
	}
	at := 0
	if a.text(1, "by", "key") == "value" {
		at = 1
	}
	out, err := e.sortBy(pairs.(*List).Items, func(x any) (any, error) {
		return folded(x.(*List).Items[at], a.flag(0, "case_sensitive")), nil
	}, a.flag(2, "reverse"))
	return &List{Items: out}, err
}

func sortedKeys(keys []any) []any {
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b any) int { return strings.Compare(str(a), str(b)) })
	return out
}

func unique(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	attribute, _ := a.get(1, "attribute")
	out, seen := &List{}, newDict()
	for _, x := range items {
		key, err := e.attribute(x, attribute)
		if err != nil {
			return nil, err
		}
		key = folded(key, a.flag(0, "case_sensitive"))
		if _, ok := key.(*Dict); ok {
			return nil, fail(e.line, "unhashable type: 'dict'")
		}
		if _, ok := seen.Get(key); !ok {
			seen.Set(key, true)
			out.Items = append(out.Items, x)
		}
	}
	return out, nil
}

func reversed(e *evaluator, v any, _ *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	if _, ok := v.(string); ok {
		var out strings.Builder
		for _, x := range items {
			out.WriteString(x.(string))
		}
		return out.String(), nil
	}
	return &List{Items: items}, nil
}

func extreme(sign int) filter {
	return func(e *evaluator, v any, a *arguments) (any, error) {
		items, err := e.iterate(v)
		if err != nil || len(items) == 0 {
			return undefined{"no aggregated item, sequence was empty"}, err
		}
		attribute, _ := a.get(1, "attribute")
		out, err := e.sortBy(items, func(x any) (any, error) {
			x, err := e.attribute(x, attribute)
			return folded(x, a.flag(0, "case_sensitive")), err
		}, sign > 0)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
}

func sum(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	attribute, _ := a.get(0, "attribute")
	total, ok := a.get(1, "start")
	if !ok {
		total = int64(0)
	}
	for _, x := range items {
		if x, err = e.attribute(x, attribute); err != nil {
			return nil, err
		}
		if total, err = e.binary(&binaryNode{"+", &constNode{total}, &constNode{x}, e.line}); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func mapFilter(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	out := &List{Items: make([]any, len(items))}
	attribute, byAttribute := a.kwargs.Get("attribute")
	fallback, hasFallback := a.kwargs.Get("default")
	for i, x := range items {
		switch {
		case byAttribute:
			if x, err = e.attribute(x, attribute); err == nil && hasFallback {
				x, err = otherwise(e, x, &arguments{[]any{fallback}, newDict()})
			}
		case len(a.args) == 0:
			return nil, fail(e.line, "map requires a filter argument")
		default:
			f, ok := filters()[str(a.args[0])]
			if !ok {
				return nil, fail(e.line, "unknown filter %s", repr(a.args[0]))
			}
			x, err = f(e, x, &arguments{a.args[1:], a.kwargs})
		}
		if err != nil {
			return nil, err
		}
		out.Items[i] = x
	}
	return out, nil
}

// selected keeps the items that pass a test, or those that do not.
func selected(byAttribute, want bool) filter {
	return func(e *evaluator, v any, a *arguments) (any, error) {
		items, err := e.iterate(v)
		if err != nil {
			return nil, err
		}
		args := a.args
		var attribute any
		if byAttribute {
			if len(args) == 0 {
				return nil, fail(e.line, "missing the name of an attribute")
			}
			attribute, args = args[0], args[1:]
		}
		out := &List{}
		for _, x := range items {
			value, err := e.attribute(x, attribute)
			if err != nil {
				return nil, err
			}
			yes := truth(value)
			if len(args) > 0 {
				t, ok := tests()[str(args[0])]
				if !ok {
					return nil, fail(e.line, "unknown test %s", repr(args[0]))
				}
				if yes, err = t(e, value, args[1:]); err != nil {
					return nil, err
				}
			}
			if yes == want {
				out.Items = append(out.Items, x)
			}
		}
		return out, nil
	}
}

func groupBy(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	attribute, _ := a.get(0, "attribute")
	key := func(x any) (any, error) {
		x, err := e.attribute(x, attribute)
		return folded(x, a.flag(2, "case_sensitive")), err
	}
	if items, err = e.sortBy(items, key, false); err != nil {
		return nil, err
	}
	out := &List{}
	var last any
	for i, x := range items {
		k, err := key(x)
		if err != nil {
			return nil, err
		}
		if i == 0 || !equal(k, last) {
			name, _ := e.attribute(x, attribute)
			out.Items = append(out.Items, &List{[]any{name, &List{}}, true})
			last = k
		}
		group := out.Items[len(out.Items)-1].(*List).Items[1].(*List)
		group.Items = append(group.Items, x)
	}
	return out, nil
}

func batch(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	n := a.whole(0, "linecount", 0)
	if err != nil || n < 1 || n > maxRange {
		return nil, fail(e.line, "batch needs a number of items")
	}
	fill, filled := a.get(1, "fill_with")
	out := &List{}
	for len(items) > 0 {
		k := min(n, len(items))
		part := slices.Clone(items[:k])
		for filled && fill != nil && len(part) < n {
			part = append(part, fill)
		}
		out.Items = append(out.Items, &List{Items: part})
		items = items[k:]
	}
	return out, nil
}

func sliceFilter(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	n := a.whole(0, "slices", 0)
	if err != nil || n < 1 || n > maxRange {
		return nil, fail(e.line, "slice needs a number of slices")
	}
	out, size, more := &List{}, len(items)/n, len(items)%n
	fill, filled := a.get(1, "fill_with")
	for i := range n {
		k := size
		if i < more {
			k++
		}
		part := slices.Clone(items[:k])
		if filled && fill != nil && i >= more && more > 0 {
			part = append(part, fill)
		}
		out.Items = append(out.Items, &List{Items: part})
		items = items[k:]
	}
	return out, nil
}
