package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// unbounded is the most of a repeat that has none.
const unbounded = math.MaxInt

const (
	maxRepeat = 1000   // of a counted repeat
	maxNodes  = 20_000 // of a pattern, counted repeats of groups written out
)

// patternParser reads a pattern in the dialect of Oniguruma (Ruby's), which
// Hugging Face's tokenizers use, or of Rust's fancy-regex, which tiktoken uses.
type patternParser struct {
	s     string
	i     int
	fold  bool
	dots  bool // "." matches a line feed
	rust  bool
	nodes int
	depth int
}

// parsePattern compiles a pattern; it refuses what it does not know.
func parsePattern(text string) (*pattern, error) { return compilePattern(text, false) }

func compilePattern(text string, rust bool) (*pattern, error) {
	p := &patternParser{s: text, rust: rust}
	build, err := p.group()
	if err == nil && p.i < len(p.s) {
		err = fmt.Errorf("unexpected %q", p.s[p.i:])
	}
	var root *node
	if err == nil {
		root = build.node(p, p.add(node{op: opEnd}))
		if p.nodes > maxNodes {
			err = fmt.Errorf("it has more than %d steps", maxNodes)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the pattern %q is not supported: %w", text, err)
	}
	return &pattern{root, p.nodes, p.wordSet()}, nil
}

// add makes a node. Past the limit all are one, and the pattern is refused.
func (p *patternParser) add(n node) *node {
	n.index = p.nodes
	p.nodes++
	return &n
}

// item is a parsed step before it is linked to what follows.
type item struct {
	link  func(p *patternParser, next *node) *node
	width int // in runes, -1 if it varies
}

func (it item) node(p *patternParser, next *node) *node {
	if p.nodes > maxNodes {
		return next
	}
	p.nodes++ // what makes no nodes takes time too
	return it.link(p, next)
}

// group reads alternatives up to a closing parenthesis or the end.
func (p *patternParser) group() (item, error) {
	if p.depth++; p.depth > 100 {
		return item{}, fmt.Errorf("groups are nested too deep")
	}
	defer func() { p.depth-- }()
	var alts [][]item
	width := -2
	fold, dots := p.fold, p.dots
	defer func() { p.fold, p.dots = fold, dots }()
	for {
		var seq []item
		w := 0
		for p.i < len(p.s) && p.s[p.i] != '|' && p.s[p.i] != ')' {
			it, err := p.step()
			if err != nil {
				return item{}, err
			}
			seq = append(seq, it)
			if w >= 0 && it.width >= 0 {
				w += it.width
			} else {
				w = -1
			}
		}
		alts = append(alts, seq)
		if width == -2 {
			width = w
		} else if width != w {
			width = -1
		}
		if p.i == len(p.s) || p.s[p.i] == ')' {
			break
		}
		p.i++
	}
	return item{func(p *patternParser, next *node) *node {
		var heads []*node
		for _, seq := range alts {
			head := next
			for _, it := range slices.Backward(seq) {
				head = it.node(p, head)
			}
			heads = append(heads, head)
		}
		if len(heads) == 1 {
			return heads[0]
		}
		return p.add(node{op: opAlt, alts: heads, next: next})
	}, width}, nil
}

// step reads one atom and its quantifiers.
func (p *patternParser) step() (item, error) {
	if p.s[p.i] == '(' {
		return p.parenthesis()
	}
	if it, ok := p.assertion(); ok {
		return it, nil
	}
	set, err := p.atom()
	if err != nil {
		return item{}, err
	}
	q, err := p.quantifier()
	if err != nil {
		return item{}, err
	}
	it := item{func(p *patternParser, next *node) *node {
		return p.add(node{op: opSet, set: set, min: q.min, max: q.max, lazy: q.lazy, possessive: q.possessive, next: next})
	}, -1}
	if q.min == q.max {
		it.width = q.min
	}
	if p.more() { // Ruby's x{1,3}+ is a repeat of a repeat
		return p.repeated(it)
	}
	return it, nil
}

// more reports whether another quantifier follows.
func (p *patternParser) more() bool {
	return p.i < len(p.s) && strings.IndexByte("?*+", p.s[p.i]) >= 0
}

// assertion reads an anchor or a word boundary.
func (p *patternParser) assertion() (item, bool) {
	c := p.s[p.i]
	size := 1
	switch {
	case c == '^' || c == '$':
		if p.rust {
			c = map[byte]byte{'^': 'A', '$': 'z'}[c]
		}
	case c == '\\' && p.i+1 < len(p.s) && strings.IndexByte("AzZbB", p.s[p.i+1]) >= 0:
		c, size = p.s[p.i+1], 2
	default:
		return item{}, false
	}
	p.i += size
	return item{func(p *patternParser, next *node) *node {
		return p.add(node{op: opAssert, assert: c, next: next})
	}, 0}, true
}

// parenthesis reads a group of any kind and its quantifier.
func (p *patternParser) parenthesis() (item, error) {
	p.i++
	kind, fold, dots := "", p.fold, p.dots
	rest := p.s[p.i:]
	for _, prefix := range []string{"?:", "?=", "?!", "?>", "?<=", "?<!"} {
		if strings.HasPrefix(rest, prefix) {
			kind = prefix
		}
	}
	switch flags, after, found := strings.Cut(strings.TrimPrefix(rest, "?"), ":"); {
	case kind != "":
		p.i += len(kind)
	case !strings.HasPrefix(rest, "?"):
	case found && isFlags(flags):
		p.setFlags(flags)
		p.i = len(p.s) - len(after)
	default: // (?i) holds for the rest of the group
		flags, _, found = strings.Cut(rest[1:], ")")
		if !found || !isFlags(flags) {
			return item{}, fmt.Errorf("unknown group %q", p.s[p.i-1:])
		}
		p.setFlags(flags)
		p.i += len(flags) + 2
		return item{func(_ *patternParser, next *node) *node { return next }, 0}, nil
	}
	inner, err := p.group()
	p.fold, p.dots = fold, dots
	if err != nil {
		return item{}, err
	}
	if p.i == len(p.s) {
		return item{}, fmt.Errorf("a group is not closed")
	}
	p.i++
	switch kind {
	case "?=", "?!":
		return inner.enclosed(node{op: opLook, negative: kind == "?!"}, 0), nil
	case "?<=", "?<!":
		if inner.width < 0 {
			return item{}, fmt.Errorf("a lookbehind whose length varies")
		}
		return inner.enclosed(node{op: opBehind, negative: kind == "?<!", min: inner.width}, 0), nil
	case "?>":
		inner = inner.enclosed(node{op: opAtomic}, inner.width)
	}
	return p.repeated(inner)
}

// isFlags reports whether all letters are flags: i, m, s, x, u and a minus.
func isFlags(flags string) bool { return flags != "" && strings.Trim(flags, "imsu-") == "" }

func (p *patternParser) setFlags(flags string) {
	on := true
	for _, f := range flags {
		switch {
		case f == '-':
			on = false
		case f == 'i':
			p.fold = on
		case f == 'm' && !p.rust, f == 's' && p.rust:
			p.dots = on
		}
	}
}

// enclosed makes a look-around or an atomic group of an item.
func (it item) enclosed(n node, width int) item {
	return item{func(p *patternParser, next *node) *node {
		n := n
		n.alts, n.next = []*node{it.node(p, p.add(node{op: opEnd}))}, next
		return p.add(n)
	}, width}
}

// repeated reads the quantifiers of a group.
func (p *patternParser) repeated(inner item) (item, error) {
	for {
		at := p.i
		q, err := p.quantifier()
		if err != nil || p.i == at {
			return inner, err
		}
		if inner = inner.times(q); q.possessive {
			inner = inner.enclosed(node{op: opAtomic}, inner.width)
		}
	}
}

// times writes out the counted part of a repeat of a group.
func (it item) times(q quantity) item {
	width := -1
	if q.min == q.max && it.width >= 0 {
		width = it.width * q.min
	}
	return item{func(p *patternParser, next *node) *node {
		head := next
		if q.max == unbounded {
			loop := p.add(node{op: opLoop, lazy: q.lazy, next: next})
			loop.alts = []*node{it.node(p, loop)}
			head = loop
		} else {
			for range q.max - q.min {
				body := it.node(p, head)
				alts := []*node{body, next}
				if q.lazy {
					alts = []*node{next, body}
				}
				head = p.add(node{op: opAlt, alts: alts, next: next})
				if p.nodes > maxNodes {
					break
				}
			}
		}
		for range q.min {
			if head = it.node(p, head); p.nodes > maxNodes {
				break
			}
		}
		return head
	}, width}
}

// quantity is how often something repeats.
type quantity struct {
	min, max         int
	lazy, possessive bool
}

func (p *patternParser) quantifier() (q quantity, err error) {
	q = quantity{min: 1, max: 1}
	if p.i == len(p.s) {
		return q, nil
	}
	counted := false
	switch p.s[p.i] {
	case '?':
		q.min = 0
	case '*':
		q.min, q.max = 0, unbounded
	case '+':
		q.max = unbounded
	case '{':
		counted = true
		body, _, found := strings.Cut(p.s[p.i+1:], "}")
		from, to, ranged := strings.Cut(body, ",")
		if from == "" && to != "" {
			from = "0"
		}
		q.min, err = strconv.Atoi(from)
		switch {
		case !ranged:
			q.max = q.min
		case to == "":
			q.max = unbounded
		case err == nil:
			q.max, err = strconv.Atoi(to)
		}
		if err != nil || !found || q.min < 0 || q.max < q.min {
			return q, fmt.Errorf("bad quantifier %q", p.s[p.i:])
		}
		if q.min > maxRepeat || q.max > maxRepeat && q.max != unbounded {
			return q, fmt.Errorf("a repeat of more than %d", maxRepeat)
		}
		p.i += len(body) + 1
	default:
		return q, nil
	}
	if p.i++; p.i < len(p.s) {
		switch {
		case p.s[p.i] == '?':
			q.lazy = true
			p.i++
		case p.s[p.i] == '+' && (!counted || p.rust):
			q.possessive = true
			p.i++
		}
	}
	return q, nil
}
