package chattemplate

import (
	"math"
	"strings"
)

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
		if f, ok := globals[n.name]; ok {
			return f, nil
		}
		return undefined{"'" + n.name + "' is undefined"}, nil
	case *listNode:
		items, err := e.all(n.items)
		return &List{items, n.tuple}, err
	case *dictNode:
		d := NewDict()
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
	kwargs := NewDict()
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

func (e *evaluator) unary(n *unaryNode) (any, error) {
	v, err := e.eval(n.x)
	if err != nil {
		return nil, err
	}
	if n.op == "not" {
		return !truth(v), nil
	}
	x, ok := number(v)
	if !ok {
		return nil, e.operand(n.line, n.op, v, nil)
	}
	if n.op == "+" {
		return x, nil
	}
	if i, ok := x.(int64); ok {
		return -i, nil
	}
	return -float(x), nil
}

func (e *evaluator) operand(line int, op string, a, b any) error {
	for _, v := range []any{a, b} {
		if u, ok := v.(undefined); ok {
			return fail(line, "%s", u.what)
		}
	}
	return fail(line, "unsupported operand type(s) for %s: %q and %q", op, typeName(a), typeName(b))
}

func (e *evaluator) binary(n *binaryNode) (any, error) {
	a, err := e.eval(n.x)
	if err != nil {
		return nil, err
	}
	if n.op == "and" && !truth(a) || n.op == "or" && truth(a) {
		return a, nil
	}
	b, err := e.eval(n.y)
	if err != nil {
		return nil, err
	}
	e.line = n.line
	switch n.op {
	case "and", "or":
		return b, nil
	case "~":
		return e.sized(str(a) + str(b))
	case "+":
		if s, ok := a.(string); ok {
			if t, ok := b.(string); ok {
				return e.sized(s + t)
			}
		}
		if l, ok := a.(*List); ok {
			if m, ok := b.(*List); ok && l.tuple == m.tuple {
				if e.size += 16 * (len(l.Items) + len(m.Items)); e.size > maxOutput {
					return nil, fail(n.line, "it makes more than %d bytes", maxOutput)
				}
				return &List{append(append([]any(nil), l.Items...), m.Items...), l.tuple}, nil
			}
		}
	case "*":
		if v, ok, err := e.times(a, b); ok || err != nil {
			return v, err
		}
	case "%":
		if s, ok := a.(string); ok {
			return e.percent(s, b)
		}
	}
	x, okA := number(a)
	y, okB := number(b)
	if !okA || !okB {
		return nil, e.operand(n.line, n.op, a, b)
	}
	return e.arithmetic(n, x, y)
}

// sized counts the bytes of a new text.
func (e *evaluator) sized(text string) (any, error) {
	if e.size += len(text) / 16; e.size > maxOutput || len(text) > maxOutput {
		return nil, fail(e.line, "it makes more than %d bytes", maxOutput)
	}
	return text, nil
}

// times repeats a text or a list.
func (e *evaluator) times(a, b any) (any, bool, error) {
	if _, ok := number(a); ok {
		a, b = b, a
	}
	x, _ := number(b)
	n, ok := x.(int64)
	if !ok {
		return nil, false, nil
	}
	n = max(n, 0)
	switch a := a.(type) {
	case string:
		if n > 0 && len(a) > maxOutput/int(n) {
			return nil, false, fail(e.line, "it makes more than %d bytes", maxOutput)
		}
		v, err := e.sized(strings.Repeat(a, int(n)))
		return v, true, err
	case *List:
		if n > 0 && len(a.Items) > maxRange/int(min(n, maxRange+1)) {
			return nil, false, fail(e.line, "it makes a list of more than %d items", maxRange)
		}
		out := &List{tuple: a.tuple}
		for range n {
			out.Items = append(out.Items, a.Items...)
		}
		return out, true, nil
	}
	return nil, false, nil
}

func (e *evaluator) arithmetic(n *binaryNode, x, y any) (any, error) {
	i, okI := x.(int64)
	j, okJ := y.(int64)
	ints := okI && okJ
	a, b := float(x), float(y)
	switch n.op {
	case "+":
		if ints {
			return i + j, nil
		}
		return a + b, nil
	case "-":
		if ints {
			return i - j, nil
		}
		return a - b, nil
	case "*":
		if ints {
			return i * j, nil
		}
		return a * b, nil
	case "**":
		if math.Abs(b) > 1024 {
			return nil, fail(n.line, "the exponent %v is too large", y)
		}
		return pow(x, y), nil
	}
	if b == 0 {
		return nil, fail(n.line, "division by zero")
	}
	switch n.op {
	case "/":
		return a / b, nil
	case "//":
		if ints {
			q := i / j
			if i%j != 0 && (i < 0) != (j < 0) {
				q--
			}
			return q, nil
		}
		return math.Floor(a / b), nil
	}
	if ints {
		r := i % j
		if r != 0 && (r < 0) != (j < 0) {
			r += j
		}
		return r, nil
	}
	r := math.Mod(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r, nil
}

func (e *evaluator) compare(n *compareNode) (any, error) {
	a, err := e.eval(n.x)
	if err != nil {
		return nil, err
	}
	for i, op := range n.ops {
		b, err := e.eval(n.ys[i])
		if err != nil {
			return nil, err
		}
		e.line = n.line
		yes, err := e.holds(op, a, b)
		if err != nil || !yes {
			return false, err
		}
		a = b
	}
	return true, nil
}

func (e *evaluator) holds(op string, a, b any) (bool, error) {
	switch op {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in":
		return e.contains(b, a)
	case "not in":
		yes, err := e.contains(b, a)
		return !yes, err
	}
	order, ok := compare(a, b)
	if !ok {
		return false, e.operand(e.line, op, a, b)
	}
	switch op {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

// contains reports whether item is in a value.
func (e *evaluator) contains(of, item any) (bool, error) {
	switch x := of.(type) {
	case string:
		s, ok := item.(string)
		if !ok {
			return false, fail(e.line, "'in <string>' requires string as left operand, not %s", typeName(item))
		}
		return strings.Contains(x, s), nil
	case *Dict:
		_, ok := x.Get(item)
		return ok, nil
	}
	items, err := e.iterate(of)
	if err != nil {
		return false, err
	}
	for _, x := range items {
		if equal(x, item) {
			return true, nil
		}
	}
	return false, nil
}
