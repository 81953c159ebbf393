package tokenizer

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/rangetable"
)

// normalize is form of text as Hugging Face makes it: newer code points stay as they
// are, and a long run of combining marks is not broken up, as x/text does.
func normalize(form norm.Form, text string) string {
	const manyMarks = 8 // far fewer than x/text supports
	marks := 0
	for i, r := range text {
		switch {
		case r < 0x300:
			marks = 0
		case isNewer(r):
			return normalizeSlowly(form, text)
		case form.PropertiesString(text[i:]).CCC() == 0:
			marks = 0
		default:
			if marks++; marks > manyMarks {
				return normalizeSlowly(form, text)
			}
		}
	}
	return form.String(text)
}

// assigned9 is what was assigned in Unicode 9.0.
var assigned9 = sync.OnceValue(func() *unicode.RangeTable { return rangetable.Assigned("9.0.0") })

// isNewer reports whether normalising leaves a code point as it is because it is
// newer than Unicode 9.0.
func isNewer(r rune) bool { return r >= 0x300 && !unicode.Is(assigned9(), r) }

// mark is a code point and its canonical combining class.
type mark struct {
	r     rune
	class uint8
}

// normalizeSlowly is the algorithm of the Unicode Standard, 3.11.
func normalizeSlowly(form norm.Form, text string) string {
	apart, together := norm.NFD, form == norm.NFC || form == norm.NFKC
	if form == norm.NFKC || form == norm.NFKD {
		apart = norm.NFKD
	}
	var all []mark
	for _, r := range text {
		if isNewer(r) {
			all = append(all, mark{r, 0})
			continue
		}
		parts := apart.String(string(r))
		for i, d := range parts {
			all = append(all, mark{d, apart.PropertiesString(parts[i:]).CCC()})
		}
	}
	for i := 0; i < len(all); i++ {
		end := i
		for end < len(all) && all[end].class != 0 {
			end++
		}
		slices.SortStableFunc(all[i:end], func(a, b mark) int { return int(a.class) - int(b.class) })
		i = end
	}
	if together {
		all = compose(all)
	}
	out := make([]byte, 0, len(text))
	for _, m := range all {
		out = utf8.AppendRune(out, m.r)
	}
	return string(out)
}

// compose joins each mark with the starter before it where the two make one code
// point and nothing between them is in the way.
func compose(all []mark) []mark {
	out, starter := all[:0], -1
	for _, m := range all {
		if starter >= 0 && (starter == len(out)-1 || out[len(out)-1].class < m.class) {
			if r := pairOf(out[starter].r, m.r); r >= 0 {
				out[starter].r = r
				continue
			}
		}
		if m.class == 0 {
			starter = len(out)
		}
		out = append(out, m)
	}
	return out
}

// pairOf is the code point that two make, -1 if there is none.
func pairOf(a, b rune) rune {
	if isNewer(a) || isNewer(b) {
		return -1
	}
	joined := norm.NFC.String(string([]rune{a, b}))
	r, size := utf8.DecodeRuneInString(joined)
	if size < len(joined) {
		return -1
	}
	return r
}
