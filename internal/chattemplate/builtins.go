package chattemplate

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"loadgen/internal/lazy"
)

type testFunc func(e *evaluator, v any, args []any) (bool, error)

func (e *evaluator) test(n *callNode) (any, error) {
	v, err := e.eval(n.of)
	if err != nil {
		return nil, err
	}
	args, _, err := e.arguments(n)
	if err != nil {
		return nil, err
	}
	e.line = n.line
	yes, err := tests()[n.name](e, v, args)
	return yes != n.negate, err
}

func is(f func(v any) bool) testFunc {
	return func(_ *evaluator, v any, _ []any) (bool, error) { return f(v), nil }
}

func ordered(op string) testFunc {
	return func(e *evaluator, v any, args []any) (bool, error) {
		if len(args) != 1 {
			return false, fail(e.line, "the test takes one argument")
		}
		return e.holds(op, v, args[0])
	}
}

func remainder(want func(n, by int64) bool) testFunc {
	return func(e *evaluator, v any, args []any) (bool, error) {
		by := int64(2)
		if len(args) > 0 {
			by, _ = args[0].(int64)
		}
		n, ok := v.(int64)
		if !ok || by == 0 {
			return false, fail(e.line, "the test needs whole numbers")
		}
		return want(n, by), nil
	}
}

func typeIs[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

var testTable lazy.Value[map[string]testFunc]

func tests() map[string]testFunc { return testTable.Get(newTests) }

func newTests() map[string]testFunc {
	all := map[string]testFunc{
		"defined": is(func(v any) bool { return !typeIs[undefined](v) }), "undefined": is(typeIs[undefined]),
		"none": is(func(v any) bool { return v == nil }), "boolean": is(typeIs[bool]), "string": is(typeIs[string]), "mapping": is(typeIs[*Dict]),
		"true": is(func(v any) bool { return v == true }), "false": is(func(v any) bool { return v == false }),
		"integer": is(typeIs[int64]), "float": is(typeIs[float64]),
		"number": is(func(v any) bool { _, ok := number(v); return ok }),
		"iterable": is(func(v any) bool {
			return typeIs[string](v) || typeIs[*List](v) || typeIs[*Dict](v) || typeIs[undefined](v)
		}),
		"sequence": is(func(v any) bool {
			return typeIs[string](v) || typeIs[*List](v) || typeIs[*Dict](v) || typeIs[undefined](v)
		}),
		"callable": is(func(v any) bool { return typeIs[*function](v) || typeIs[*loopState](v) }),
		"escaped":  is(func(any) bool { return false }),
		"upper": is(func(v any) bool {
			s := str(v)
			return strings.ToUpper(s) == s && strings.IndexFunc(s, unicode.IsUpper) >= 0
		}),
		"lower": is(func(v any) bool {
			s := str(v)
			return strings.ToLower(s) == s && strings.IndexFunc(s, unicode.IsLower) >= 0
		}),
		"odd": remainder(func(n, _ int64) bool { return n%2 != 0 }), "even": remainder(func(n, _ int64) bool { return n%2 == 0 }),
		"divisibleby": remainder(func(n, by int64) bool { return n%by == 0 }),
		"in":          ordered("in"),
		"sameas":      func(_ *evaluator, v any, args []any) (bool, error) { return len(args) == 1 && same(v, args[0]), nil },
		"filter":      is(func(v any) bool { _, ok := filters()[str(v)]; return ok }),
		"test":        is(func(v any) bool { _, ok := tests()[str(v)]; return ok }),
	}
	for op, names := range map[string]string{"==": "eq equalto ==", "!=": "ne !=", "<": "lt lessthan <", "<=": "le <=", ">": "gt greaterthan >", ">=": "ge >="} {
		for _, name := range strings.Fields(names) {
			all[name] = ordered(op)
		}
	}
	return all
}

// same reports whether two values are one object, as far as that can be told.
func same(a, b any) bool {
	return typeName(a) == typeName(b) && a == b
}

var globalTable lazy.Value[map[string]*function]

func globals() map[string]*function { return globalTable.Get(newGlobals) }

func newGlobals() map[string]*function {
	return map[string]*function{
		"range":     {"range", rangeOf},
		"namespace": {"namespace", func(e *evaluator, args []any, kwargs *Dict) (any, error) { return newNamespace(args, kwargs), nil }},
		"dict": {"dict", func(e *evaluator, args []any, kwargs *Dict) (any, error) {
			return newNamespace(args, kwargs).values, nil
		}},
		"raise_exception": {"raise_exception", func(_ *evaluator, args []any, _ *Dict) (any, error) {
			message := ""
			if len(args) > 0 {
				message = str(args[0])
			}
			return nil, &RaisedError{message}
		}},
		"strftime_now": {"strftime_now", func(e *evaluator, args []any, _ *Dict) (any, error) {
			format, err := e.text(args, 0, "")
			if err != nil {
				return nil, err
			}
			return strftime(e.now(), format), nil
		}},
		"joiner": {"joiner", func(e *evaluator, args []any, _ *Dict) (any, error) {
			sep, err := e.text(args, 0, ", ")
			used := false
			return &function{"joiner", func(*evaluator, []any, *Dict) (any, error) {
				if !used {
					used = true
					return "", nil
				}
				return sep, nil
			}}, err
		}},
		"cycler": {"cycler", func(e *evaluator, args []any, _ *Dict) (any, error) {
			if len(args) == 0 {
				return nil, fail(e.line, "at least one item has to be provided")
			}
			i := -1
			n := newDict()
			n.Set("next", &function{"next", func(*evaluator, []any, *Dict) (any, error) {
				i++
				return args[i%len(args)], nil
			}})
			return &namespace{n}, nil
		}},
	}
}

func newNamespace(args []any, kwargs *Dict) *namespace {
	d := newDict()
	for _, from := range append(args, kwargs) {
		if x, ok := from.(*Dict); ok {
			for _, key := range x.keys {
				d.Set(key, x.values[hashed(key)])
			}
		}
	}
	return &namespace{d}
}

func rangeOf(e *evaluator, args []any, _ *Dict) (any, error) {
	bounds := []int64{0, 0, 1}
	if len(args) < 1 || len(args) > 3 {
		return nil, fail(e.line, "range expected 1 to 3 arguments, got %d", len(args))
	}
	for i, a := range args {
		x, _ := number(a)
		n, ok := x.(int64)
		if !ok {
			return nil, fail(e.line, "%q object cannot be interpreted as an integer", typeName(a))
		}
		if len(args) == 1 {
			i = 1
		}
		bounds[i] = n
	}
	low, high, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, fail(e.line, "range() arg 3 must not be zero")
	}
	out := &List{}
	if count := math.Ceil((float64(high) - float64(low)) / float64(step)); count > maxRange {
		return nil, fail(e.line, "range too big: at most %d items", maxRange)
	}
	for i := low; step > 0 && i < high || step < 0 && i > high; i += step {
		out.Items = append(out.Items, i)
	}
	return out, nil
}

