package dataset

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkUTF8 returns an error that names the line of the first byte of text that
// is not UTF-8, when text begins at a position.
func checkUTF8(text []byte, at position) error {
	if utf8.Valid(text) {
		return nil
	}
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRune(text[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	at.line += bytes.Count(text[:n], []byte{'\n'})
	from := bytes.LastIndexByte(text[:n], '\n') + 1
	return at.malformed("UTF-8 text (iconv -f LATIN1 -t UTF-8 converts Latin-1)", "byte %#02x at column %d is not UTF-8 text, after %s",
		text[n], n-from+1, shorten(string(tail(text[from:n]))))
}

// tail is the end of a text, for a message.
func tail(text []byte) []byte {
	if len(text) > 40 {
		text = text[len(text)-40:]
		for len(text) > 0 && !utf8.RuneStart(text[0]) {
			text = text[1:]
		}
	}
	return text
}

// checkText returns an error for text that cannot be sent: it holds half of a
// surrogate pair.
func checkText(text string, what string, at position) error {
	if utf8.ValidString(text) {
		return nil
	}
	for n, r := range text {
		if r == utf8.RuneError && text[n] == 0xed && n+2 < len(text) {
			code := rune(text[n]&0xf)<<12 | rune(text[n+1]&0x3f)<<6 | rune(text[n+2]&0x3f)
			return at.malformed("text that UTF-8 can hold", `%s holds half of a surrogate pair, \u%04x, after %s`, what, code, shorten(string(tail([]byte(text[:n])))))
		}
	}
	return at.malformed("UTF-8 text", "%s is not UTF-8", what)
}

// syntax makes the error for text at a position that is not JSON.
func (p position) syntax(text []byte, bad *syntaxError, want string) error {
	before := text[:bad.offset]
	at := p
	at.line += bytes.Count(before, []byte{'\n'})
	column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
	around := strings.TrimLeftFunc(string(tail(before)), unicode.IsSpace)
	found := ""
	if around != "" {
		found = fmt.Sprintf(", after %s", shorten(around))
	}
	return at.malformed(want, "not JSON at column %d: %s%s", column, bad.text, found)
}
