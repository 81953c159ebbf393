package chattemplate

import (
	"bytes"
	"encoding/json"
	"errors"
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

// NewDict returns an empty dictionary.
func NewDict() *Dict { return &Dict{values: map[any]any{}} }

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

// ParseValue reads a JSON text with the order of its keys.
func ParseValue(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err == nil {
		return nil, errors.New("there is more after the JSON value")
	}
	return v, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errors.New("it is nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(string(t), 10, 64); err == nil {
			return n, nil
		}
		x, err := t.Float64()
		return x, err
	case json.Delim:
		if t == '[' {
			list := &List{}
			for d.More() {
				v, err := decodeValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				list.Items = append(list.Items, v)
			}
			_, err := d.Token()
			return list, err
		}
		dict := NewDict()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			dict.Set(key, v)
		}
		_, err := d.Token()
		return dict, err
	}
	return t, nil // a string, a bool or nil
}

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
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return pyjson.FormatFloat(v)
	case string:
		return quote(v)
	case undefined:
		return "Undefined"
	case *List:
		parts := make([]string, len(v.Items))
		for i, x := range v.Items {
			parts[i] = repr(x)
		}
		inner := strings.Join(parts, ", ")
		switch {
		case !v.tuple:
			return "[" + inner + "]"
		case len(parts) == 1:
			return "(" + inner + ",)"
		}
		return "(" + inner + ")"
	case *Dict:
		parts := make([]string, len(v.keys))
		for i, key := range v.keys {
			parts[i] = repr(key) + ": " + repr(v.values[hashed(key)])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *namespace:
		return "<Namespace " + repr(v.values) + ">"
	case *function:
		return "<function " + v.name + ">"
	}
	return ""
}

// quote is Python's repr of a string.
func quote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	out := []byte{q}
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
	return string(append(out, q))
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

func equal(a, b any) bool {
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
			if !equal(a.Items[i], l.Items[i]) {
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
			if !ok || !equal(a.values[hashed(key)], v) {
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

// toJSON is json.dumps of a value as transformers calls it.
type jsonStyle struct {
	indent      string
	item, key   string
	ascii, sort bool
	pretty      bool
}

func (j *jsonStyle) append(dst []byte, v any, depth int) ([]byte, error) {
	newline := func(depth int) {
		if j.pretty {
			dst = append(dst, '\n')
			dst = append(dst, strings.Repeat(j.indent, depth)...)
		}
	}
	var err error
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return pyjson.AppendFloat(dst, v), nil
	case string:
		return j.appendString(dst, v), nil
	case *List:
		if len(v.Items) == 0 {
			return append(dst, "[]"...), nil
		}
		dst = append(dst, '[')
		for i, x := range v.Items {
			if i > 0 {
				dst = append(dst, j.item...)
			}
			newline(depth + 1)
			if dst, err = j.append(dst, x, depth+1); err != nil {
				return nil, err
			}
		}
		newline(depth)
		return append(dst, ']'), nil
	case *Dict:
		return j.appendDict(dst, v, depth)
	}
	return nil, errors.New("a value of type " + typeName(v) + " is not JSON")
}

func (j *jsonStyle) appendDict(dst []byte, v *Dict, depth int) ([]byte, error) {
	if len(v.keys) == 0 {
		return append(dst, "{}"...), nil
	}
	keys := v.keys
	if j.sort {
		keys = sortedKeys(keys)
	}
	var err error
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, j.item...)
		}
		if j.pretty {
			dst = append(append(dst, '\n'), strings.Repeat(j.indent, depth+1)...)
		}
		name, ok := key.(string)
		if !ok {
			plain, err := (&jsonStyle{item: ", ", key: ": "}).append(nil, key, 0)
			if err != nil {
				return nil, err
			}
			name = string(plain)
		}
		dst = append(j.appendString(dst, name), j.key...)
		if dst, err = j.append(dst, v.values[hashed(key)], depth+1); err != nil {
			return nil, err
		}
	}
	if j.pretty {
		dst = append(append(dst, '\n'), strings.Repeat(j.indent, depth)...)
	}
	return append(dst, '}'), nil
}

func (j *jsonStyle) appendString(dst []byte, s string) []byte {
	if j.ascii {
		return pyjson.AppendString(dst, s)
	}
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
