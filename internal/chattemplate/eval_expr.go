package chattemplate

import "strings"

func (e *evaluator) eval(n node) (any, error) {
	if err := e.step(); err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case nil:
		return nil, nil
	case *constNode:
		return n.value, nil
	case *nameNode:
		if v, ok := e.scope.get(n.name); ok {
			return v, nil
		}
		if f, ok := globals()[n.name]; ok {
			return f, nil
		}
		return undefined{"'" + n.name + "' is undefined"}, nil
	case *listNode:
		items, err := e.all(n.items)
		return &List{items, n.tuple}, err
	case *dictNode:
		d := newDict()
		for i, k := range n.keys {
			key, err := e.eval(k)
			if err != nil {
				return nil, err
			}
			switch key.(type) {
			case *Dict, *namespace, *function:
				return nil, fail(e.line, "unhashable type: %q", typeName(key))
			}
			value, err := e.eval(n.values[i])
			if err != nil {
				return nil, err
			}
			d.Set(key, value)
		}
		return d, nil
	case *attrNode:
		of, err := e.eval(n.of)
		if err != nil {
			return nil, err
		}
		e.line = n.line
		return e.attr(of, n.name)
	case *indexNode:
		of, err := e.eval(n.of)
		if err != nil {
			return nil, err
		}
		e.line = n.line
		if s, ok := n.index.(*sliceNode); ok {
			return e.slice(of, s)
		}
		index, err := e.eval(n.index)
		if err != nil {
			return nil, err
		}
		return e.index(of, index)
	case *condNode:
		test, err := e.eval(n.test)
		if err != nil {
			return nil, err
		}
		if truth(test) {
			return e.eval(n.yes)
		}
		if n.no == nil {
			return undefined{"the inline if-expression evaluated to false and no else section was defined"}, nil
		}
		return e.eval(n.no)
	case *unaryNode:
		return e.unary(n)
	case *binaryNode:
		return e.binary(n)
	case *compareNode:
		return e.compare(n)
	case testNode:
		return e.test(n.callNode)
	case *callNode:
		if n.name != "" {
			v, err := e.eval(n.of)
			if err != nil {
				return nil, err
			}
			return e.applyFilter(n, v)
		}
		return e.call(n, nil)
	}
	return nil, fail(e.line, "unknown expression")
}

func (e *evaluator) all(nodes []node) ([]any, error) {
	out := make([]any, 0, len(nodes))
	for _, n := range nodes {
		v, err := e.eval(n)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// arguments evaluates those of a call.
func (e *evaluator) arguments(n *callNode) ([]any, *Dict, error) {
	args, err := e.all(n.args)
	if err != nil {
		return nil, nil, err
	}
	kwargs := newDict()
	for i, name := range n.names {
		v, err := e.eval(n.kwargs[i])
		if err != nil {
			return nil, nil, err
		}
		kwargs.Set(name, v)
	}
	if n.star != nil {
		v, err := e.eval(n.star)
		if err != nil {
			return nil, nil, err
		}
		items, err := e.iterate(v)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, items...)
	}
	if n.stars != nil {
		v, err := e.eval(n.stars)
		if err != nil {
			return nil, nil, err
		}
		if d, ok := v.(*Dict); ok {
			for _, key := range d.keys {
				kwargs.Set(key, d.values[hashed(key)])
			}
		}
	}
	return args, kwargs, nil
}

func (e *evaluator) call(n *callNode, caller *function) (any, error) {
	f, err := e.eval(n.of)
	if err != nil {
		return nil, err
	}
	args, kwargs, err := e.arguments(n)
	if err != nil {
		return nil, err
	}
	if caller != nil {
		kwargs.Set("caller", caller)
	}
	e.line = n.line
	switch f := f.(type) {
	case *function:
		if e.calls++; e.calls > maxCalls {
			return nil, fail(n.line, "maximum recursion depth exceeded")
		}
		defer func() { e.calls-- }()
		return f.call(e, args, kwargs)
	case *loopState:
		if !f.n.recursive || len(args) != 1 {
			return nil, fail(n.line, "the loop is not recursive")
		}
		return e.capture(func() error { return e.loop(f.n, args[0], f.depth+1) })
	case undefined:
		return nil, fail(n.line, "%s", f.what)
	}
	return nil, fail(n.line, "%q object is not callable", typeName(f))
}

// attr is x.name: an attribute, or else an item.
func (e *evaluator) attr(of any, name string) (any, error) {
	if u, ok := of.(undefined); ok {
		return nil, fail(e.line, "%s", u.what)
	}
	if s, ok := of.(*loopState); ok {
		if v, ok := s.attr(name); ok {
			return v, nil
		}
	}
	if s, ok := of.(*namespace); ok {
		if v, ok := s.values.Get(name); ok {
			return v, nil
		}
	}
	if v, ok, err := e.method(of, name); ok || err != nil {
		return v, err
	}
	if d, ok := of.(*Dict); ok {
		if v, ok := d.Get(name); ok {
			return v, nil
		}
	}
	if strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") {
		return unsafe(name, typeName(of)), nil
	}
	return undefined{"'" + typeName(of) + " object' has no attribute '" + name + "'"}, nil
}

