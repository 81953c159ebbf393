package chattemplate

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is that of a token.
type kind uint8

const (
	tkData  kind = iota // text between tags
	tkOpen              // {{
	tkClose             // }}
	tkBegin             // {%
	tkEnd               // %}
	tkName
	tkString
	tkInt
	tkFloat
	tkOperator
	tkEOF
)

type token struct {
	kind kind
	text string
	line int
}

// Error is the error for a template that is wrong or does what it must not.
type Error struct {
	// Line is the template's, counted from 1.
	Line int
	// Message says what is wrong.
	Message string
}

// Error names the line.
func (e *Error) Error() string { return fmt.Sprintf("chat template, line %d: %s", e.Line, e.Message) }

func fail(line int, format string, args ...any) error {
	return &Error{line, fmt.Sprintf(format, args...)}
}

// lexer cuts a template into tokens as Jinja2 does with trim_blocks and
// lstrip_blocks.
type lexer struct {
	s         string
	i         int
	out       []token
	lineStart bool // what went before ended with a line feed
	at, line  int  // up to where lines have been counted
}

func lex(text string) ([]token, error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	l := &lexer{s: strings.TrimSuffix(text, "\n"), lineStart: true, line: 1}
	for l.i < len(l.s) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	return append(l.out, token{tkEOF, "", l.lineAt(len(l.s))}), nil
}

// lineAt is the line of a position; positions must not go back.
func (l *lexer) lineAt(i int) int {
	if i > l.at {
		l.line += strings.Count(l.s[l.at:i], "\n")
		l.at = i
	}
	return l.line
}

func (l *lexer) add(k kind, text string, at int) {
	l.out = append(l.out, token{k, text, l.lineAt(at)})
}

// tag finds the next {{, {% or {#.
func (l *lexer) tag() int {
	for i := l.i; i+1 < len(l.s); i++ {
		if l.s[i] == '{' && strings.IndexByte("{%#", l.s[i+1]) >= 0 {
			return i
		}
	}
	return -1
}

// next reads text and the tag after it.
func (l *lexer) next() error {
	at := l.tag()
	if at < 0 {
		l.data(l.s[l.i:])
		l.i = len(l.s)
		return nil
	}
	text, open := l.s[l.i:at], l.s[at+1]
	from := at + 2
	sign := byte(0)
	if from < len(l.s) && (l.s[from] == '-' || l.s[from] == '+' && open != '{') {
		sign = l.s[from]
		from++
	}
	switch {
	case sign == '-':
		text = strings.TrimRightFunc(text, unicode.IsSpace)
	case sign != '+' && open != '{':
		line := strings.LastIndexByte(text, '\n') + 1
		if (line > 0 || l.lineStart) && strings.TrimSpace(text[line:]) == "" {
			text = text[:line]
		}
	}
	l.data(text)
	l.i = from
	switch open {
	case '#':
		return l.comment(at)
	case '%':
		if rest := strings.TrimLeftFunc(l.s[l.i:], unicode.IsSpace); strings.HasPrefix(rest, "raw") {
			if done, err := l.raw(at, len(l.s)-len(rest)+3); done || err != nil {
				return err
			}
		}
		l.add(tkBegin, "", at)
		return l.code("%}", tkEnd)
	}
	l.add(tkOpen, "", at)
	return l.code("}}", tkClose)
}

func (l *lexer) data(text string) {
	if text != "" {
		l.add(tkData, text, l.i)
	}
}

// after skips what the end of a tag takes with it: all white space after a
// minus, one line feed after a block.
func (l *lexer) after(sign byte, block bool) {
	switch {
	case sign == '-':
		rest := strings.TrimLeftFunc(l.s[l.i:], unicode.IsSpace)
		l.i = len(l.s) - len(rest)
	case block && sign != '+' && strings.HasPrefix(l.s[l.i:], "\n"):
		l.i++
	}
	l.lineStart = l.i > 0 && l.s[l.i-1] == '\n'
}

func (l *lexer) comment(at int) error {
	end := strings.Index(l.s[l.i:], "#}")
	if end < 0 {
		return fail(l.lineAt(at), "a comment is not closed")
	}
	end += l.i
	sign := l.s[max(end-1, l.i)]
	if end == l.i {
		sign = 0
	}
	l.i = end + 2
	l.after(sign, true)
	return nil
}

