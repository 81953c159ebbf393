// Package pyjson reads and writes values as Python does: JSON as json.dumps writes it
// (ASCII, ", " and ": "), floats as repr does.
package pyjson

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// Member is one key of an Object.
type Member struct {
	Key   string
	Value any
}

// Object is a JSON object whose keys keep their order.
type Object []Member

// Get returns the value of a key, nil where it is not there.
func (o Object) Get(key string) any {
	for _, m := range o {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// Set sets a key as a Python dict does: in its place if it is there, else at the end.
func (o *Object) Set(key string, value any) {
	for i := range *o {
		if (*o)[i].Key == key {
			(*o)[i].Value = value
			return
		}
	}
	*o = append(*o, Member{key, value})
}

// Raw is JSON text that is written as it is.
type Raw string

// Append appends v: nil, bool, int, float64, string, *big.Int, Raw, Object,
// pointers to these, and slices. Any other type is a programming error and
// panics.
func Append(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case *big.Int:
		if v == nil {
			return append(dst, "null"...)
		}
		return v.Append(dst, 10)
	case float64:
		return AppendFloat(dst, v)
	case string:
		return AppendString(dst, v)
	case Raw:
		return append(dst, v...)
	case *int:
		return appendPointer(dst, v)
	case *float64:
		return appendPointer(dst, v)
	case *string:
		return appendPointer(dst, v)
	case []int:
		return appendSlice(dst, v)
	case []float64:
		return appendSlice(dst, v)
	case [][]float64:
		return appendSlice(dst, v)
	case []string:
		return appendSlice(dst, v)
	case []Object:
		return appendSlice(dst, v)
	case []any:
		return appendSlice(dst, v)
	case Object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendString(dst, m.Key)
			dst = append(dst, ": "...)
			dst = Append(dst, m.Value)
		}
		return append(dst, '}')
	default:
		panic(fmt.Sprintf("pyjson: no JSON for %T", v))
	}
}

func appendPointer[T any](dst []byte, p *T) []byte {
	if p == nil {
		return append(dst, "null"...)
	}
	return Append(dst, *p)
}

func appendSlice[T any](dst []byte, values []T) []byte {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = Append(dst, v)
	}
	return append(dst, ']')
}

const hex = "0123456789abcdef"

// AppendString appends s quoted in ASCII: everything else as \u and four digits, beyond the
// basic plane as a surrogate pair. A lone surrogate in three bytes (WTF-8) stays
// one; other bytes that are not UTF-8 become \ufffd.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0 // of the run of bytes that stand for themselves
	for i := 0; i < len(s); {
		c := s[i]
		if 0x20 <= c && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		size := 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		default:
			var r rune
			switch r, size = decodeRune(s[i:]); {
			case r == utf8.RuneError && size == 1:
				r = 0xdc00 + rune(c)
			case r >= 0x10000:
				r -= 0x10000
				dst = appendEscape(dst, 0xd800+r>>10)
				r = 0xdc00 + r&0x3ff
			}
			dst = appendEscape(dst, r)
		}
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// decodeRune decodes one code point, surrogates in three bytes too.
func decodeRune(s string) (r rune, size int) {
	if len(s) > 2 && s[0] == 0xed && 0xa0 <= s[1] && s[1] <= 0xbf && 0x80 <= s[2] && s[2] <= 0xbf {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return utf8.DecodeRuneInString(s)
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// AppendFloat appends f as json.dumps does: repr, or NaN, Infinity, -Infinity.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return appendRepr(dst, f)
}

// FormatFloat is Python's str of a float: 200.0, 1e-07, inf, nan.
func FormatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return string(appendRepr(nil, f))
}

// appendRepr appends the shortest text that reads back as f, with an exponent
// below 1e-4 and from 1e16 on.
func appendRepr(dst []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}
