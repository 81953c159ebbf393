// Package prom reads Prometheus' text format and what the metrics of vLLM, SGLang and
// trtllm-serve say of a run. It takes the text of two moments and gives the difference:
// requests, tokens, and mean times by the server's own clock. It does no I/O and judges
// nothing.
package prom

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Sample is one line of an exposition: a series and its value. The timestamp that may
// follow is not kept.
type Sample struct {
	Name   string
	Labels []Label
	Value  float64
}

// Label is one of a sample's labels.
type Label struct{ Name, Value string }

// Parse reads an exposition in the text format (version 0.0.4, OpenMetrics' # EOF included).
// The first line that is none is an error with its number.
func Parse(text []byte) (all []Sample, err error) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.Trim(line, " \t\r\n")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		s, err := parseLine(string(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// parseLine reads NAME{LABELS} VALUE [TIMESTAMP].
func parseLine(line string) (s Sample, err error) {
	l := &liner{rest: line}
	if s.Name = l.name(true); s.Name == "" {
		return s, errors.New("no name of a metric")
	}
	if l.space(); l.skip('{') {
		if s.Labels, err = l.labels(); err != nil {
			return s, err
		}
	}
	value := l.word()
	if s.Value, err = parseValue(value); err != nil {
		return s, fmt.Errorf("%.40q is no value", value)
	}
	if stamp := l.word(); stamp != "" && stamp != "#" { // # begins an exemplar
		if _, err := strconv.ParseFloat(stamp, 64); err != nil {
			return s, fmt.Errorf("%.40q is no timestamp", stamp)
		}
		if more := l.word(); more != "" && more != "#" {
			return s, fmt.Errorf("%.40q after the timestamp", more)
		}
	}
	return s, nil
}

// parseValue reads a number as Prometheus does: Go's syntax without underscores and
// hexadecimal integers, and NaN, +Inf, -Inf in any case.
func parseValue(word string) (float64, error) {
	for i := range len(word) {
		if word[i] == '_' || word[i] == 'x' || word[i] == 'X' || word[i] == 'p' || word[i] == 'P' {
			return 0, strconv.ErrSyntax
		}
	}
	v, err := strconv.ParseFloat(word, 64)
	if errors.Is(err, strconv.ErrRange) { // rounds to an infinity or 0
		err = nil
	}
	return v, err
}

// liner reads a line from the left.
type liner struct{ rest string }

func (l *liner) space() {
	for len(l.rest) > 0 && (l.rest[0] == ' ' || l.rest[0] == '\t') {
		l.rest = l.rest[1:]
	}
}

func (l *liner) skip(c byte) bool {
	if len(l.rest) == 0 || l.rest[0] != c {
		return false
	}
	l.rest = l.rest[1:]
	return true
}

// name reads a name, of a metric (with colons) or of a label.
func (l *liner) name(metric bool) string {
	i := 0
	for ; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', metric && c == ':', i > 0 && '0' <= c && c <= '9':
			continue
		}
		break
	}
	name := l.rest[:i]
	l.rest = l.rest[i:]
	return name
}

// word reads up to the next blank.
func (l *liner) word() string {
	l.space()
	i := 0
	for i < len(l.rest) && l.rest[i] != ' ' && l.rest[i] != '\t' {
		i++
	}
	word := l.rest[:i]
	l.rest = l.rest[i:]
	return word
}

// labels reads NAME="VALUE", ... and the closing brace.
func (l *liner) labels() (all []Label, err error) {
	for l.space(); !l.skip('}'); l.space() {
		if len(all) > 0 {
			if !l.skip(',') {
				return nil, errors.New("labels without a comma between them, or without an end")
			}
			if l.space(); l.skip('}') {
				break
			}
		}
		name := l.name(false)
		l.space()
		if name == "" || !l.skip('=') {
			return nil, errors.New("a label without a name or =")
		}
		if l.space(); !l.skip('"') {
			return nil, fmt.Errorf("the value of label %s is not quoted", name)
		}
		value, ok := l.quoted()
		if !ok {
			return nil, fmt.Errorf("the value of label %s is malformed", name)
		}
		all = append(all, Label{name, value})
	}
	return all, nil
}

// quoted reads a label's value up to its closing quote: \\, \" and \n are escapes.
func (l *liner) quoted() (string, bool) {
	var out []byte
	for i := 0; i < len(l.rest); i++ {
		switch c := l.rest[i]; c {
		case '"':
			l.rest = l.rest[i+1:]
			return string(out), utf8.Valid(out)
		case '\\':
			i++
			if i == len(l.rest) {
				return "", false
			}
			switch l.rest[i] {
			case 'n':
				out = append(out, '\n')
			case '\\', '"':
				out = append(out, l.rest[i])
			default: // kept as it is, as Prometheus' own client does
				out = append(out, '\\', l.rest[i])
			}
		default:
			out = append(out, c)
		}
	}
	return "", false
}

// Sum adds up the values of all series of a name, and reports whether there are any. NaN and
// infinities do not count.
func Sum(all []Sample, name string) (sum float64, found bool) {
	for _, s := range all {
		if s.Name == name && !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0) {
			sum, found = sum+s.Value, true
		}
	}
	return sum, found
}
