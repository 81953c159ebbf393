package tokenizer

import (
	"math"
	"strings"
	"unicode/utf8"
)

// bpe is a byte-pair model. Of a byte-level vocabulary, tokens are kept as the
// bytes they stand for; of others as the text they are spelled with.
type bpe struct {
	ids          map[string]int32 // of every token that a text can make
	finder       *idFinder        // in place of ids, if not nil
	ignoreMerges bool             // a word that is a token is that token

	byteLevel bool       // symbols begin as single bytes, otherwise as runes
	bytes     [256]int32 // byte-level: the ids of the bytes; otherwise those of <0x00> and so on; -1 for none
	chars     *charIDs   // ids of the runes, where symbols begin as those

	prefix, suffix string     // around all but a word's first and last symbol
	fallback       bool       // a rune without a token becomes its bytes' tokens
	unknown        int32      // the id of what has none, -1 if it is left out
	fuse           bool       // unknown runes that follow each other are one
	pairs          *runePairs // the runes that stand side by side in a token; nil if words are not cut

	order mergeOrder
	// merges maps a pair of ids to its rank and what it makes, where order is byList.
	merges map[pair]merged
	ranks  []uint32 // by id of what is made, where order is byScore
}

// id is the id of a token that a text can make.
func (m *bpe) id(token string) (int32, bool) {
	if m.finder != nil {
		return m.finder.find(token)
	}
	id, ok := m.ids[token]
	return id, ok
}

// mergeOrder is how the order of merges is given.
type mergeOrder uint8

const (
	byList  mergeOrder = iota // a list of pairs
	byPair                    // every two tokens that make a token merge, in the order of the ids of all three
	byToken                   // in the order of the id of what they make: tiktoken's rule
	byScore                   // in the order of the rank of what they make: SentencePiece's
)

// pair is two ids in one word, which maps look up faster than two.
type pair uint64

func pairOfIDs(left, right int32) pair { return pair(uint32(left))<<32 | pair(uint32(right)) }

type merged struct{ rank, id int32 }

// never is the rank of a pair that does not merge.
const never = math.MaxUint64

// rank returns the order in which a pair of neighbours merges, and the id it makes.
func (m *bpe) rank(left, right int32, span string) (uint64, int32) {
	if m.order == byList {
		if x, ok := m.merges[pairOfIDs(left, right)]; ok {
			return uint64(x.rank), x.id
		}
		return never, 0
	}
	id, ok := m.id(span)
	if !ok {
		return never, 0
	}
	switch m.order {
	case byToken:
		return uint64(id), id
	case byScore:
		return uint64(m.ranks[id]), id
	}
	return uint64(id)<<40 | uint64(left)<<20 | uint64(right), id
}

// dead is the id of a symbol that has become part of another; -2 that of one
// without a token.
const dead = -1

// symbol is a part of a word on its way to tokens.
type symbol struct {
	id         int32
	start, end int32 // bytes of the word
	prev, next int32 // neighbours, -1 at the ends
	// rank and id of the merge with the next symbol.
	rank uint64
	made int32
}

// scratch is what encoding a word needs.
type scratch struct {
	symbols []symbol
	queue   queue
	words   map[string][]int
	nodes   []lattice
}

// encode appends the tokens of a word. What has neither a token nor an unknown
// token is left out.
func (m *bpe) encode(dst []int, word string, s *scratch) []int {
	if m.ignoreMerges {
		if id, ok := m.id(word); ok {
			return append(dst, int(id))
		}
	}
	if m.pairs == nil {
		return m.remembered(dst, word, s)
	}
	from, before := 0, utf8.RuneError
	for i, r := range word {
		if i > from && m.cuts(before, r) {
			dst = m.remembered(dst, word[from:i], s)
			from = i
		}
		before = r
	}
	return m.remembered(dst, word[from:], s)
}

// Words up to rememberedBytes are remembered, up to rememberedWords of them.
const (
	rememberedBytes = 24
	rememberedWords = 1 << 13
)

func (m *bpe) remembered(dst []int, word string, s *scratch) []int {
	if len(word) > rememberedBytes {
		return m.encodeWord(dst, word, s)
	}
	if ids, ok := s.words[word]; ok {
		return append(dst, ids...)
	}
	n := len(dst)
	dst = m.encodeWord(dst, word, s)
	if s.words == nil || len(s.words) >= rememberedWords {
		s.words = map[string][]int{}
	}
	s.words[strings.Clone(word)] = append([]int(nil), dst[n:]...)
	return dst
}

