package tokenizer

import "unicode/utf8"

// pattern is a regular expression of a tokenizer file. Go's regexp lacks
// lookaround, possessive repeats and set intersections, so this is a matcher of
// its own. It backtracks, which is quick on the patterns that models ship; once
// a text has taken more steps than its length justifies, every result by node
// and position is remembered, so that the time stays linear in the text.
type pattern struct {
	root  *node
	nodes int      // nodes that have a row of remembered results
	words *runeSet // what \b is the border of
}

type op uint8

const (
	opSet    op = iota // a set of runes, repeated
	opAlt              // alternatives, each linked to what follows the group
	opLoop             // alts[0] is the body, which leads back here
	opLook             // (?=...) (?!...)
	opBehind           // (?<=...) (?<!...), of min runes
	opAtomic           // (?>...)
	opAssert           // ^ $ \A \z \b and the like
	opEnd              // the end of the pattern or of a look-around
)

// node is one step; next is what follows it. What a node matches from a position
// on depends on nothing else, so it can be remembered.
type node struct {
	op         op
	set        *runeSet
	min, max   int
	lazy       bool
	possessive bool
	alts       []*node
	negative   bool
	assert     byte
	next       *node
	index      int // of its row of remembered results
}

// matcher is the work on one text.
type matcher struct {
	p      *pattern
	s      string
	budget int       // steps until results are remembered
	memo   [][]int32 // by node and position: the result plus 3, 0 unknown, 1 under way
	depth  int
}

const (
	memoBusy = 1
	maxDepth = 50_000 // iterations of a group within one match
)

// run returns where a match of n and what follows it ends, from s[i] on.
func (m *matcher) run(n *node, i int) int {
	for {
		m.budget--
		switch n.op {
		case opEnd:
			return i
		case opAssert:
			if !m.holds(n.assert, i) {
				return -1
			}
		case opLook:
			if (m.remembered(n.alts[0], i) >= 0) == n.negative {
				return -1
			}
		case opBehind:
			if m.behind(n, i) == n.negative {
				return -1
			}
		case opAtomic:
			if i = m.run(n.alts[0], i); i < 0 {
				return -1
			}
		case opAlt, opLoop:
			if m.budget < 0 || n.op == opLoop {
				return m.remembered(n, i)
			}
			return m.branch(n, i)
		case opSet:
			end, done := m.repeat(n, i)
			if done {
				return end
			}
			i = end
		}
		n = n.next
	}
}

// branch tries the alternatives of a group or a loop in order.
func (m *matcher) branch(n *node, i int) int {
	if n.op == opAlt {
		for _, a := range n.alts {
			if end := m.run(a, i); end >= 0 {
				return end
			}
		}
		return -1
	}
	first, second := n.alts[0], n.next
	if n.lazy {
		first, second = second, first
	}
	if m.depth++; m.depth > maxDepth {
		m.depth--
		return m.run(n.next, i)
	}
	end := m.run(first, i)
	m.depth--
	if end < 0 {
		end = m.run(second, i)
	}
	return end
}

// remembered is branch or run with its results kept. A loop that comes back to
// where it is has matched nothing, which ends it.
func (m *matcher) remembered(n *node, i int) int {
	if m.budget >= 0 && n.op != opLoop {
		return m.run(n, i)
	}
	row := m.row(n)
	switch r := row[i]; {
	case r == memoBusy:
		return -1
	case r > 0:
		return int(r) - 3
	}
	row[i] = memoBusy
	var end int
	if n.op == opAlt || n.op == opLoop {
		end = m.branch(n, i)
	} else {
		end = m.run(n, i)
	}
	row[i] = int32(end + 3)
	return end
}

func (m *matcher) row(n *node) []int32 {
	if m.memo == nil {
		m.memo = make([][]int32, m.p.nodes)
	}
	if m.memo[n.index] == nil {
		m.memo[n.index] = make([]int32, len(m.s)+1)
	}
	return m.memo[n.index]
}

// repeat matches a repeated set. done says that end is the result; otherwise the
// match goes on at end.
func (m *matcher) repeat(n *node, i int) (end int, done bool) {
	if n.lazy || m.budget < 0 && n.max > n.min && !n.possessive {
		return m.repeatSlowly(n, i), true
	}
	s, start, count := m.s, i, 0
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
	m.budget -= count / 4
	if count < n.min {
		return -1, true
	}
	if n.next.op == opEnd || count == n.min || n.possessive {
		return i, false
	}
	for {
		if end := m.run(n.next, i); end >= 0 {
			return end, true
		}
		if count == n.min || i == start {
			return -1, true
		}
		_, size := utf8.DecodeLastRuneInString(s[start:i])
		i -= size
		count--
		if m.budget--; m.budget < 0 {
			return m.repeatSlowly(n, start), true
		}
	}
}

