package tokenizer

import "math"

// bpe is a byte-level BPE model. Tokens are kept as the bytes they stand for.
type bpe struct {
	tokens       []string         // by id; "" for an id that is not used
	ids          map[string]int32 // of every token that bytes can make
	bytes        [256]int32       // the ids of the single bytes, -1 for none
	ignoreMerges bool             // a word that is a token is that token
	// merges maps a pair of ids to its rank and what it makes. It is nil where every
	// two tokens that make a token merge, in the order of the tokens' ids: as in
	// vocabularies that come from tiktoken.
	merges map[pair]merged
}

type pair struct{ left, right int32 }

type merged struct{ rank, id int32 }

// never is the rank of a pair that does not merge.
const never = math.MaxUint64

// rank returns the order in which a pair of neighbours merges, and the id it makes.
func (m *bpe) rank(left, right int32, span string) (uint64, int32) {
	if m.merges == nil {
		id, ok := m.ids[span]
		if !ok {
			return never, 0
		}
		return uint64(id)<<40 | uint64(left)<<20 | uint64(right), id
	}
	if x, ok := m.merges[pair{left, right}]; ok {
		return uint64(x.rank), x.id
	}
	return never, 0
}

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
	queue   []candidate
}

// encode appends the tokens of a word. Bytes that the vocabulary lacks are left
// out, as in a model without an unknown token.
func (m *bpe) encode(dst []int, word string, s *scratch) []int {
	if m.ignoreMerges {
		if id, ok := m.ids[word]; ok {
			return append(dst, int(id))
		}
	}
	s.symbols = s.symbols[:0]
	for i := range len(word) {
		if id := m.bytes[word[i]]; id >= 0 {
			n := int32(len(s.symbols))
			s.symbols = append(s.symbols, symbol{id: id, start: int32(i), end: int32(i) + 1, prev: n - 1, next: n + 1, rank: never})
		}
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
	for i := int32(0); i >= 0; i = s.symbols[i].next {
		dst = append(dst, int(s.symbols[i].id))
	}
	return dst
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
	b.id = -1
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

// candidate is a merge in the queue; it is stale when its symbol has changed.
type candidate struct {
	rank uint64
	at   int32
	end  int32 // of the bytes that the merge would make
}

// mergeByQueue does the same with a heap, for long words.
func (m *bpe) mergeByQueue(s *scratch, word string) {
	s.queue = s.queue[:0]
	push := func(i int32) {
		if i >= 0 && s.symbols[i].rank != never {
			s.push(candidate{s.symbols[i].rank, i, s.symbols[s.symbols[i].next].end})
		}
	}
	for i := range s.symbols {
		push(int32(i))
	}
	for len(s.queue) > 0 {
		c := s.pop()
		a := &s.symbols[c.at]
		if a.id < 0 || a.rank != c.rank || a.next < 0 || s.symbols[a.next].end != c.end {
			continue
		}
		m.join(s.symbols, c.at, word)
		push(c.at)
		push(a.prev)
	}
}

func (c candidate) less(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

func (s *scratch) push(c candidate) {
	s.queue = append(s.queue, c)
	i := len(s.queue) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.less(s.queue[up]) {
			break
		}
		s.queue[i] = s.queue[up]
		i = up
	}
	s.queue[i] = c
}

func (s *scratch) pop() candidate {
	top := s.queue[0]
	last := s.queue[len(s.queue)-1]
	s.queue = s.queue[:len(s.queue)-1]
	n := len(s.queue)
	i := 0
	for n > 0 {
		down := 2*i + 1
		if down >= n {
			break
		}
		if down+1 < n && s.queue[down+1].less(s.queue[down]) {
			down++
		}
		if !s.queue[down].less(last) {
			break
		}
		s.queue[i] = s.queue[down]
		i = down
	}
	if n > 0 {
		s.queue[i] = last
	}
	return top
}