func (m *bpe) encodeWord(dst []int, word string, s *scratch) []int {
	s.symbols = s.symbols[:0]
	if m.byteLevel {
		m.startBytes(word, s)
	} else {
		m.startRunes(word, s)
	}
	if len(s.symbols) == 0 {
		return dst
	}
	s.symbols[len(s.symbols)-1].next = -1
	for i := range s.symbols {
		m.look(s.symbols, int32(i), word)
	}
	if len(s.symbols) <= 32 {
		m.mergeByScan(s.symbols, word)
	} else {
		m.mergeByQueue(s, word)
	}
	if m.order == byScore {
		return m.pieces(dst, word, s)
	}
	for i := int32(0); i >= 0; i = s.symbols[i].next {
		dst = append(dst, int(s.symbols[i].id))
	}
	return dst
}

// add appends a symbol.
func (s *scratch) add(id int32, start, end int) {
	n := int32(len(s.symbols))
	s.symbols = append(s.symbols, symbol{id: id, start: int32(start), end: int32(end), prev: n - 1, next: n + 1, rank: never})
}

func (m *bpe) startBytes(word string, s *scratch) {
	for i := range len(word) {
		if id := m.bytes[word[i]]; id >= 0 {
			s.add(id, i, i+1)
		}
	}
}

// startRunes makes a symbol of every rune. Unknown ones wait, so that those that
// follow can be fused with them.
func (m *bpe) startRunes(word string, s *scratch) {
	unknown, from := false, 0
	flush := func(at int) {
		if unknown {
			s.add(m.unknown, from, at)
		}
		unknown = false
	}
	for i, r := range word {
		size := utf8.RuneLen(r)
		id, ok := m.runeID(word, i, size, r)
		switch {
		case ok:
			flush(i)
			s.add(id, i, i+size)
		case m.order == byScore: // merges go by text, so it may yet become part of a token
			s.add(-2, i, i+size)
		case m.fallback && m.haveBytes(word[i:i+size]):
			for k := range size {
				s.add(m.bytes[word[i+k]], i+k, i+k+1)
			}
		case m.unknown >= 0:
			if !m.fuse {
				flush(i)
			}
			if !unknown {
				unknown, from = true, i
			}
		}
	}
	flush(len(word))
}

// runeID is the id of the rune at word[i].
func (m *bpe) runeID(word string, i, size int, r rune) (int32, bool) {
	first, last := i == 0, i+size == len(word)
	if first && (!last || m.suffix == "") || m.prefix == "" && (!last || m.suffix == "") {
		return m.chars.of(r)
	}
	token := word[i : i+size]
	if !first {
		token = m.prefix + token
	}
	if last {
		token += m.suffix
	}
	return m.id(token)
}

// haveBytes reports whether all bytes of a rune have tokens.
func (m *bpe) haveBytes(rune string) bool {
	for i := range len(rune) {
		if m.bytes[rune[i]] < 0 {
			return false
		}
	}
	return true
}

// pieces appends what SentencePiece makes of the symbols: unknown ones become
// bytes, or one unknown token for those that follow each other.
func (m *bpe) pieces(dst []int, word string, s *scratch) []int {
	unknown := false
	for i := int32(0); i >= 0; i = s.symbols[i].next {
		x := &s.symbols[i]
		if x.id >= 0 {
			dst, unknown = append(dst, int(x.id)), false
			continue
		}
		dst, unknown = m.unknownPiece(dst, word[x.start:x.end], unknown)
	}
	return dst
}

func (m *bpe) unknownPiece(dst []int, text string, after bool) ([]int, bool) {
	if m.fallback && m.haveBytes(text) {
		for k := range len(text) {
			dst = append(dst, int(m.bytes[text[k]]))
		}
		return dst, false
	}
	if !after && m.unknown >= 0 {
		dst = append(dst, int(m.unknown))
	}
	return dst, true
}

// look finds the merge of symbol i with its neighbour.
func (m *bpe) look(symbols []symbol, i int32, word string) {
	a := &symbols[i]
	if a.next < 0 {
		a.rank = never
		return
	}
	b := &symbols[a.next]
	a.rank, a.made = m.rank(a.id, b.id, word[a.start:b.end])
}

// join merges symbol i with its neighbour.
func (m *bpe) join(symbols []symbol, i int32, word string) {
	a := &symbols[i]
	b := &symbols[a.next]
	a.id, a.end, a.next = a.made, b.end, b.next
	b.id = dead
	if a.next >= 0 {
		symbols[a.next].prev = i
	}
	m.look(symbols, i, word)
	if a.prev >= 0 {
		m.look(symbols, a.prev, word)
	}
}

// mergeByScan looks for the first merge of the lowest rank until there is none.
func (m *bpe) mergeByScan(symbols []symbol, word string) {
	for {
		best, at := uint64(never), int32(-1)
		for i := int32(0); i >= 0; i = symbols[i].next {
			if symbols[i].rank < best {
				best, at = symbols[i].rank, i
			}
		}
		if at < 0 {
			return
		}
		m.join(symbols, at, word)
	}
}