// raw reads {% raw %} to {% endraw %}, if that is what it is.
func (l *lexer) raw(at, i int) (bool, error) {
	rest := strings.TrimLeftFunc(l.s[i:], unicode.IsSpace)
	sign := byte(0)
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign = rest[0]
		rest = rest[1:]
	}
	if !strings.HasPrefix(rest, "%}") {
		return false, nil
	}
	l.i = len(l.s) - len(rest) + 2
	l.after(sign, true)
	for i := l.i; ; {
		open := strings.Index(l.s[i:], "{%")
		if open < 0 {
			return true, fail(l.lineAt(at), "a raw block is not closed")
		}
		open += i
		i = open + 2
		inner := strings.TrimLeftFunc(strings.TrimLeft(l.s[i:], "-+"), unicode.IsSpace)
		if !strings.HasPrefix(inner, "endraw") {
			continue
		}
		text := l.s[l.i:open]
		if l.s[i] == '-' {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		} else if line := strings.LastIndexByte(text, '\n') + 1; l.s[i] != '+' && (line > 0 || l.lineStart) && strings.TrimSpace(text[line:]) == "" {
			text = text[:line]
		}
		l.data(text)
		inner = strings.TrimLeftFunc(inner[len("endraw"):], unicode.IsSpace)
		end := byte(0)
		if inner != "" && (inner[0] == '-' || inner[0] == '+') {
			end = inner[0]
			inner = inner[1:]
		}
		if !strings.HasPrefix(inner, "%}") {
			return true, fail(l.lineAt(open), "endraw is not closed")
		}
		l.i = len(l.s) - len(inner) + 2
		l.after(end, true)
		return true, nil
	}
}

// operators, the longer ones first.
var operators = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", ">", "<", "=", "(", ")", "[", "]", "{", "}", "|", ",", ".", ":", ";"}

// code reads the tokens of a tag up to its end.
func (l *lexer) code(end string, endKind kind) error {
	depth := 0
	for {
		rest := strings.TrimLeftFunc(l.s[l.i:], unicode.IsSpace)
		l.i = len(l.s) - len(rest)
		if rest == "" {
			return fail(l.lineAt(l.i), "a tag is not closed: expected %s", end)
		}
		if depth == 0 {
			sign := byte(0)
			if rest[0] == '-' || rest[0] == '+' && endKind == tkEnd {
				sign = rest[0]
				rest = rest[1:]
			}
			if strings.HasPrefix(rest, end) {
				l.add(endKind, "", l.i)
				l.i = len(l.s) - len(rest) + 2
				l.after(sign, endKind == tkEnd)
				return nil
			}
			rest = l.s[l.i:]
		}
		if err := l.word(rest, &depth); err != nil {
			return err
		}
	}
}

// word reads one token of a tag.
func (l *lexer) word(rest string, depth *int) error {
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		l.add(tkName, rest[:n], l.i)
		l.i += n
		return nil
	case '0' <= r && r <= '9':
		l.number(rest)
		return nil
	case r == '"' || r == '\'':
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case rest[0]:
				l.add(tkString, unescape(rest[1:i]), l.i)
				l.i += i + 1
				return nil
			}
		}
		return fail(l.lineAt(l.i), "a string is not closed")
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			switch op {
			case "(", "[", "{":
				*depth++
			case ")", "]", "}":
				*depth--
			}
			l.add(tkOperator, op, l.i)
			l.i += len(op)
			return nil
		}
	}
	return fail(l.lineAt(l.i), "unexpected %q", r)
}

func (l *lexer) number(rest string) {
	digits := func(i int) int {
		for i < len(rest) && ('0' <= rest[i] && rest[i] <= '9' || rest[i] == '_') {
			i++
		}
		return i
	}
	n, k := digits(0), tkInt
	if n+1 < len(rest) && rest[n] == '.' && '0' <= rest[n+1] && rest[n+1] <= '9' {
		n, k = digits(n+1), tkFloat
	}
	if n < len(rest) && rest[n]|0x20 == 'e' {
		m := n + 1
		if m < len(rest) && (rest[m] == '-' || rest[m] == '+') {
			m++
		}
		if end := digits(m); end > m {
			n, k = end, tkFloat
		}
	}
	l.add(k, strings.ReplaceAll(rest[:n], "_", ""), l.i)
	l.i += n
}

// unescape reads the escapes of a Python string.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		width := 0
		switch s[i] {
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'r':
			out.WriteByte('\r')
		case 'b':
			out.WriteByte('\b')
		case 'f':
			out.WriteByte('\f')
		case 'v':
			out.WriteByte('\v')
		case 'a':
			out.WriteByte('\a')
		case '0':
			out.WriteByte(0)
		case '\n':
		case '\\', '\'', '"':
			out.WriteByte(s[i])
		case 'x':
			width = 2
		case 'u':
			width = 4
		case 'U':
			width = 8
		default:
			out.WriteByte('\\')
			out.WriteByte(s[i])
		}
		if width > 0 {
			var code rune
			digits := s[i+1 : min(i+1+width, len(s))]
			if n, err := fmt.Sscanf(digits, "%x", &code); n == 1 && err == nil {
				out.WriteRune(code)
			}
			i += len(digits)
		}
	}
	return out.String()
}