// index is x[index]: an item, or else an attribute.
func (e *evaluator) index(of, index any) (any, error) {
	missing := undefined{"'" + typeName(of) + " object' has no element " + repr(index)}
	switch x := of.(type) {
	case undefined:
		return nil, fail(e.line, "%s", x.what)
	case *Dict:
		if v, ok := x.Get(index); ok {
			return v, nil
		}
	case *List, string:
		if n, ok := number(index); ok {
			i, ok := n.(int64)
			if !ok {
				return missing, nil
			}
			if s, isString := x.(string); isString {
				runes := []rune(s)
				if i < 0 {
					i += int64(len(runes))
				}
				if i < 0 || i >= int64(len(runes)) {
					return missing, nil
				}
				return string(runes[i]), nil
			}
			items := x.(*List).Items
			if i < 0 {
				i += int64(len(items))
			}
			if i < 0 || i >= int64(len(items)) {
				return missing, nil
			}
			return items[i], nil
		}
	}
	if name, ok := index.(string); ok {
		return e.attr(of, name)
	}
	return missing, nil
}

func (e *evaluator) slice(of any, n *sliceNode) (any, error) {
	var bounds [3]*int64
	for i, part := range []node{n.low, n.high, n.step} {
		if part == nil {
			continue
		}
		v, err := e.eval(part)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		x, _ := number(v)
		k, ok := x.(int64)
		if !ok {
			return nil, fail(e.line, "slice indices must be integers or None")
		}
		bounds[i] = &k
	}
	var items []any
	switch x := of.(type) {
	case *List:
		items = x.Items
	case string:
		items, _ = e.iterate(x)
	case undefined:
		return nil, fail(e.line, "%s", x.what)
	default:
		return undefined{"a " + typeName(of) + " has no slices"}, nil
	}
	out, err := e.cut(items, bounds)
	if err != nil {
		return nil, err
	}
	if _, ok := of.(string); ok {
		var text strings.Builder
		for _, x := range out {
			text.WriteString(x.(string))
		}
		return text.String(), nil
	}
	return &List{out, of.(*List).tuple}, nil
}

// cut is Python's items[low:high:step].
func (e *evaluator) cut(items []any, bounds [3]*int64) ([]any, error) {
	n, step := int64(len(items)), int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, fail(e.line, "slice step cannot be zero")
	}
	low, high := int64(0), n
	if step < 0 {
		low, high = n-1, -1
	}
	clamp := func(p *int64, otherwise int64) int64 {
		if p == nil {
			return otherwise
		}
		i := *p
		if i < 0 {
			i += n
		}
		if step < 0 {
			return min(max(i, -1), n-1)
		}
		return min(max(i, 0), n)
	}
	low, high = clamp(bounds[0], low), clamp(bounds[1], high)
	var out []any
	for i := low; step > 0 && i < high || step < 0 && i > high; i += step {
		out = append(out, items[i])
		if step > n || step < -n {
			break
		}
	}
	return out, nil
}