// percent is Python's s % v.
func (e *evaluator) percent(s string, v any) (any, error) {
	args := []any{v}
	if l, ok := v.(*List); ok && l.tuple {
		args = l.Items
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out.WriteByte(s[i])
			continue
		}
		end := i + 1
		var arg any
		given := false
		if end < len(s) && s[end] == '(' {
			close := strings.IndexByte(s[end:], ')')
			d, ok := v.(*Dict)
			if close < 0 || !ok {
				return nil, fail(e.line, "format requires a mapping")
			}
			if arg, given = d.Get(s[end+1 : end+close]); !given {
				return nil, fail(e.line, "the format has no value for %q", s[end+1:end+close])
			}
			end += close + 1
		}
		start := end
		for end < len(s) && strings.IndexByte("0123456789.-+ #", s[end]) >= 0 {
			end++
		}
		if end == len(s) || end-start > 8 {
			return nil, fail(e.line, "incomplete format")
		}
		verb, flags := s[end], s[start:end]
		i = end
		if verb == '%' {
			out.WriteByte('%')
			continue
		}
		if !given {
			if len(args) == 0 {
				return nil, fail(e.line, "not enough arguments for format string")
			}
			arg, args = args[0], args[1:]
		}
		text, err := e.verb(verb, flags, arg)
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
	}
	return e.sized(out.String())
}

func (e *evaluator) verb(verb byte, flags string, arg any) (string, error) {
	switch verb {
	case 's':
		return fmt.Sprintf("%"+flags+"s", str(arg)), nil
	case 'r':
		return fmt.Sprintf("%"+flags+"s", repr(arg)), nil
	}
	x, ok := number(arg)
	if !ok {
		return "", fail(e.line, "%%%c format: a number is required, not %s", verb, typeName(arg))
	}
	switch verb {
	case 'd', 'i':
		return fmt.Sprintf("%"+flags+"d", int64(float(x))), nil
	case 'x', 'X', 'o':
		return fmt.Sprintf("%"+flags+string(verb), int64(float(x))), nil
	case 'f', 'e', 'g':
		return fmt.Sprintf("%"+flags+string(verb), float(x)), nil
	}
	return "", fail(e.line, "unsupported format character %q", verb)
}

// strftime is Python's of a time.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'm': "01", 'y': "06", 'Y': "2006", 'H': "15", 'I': "03",
		'M': "04", 'S': "05", 'p': "PM", 'Z': "MST", 'z': "-0700", 'D': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
		'e': "_2", 'h': "Jan", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
	}
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		unpadded := false
		if format[i] == '-' && i+1 < len(format) {
			unpadded = true
			i++
		}
		text := ""
		switch c := format[i]; c {
		case '%':
			text = "%"
		case 'j':
			text = fmt.Sprintf("%03d", t.YearDay())
		case 'f':
			text = fmt.Sprintf("%06d", t.Nanosecond()/1000)
		case 'w':
			text = fmt.Sprint(int(t.Weekday()))
		case 'u':
			text = fmt.Sprint((int(t.Weekday())+6)%7 + 1)
		case 's':
			text = fmt.Sprint(t.Unix())
		default:
			if layout, ok := layouts[c]; ok {
				text = t.Format(layout)
			} else {
				text = format[i-1 : i+1]
			}
		}
		if unpadded {
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		out.WriteString(text)
	}
	return out.String()
}
