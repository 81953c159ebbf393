package tokenizer

import (
	"strings"
	"testing"
)

func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		`(a`:                "a group is not closed",
		`a)`:                `unexpected ")"`,
		`(?<a>b)`:           "unknown group",
		`[a`:                "a class is not closed",
		`\p{L`:              "a property is not closed",
		`\p{^L`:             "a property is not closed",
		`\p`:                "unknown property",
		`\p{Klingon}`:       "unknown property",
		`\u{41`:             "bad escape",
		`\u{}`:              "bad escape",
		`\x`:                "bad escape",
		`(?<=a+)b`:          "a lookbehind whose length varies",
		`(a)\1`:             "a back reference",
		`\k<a>`:             `unknown escape \k`,
		`a{2000}`:           "a repeat of more than",
		`((a|b){999}){999}`: "steps",
		`*a`:                "nothing to repeat",
		`[[:foo:]]`:         "unknown class",
		`\`:                 "a backslash at the end",
		`a{2`:               "bad quantifier",
		`a{x}`:              "bad quantifier",
		`a{-1}`:             "bad quantifier",
		`a{3,2}`:            "bad quantifier",
	} {
		if _, err := parsePattern(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
	}
}
