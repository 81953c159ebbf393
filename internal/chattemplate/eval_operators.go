package chattemplate

import (
	"math"
	"strings"
)

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
