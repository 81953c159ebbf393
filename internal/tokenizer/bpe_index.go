package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// charIDs are the ids of single runes.
type charIDs struct {
	ascii [utf8.RuneSelf]int32
	more  map[rune]int32
}

func (c *charIDs) of(r rune) (int32, bool) {
	if r < utf8.RuneSelf {
		return c.ascii[r], c.ascii[r] >= 0
	}
	id, ok := c.more[r]
	return id, ok
}

// runePairs is a set of pairs of runes.
type runePairs struct {
	ascii [utf8.RuneSelf][utf8.RuneSelf]bool
	more  map[[2]rune]bool
}

// add adds the neighbours in a token.
func (p *runePairs) add(token string) {
	before := rune(-1)
	for _, r := range token {
		switch {
		case before < 0:
		case before < utf8.RuneSelf && r < utf8.RuneSelf:
			p.ascii[before][r] = true
		default:
			p.more[[2]rune{before, r}] = true
		}
		before = r
	}
}

func (p *runePairs) has(a, b rune) bool {
	if a < utf8.RuneSelf && b < utf8.RuneSelf {
		return p.ascii[a][b]
	}
	return p.more[[2]rune{a, b}]
}

// index builds what is looked up by rune or by byte.
func (m *bpe) index() {
	for b := range m.bytes {
		token := fmt.Sprintf("<0x%02X>", b)
		if m.byteLevel {
			token = string([]byte{byte(b)})
		}
		m.bytes[b] = -1
		if id, ok := m.id(token); ok {
			m.bytes[b] = id
		}
	}
	if m.byteLevel {
		return
	}
	m.chars = &charIDs{more: map[rune]int32{}}
	for r := range m.chars.ascii {
		m.chars.ascii[r] = -1
	}
	if !m.ignoreMerges && m.suffix == "" && m.prefix == "" {
		m.pairs = &runePairs{more: map[[2]rune]bool{}}
	}
	for token, id := range m.ids {
		r, size := utf8.DecodeRuneInString(token)
		if size == len(token) && size > 0 {
			if r < utf8.RuneSelf {
				m.chars.ascii[r] = id
			} else {
				m.chars.more[r] = id
			}
			continue
		}
		if m.pairs != nil {
			m.pairs.add(token)
		}
	}
}

// cuts reports whether what lies before and after two neighbours can be encoded
// apart: both have tokens, and no token holds them side by side, so that no merge
// can join them.
func (m *bpe) cuts(a, b rune) bool {
	if m.pairs.has(a, b) {
		return false
	}
	_, okA := m.chars.of(a)
	_, okB := m.chars.of(b)
	return okA && okB
}
