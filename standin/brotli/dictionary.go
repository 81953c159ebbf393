package brrr

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"sync"
)

//go:embed words.gz
var packed []byte

// words are those of RFC 7932, appendix A, by length.
var words = sync.OnceValue(func() []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		var all []byte
		if all, err = io.ReadAll(r); err == nil {
			return all
		}
	}
	panic("brotli: the words that are built in: " + err.Error())
})

// wordBits says how many words of a length there are, as a power of two.
var wordBits = [25]int{4: 10, 10, 11, 11, 10, 10, 10, 10, 10, 9, 9, 8, 7, 7, 8, 7, 7, 6, 6, 5, 5}

// word unpacks a word of the dictionary: a distance beyond all that there is names it, and
// what is done to it.
func (r *Reader) word(length, name int) error {
	if length >= len(wordBits) || wordBits[length] == 0 || name>>wordBits[length] >= len(transforms) {
		return errDamaged
	}
	at := 0
	for n, bits := range wordBits[:length] {
		if bits > 0 {
			at += n << bits
		}
	}
	at += name & (1<<wordBits[length] - 1) * length
	made := transforms[name>>wordBits[length]].of(words()[at : at+length])
	if len(made) > r.block.left {
		return errDamaged
	}
	r.put(made...)
	return nil
}

// transform is what is done to a word, and what is put around it.
type transform struct {
	prefix string
	what   int
	suffix string
}

// What is done to words. Of those that cut, cutFirst+2 cuts two bytes.
const (
	whole = iota
	upperFirst
	upperAll
	cutFirst = 10
	cutLast  = 20
)

func (t transform) of(word []byte) []byte {
	word = slices.Clone(word)
	switch {
	case t.what > cutLast:
		word = word[:max(0, len(word)-(t.what-cutLast))]
	case t.what > cutFirst:
		word = word[min(len(word), t.what-cutFirst):]
	case t.what == upperFirst:
		upper(word)
	case t.what == upperAll:
		for at := 0; at < len(word); {
			at += upper(word[at:])
		}
	}
	return slices.Concat([]byte(t.prefix), word, []byte(t.suffix))
}

// upper makes the first character a capital, roughly, and returns how many bytes it has.
func upper(word []byte) int {
	switch {
	case word[0] < 0xc0:
		if word[0] >= 'a' && word[0] <= 'z' {
			word[0] ^= 0x20
		}
		return 1
	case word[0] < 0xe0:
		if len(word) > 1 {
			word[1] ^= 0x20
		}
		return 2
	}
	if len(word) > 2 {
		word[2] ^= 5
	}
	return 3
}

// transforms are those of RFC 7932, appendix B.
var transforms = [121]transform{
	{"", whole, ""}, {"", whole, " "}, {" ", whole, " "}, {"", cutFirst + 1, ""}, {"", upperFirst, " "},
	{"", whole, " the "}, {" ", whole, ""}, {"s ", whole, " "}, {"", whole, " of "}, {"", upperFirst, ""},
	{"", whole, " and "}, {"", cutFirst + 2, ""}, {"", cutLast + 1, ""}, {", ", whole, " "}, {"", whole, ", "},
	{" ", upperFirst, " "}, {"", whole, " in "}, {"", whole, " to "}, {"e ", whole, " "}, {"", whole, "\""},
	{"", whole, "."}, {"", whole, "\">"}, {"", whole, "\n"}, {"", cutLast + 3, ""}, {"", whole, "]"},
	{"", whole, " for "}, {"", cutFirst + 3, ""}, {"", cutLast + 2, ""}, {"", whole, " a "}, {"", whole, " that "},
	{" ", upperFirst, ""}, {"", whole, ". "}, {".", whole, ""}, {" ", whole, ", "}, {"", cutFirst + 4, ""},
	{"", whole, " with "}, {"", whole, "'"}, {"", whole, " from "}, {"", whole, " by "}, {"", cutFirst + 5, ""},
	{"", cutFirst + 6, ""}, {" the ", whole, ""}, {"", cutLast + 4, ""}, {"", whole, ". The "}, {"", upperAll, ""},
	{"", whole, " on "}, {"", whole, " as "}, {"", whole, " is "}, {"", cutLast + 7, ""}, {"", cutLast + 1, "ing "},
	{"", whole, "\n\t"}, {"", whole, ":"}, {" ", whole, ". "}, {"", whole, "ed "}, {"", cutFirst + 9, ""},
	{"", cutFirst + 7, ""}, {"", cutLast + 6, ""}, {"", whole, "("}, {"", upperFirst, ", "}, {"", cutLast + 8, ""},
	{"", whole, " at "}, {"", whole, "ly "}, {" the ", whole, " of "}, {"", cutLast + 5, ""}, {"", cutLast + 9, ""},
	{" ", upperFirst, ", "}, {"", upperFirst, "\""}, {".", whole, "("}, {"", upperAll, " "},
	{"", upperFirst, "\">"}, {"", whole, "=\""}, {" ", whole, "."}, {".com/", whole, ""},
	{" the ", whole, " of the "}, {"", upperFirst, "'"}, {"", whole, ". This "}, {"", whole, ","},
	{".", whole, " "}, {"", upperFirst, "("}, {"", upperFirst, "."}, {"", whole, " not "}, {" ", whole, "=\""},
	{"", whole, "er "}, {" ", upperAll, " "}, {"", whole, "al "}, {" ", upperAll, ""}, {"", whole, "='"},
	{"", upperAll, "\""}, {"", upperFirst, ". "}, {" ", whole, "("}, {"", whole, "ful "}, {" ", upperFirst, ". "},
	{"", whole, "ive "}, {"", whole, "less "}, {"", upperAll, "'"}, {"", whole, "est "}, {" ", upperFirst, "."},
	{"", upperAll, "\">"}, {" ", whole, "='"}, {"", upperFirst, ","}, {"", whole, "ize "}, {"", upperAll, "."},
	{"\u00a0", whole, ""}, {" ", whole, ","}, {"", upperFirst, "=\""}, {"", upperAll, "=\""}, {"", whole, "ous "},
	{"", upperAll, ", "}, {"", upperFirst, "='"}, {" ", upperFirst, ","}, {" ", upperAll, "=\""},
	{" ", upperAll, ", "}, {"", upperAll, ","}, {"", upperAll, "("}, {"", upperAll, ". "}, {" ", upperAll, "."},
	{"", upperAll, "='"}, {" ", upperAll, ". "}, {" ", upperFirst, "=\""}, {" ", upperAll, "='"},
	{" ", upperFirst, "='"},
}
