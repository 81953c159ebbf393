package pyjson

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays nest.
const maxDepth = 500

// Parse parses a JSON text as Python's json.load does, NaN, Infinity and
// -Infinity included. It keeps what encoding/json loses: the order of keys and
// whether a number is an integer. A byte order mark is skipped.
//
// Values are nil, bool, int, float64, string, Object, or Raw for
// integers beyond int. Arrays of one kind are []float64, []int, []string or
// [][]float64, others []any.
func Parse(text []byte) (any, error) {
	p := parser{text: bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.unexpected()
	}
	return v, nil
}

// ParseAll parses the values that follow each other in a text, as in JSON Lines. With the
// error are the values before it.
func ParseAll(text []byte) (values []any, err error) {
	p := parser{text: bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))}
	for p.space(); p.at < len(p.text); p.space() {
		v, err := p.value(0)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

type parser struct {
	text []byte
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

// unexpected is the error of the byte at the current position.
func (p *parser) unexpected() error {
	if p.at >= len(p.text) {
		return errors.New("the JSON text ends early")
	}
	return fmt.Errorf("unexpected %q at byte %d of the JSON text", p.text[p.at], p.at)
}

// constants are the values that are written as words.
var constants = []struct {
	word  string
	value any
}{
	{"null", nil}, {"true", true}, {"false", false},
	{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
}

func (p *parser) value(depth int) (any, error) {
	if p.at >= len(p.text) {
		return nil, p.unexpected()
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d levels of nesting at byte %d of the JSON text", maxDepth, p.at)
	}
	switch p.text[p.at] {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.str()
	}
	for _, c := range constants {
		if bytes.HasPrefix(p.text[p.at:], []byte(c.word)) {
			p.at += len(c.word)
			return c.value, nil
		}
	}
	return p.number()
}

// digits skips digits and reports whether there were any.
func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *parser) skip(any string) bool {
	if p.at < len(p.text) && strings.IndexByte(any, p.text[p.at]) >= 0 {
		p.at++
		return true
	}
	return false
}

func (p *parser) number() (any, error) {
	start, whole := p.at, true
	p.skip("-")
	if first := p.at; !p.digits() || p.text[first] == '0' && p.at > first+1 {
		return nil, p.unexpected()
	}
	if p.skip(".") {
		if whole = false; !p.digits() {
			return nil, p.unexpected()
		}
	}
	if p.skip("eE") {
		whole = false
		if p.skip("+-"); !p.digits() {
			return nil, p.unexpected()
		}
	}
	token := string(p.text[start:p.at])
	if !whole {
		f, _ := strconv.ParseFloat(token, 64) // out of range: an infinity, as in Python
		return f, nil
	}
	if i, err := strconv.Atoi(token); err == nil {
		return i, nil
	}
	return Raw(token), nil
}

// str parses a string. Lone surrogates become three bytes (WTF-8), which
// Append writes back as they were; bytes that are not UTF-8 become U+FFFD.
func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= 0x20 && p.text[p.at] < utf8.RuneSelf && p.text[p.at] != '"' && p.text[p.at] != '\\' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] == '"' {
		p.at++
		return string(p.text[start : p.at-1]), nil
	}
	out := append([]byte(nil), p.text[start:p.at]...)
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return string(out), nil
		case c < 0x20:
			return "", p.unexpected()
		case c == '\\':
			var err error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
		default:
			r, size := utf8.DecodeRune(p.text[p.at:])
			out = utf8.AppendRune(out, r)
			p.at += size
		}
	}
	return "", p.unexpected()
}

func (p *parser) escape(out []byte) ([]byte, error) {
	p.at++
	if p.at >= len(p.text) {
		return nil, p.unexpected()
	}
	c := p.text[p.at]
	if at := strings.IndexByte(`"\/bfnrt`, c); at >= 0 {
		p.at++
		return append(out, "\"\\/\b\f\n\r\t"[at]), nil
	}
	if c != 'u' {
		return nil, p.unexpected()
	}
	p.at++
	r, err := p.hex4()
	if err != nil {
		return nil, err
	}
	if utf16.IsSurrogate(r) && bytes.HasPrefix(p.text[p.at:], []byte(`\u`)) {
		before := p.at
		p.at += 2
		second, err := p.hex4()
		if err != nil {
			return nil, err
		}
		if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
			return utf8.AppendRune(out, pair), nil
		}
		p.at = before
	}
	if utf16.IsSurrogate(r) {
		return append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0xbf, 0x80|byte(r)&0xbf), nil
	}
	return utf8.AppendRune(out, r), nil
}

func (p *parser) hex4() (rune, error) {
	if p.at+4 > len(p.text) {
		p.at = len(p.text)
		return 0, p.unexpected()
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, p.unexpected()
	}
	p.at += 4
	return rune(n), nil
}

// object parses an object. Of a key that occurs twice the last value counts, in
// the place of the first, as in a Python dict.
func (p *parser) object(depth int) (any, error) {
	p.at++
	o := Object{}
	index := map[string]int{}
	for p.space(); !p.skip("}"); p.space() {
		if len(o) > 0 {
			if !p.skip(",") {
				return nil, p.unexpected()
			}
			p.space()
		}
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, p.unexpected()
		}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.skip(":") {
			return nil, p.unexpected()
		}
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if at, twice := index[key]; twice {
			o[at].Value = v
			continue
		}
		index[key] = len(o)
		o = append(o, Member{Key: key, Value: v})
	}
	return o, nil
}

func (p *parser) array(depth int) (any, error) {
	p.at++
	var all array
	for p.space(); !p.skip("]"); p.space() {
		if all.n > 0 {
			if !p.skip(",") {
				return nil, p.unexpected()
			}
			p.space()
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		all.add(v)
	}
	return all.slice(), nil
}

// array collects values, without boxing them as long as they are of one kind.
type array struct {
	n       int
	ints    []int
	floats  []float64
	strings []string
	gaps    [][]float64
	mixed   []any
}

func (a *array) add(v any) {
	a.n++
	switch v := v.(type) {
	case int:
		if len(a.ints) == a.n-1 {
			a.ints = append(a.ints, v)
			return
		}
	case float64:
		if len(a.floats) == a.n-1 {
			a.floats = append(a.floats, v)
			return
		}
	case string:
		if len(a.strings) == a.n-1 {
			a.strings = append(a.strings, v)
			return
		}
	case []float64:
		if len(a.gaps) == a.n-1 {
			a.gaps = append(a.gaps, v)
			return
		}
	case []any:
		if len(v) == 0 && len(a.gaps) == a.n-1 { // a request without gaps
			a.gaps = append(a.gaps, nil)
			return
		}
	}
	a.mixed = append(a.boxed(), v)
}

// boxed moves what has been collected to mixed.
func (a *array) boxed() []any {
	if a.mixed != nil || a.n == 1 {
		return a.mixed
	}
	out := make([]any, 0, a.n)
	for _, v := range a.ints {
		out = append(out, v)
	}
	for _, v := range a.floats {
		out = append(out, v)
	}
	for _, v := range a.strings {
		out = append(out, v)
	}
	for _, v := range a.gaps {
		out = append(out, v)
	}
	a.ints, a.floats, a.strings, a.gaps = nil, nil, nil, nil
	return out
}

func (a *array) slice() any {
	switch {
	case a.n == 0:
		return []any{}
	case a.mixed != nil:
		return a.mixed
	case a.ints != nil:
		return a.ints
	case a.floats != nil:
		return a.floats
	case a.strings != nil:
		return a.strings
	}
	return a.gaps
}
