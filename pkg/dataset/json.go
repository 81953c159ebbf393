package dataset

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Values of JSON are nil, bool, number, string, []any and object. They are read
// as Python's json module reads them: keys are matched exactly, of equal keys
// the last counts, NaN and Infinity are numbers, and an unpaired surrogate is
// kept (three bytes, WTF-8) until somebody needs the text.

// number is a JSON number as it is written.
type number string

// object is a JSON object in the order of its members.
type object []member

type member struct {
	key   string
	value any
	raw   []byte // the value as it is written; nil if it comes from no JSON text
}

// get returns the value of the last member named key.
func (o object) get(key string) (any, bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].key == key {
			return o[i].value, true
		}
	}
	return nil, false
}

// kindOf names a value for a message.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case number:
		return "the number " + string(v)
	case string:
		return "the text " + shorten(v)
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case object:
		return fmt.Sprintf("an object of %d members", len(v))
	}
	return "something else"
}

// syntaxError is where and why a text is not JSON.
type syntaxError struct {
	offset int
	text   string
}

const maxDepth = 500

// parseJSON reads one JSON value with nothing but white space around it.
func parseJSON(text []byte) (any, *syntaxError) {
	p := parser{s: text}
	p.space()
	v := p.value(0)
	if p.err == nil {
		p.space()
		if p.i < len(p.s) {
			p.fail("text after the end of the value")
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	return v, nil
}

type parser struct {
	s   []byte
	i   int
	err *syntaxError
}

func (p *parser) fail(text string) {
	if p.err == nil {
		p.err = &syntaxError{min(p.i, len(p.s)), text}
		p.i = len(p.s)
	}
}

// found names what stands at the parser's place.
func (p *parser) found() string {
	if p.i >= len(p.s) {
		return "the end"
	}
	r, _ := utf8.DecodeRune(p.s[p.i:])
	return strconv.QuoteRune(r)
}

func (p *parser) space() {
	for p.i < len(p.s) && isSpace(p.s[p.i]) {
		p.i++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) value(depth int) any {
	if depth > maxDepth {
		p.fail(fmt.Sprintf("more than %d levels of nesting", maxDepth))
		return nil
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '"':
		return p.text()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, word := range [...]struct {
		name  string
		value any
	}{{"null", nil}, {"true", true}, {"false", false}, {"NaN", number("NaN")}, {"Infinity", number("Infinity")}} {
		if bytes.HasPrefix(p.s[p.i:], []byte(word.name)) {
			p.i += len(word.name)
			return word.value
		}
	}
	p.fail("found " + p.found() + " where a value should be")
	return nil
}

func (p *parser) object(depth int) any {
	var out object
	p.i++
	for p.space(); p.peek() != '}'; p.space() {
		if len(out) > 0 {
			if p.peek() != ',' {
				p.fail("found " + p.found() + ` where "," or "}" should be`)
				return nil
			}
			p.i++
			p.space()
		}
		if p.peek() != '"' {
			p.fail("found " + p.found() + " where a key in quotes should be")
			return nil
		}
		key := p.text()
		p.space()
		if p.peek() != ':' {
			p.fail("found " + p.found() + ` where ":" should be`)
			return nil
		}
		p.i++
		p.space()
		start := p.i
		value := p.value(depth + 1)
		if p.err != nil {
			return nil
		}
		out = append(out, member{key, value, p.s[start:p.i]})
	}
	p.i++
	return out
}

func (p *parser) list(depth int) any {
	out := []any{}
	p.i++
	for p.space(); p.peek() != ']'; p.space() {
		if len(out) > 0 {
			if p.peek() != ',' {
				p.fail("found " + p.found() + ` where "," or "]" should be`)
				return nil
			}
			p.i++
			p.space()
		}
		out = append(out, p.value(depth+1))
		if p.err != nil {
			return nil
		}
	}
	p.i++
	return out
}

func (p *parser) number() any {
	start := p.i
	digits := func() bool {
		from := p.i
		for '0' <= p.peek() && p.peek() <= '9' {
			p.i++
		}
		return p.i > from
	}
	if p.peek() == '-' {
		p.i++
		if bytes.HasPrefix(p.s[p.i:], []byte("Infinity")) {
			p.i += len("Infinity")
			return number("-Infinity")
		}
	}
	ok := true
	if p.peek() == '0' {
		p.i++
	} else {
		ok = digits()
	}
	if ok && p.peek() == '.' {
		p.i++
		ok = digits()
	}
	if ok && p.peek()|0x20 == 'e' {
		p.i++
		if c := p.peek(); c == '+' || c == '-' {
			p.i++
		}
		ok = digits()
	}
	if !ok {
		p.fail("found " + p.found() + " in a number")
	}
	return number(p.s[start:min(p.i, len(p.s))])
}

// text reads a string in quotes.
func (p *parser) text() string {
	p.i++
	start := p.i
	var out []byte // nil as long as the text is just as it is written
	for {
		n := bytes.IndexAny(p.s[p.i:], "\"\\")
		if n < 0 {
			p.i = start - 1
			p.fail("the text that begins here has no closing quote")
			return ""
		}
		for k, c := range p.s[p.i : p.i+n] {
			if c < 0x20 {
				p.i += k
				p.fail(fmt.Sprintf("control character %#02x in a text (write \\n, \\t or \\u%04x)", c, c))
				return ""
			}
		}
		piece := p.s[p.i : p.i+n]
		p.i += n + 1
		if p.s[p.i-1] == '"' {
			if out == nil {
				return string(piece)
			}
			return string(append(out, piece...))
		}
		if out == nil {
			out = make([]byte, 0, 2*len(piece)+16)
		}
		out = p.escape(append(out, piece...))
		if p.err != nil {
			return ""
		}
	}
}

// escape reads what follows a backslash.
func (p *parser) escape(out []byte) []byte {
	c := p.peek()
	p.i++
	if k := bytes.IndexByte([]byte(`"\/bfnrt`), c); k >= 0 && c != 0 {
		return append(out, "\"\\/\b\f\n\r\t"[k])
	}
	if c != 'u' {
		p.i--
		p.fail("found " + p.found() + ` after a backslash in a text`)
		return out
	}
	r, ok := p.hex()
	if !ok {
		p.fail(`found no four hexadecimal digits after \u`)
		return out
	}
	if utf16.IsSurrogate(r) {
		if r < 0xdc00 && bytes.HasPrefix(p.s[p.i:], []byte(`\u`)) {
			at := p.i
			p.i += 2
			if low, ok := p.hex(); ok && 0xdc00 <= low && low <= 0xdfff {
				return utf8.AppendRune(out, utf16.DecodeRune(r, low))
			}
			p.i = at
		}
		return append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	}
	return utf8.AppendRune(out, r)
}

func (p *parser) hex() (rune, bool) {
	if p.i+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.s[p.i:p.i+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	p.i += 4
	return rune(n), true
}
