package tokenizer

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"loadgen/internal/golden"
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

// TestUnicodeAsHuggingFace compares, for every code point, character classes and what
// normalizers and pre-tokenizers take it for. testdata/tokenizers/make_random.py wrote
// the data.
func TestUnicodeAsHuggingFace(t *testing.T) {
	var all map[string]json.RawMessage
	readGzip(t, golden.TestData("tokenizers", "unicode.json.gz"), &all)
	drops := func(s step) func(rune) bool { // reports whether a normalizer drops a rune
		n, err := normalizers(&s)
		if err != nil {
			t.Fatal(err)
		}
		return func(r rune) bool {
			out, _ := n[0](string(r), 0)
			return out == ""
		}
	}
	on, off := true, false
	numbers := append(category("N"), ranges(newerDigits))
	others := map[string]func(rune) bool{
		"StripAccents": drops(step{Type: "StripAccents"}),
		"clean":        drops(bertStep(&on, &off)),
		"strip":        drops(bertStep(&off, &on)),
		"Punctuation":  isPunctuation(),
		"Digits":       func(r rune) bool { return unicode.IsOneOf(numbers, r) },
		"no script":    func(r rune) bool { return r == ' ' || scriptOf(r) == whatever },
	}
	for name, data := range all {
		if name == "lower" {
			compareLower(t, data)
			continue
		}
		has := others[name]
		if has == nil {
			p, err := parsePattern(name)
			if err != nil {
				t.Error(err)
				continue
			}
			has = p.root.set.has
		}
		var want [][2]rune
		read(t, data, &want)
		bad := 0
		for r := rune(0); r <= 0x323af; r++ { // beyond are private use and what is not assigned
			for len(want) > 0 && want[0][1] < r {
				want = want[1:]
			}
			in := len(want) > 0 && want[0][0] <= r
			if r&^0x7ff != 0xd800 && has(r) != in {
				if bad++; bad == 1 {
					t.Errorf("%s: U+%04X: got %v, want %v", name, r, !in, in)
				}
			}
		}
		if bad > 1 {
			t.Errorf("%s: %d differ", name, bad)
		}
	}
}

func bertStep(clean, strip *bool) step {
	off := false
	return step{Type: "BertNormalizer", CleanText: clean, StripAccents: strip, ChineseChars: &off, Lowercase: &off}
}

func compareLower(t *testing.T, data json.RawMessage) {
	var pairs [][2]string
	read(t, data, &pairs)
	for _, p := range pairs {
		if got := lowercase(p[0]); got != p[1] {
			t.Errorf("lower case of %+q: got %+q, want %+q", p[0], got, p[1])
		}
	}
}

// TestHeads follows the first character of a text through normalizers.
func TestHeads(t *testing.T) {
	accent, blank := "\u0301", " "
	replace := func(pattern *string, content string) *step {
		s := &step{Type: "Replace", Content: &content}
		s.Pattern.String = pattern
		return s
	}
	both := "ab"
	for _, c := range []struct {
		step    *step
		in, out string
		head    int
	}{
		{&step{Type: "NFC"}, "e" + accent + "x", "éx", 2},
		{&step{Type: "NFD"}, "éx", "e" + accent + "x", 3},
		{&step{Type: "StripAccents"}, accent + "x", "x", 0},
		{&step{Type: "Strip", StripLeft: true}, " x", "x", 0},
		{&step{Type: "Prepend", Prepend: "▁"}, "xy", "▁xy", 4},
		{replace(&blank, "▁"), " x", "▁x", 3},
		{replace(&both, "-"), "abc", "-c", 0}, // it stands for the b
		{replace(&both, "-"), "cab", "c-", 1},
	} {
		n, err := normalizers(c.step)
		if err != nil {
			t.Fatal(err)
		}
		_, head := utf8.DecodeRuneInString(c.in)
		if out, got := n[0](c.in, head); out != c.out || got != c.head {
			t.Errorf("%s of %+q: got %+q, %d, want %+q, %d", c.step.Type, c.in, out, got, c.out, c.head)
		}
	}
}
