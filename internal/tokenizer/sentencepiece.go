package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Types of SentencePiece's pieces.
const (
	pieceNormal = 1 + iota
	pieceUnknown
	pieceControl
	pieceDefined
	pieceUnused
	pieceByte
)

// sentencePiece is what loadgen reads of a tokenizer.model.
type sentencePiece struct {
	pieces  []piece
	kind    uint64 // 1 Unigram, 2 BPE
	charmap []byte
	surface string // of an unknown piece

	fallback, suffix               bool
	dummyPrefix, trimBlanks, marks bool
	unknown, bos                   int

	user *charsmapOrNil
}

type charsmapOrNil struct {
	chars   *charsmap
	defined trie
}

type piece struct {
	text  string
	score float32
	kind  uint64
}

func (m *sentencePiece) prepare() (err error) {
	m.user = &charsmapOrNil{}
	if len(m.charmap) > 0 {
		if m.user.chars, err = newCharsmap(m.charmap); err != nil {
			return err
		}
	}
	for id, p := range m.pieces {
		switch p.kind {
		case pieceUnknown:
			m.unknown = id
		case pieceDefined:
			m.user.defined.add(&addedToken{ID: int32(id), Content: p.text})
		}
	}
	return nil
}

// loadSentencePiece reads a tokenizer.model.
func loadSentencePiece(path string, data []byte, c *config) (*Tokenizer, error) {
	m, err := parseSentencePiece(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &Tokenizer{vocab: len(m.pieces), special: map[int32]bool{}, cleanUp: c.CleanUp, normal: []normalizer{normalizing(m.normalize)}}
	for id, p := range m.pieces {
		t.setToken(int32(id), p.text)
		if p.kind == pieceControl || p.kind == pieceUnknown && c.given {
			t.special[int32(id)] = true
		}
	}
	switch m.kind {
	case 1:
		t.model = m.unigram()
	case 2:
		t.model = m.bpe()
	default:
		return nil, fmt.Errorf("%s: %w", path, unsupported("model", map[uint64]string{3: "word", 4: "char"}[m.kind]))
	}
	t.decode = []decoder{m.decoder(c.given)}
	if !c.given {
		if m.bos >= 0 {
			t.before = []int{m.bos}
		}
		return t, nil
	}
	ids := map[string]int32{}
	for id, p := range m.pieces {
		ids[p.text] = int32(id)
	}
	if c.BOS == "" && m.bos >= 0 {
		c.BOS = text(m.pieces[m.bos].text)
	}
	t.setAdded(nil, c, ids)
	return t, t.aroundByConfig(c)
}

// definedPieces encodes what user-defined pieces leave of a text with model.
type definedPieces struct {
	defined *trie
	model   model
}

func (m *definedPieces) encode(dst []int, text string, s *scratch) []int {
	from := 0
	for i := 0; i < len(text); {
		p := m.defined.at(text, i)
		if p == nil {
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
			continue
		}
		if from < i {
			dst = m.model.encode(dst, text[from:i], s)
		}
		dst = append(dst, int(p.ID))
		i += len(p.Content)
		from = i
	}
	if from < len(text) {
		dst = m.model.encode(dst, text[from:], s)
	}
	return dst
}

func (m *sentencePiece) bpe() model {
	b := &bpe{ids: map[string]int32{}, fallback: m.fallback, unknown: int32(m.unknown), order: byScore, ranks: make([]uint32, len(m.pieces))}
	scores := make([]float32, 0, len(m.pieces))
	for id, p := range m.pieces {
		if p.kind == pieceNormal || p.kind == pieceDefined {
			b.ids[p.text] = int32(id)
			scores = append(scores, p.score)
		}
	}
	slices.SortFunc(scores, func(a, b float32) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	scores = slices.Compact(scores)
	rank := make(map[float32]uint32, len(scores))
	for i, s := range scores {
		rank[s] = uint32(i)
	}
	for id, p := range m.pieces {
		b.ranks[id] = rank[p.score]
	}
	b.index()
	m.setBytes(&b.bytes)
	if m.user.defined.root == nil {
		return b
	}
	return &definedPieces{&m.user.defined, b}
}

func (m *sentencePiece) setBytes(ids *[256]int32) {
	for b := range ids {
		ids[b] = -1
	}
	for id, p := range m.pieces {
		if b := byteToken(p.text); p.kind == pieceByte && b >= 0 {
			ids[b] = int32(id)
		}
	}
}

func (m *sentencePiece) unigram() model {
	u := &unigram{
		ids: map[string]int32{}, scores: make([]float64, len(m.pieces)), defined: make([]bool, len(m.pieces)), native: true,
		unknown: int32(m.unknown), fallback: m.fallback, worst: math.MaxFloat32, best: -math.MaxFloat32,
	}
	for id, p := range m.pieces {
		u.scores[id] = float64(p.score)
		switch p.kind {
		case pieceNormal:
			u.worst, u.best = min(u.worst, float64(p.score)), max(u.best, float64(p.score))
		case pieceDefined:
			u.defined[id] = true
		default:
			continue
		}
		u.ids[p.text] = int32(id)
	}
	m.setBytes(&u.bytes)
	u.trie = newPieceTrie(u.ids)
	return u
}

// normalize is SentencePiece's own: the character map, blanks, the dummy prefix.
func (m *sentencePiece) normalize(s string) string {
	blank := " "
	if m.marks {
		blank = "▁"
	}
	for m.trimBlanks && s != "" {
		text, n := m.prefix(s)
		if text != " " {
			break
		}
		s = s[n:]
	}
	if s == "" {
		return ""
	}
	var out strings.Builder
	if m.dummyPrefix && !m.suffix {
		out.WriteString(blank)
	}
	after := m.trimBlanks // the last thing written was a blank, so no other is
	for s != "" {
		text, n := m.prefix(s)
		s = s[n:]
		for after && strings.HasPrefix(text, " ") {
			text = text[1:]
		}
		if text != "" {
			out.WriteString(strings.ReplaceAll(text, " ", blank))
			after = strings.HasSuffix(text, " ")
		}
		if !m.trimBlanks {
			after = false
		}
	}
	done := out.String()
	for m.trimBlanks && strings.HasSuffix(done, blank) {
		done = strings.TrimSuffix(done, blank)
	}
	if m.dummyPrefix && m.suffix {
		done += blank
	}
	return done
}

// prefix normalizes the beginning of s and returns how much of s that was.
func (m *sentencePiece) prefix(s string) (string, int) {
	if p := m.user.defined.at(s, 0); p != nil {
		return p.Content, len(p.Content)
	}
	if m.user.chars != nil {
		if n, text := m.user.chars.longest(s); n > 0 {
			return text, n
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n], n
}

// decoder joins pieces as SentencePiece does, or as transformers does, which
// keeps the texts of control and unknown pieces.
func (m *sentencePiece) decoder(transformers bool) decoder {
	hidden := map[string]string{}
	for _, p := range m.pieces {
		switch {
		case transformers:
		case p.kind == pieceControl:
			hidden[p.text] = ""
		case p.kind == pieceUnknown:
			hidden[p.text] = m.surface
		}
	}
	return func(tokens []string) []string {
		if transformers {
			for i, t := range tokens {
				tokens[i] = strings.ReplaceAll(t, "▁", " ")
			}
			out := strings.Join(fromByteTokens(tokens), "")
			if m.dummyPrefix && !m.suffix {
				out = strings.TrimPrefix(out, " ")
			}
			return []string{out}
		}
		var out strings.Builder
		var held []byte
		first, seen := true, false
		flush := func() {
			for len(held) > 0 {
				r, n := utf8.DecodeRune(held)
				out.WriteRune(r)
				held = held[n:]
			}
		}
		for _, t := range tokens {
			if b := byteToken(t); b >= 0 {
				held = append(held, byte(b))
				continue
			}
			flush()
			if seen || out.Len() > 0 {
				first = false
			}
			seen = false
			if text, ok := hidden[t]; ok {
				out.WriteString(text)
				continue
			}
			if first && (m.dummyPrefix || m.trimBlanks) {
				if rest, ok := strings.CutPrefix(t, "▁"); ok {
					t, seen = rest, !m.trimBlanks
				}
			}
			out.WriteString(strings.ReplaceAll(t, "▁", " "))
		}
		flush()
		return []string{out.String()}
	}
}
