package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// unigram is a Unigram model: of all ways to cut a text into tokens it takes the
// likeliest. Scores add up as the library does it whose file it is: Hugging
// Face's in double precision, SentencePiece's in single.
type unigram struct {
	ids      map[string]int32
	scores   []float64
	trie     *pieceTrie
	unknown  int32 // -1 if there is none
	worst    float64
	fallback bool
	bytes    [256]int32
	native   bool   // as SentencePiece does
	defined  []bool // by id: SentencePiece's user-defined pieces
	best     float64
}

// unknownPenalty is how much worse than the worst token an unknown rune is.
const unknownPenalty = 10

// lattice is the best way to a position of the text.
type lattice struct {
	score float64
	from  int32
	id    int32
}

func (m *unigram) encode(dst []int, text string, s *scratch) []int {
	if text == "" {
		return dst
	}
	s.nodes = slices.Grow(s.nodes[:0], len(text)+1)[:len(text)+1]
	for i := range s.nodes {
		s.nodes[i] = lattice{from: -1}
	}
	for at := 0; at < len(text); {
		_, size := utf8.DecodeRuneInString(text[at:])
		m.advance(s.nodes, text, at, size)
		at += size
	}
	return m.collect(dst, text, s)
}

// advance takes the best way to at further by every token that begins there.
func (m *unigram) advance(nodes []lattice, text string, at, size int) {
	here, single := nodes[at].score, false
	m.trie.find(text[at:], func(length int, id int32) {
		score := m.scores[id]
		if m.native && m.defined[id] {
			score = float64(float32(length)*float32(m.best)) - 0.1
		}
		m.relax(&nodes[at+length], score+here, at, id)
		single = single || length == size
	})
	if !single {
		m.relax(&nodes[at+size], m.worst-unknownPenalty+here, at, m.unknown)
	}
}

func (m *unigram) relax(n *lattice, score float64, from int, id int32) {
	if n.from < 0 || score > n.score {
		if m.native {
			score = float64(float32(score))
		}
		*n = lattice{score, int32(from), id}
	}
}

// collect walks back from the end and appends the tokens in their order.
func (m *unigram) collect(dst []int, text string, s *scratch) []int {
	n := len(dst)
	unknownEnd := -1 // of a run of unknown runes
	flush := func(start int) {
		if unknownEnd >= 0 {
			dst = m.appendUnknown(dst, text[start:unknownEnd])
			unknownEnd = -1
		}
	}
	for end := len(text); end > 0; {
		node := s.nodes[end]
		if node.id == m.unknown {
			if m.native && m.fallback {
				flush(end)
			}
			if unknownEnd < 0 {
				unknownEnd = end
			}
		} else {
			flush(end)
			dst = append(dst, int(node.id))
		}
		end = int(node.from)
	}
	flush(0)
	slices.Reverse(dst[n:])
	return dst
}

// appendUnknown appends the tokens of an unknown text, last first.
func (m *unigram) appendUnknown(dst []int, text string) []int {
	if id, ok := m.ids[text]; ok && !m.native {
		return append(dst, int(id))
	}
	if m.fallback {
		whole := true
		for i := range len(text) {
			whole = whole && m.bytes[text[i]] >= 0
		}
		if whole {
			for i := len(text) - 1; i >= 0; i-- {
				dst = append(dst, int(m.bytes[text[i]]))
			}
			return dst
		}
	}
	if m.unknown < 0 {
		return dst
	}
	return append(dst, int(m.unknown))
}

// newUnigram builds the model of a tokenizer.json.
func newUnigram(tokens []string, scores []float64, unknown int32, fallback bool) (*unigram, error) {
	m := &unigram{ids: make(map[string]int32, len(tokens)), scores: scores, unknown: unknown, fallback: fallback, worst: math.Inf(1)}
	if int(unknown) >= len(tokens) {
		return nil, fmt.Errorf("its unknown token is %d, of %d", unknown, len(tokens))
	}
	for id, token := range tokens {
		if math.IsNaN(scores[id]) {
			return nil, fmt.Errorf("the token %q has no score", token)
		}
		m.ids[token] = int32(id)
		m.worst = min(m.worst, scores[id])
	}
	m.setBytes()
	m.trie = newPieceTrie(m.ids)
	return m, nil
}

func (m *unigram) setBytes() {
	for b := range m.bytes {
		m.bytes[b] = -1
		if id, ok := m.ids[fmt.Sprintf("<0x%02X>", b)]; ok {
			m.bytes[b] = id
		}
	}
}

// pieceTrie finds every token that a text begins with.
type pieceTrie struct {
	root  [256]int32 // nodes by first byte, 0 for none
	nodes []trieRow
	next  []trieEdge
}

type trieRow struct {
	id          int32 // -1 if no token ends here
	first, last int32 // its edges, by byte
}

type trieEdge struct {
	b    byte
	node int32
}

func newPieceTrie(ids map[string]int32) *pieceTrie {
	t := &pieceTrie{nodes: make([]trieRow, 1, 2*len(ids)+2)}
	words := make([]string, 0, len(ids))
	for token := range ids {
		if token != "" {
			words = append(words, token)
		}
	}
	slices.Sort(words)
	type job struct {
		words []string
		depth int
		node  int32
	}
	var jobs []job
	grow := func(words []string, depth int, link func(b byte, node int32)) {
		for len(words) > 0 {
			b := words[0][depth]
			n := 1
			for n < len(words) && words[n][depth] == b {
				n++
			}
			node := int32(len(t.nodes))
			t.nodes = append(t.nodes, trieRow{id: -1})
			link(b, node)
			jobs = append(jobs, job{words[:n], depth + 1, node})
			words = words[n:]
		}
	}
	grow(words, 0, func(b byte, node int32) { t.root[b] = node })
	for len(jobs) > 0 {
		j := jobs[len(jobs)-1]
		jobs = jobs[:len(jobs)-1]
		if len(j.words[0]) == j.depth {
			t.nodes[j.node].id = ids[j.words[0]]
			j.words = j.words[1:]
		}
		first := int32(len(t.next))
		grow(j.words, j.depth, func(b byte, node int32) { t.next = append(t.next, trieEdge{b, node}) })
		t.nodes[j.node].first, t.nodes[j.node].last = first, int32(len(t.next))
	}
	return t
}

// find calls found for every token that s begins with, the shortest first.
func (t *pieceTrie) find(s string, found func(length int, id int32)) {
	node := t.root[s[0]]
	for i := 1; node != 0; i++ {
		row := &t.nodes[node]
		if row.id >= 0 {
			found(i, row.id)
		}
		if i == len(s) {
			return
		}
		node = t.edge(row, s[i])
	}
}

func (t *pieceTrie) edge(row *trieRow, b byte) int32 {
	low, high := row.first, row.last
	for low < high {
		mid := (low + high) / 2
		switch e := t.next[mid]; {
		case e.b == b:
			return e.node
		case e.b < b:
			low = mid + 1
		default:
			high = mid
		}
	}
	return 0
}
