package tokenizer

import "hash/maphash"

// vocabulary is the text of each token by id: a list, or a table as that of Llama 3, which
// takes a quarter of the memory.
type vocabulary struct {
	list  []string
	table string   // each token's length in one byte, then its bytes
	at    []uint32 // where a token begins in table
}

// tableOf reads a table.
func tableOf(table string, tokens int) vocabulary {
	v := vocabulary{table: table, at: make([]uint32, 0, tokens)}
	for at := 0; at < len(table); at += 1 + int(table[at]) {
		v.at = append(v.at, uint32(at))
	}
	return v
}

func (v *vocabulary) len() int { return len(v.list) + len(v.at) }

// of is the text of a token, "" for an id that is not used.
func (v *vocabulary) of(id int) string {
	if v.at == nil {
		return v.list[id]
	}
	at := v.at[id]
	return v.table[at+1:][:v.table[at]]
}

// idFinder finds ids by text. Unlike a map it does not hold the texts, so it takes 8 bytes a
// token.
type idFinder struct {
	tokens *vocabulary
	slots  []int32 // a hash's id plus one, or a later slot's; 0 where there is none
	seed   maphash.Seed
}

// newIDFinder finds the first n tokens, which are unlike each other.
func newIDFinder(tokens *vocabulary, n int) *idFinder {
	size := 1
	for size < n+n/2 {
		size *= 2
	}
	f := &idFinder{tokens: tokens, slots: make([]int32, size), seed: maphash.MakeSeed()}
	for id := range n {
		slot := f.slot(tokens.of(id))
		for f.slots[slot] != 0 {
			slot = f.next(slot)
		}
		f.slots[slot] = int32(id + 1)
	}
	return f
}

// slot is where the search for a text begins.
func (f *idFinder) slot(text string) int {
	return int(maphash.String(f.seed, text) & uint64(len(f.slots)-1))
}

func (f *idFinder) next(slot int) int { return (slot + 1) & (len(f.slots) - 1) }

func (f *idFinder) find(text string) (id int32, ok bool) {
	for slot := f.slot(text); f.slots[slot] != 0; slot = f.next(slot) {
		if id := f.slots[slot] - 1; f.tokens.of(int(id)) == text {
			return id, true
		}
	}
	return 0, false
}
