package tokenizer

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// runeSet is a set of runes: ASCII by table, others by pages of 256 that are
// worked out when they are first asked for.
type runeSet struct {
	ascii   [utf8.RuneSelf]bool
	tables  []*unicode.RangeTable
	members []*runeSet // sets within the set, such as \S or [^a]
	both    []*runeSet // sets that a rune must be in as well: [a&&b]
	runes   []rune     // pairs: from, to
	invert  bool
	sealed  bool
	pages   *[256]atomic.Pointer[page] // of the runes below U+10000
}

// page says which of 256 runes are in a set.
type page [4]uint64

func (s *runeSet) has(r rune) bool {
	if s.sealed && r < utf8.RuneSelf {
		return s.ascii[r]
	}
	if s.pages == nil || r > 0xffff || r < 0 {
		return s.find(r) != s.invert
	}
	slot := &s.pages[r>>8]
	p := slot.Load()
	if p == nil {
		p = s.work(r &^ 0xff)
		slot.Store(p)
	}
	return p[r>>6&3]>>(r&63)&1 != 0
}

// work makes the page that begins with a rune.
func (s *runeSet) work(first rune) *page {
	var p page
	for i := range rune(256) {
		if s.find(first+i) != s.invert {
			p[i>>6] |= 1 << (i & 63)
		}
	}
	return &p
}

// at returns the length of the rune at s[i] if it is in the set, otherwise 0.
func (s *runeSet) at(text string, i int) int {
	if i >= len(text) {
		return 0
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	if !s.has(r) {
		return 0
	}
	return size
}

func (s *runeSet) find(r rune) bool {
	if !s.listed(r) {
		return false
	}
	for _, other := range s.both {
		if !other.has(r) {
			return false
		}
	}
	return true
}

func (s *runeSet) listed(r rune) bool {
	for i := 0; i < len(s.runes); i += 2 {
		if s.runes[i] <= r && r <= s.runes[i+1] {
			return true
		}
	}
	for _, n := range s.members {
		if n.has(r) {
			return true
		}
	}
	for _, t := range s.tables {
		if unicode.Is(t, r) {
			return true
		}
	}
	return false
}

func (s *runeSet) seal() *runeSet {
	for r := range rune(utf8.RuneSelf) {
		s.ascii[r] = s.find(r) != s.invert
	}
	s.sealed, s.pages = true, new([256]atomic.Pointer[page])
	return s
}
