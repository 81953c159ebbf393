// Package plain makes text of foreign origin (servers, result files, names) safe to show: it
// commands no terminal, forges no line of loadgen's own, and does not turn the direction of
// the text around it. It fits text into the columns of a terminal, too. It takes strings and
// gives strings; it never looks at what they mean.
package plain

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a text of several lines with everything escaped that a terminal or an editor may
// obey: control characters but for line feeds and tabs, those of C1 and of bidirectional
// text, separators of lines and paragraphs. Bytes that are no UTF-8 become U+FFFD.
func Text(text string) string {
	if harmless(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || !obeyed(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// harmless reports whether a text holds nothing to escape.
func harmless(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || r != '\n' && r != '\t' && obeyed(r) {
			return false
		}
	}
	return true
}

// obeyed reports whether terminals or editors do something else with a character than show it.
func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// Line is Text in one line: what breaks lines or is a tab becomes a blank.
func Line(text string) string {
	if strings.ContainsAny(text, "\r\n\t") {
		text = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ").Replace(text)
	}
	return Text(text)
}

// Name is a name in one line, without what Text escapes, cut where it is longer than most
// characters.
func Name(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		case obeyed(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return text
}

// FileName is a name as a part of a file's name of at most so many bytes: it leads to no
// other directory.
func FileName(name string, most int) string {
	name = strings.Map(func(r rune) rune {
		if obeyed(r) || r == utf8.RuneError || r == '/' {
			return '_'
		}
		return r
	}, name)
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name
}

// Writer writes what it is given as Text.
type Writer struct{ To io.Writer }

// Write writes text. It counts as written whole where it was.
func (w Writer) Write(p []byte) (int, error) {
	if text := string(p); !harmless(text) {
		if _, err := io.WriteString(w.To, Text(text)); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return w.To.Write(p)
}

// Raw is where a Writer writes to, and any other writer itself.
func Raw(w io.Writer) io.Writer {
	if p, ok := w.(Writer); ok {
		return p.To
	}
	return w
}

// Quote makes a text one word for a shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Word is a text as a shell takes it for one word: quoted if need be.
func Word(text string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=@%+,", r)
	}
	if text == "" || strings.ContainsFunc(text, special) {
		return Quote(text)
	}
	return text
}
