package argparse

import (
	"math"
	"testing"
)

// The tables hold what Python's repr, float and int make of these texts.

func TestRepr(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `''`,
		"a'b":                  `"a'b"`,
		`a"b`:                  `'a"b'`,
		`a'b"c`:                `'a\'b"c'`,
		`\`:                    `'\\'`,
		"\n\r\t\x00\x7f":       `'\n\r\t\x00\x7f'`,
		"é\u00a0Ā":             `'é\xa0Ā'`,
		"日本\u200b\u2028":       `'日本\u200b\u2028'`,
		"\U0001f600\U000e0001": `'😀\U000e0001'`,
		"a\xffb":               `'a\udcffb'`,
	} {
		if got := repr(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestParseFloat(t *testing.T) {
	for text, want := range map[string]float64{
		"1e999": math.Inf(1), "-1e999": math.Inf(-1), "1e-999": 0, "inf": math.Inf(1), "-Infinity": math.Inf(-1),
		" 1 ": 1, "1_0": 10, "1.": 1, ".5": 0.5, "+2": 2, "٣.5": 3.5, "1\u3000": 1,
	} {
		if got, ok := ParseFloat(text); !ok || got != want {
			t.Errorf("%q: %v %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"nan", "+NaN"} {
		if got, ok := ParseFloat(text); !ok || !math.IsNaN(got) {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "+", "++1", "1__0", "_1", "1_", "1e", "0x10", "infin", "x", "\x1c1", "\x1c٣"} {
		if got, ok := ParseFloat(text); ok {
			t.Errorf("%q: %v, want none", text, got)
		}
	}
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]string{
		"10": "10", "-3": "-3", "+3": "3", " 7 ": "7", "1_0": "10", "0_0": "0", "00": "0", "٣": "3",
		"12345678901234567890123": "12345678901234567890123",
	} {
		if got, ok := ParseInt(text); !ok || got.String() != want {
			t.Errorf("%q: %v %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "+", "+-1", "1__0", "_1", "1_", "0x1", "1.0", "1e3", "\x1c1", "1 1"} {
		if got, ok := ParseInt(text); ok {
			t.Errorf("%q: %v, want none", text, got)
		}
	}
}
