package tokenizer

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Go's tables are those of Unicode 15.0. The engine that Hugging Face's tokenizers
// split by (Oniguruma) has Unicode 16.0; the normaliser has Unicode 9.0.

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

// since9 is what Unicode assigned after 9.0 of what normalising moves, takes
// apart or puts together.
var since9 = ranges(`7fd 898-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1ace 1df6-1dfa 32ff a7f2-a7f4 a82c ab69 10781-10785 10787-107b0
	107b2-107ba 10d24-10d27 10eab-10eac 10efd-10eff 10f46-10f50 10f82-10f85 11070 1133b 1145e 11839-1183a 11930 11938 1193d-1193e 11943 119e0
	11a34 11a47 11a99 11d42 11d44-11d45 11d97 11f41-11f42 16ff0-16ff1 1e030-1e06d 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1f16c 1fbf0-1fbf9`)

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
	out := []*unicode.RangeTable{unicode.Other_Alphabetic}
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
