package tokenizer

import (
	"strings"
	"testing"
)

func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		`(a`:          "a group is not closed",
		`a)`:          `unexpected ")"`,
		`(?<a>b)`:     "unknown group",
		`(ab)+`:       "a repeated group",
		`[a`:          "a class is not closed",
		`[a[b]]`:      "a class within a class",
		`[a&&b]`:      "a class within a class",
		`\p{L`:        "a property is not closed",
		`\p{^L`:       "a property is not closed",
		`\p`:          "unknown property",
		`\p{Klingon}`: "unknown property",
		`\u{41`:       "bad escape",
		`\u{}`:        "bad escape",
		`\x`:          "bad escape",
		`\`:           "a backslash at the end",
		`\b`:          `unknown escape \b`,
		`^a`:          "an anchor",
		`a$`:          "an anchor",
		`a{2`:         "bad quantifier",
		`a{x}`:        "bad quantifier",
		`a{-1}`:       "bad quantifier",
		`a{3,2}`:      "bad quantifier",
		`a+?`:         "a lazy or possessive quantifier",
	} {
		if _, err := parsePattern(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
	}
}
