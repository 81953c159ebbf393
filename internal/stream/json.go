package stream

import (
	"errors"
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON as Python's json.loads does: NaN and the infinities are
// values, control characters inside strings are not, nesting ends where
// Python's recursion does. It works on one complete, valid UTF-8 text.
type scanner struct {
	b     []byte
	i     int
	depth int
}

var (
	errSyntax = errors.New("not valid JSON")
	errDeep   = errors.New("JSON nested too deeply")
	errDigits = errors.New("an integer of more than 4300 digits")
)

const (
	maxDepth  = 990  // what Python's recursion limit leaves of 1000
	maxDigits = 4300 // sys.get_int_max_str_digits()
)

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// end checks that nothing but white space is left.
func (s *scanner) end() error {
	if s.space(); s.i < len(s.b) {
		return errSyntax
	}
	return nil
}

// skip reads over any value.
func (s *scanner) skip() error {
	switch c := s.peek(); c {
	case '{':
		return s.object(nil)
	case '[':
		return s.array(nil)
	case '"':
		_, _, err := s.rawString()
		return err
	default:
		return s.scalar()
	}
}

// object reads the object at hand and calls member, with the scanner before the
// value, for each key; a nil member skips the values.
func (s *scanner) object(member func(key []byte) error) error {
	if s.depth++; s.depth > maxDepth {
		return errDeep
	}
	s.i++ // {
	if s.peek() == '}' {
		s.i++
		s.depth--
		return nil
	}
	for {
		if s.peek() != '"' {
			return errSyntax
		}
		raw, escaped, err := s.rawString()
		if err != nil {
			return err
		}
		if s.peek() != ':' {
			return errSyntax
		}
		s.i++
		switch {
		case member == nil:
			err = s.skip()
		case escaped:
			err = member(appendUnescaped(nil, raw))
		default:
			err = member(raw)
		}
		if err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.depth--
			return nil
		default:
			return errSyntax
		}
	}
}

// array reads the array at hand and calls element, with the scanner before it,
// for each; a nil element skips them.
func (s *scanner) array(element func(i int) error) error {
	if s.depth++; s.depth > maxDepth {
		return errDeep
	}
	s.i++ // [
	if s.peek() == ']' {
		s.i++
		s.depth--
		return nil
	}
	for i := 0; ; i++ {
		var err error
		if element == nil {
			err = s.skip()
		} else {
			s.space()
			err = element(i)
		}
		if err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			s.depth--
			return nil
		default:
			return errSyntax
		}
	}
}

// rawString reads the string at hand and returns what stands between its
// quotes, still escaped.
func (s *scanner) rawString() (raw []byte, escaped bool, err error) {
	start := s.i + 1
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[start:i], escaped, nil
		case c < 0x20:
			return nil, false, errSyntax
		case c == '\\':
			escaped = true
			if i++; i >= len(s.b) {
				return nil, false, errSyntax
			}
			switch s.b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(s.b[i+1:]); !ok {
					return nil, false, errSyntax
				}
				i += 4
			default:
				return nil, false, errSyntax
			}
		}
	}
	return nil, false, errSyntax
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// appendUnescaped appends the text of a raw string. A lone surrogate is kept as
// Python keeps it: in three bytes (WTF-8), until its other half follows.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(raw[i+1:])
			i += 4
			if 0xd800 <= r && r < 0xdc00 && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if low, ok := hex4(raw[i+3:]); ok && 0xdc00 <= low && low < 0xe000 {
					r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
					i += 6
				}
			}
			dst = appendWTF8(dst, r)
		default:
			dst = append(dst, raw[i])
		}
	}
	return dst
}

// appendWTF8 appends a code point, surrogates too; a low one joins the high one
// before it.
func appendWTF8(dst []byte, r rune) []byte {
	if r < 0xd800 || 0xdfff < r {
		return utf8.AppendRune(dst, r)
	}
	if n := len(dst) - 3; r >= 0xdc00 && n >= 0 && dst[n] == 0xed && 0xa0 <= dst[n+1] && dst[n+1] < 0xb0 {
		high := 0xd000 | rune(dst[n+1]&0x3f)<<6 | rune(dst[n+2]&0x3f)
		return utf8.AppendRune(dst[:n], 0x10000+(high-0xd800)<<10+(r-0xdc00))
	}
	return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
}

// surrogateEscape is Python's way to keep bytes that are not UTF-8 in a string:
// each becomes a lone low surrogate.
func surrogateEscape(b string) string {
	if utf8.ValidString(b) {
		return b
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRuneInString(b)
		if r == utf8.RuneError && n == 1 {
			r = 0xdc00 + rune(b[0])
		}
		out = appendWTF8(out, r)
		b = b[n:]
	}
	return string(out)
}

// scalar reads over a number or a literal.
func (s *scanner) scalar() error {
	_, err := s.token()
	return err
}

// token reads a number or literal and returns its text.
func (s *scanner) token() ([]byte, error) {
	s.space()
	start := s.i
	if s.at('-') {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] > '9' {
		if !s.literal(start) {
			return nil, errSyntax
		}
		return s.b[start:s.i], nil
	}
	whole := s.digits()
	if whole == 0 || whole > 1 && s.b[s.i-whole] == '0' {
		return nil, errSyntax
	}
	isInt := true
	if s.at('.') {
		s.i++
		if s.digits() == 0 {
			return nil, errSyntax
		}
		isInt = false
	}
	if s.at('e') || s.at('E') {
		s.i++
		if s.at('+') || s.at('-') {
			s.i++
		}
		if s.digits() == 0 {
			return nil, errSyntax
		}
		isInt = false
	}
	if isInt && whole > maxDigits {
		return nil, errDigits
	}
	return s.b[start:s.i], nil
}

// literal reads over the literal that begins at start.
func (s *scanner) literal(start int) bool {
	rest := s.b[start:]
	for _, word := range [...]string{"null", "true", "false", "NaN", "Infinity", "-Infinity"} {
		if len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.i = start + len(word)
			return true
		}
	}
	return false
}

func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

func (s *scanner) digits() (n int) {
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
		n++
	}
	return n
}

// truth skips a value and reports whether Python takes it for true.
func (s *scanner) truth() (bool, error) {
	switch c := s.peek(); c {
	case '{', '[', '"':
		start := s.i
		if err := s.skip(); err != nil {
			return false, err
		}
		inner := scanner{b: s.b[start+1 : s.i-1]}
		if c == '"' {
			return len(inner.b) > 0, nil
		}
		return inner.peek() != 0, nil
	default:
		t, err := s.token()
		if err != nil {
			return false, err
		}
		switch t[0] {
		case 'n', 'f':
			return false, nil
		case 't', 'N', 'I':
			return true, nil
		}
		f, _ := strconv.ParseFloat(string(t), 64)
		return f != 0, nil
	}
}

// number reads any value; ok reports whether it was a number, or a string that
// holds one. Integers beyond int64 saturate in Int.
func (s *scanner) number() (f float64, ok bool, err error) {
	if s.peek() == '"' {
		raw, _, err := s.rawString()
		if err != nil {
			return 0, false, err
		}
		f, bad := strconv.ParseFloat(string(raw), 64)
		return f, bad == nil, nil
	}
	if c := s.peek(); c == '{' || c == '[' {
		return 0, false, s.skip()
	}
	t, err := s.token()
	if err != nil {
		return 0, false, err
	}
	if t[0] == 'n' || t[0] == 't' || t[0] == 'f' {
		return 0, false, nil
	}
	f, _ = strconv.ParseFloat(string(t), 64) // beyond the range: infinity
	return f, true, nil
}
