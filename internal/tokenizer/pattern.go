package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// pattern is a split pattern: the regular expressions that tokenizer.json files
// hold, in the Oniguruma dialect. Go's regexp lacks their lookahead, so this is
// a small backtracking matcher of its own: classes, groups, alternatives, greedy
// quantifiers, (?i:...) and lookahead.
type pattern struct{ root *node }

type op uint8

const (
	opSet  op = iota // a set of runes, repeated
	opAlt            // alternatives, repeated at most once
	opLook           // (?=...) or (?!...)
	opEnd            // the end of the whole pattern
)

// node is one step; next is what follows it.
type node struct {
	op       op
	set      *runeSet
	min, max int
	alts     []*node
	negative bool
	next     *node
}

// runeSet is a set of runes; ASCII by table.
type runeSet struct {
	ascii   [utf8.RuneSelf]bool
	tables  []*unicode.RangeTable
	negated []*runeSet // members that are complements, such as \S within a class
	runes   []rune     // pairs: from, to
	invert  bool
}

func (s *runeSet) has(r rune) bool {
	if r < utf8.RuneSelf {
		return s.ascii[r]
	}
	return s.find(r) != s.invert
}

func (s *runeSet) find(r rune) bool {
	for i := 0; i < len(s.runes); i += 2 {
		if s.runes[i] <= r && r <= s.runes[i+1] {
			return true
		}
	}
	for _, n := range s.negated {
		if n.find(r) != n.invert {
			return true
		}
	}
	return unicode.IsOneOf(s.tables, r)
}

func (s *runeSet) seal() *runeSet {
	for r := range rune(utf8.RuneSelf) {
		s.ascii[r] = s.find(r) != s.invert
	}
	return s
}

// match returns the end of the match that begins at s[i], -1 if there is none.
func (p *pattern) match(s string, i int) int { return run(p.root, s, i) }

func run(n *node, s string, i int) int {
	for {
		switch n.op {
		case opEnd:
			return i
		case opLook:
			if (run(n.alts[0], s, i) >= 0) == n.negative {
				return -1
			}
			n = n.next
		case opAlt:
			for _, a := range n.alts {
				if end := run(a, s, i); end >= 0 {
					return end
				}
			}
			if n.min > 0 {
				return -1
			}
			n = n.next
		case opSet:
			start := i
			count := 0
			for count < n.max && i < len(s) {
				if c := s[i]; c < utf8.RuneSelf {
					if !n.set.ascii[c] {
						break
					}
					i++
				} else {
					r, size := utf8.DecodeRuneInString(s[i:])
					if !n.set.has(r) {
						break
					}
					i += size
				}
				count++
			}
			if count < n.min {
				return -1
			}
			if n.next.op == opEnd || count == n.min {
				n = n.next
				continue
			}
			for {
				if end := run(n.next, s, i); end >= 0 {
					return end
				}
				if count == n.min || i == start {
					return -1
				}
				_, size := utf8.DecodeLastRuneInString(s[start:i])
				i -= size
				count--
			}
		}
	}
}

// split calls piece for every match in s and every stretch between matches.
func (p *pattern) split(s string, piece func(string)) {
	from := 0
	for i := 0; i < len(s); {
		end := p.match(s, i)
		if end <= i {
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
			continue
		}
		if from < i {
			piece(s[from:i])
		}
		piece(s[i:end])
		i, from = end, end
	}
	if from < len(s) {
		piece(s[from:])
	}
}
