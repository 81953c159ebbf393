package chattemplate

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"loadgen/internal/pyjson"
)

// parseValue reads a JSON text with the order of its keys.
func parseValue(data []byte) (any, error) {
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
		dict := newDict()
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

// toJSON is json.dumps of a value as transformers calls it.
type jsonStyle struct {
	indent      string
	item, key   string
	ascii, sort bool
	pretty      bool
	walk        walk
}

func (j *jsonStyle) append(dst []byte, v any, depth int) ([]byte, error) {
	j.walk.enter()
	defer j.walk.leave()
	if len(dst)+(len(j.indent)+len(j.item)+len(j.key))*(depth+1) > maxOutput {
		panic(tooBig{})
	}
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
