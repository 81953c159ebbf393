package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestNormalizeAsHuggingFace holds what its normaliser was seen to make.
func TestNormalizeAsHuggingFace(t *testing.T) {
	acutes := strings.Repeat("\u0301", 40)
	for _, c := range []struct {
		form     norm.Form
		in, want string
	}{
		{norm.NFC, "a" + acutes, "á" + acutes[2:]}, // x/text would put U+034F after 30 of them
		{norm.NFD, "á" + acutes, "a" + acutes + "\u0301"},
		{norm.NFC, "x\u0301\u0316", "x\u0316\u0301"},
		{norm.NFC, "x\u031f\u1dfa", "x\u031f\u1dfa"}, // of Unicode 14
		{norm.NFC, "\u0485\U00011a47\u0316", "\u0485\U00011a47\u0316"},
		{norm.NFC, "\U00011935\U00011930", "\U00011935\U00011930"}, // of Unicode 13: they make one letter
		{norm.NFKC, "\u32ff\u3300 \u1e9b\u0323", "\u32ffアパート \u1e69"},
		{norm.NFC, "\u1dfa가\u11a8 e\u0301", "\u1dfa각 é"},
	} {
		if got := normalize(c.form, c.in); got != c.want {
			t.Errorf("form %d of %+q: got %+q, want %+q", c.form, c.in, got, c.want)
		}
	}
}

// TestNormalizeSlowly compares it with x/text where that does the same.
func TestNormalizeSlowly(t *testing.T) {
	parts := []rune("aeoyKAÅéộſﬁ½ΐά가각힣\u1100\u1161\u11a8\u0301\u0308\u0316\u0323\u0327\u0345\u0344\u3099かガﷺ\u0f73\U0001d15e漢豈\u05b8\u05bc")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var text []rune
		for range rng.IntN(9) {
			text = append(text, parts[rng.IntN(len(parts))])
		}
		for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
			if got, want := normalizeSlowly(form, string(text)), form.String(string(text)); got != want {
				t.Fatalf("form %d of %+q: got %+q, want %+q", form, string(text), got, want)
			}
		}
	}
}

// TestNewerUnicode splits what Unicode 16 assigned as Hugging Face does.
func TestNewerUnicode(t *testing.T) {
	for _, c := range []struct{ pattern, in, want string }{
		{`\p{L}+`, "a\u1c89\ua7cb\U000105c0\U0002ebf0b1", "a\u1c89\ua7cb\U000105c0\U0002ebf0b|1"},
		{`\p{Lu}`, "\u1c89\u1c8a", "\u1c89|\u1c8a"},
		{`[^\s\p{L}\p{N}]+`, "🫩\U00010d40⿼", "🫩|\U00010d40|⿼"},
		{`\d+`, "1\U00010d402x", "1\U00010d402|x"},
		{`\w+`, "aⅧⒶ²_٣.", "aⅧⒶ²_٣|."},
	} {
		p, err := parsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		p.each(c.in, func(piece string, _ bool) { got = append(got, piece) })
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: got %+q, want %+q", c.pattern, got, c.want)
		}
	}
	for r, want := range map[rune]bool{'a': true, 'Ⅷ': true, 'Ⓐ': true, '\u200d': true, '\u1c89': true, '²': false, '.': false, '\ufffd': false} {
		if isWord(r) != want {
			t.Errorf("%+q: %v", r, !want)
		}
	}
}
