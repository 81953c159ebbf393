package report

import (
	"slices"
	"strings"
	"testing"

	"loadgen/internal/plain"
)

// TestPresentable: no label turns the text around it, commands a terminal or fills
// a page.
func TestPresentable(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                     "plain",
		" a\tb\n c ":                "a b c",
		"\x1b[31mred\x1b[0m\a":      "[31mred [0m",
		"\u202eabc\u2066d\u200f":    "abcd",
		"<b>&amp;</b> | `x` 中文":     "<b>&amp;</b> | `x` 中文",
		strings.Repeat("long ", 20): strings.TrimSpace(strings.Repeat("long ", 12)) + "…",
		"\xff":                      "",
	} {
		if got := plain.Name(text, longestLabel); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestLabelsAlike(t *testing.T) {
	variants := []Variant{{Name: "a", Label: "same"}, {Name: "b", Label: "same"}, {Name: "c", Label: "other"}, {Name: "d"}}
	disambiguate(variants)
	var got []string
	for _, s := range variants {
		got = append(got, s.Label)
	}
	if want := []string{"same (a)", "same (b)", "other", "(d)"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
