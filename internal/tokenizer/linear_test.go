package tokenizer

import (
	"strings"
	"testing"
	"time"
)

// TestPatternsAreLinear matches patterns that take exponential or quadratic time
// in a matcher that only backtracks.
func TestPatternsAreLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures processor time, which the race detector multiplies")
	}
	const most = 5 * time.Second
	for expression, text := range map[string]string{
		`a*a*a*a*b`:                    strings.Repeat("a", 1<<18),
		`(a*)*b`:                       strings.Repeat("a", 1<<15),
		`(?:a|a)*b`:                    strings.Repeat("a", 1<<15),
		`(?:a+)+b`:                     strings.Repeat("a", 1<<15),
		`a+(?!a|b)c`:                   strings.Repeat("a", 1<<18),
		`(?=a*b)a`:                     strings.Repeat("a", 1<<18),
		`.*?.*?.*?b`:                   strings.Repeat("a", 1<<18),
		`[ab]*[ac]*[ad]*x`:             strings.Repeat("a", 1<<18),
		`\s*[\r\n]+|\s+(?!\S)|\s+`:     strings.Repeat(" ", 1<<18) + "x",
		`(?:a?){20}a{20}b`:             strings.Repeat("a", 1<<13),
		`(?:(?:a|b)?c?){0,40}d`:        strings.Repeat("abc", 1<<10),
		`(?<=a)a*b|\ba*c`:              strings.Repeat("a", 1<<18),
		`\p{N}{1,3}(?=(?:\p{N}{3})*$)`: strings.Repeat("1", 1<<15),
	} {
		p, err := parsePattern(expression)
		if err != nil {
			t.Fatal(err)
		}
		start := processorTime(t)
		n := 0
		p.each(text, func(piece string, _ bool) { n += len(piece) })
		if took := processorTime(t) - start; took > most || n != len(text) {
			t.Errorf("%s over %d bytes: %v, %d bytes", expression, len(text), took, n)
		} else {
			t.Logf("%-32s %7d bytes %v", expression, len(text), took)
		}
	}
}
