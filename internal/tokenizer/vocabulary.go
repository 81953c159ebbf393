package tokenizer

import (
	"hash/maphash"
	"math/bits"
)

// vocabulary is the text of each token by id: a list, or a table as that of Llama 3, which
// takes a quarter of the memory.
type vocabulary struct {
	list  []string
	table string   // each token's length in one byte, then its bytes
	at    []uint32 // where each token begins in table whose id is a multiple of markEvery
	n     int      // tokens of the table
}

// markEvery is how many tokens of a table there are for one that is found at once; to the
// others it is a few steps from there.
const markEvery = 4

// tableOf reads a table.
func tableOf(table string, tokens int) vocabulary {
	v := vocabulary{table: table, at: make([]uint32, 0, tokens/markEvery+1)}
	for at := 0; at < len(table); at += 1 + int(table[at]) {
		if v.n%markEvery == 0 {
			v.at = append(v.at, uint32(at))
		}
		v.n++
	}
	return v
}

func (v *vocabulary) len() int { return len(v.list) + v.n }

// of is the text of a token, "" for an id that is not used.
func (v *vocabulary) of(id int) string {
	if v.at == nil {
		return v.list[id]
	}
	at := int(v.at[id/markEvery])
	for range id % markEvery {
		at += 1 + int(v.table[at])
	}
	return v.table[at+1:][:v.table[at]]
}

// idFinder finds ids by text. Unlike a map it does not hold the texts, so it takes 5 bytes a
// token.
type idFinder struct {
	tokens *vocabulary
	// slots have an id plus one in their low bits, and above them bits of the text's hash; 0 is
	// an empty one. Where a text's slot is taken, its id is in one that follows.
	slots  []uint32
	idBits int
	seed   maphash.Seed
}

// newIDFinder finds the first n tokens, which are unlike each other.
func newIDFinder(tokens *vocabulary, n int) *idFinder {
	f := &idFinder{tokens: tokens, slots: make([]uint32, n+n/4+1), idBits: bits.Len(uint(n)), seed: maphash.MakeSeed()}
	for id := range n {
		slot, mark := f.slot(tokens.of(id))
		for f.slots[slot] != 0 {
			slot = f.next(slot)
		}
		f.slots[slot] = mark | uint32(id+1)
	}
	return f
}

// slot is where the search for a text begins, and the bits of its hash that its slot has.
func (f *idFinder) slot(text string) (slot int, mark uint32) {
	hash := maphash.String(f.seed, text)
	high, _ := bits.Mul64(hash, uint64(len(f.slots)))
	return int(high), uint32(hash) << f.idBits
}

func (f *idFinder) next(slot int) int {
	if slot++; slot == len(f.slots) {
		return 0
	}
	return slot
}

func (f *idFinder) find(text string) (id int32, ok bool) {
	for slot, mark := f.slot(text); f.slots[slot] != 0; slot = f.next(slot) {
		if f.slots[slot]>>f.idBits != mark>>f.idBits {
			continue
		}
		if id := f.slots[slot]&(1<<f.idBits-1) - 1; f.tokens.of(int(id)) == text {
			return int32(id), true
		}
	}
	return 0, false
}
