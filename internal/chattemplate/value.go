package chattemplate

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"loadgen/internal/pyjson"
)

// Values are nil, bool, int64, float64, string, *List, *Dict, undefined,
// *function and *namespace.

// List is a list or a tuple of Python's.
type List struct {
	Items []any
	tuple bool
}

// Dict is a dictionary of Python's, in the order of its keys.
type Dict struct {
	keys   []any
	values map[any]any
}

// newDict returns an empty dictionary.
func newDict() *Dict { return &Dict{values: map[any]any{}} }

// Get returns the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	v, ok := d.values[hashed(key)]
	return v, ok
}

// Set sets the value of a key.
func (d *Dict) Set(key, value any) {
	h := hashed(key)
	if _, ok := d.values[h]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[h] = value
}

// hashed is what keys that are equal have in common.
func hashed(key any) any {
	switch k := key.(type) {
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<53 {
			return int64(k)
		}
	case *List:
		return repr(k)
	}
	return key
}

type undefined struct{ what string }

type function struct {
	name string
	call func(e *evaluator, args []any, kwargs *Dict) (any, error)
}

type namespace struct{ values *Dict }

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// str is Python's str of a value.
func str(v any) string {
	switch v := v.(type) {
	case undefined:
		return ""
	case string:
		return v
	}
	return repr(v)
}

// repr is Python's repr of a value.
func repr(v any) string { return string(new(walk).repr(nil, v)) }

func (w *walk) repr(dst []byte, v any) []byte {
	w.enter()
	defer w.leave()
	if len(dst) > maxOutput {
		panic(tooBig{})
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return append(dst, pyjson.FormatFloat(v)...)
	case string:
		return appendQuoted(dst, v)
	case undefined:
		return append(dst, "Undefined"...)
	case *List:
		return w.reprList(dst, v)
	case *Dict:
		dst = append(dst, '{')
		for i, key := range v.keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(w.repr(dst, key), ": "...)
			dst = w.repr(dst, v.values[hashed(key)])
		}
		return append(dst, '}')
	case *namespace:
		return append(w.repr(append(dst, "<Namespace "...), v.values), '>')
	case *function:
		return append(append(append(dst, "<function "...), v.name...), '>')
	}
	return dst
}

func (w *walk) reprList(dst []byte, l *List) []byte {
	open, end := "[", "]"
	switch {
	case l.tuple && len(l.Items) == 1:
		open, end = "(", ",)"
	case l.tuple:
		open, end = "(", ")"
	}
	dst = append(dst, open...)
	for i, x := range l.Items {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = w.repr(dst, x)
	}
	return append(dst, end...)
}

// appendQuoted appends Python's repr of a string.
func appendQuoted(out []byte, s string) []byte {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	out = append(out, q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r < ' ' || r == 0x7f:
			out = append(out, `\x`...)
			out = append(out, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		case r >= 0x80 && !unicode.IsPrint(r):
			text := strconv.FormatInt(int64(r), 16)
			switch {
			case r <= 0xff:
				out = append(out, `\x`...)
			case r <= 0xffff:
				out = append(append(out, `\u`...), "0000"[len(text):]...)
			default:
				out = append(append(out, `\U`...), "00000000"[len(text):]...)
			}
			out = append(out, text...)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, q)
}

// number returns a value as a number: int64 or float64.
func number(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case int64, float64:
		return v, true
	}
	return nil, false
}

func float(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func equal(a, b any) bool { return new(walk).equal(a, b) }

func (w *walk) equal(a, b any) bool {
	w.enter()
	defer w.leave()
	if x, ok := number(a); ok {
		y, ok := number(b)
		if !ok {
			return false
		}
		if i, ok := x.(int64); ok {
			if j, ok := y.(int64); ok {
				return i == j
			}
		}
		return float(x) == float(y)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && s == a
	case undefined:
		_, ok := b.(undefined)
		return ok
	case *List:
		l, ok := b.(*List)
		if !ok || len(l.Items) != len(a.Items) || l.tuple != a.tuple {
			return false
		}
		for i := range a.Items {
			if !w.equal(a.Items[i], l.Items[i]) {
				return false
			}
		}
		return true
	case *Dict:
		d, ok := b.(*Dict)
		if !ok || len(d.keys) != len(a.keys) {
			return false
		}
		for _, key := range a.keys {
			v, ok := d.Get(key)
			if !ok || !w.equal(a.values[hashed(key)], v) {
				return false
			}
		}
		return true
	}
	return a == b
}

// compare orders two values; ok is false where Python cannot.
func compare(a, b any) (order int, ok bool) {
	if x, isNumber := number(a); isNumber {
		y, ok := number(b)
		if !ok {
			return 0, false
		}
		switch d := float(x) - float(y); {
		case d < 0:
			return -1, true
		case d > 0:
			return 1, true
		}
		return 0, true
	}
	if s, isString := a.(string); isString {
		t, ok := b.(string)
		return strings.Compare(s, t), ok
	}
	l, okA := a.(*List)
	m, okB := b.(*List)
	if !okA || !okB {
		return 0, false
	}
	for i := range min(len(l.Items), len(m.Items)) {
		if !equal(l.Items[i], m.Items[i]) {
			return compare(l.Items[i], m.Items[i])
		}
	}
	return len(l.Items) - len(m.Items), true
}

// typeName is what Python calls the type of a value.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case *List:
		if v.tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case undefined:
		return "undefined value"
	}
	return "object"
}