// repeatSlowly is for lazy repeats, and for what took too many steps.
func (m *matcher) repeatSlowly(n *node, i int) int {
	if n.max == unbounded {
		return m.unending(n, i)
	}
	row := m.row(n)
	if row[i] == 0 {
		row[i] = int32(m.counted(n, i) + 3)
	}
	return int(row[i]) - 3
}

// counted matches a set that repeats a bounded number of times.
func (m *matcher) counted(n *node, i int) int {
	for range n.min {
		size := n.set.at(m.s, i)
		if size == 0 {
			return -1
		}
		i += size
	}
	return m.bounded(n, i, n.max-n.min)
}

// unending matches a set that repeats without bound.
func (m *matcher) unending(n *node, i int) int {
	count := 0
	for ; count < n.min; count++ {
		size := n.set.at(m.s, i)
		if size == 0 {
			return -1
		}
		i += size
	}
	// The result at i is that at the next rune, or else that of what follows. Go
	// forward to what is known or the end of the run, then back.
	row, from := m.row(n), i
	end := -1
	for row[i] == 0 {
		if n.lazy {
			if end = m.run(n.next, i); end >= 0 {
				row[i] = int32(end + 3)
				break
			}
		}
		size := n.set.at(m.s, i)
		if size == 0 {
			if !n.lazy {
				end = m.run(n.next, i)
			}
			row[i] = int32(end + 3)
			break
		}
		i += size
	}
	end = int(row[i]) - 3
	for i > from {
		_, size := utf8.DecodeLastRuneInString(m.s[from:i])
		i -= size
		if end < 0 && !n.lazy {
			end = m.run(n.next, i)
		}
		row[i] = int32(end + 3)
	}
	return end
}

// bounded matches up to most more runes of a set and what follows.
func (m *matcher) bounded(n *node, i, most int) int {
	if n.lazy {
		for {
			if end := m.run(n.next, i); end >= 0 || most == 0 {
				return end
			}
			size := n.set.at(m.s, i)
			if size == 0 {
				return -1
			}
			i += size
			most--
		}
	}
	start := i
	for ; most > 0; most-- {
		size := n.set.at(m.s, i)
		if size == 0 {
			break
		}
		i += size
	}
	for {
		if end := m.run(n.next, i); end >= 0 {
			return end
		}
		if i == start {
			return -1
		}
		_, size := utf8.DecodeLastRuneInString(m.s[start:i])
		i -= size
	}
}

// behind reports whether the n.min runes before i match.
func (m *matcher) behind(n *node, i int) bool {
	from := i
	for range n.min {
		_, size := utf8.DecodeLastRuneInString(m.s[:from])
		if size == 0 {
			return false
		}
		from -= size
	}
	return m.run(n.alts[0], from) == i
}

// holds reports whether an assertion holds at i.
func (m *matcher) holds(assert byte, i int) bool {
	switch assert {
	case 'A':
		return i == 0
	case 'z':
		return i == len(m.s)
	case 'Z':
		return i == len(m.s) || i == len(m.s)-1 && m.s[i] == '\n'
	case '^':
		return i == 0 || i < len(m.s) && m.s[i-1] == '\n'
	case '$':
		return i == len(m.s) || m.s[i] == '\n'
	}
	before, after := false, false
	if i > 0 {
		r, _ := utf8.DecodeLastRuneInString(m.s[:i])
		before = m.p.words.has(r)
	}
	if i < len(m.s) {
		r, _ := utf8.DecodeRuneInString(m.s[i:])
		after = m.p.words.has(r)
	}
	return (before != after) == (assert == 'b')
}

// each calls piece for every match in s, the empty ones too, and every stretch
// between matches.
func (p *pattern) each(s string, piece func(text string, matched bool)) {
	m := matcher{p: p, s: s, budget: 200*len(s) + 10_000}
	from, last := 0, -1 // the end of what was given, and of the last match
	for i := 0; i <= len(s); {
		end := m.run(p.root, i)
		if end < 0 || end == i && i == last {
			_, size := utf8.DecodeRuneInString(s[i:])
			i += max(size, 1)
			continue
		}
		if from < i {
			piece(s[from:i], false)
		}
		piece(s[i:end], true)
		i, from, last = end, end, end
	}
	if from < len(s) {
		piece(s[from:], false)
	}
}
