package tokenizer

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/rangetable"
)

// Go's tables are those of Unicode 15.0. The engine that Hugging Face's tokenizers
// split by (Oniguruma) has Unicode 16.0, Rust's own functions have 17.0, the normaliser
// and the scripts have 9.0, and BERT's categories have 8.0. testdata/tokenizers/unicode.json.gz
// holds what they make of every code point.

// since15 is what Unicode 15.1 and 16.0 assigned, by general category.
var since15 = map[string]string{
	"Lu": "1c89 a7cb-a7cc a7da a7dc 10d50-10d65",
	"Ll": "1c8a a7cd a7db 10d70-10d85",
	"Lm": "10d4e 10d6f 16d40-16d42 16d6b-16d6c",
	"Lo": "105c0-105f3 10d4a-10d4d 10d4f 10ec2-10ec4 11380-11389 1138b 1138e 11390-113b5 113b7 113d1 113d3 11bc0-11be0 13460-143fa 16100-1611d 16d43-16d6a 18cff 1e5d0-1e5ed 1e5f0 2ebf0-2ee5d",
	"Mn": "897 10d69-10d6d 10efc 113bb-113c0 113ce 113d0 113d2 113e1-113e2 11f5a 1611e-16129 1612d-1612f 1e5ee-1e5ef",
	"Mc": "113b8-113ba 113c2 113c5 113c7-113ca 113cc-113cd 113cf 1171e 1612a-1612c",
	"Nd": "10d40-10d49 116d0-116e3 11bf0-11bf9 16130-16139 16d70-16d79 1ccf0-1ccf9 1e5f1-1e5fa",
	"Pd": "10d6e",
	"Po": "1b4e-1b4f 1b7f 113d4-113d5 113d7-113d8 11be1 16d6d-16d6f 1e5ff",
	"Sm": "10d8e-10d8f",
	"So": "2427-2429 2ffc-2fff 31e4-31e5 31ef 1cc00-1ccef 1cd00-1ceb3 1f8b2-1f8bb 1f8c0-1f8c1 1fa89 1fa8f 1fabe 1fac6 1fadc 1fadf 1fae9 1fbcb-1fbef",
}

// newerScripts is what Unicode 15.1 and 16.0 added to scripts that Go knows.
var newerScripts = map[string]string{
	"Arabic": "897 10ec2-10ec4 10efc", "Cyrillic": "1c89-1c8a", "Han": "2ebf0-2ee5d", "Latin": "a7cb-a7cd a7da-a7dc",
	"Common": "2427-2429 2ffc-2fff 31e4-31e5 31ef 1cc00-1ccf9 1cd00-1ceb3 1f8b2-1f8bb 1f8c0-1f8c1 1fa89 1fa8f 1fabe 1fac6 1fadc 1fadf 1fae9 1fbcb-1fbef",
}

// newerAlphabetic is what Unicode 16.0 made alphabetic besides letters.
const newerAlphabetic = "363-36f 897 1dd3-1de6 10d69 10efc 113b8-113c0 113c2 113c5 113c7-113ca 113cc-113cd 1611e-1612e"

// newerDigits are the numbers of Unicode 17.0, which Rust's standard library has.
const newerDigits = "11de0-11de9 16ff4-16ff6"

// newerLower are the lower-case letters of Unicode 15.1 to 17.0, as ranges of what
// they are the lower case of, and the first of theirs.
var newerLower = [][3]rune{
	{0x1c89, 0x1c89, 0x1c8a}, {0xa7cb, 0xa7cb, 0x264}, {0xa7cc, 0xa7cc, 0xa7cd}, {0xa7ce, 0xa7ce, 0xa7cf}, {0xa7d2, 0xa7d2, 0xa7d3},
	{0xa7d4, 0xa7d4, 0xa7d5}, {0xa7da, 0xa7da, 0xa7db}, {0xa7dc, 0xa7dc, 0x19b}, {0x10d50, 0x10d65, 0x10d70}, {0x16ea0, 0x16eb8, 0x16ebb},
}

// toLower is Rust's char::to_lowercase where that is one rune.
func toLower(r rune) rune {
	if r >= 0x1c89 {
		for _, x := range newerLower {
			if x[0] <= r && r <= x[1] {
				return x[2] + r - x[0]
			}
		}
	}
	return unicode.ToLower(r)
}

// of reports what was in tables in a version of Unicode, and what it had otherwise.
func of(version string, tables []*unicode.RangeTable, more, less string) func(rune) bool {
	assigned, with, but := rangetable.Assigned(version), ranges(more), ranges(less)
	return func(r rune) bool {
		return unicode.IsOneOf(tables, r) && unicode.Is(assigned, r) && !unicode.Is(but, r) || unicode.Is(with, r)
	}
}

// category returns the tables of a general category such as L or Lu.
func category(name string) []*unicode.RangeTable {
	table := unicode.Categories[name]
	if table == nil {
		return nil
	}
	newer := ""
	for leaf, text := range since15 {
		if strings.HasPrefix(leaf, name) {
			newer += " " + text
		}
	}
	return []*unicode.RangeTable{table, ranges(newer)}
}

// words returns the tables of what words are made of (Unicode Technical Standard 18, annex C).
func words() []*unicode.RangeTable {
	out := []*unicode.RangeTable{unicode.Other_Alphabetic} // all of newerAlphabetic are marks
	for _, name := range []string{"L", "M", "Nd", "Nl", "Pc"} {
		out = append(out, category(name)...)
	}
	return out
}

// ranges makes a table of hexadecimal code points and ranges of them that do not overlap.
func ranges(text string) *unicode.RangeTable {
	var all []unicode.Range32
	for _, word := range strings.Fields(text) {
		from, to, isRange := strings.Cut(word, "-")
		if !isRange {
			to = from
		}
		all = append(all, unicode.Range32{Lo: codePoint(from), Hi: codePoint(to), Stride: 1})
	}
	slices.SortFunc(all, func(a, b unicode.Range32) int { return cmp.Compare(a.Lo, b.Lo) })
	t := &unicode.RangeTable{}
	for _, r := range all {
		if r.Hi <= math.MaxUint16 {
			t.R16 = append(t.R16, unicode.Range16{Lo: uint16(r.Lo), Hi: uint16(r.Hi), Stride: 1})
		} else {
			t.R32 = append(t.R32, r)
		}
	}
	return t
}

func codePoint(hexadecimal string) uint32 {
	n, err := strconv.ParseUint(hexadecimal, 16, 21)
	if err != nil {
		panic(err) // of a constant
	}
	return uint32(n)
}
