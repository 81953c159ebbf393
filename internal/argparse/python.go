package argparse

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseInt reads an integer as Python's int() does: white space around it, a
// sign, digits of any script with single underscores between them.
func ParseInt(s string) (*big.Int, bool) {
	text, ok := number(s)
	if !ok {
		return nil, false
	}
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 4300 {
		return nil, false
	}
	return new(big.Int).SetString(strings.TrimPrefix(text, "+"), 10)
}

// ParseFloat reads a number as Python's float() does.
func ParseFloat(s string) (float64, bool) {
	text, ok := number(s)
	if !ok {
		return 0, false
	}
	switch word := strings.TrimLeft(text, "+-"); {
	case len(text)-len(word) > 1:
		return 0, false
	case strings.EqualFold(word, "inf"), strings.EqualFold(word, "infinity"), strings.EqualFold(word, "nan"):
		x, _ := strconv.ParseFloat(word, 64)
		if strings.HasPrefix(text, "-") {
			x = -x
		}
		return x, true
	case word == "" || strings.Trim(word, "0123456789.eE+-") != "":
		return 0, false // Go's hexadecimal numbers and its own spellings
	}
	x, err := strconv.ParseFloat(text, 64)
	if e, isNum := err.(*strconv.NumError); isNum && e.Err == strconv.ErrRange {
		err = nil // Python, too, gives infinity or zero
	}
	return x, err == nil
}

// number strips white space, turns the digits of all scripts into ASCII ones and
// takes out the underscores between digits; ok is false where one stands elsewhere.
func number(s string) (text string, ok bool) {
	s = strings.TrimSpace(s)
	var out strings.Builder
	before := rune(0)
	for i, r := range s {
		if r == '_' {
			after, _ := utf8.DecodeRuneInString(s[i+1:])
			if !unicode.IsDigit(before) || !unicode.IsDigit(after) {
				return "", false
			}
		} else if unicode.IsDigit(r) {
			out.WriteByte('0' + digit(r))
		} else {
			out.WriteRune(r)
		}
		before = r
	}
	return out.String(), true
}

// digit is the value of a decimal digit. Unicode assigns them in runs of ten.
func digit(r rune) byte {
	if r < 0x80 {
		return byte(r - '0')
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	return 0
}

// repr is Python's repr of a string.
func repr(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out := []byte{quote}
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\udc%02x`, s[0])
		case r == rune(quote) || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == ' ' || unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r < 0x100:
			out = fmt.Appendf(out, `\x%02x`, r)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = fmt.Appendf(out, `\U%08x`, r)
		}
		s = s[n:]
	}
	return string(append(out, quote))
}
