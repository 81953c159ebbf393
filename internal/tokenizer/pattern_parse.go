package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
	return &pattern{root, p.nodes}, nil
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

// atom reads a class, an escape or a literal.
func (p *patternParser) atom() (*runeSet, error) {
	set := &runeSet{}
	switch p.s[p.i] {
	case '[':
		return p.class()
	case '.':
		p.i++
		set.invert = true
		if !p.dots {
			set.runes = []rune{'\n', '\n'}
		}
	case '?', '*', '+':
		return nil, fmt.Errorf("nothing to repeat at %q", p.s[p.i:])
	default:
		if err := p.member(set, false); err != nil {
			return nil, err
		}
	}
	return set.seal(), nil
}

// class reads [...], in which classes may stand, and intersections with &&.
func (p *patternParser) class() (*runeSet, error) {
	if p.depth++; p.depth > 100 {
		return nil, fmt.Errorf("classes are nested too deep")
	}
	defer func() { p.depth-- }()
	p.i++
	whole := &runeSet{}
	part := whole
	if p.i < len(p.s) && p.s[p.i] == '^' {
		whole.invert = true
		p.i++
	}
	for first := true; p.i < len(p.s) && (p.s[p.i] != ']' || first); first = false {
		switch {
		case strings.HasPrefix(p.s[p.i:], "[:"):
			if err := p.posix(part); err != nil {
				return nil, err
			}
		case p.s[p.i] == '[':
			inner, err := p.class()
			if err != nil {
				return nil, err
			}
			part.members = append(part.members, inner)
		case strings.HasPrefix(p.s[p.i:], "&&"):
			p.i += 2
			part = &runeSet{}
			whole.both = append(whole.both, part)
		default:
			if err := p.member(part, true); err != nil {
				return nil, err
			}
		}
	}
	if p.i == len(p.s) {
		return nil, fmt.Errorf("a class is not closed")
	}
	p.i++
	return whole.seal(), nil
}

// posix reads [:alpha:] and the like within a class.
func (p *patternParser) posix(set *runeSet) error {
	name, _, found := strings.Cut(p.s[p.i+2:], ":]")
	if !found {
		return fmt.Errorf("a class is not closed")
	}
	p.i += len(name) + 4
	name, negative := strings.CutPrefix(name, "^")
	tables := map[string]string{"alpha": "L", "digit": "Nd", "upper": "Lu", "lower": "Ll", "punct": "P", "cntrl": "Cc"}[name]
	switch {
	case name == "space":
		set.members = append(set.members, &runeSet{tables: []*unicode.RangeTable{unicode.White_Space}, invert: negative})
	case name == "alnum":
		set.members = append(set.members, &runeSet{tables: append(category("L"), category("Nd")...), invert: negative})
	case tables != "":
		set.members = append(set.members, &runeSet{tables: category(tables), invert: negative})
	default:
		return fmt.Errorf("unknown class [:%s:]", name)
	}
	return nil
}

// member reads one rune, escape, property or, in a class, range into a set.
func (p *patternParser) member(set *runeSet, inClass bool) error {
	if p.s[p.i] == '\\' && p.i+1 < len(p.s) {
		c := p.s[p.i+1]
		var tables []*unicode.RangeTable
		switch c | 0x20 {
		case 's':
			tables = []*unicode.RangeTable{unicode.White_Space}
		case 'd':
			tables = category("Nd")
		case 'w':
			if tables = words(); p.rust {
				tables = append(tables, unicode.Join_Control)
			} else {
				tables = append(tables, ranges("b2-b3 b9 bc-be")) // Latin-1's are Oniguruma's own idea
			}
		case 'h':
			tables = []*unicode.RangeTable{unicode.ASCII_Hex_Digit}
		case 'p':
			return p.property(set, c == 'P')
		}
		if tables != nil && (c|0x20 != 'h' || !p.rust) {
			p.i += 2
			set.members = append(set.members, &runeSet{tables: tables, invert: c < 'a'})
			return nil
		}
	}
	from, err := p.rune()
	if err != nil {
		return err
	}
	to := from
	if inClass && strings.HasPrefix(p.s[p.i:], "-") && p.i+1 < len(p.s) && p.s[p.i+1] != ']' && p.s[p.i+1] != '[' {
		mark := p.i
		p.i++
		if to, err = p.rune(); err != nil || to < from {
			p.i, to = mark, from
		}
	}
	set.runes = append(set.runes, from, to)
	if p.fold && to-from < 256 {
		for c := from; c <= to; c++ {
			for r := unicode.SimpleFold(c); r != c; r = unicode.SimpleFold(r) {
				set.runes = append(set.runes, r, r)
			}
		}
	}
	return nil
}

func (p *patternParser) property(set *runeSet, negative bool) error {
	rest := p.s[p.i+2:]
	var name string
	if strings.HasPrefix(rest, "{") {
		var closed bool
		if name, _, closed = strings.Cut(rest[1:], "}"); !closed {
			return fmt.Errorf("a property is not closed")
		}
		p.i += len(name) + 4
	} else {
		name = rest[:min(1, len(rest))]
		p.i += 2 + len(name)
	}
	if after, found := strings.CutPrefix(name, "^"); found {
		name, negative = after, !negative
	}
	tables := property(name)
	if tables == nil {
		return fmt.Errorf("unknown property %q", name)
	}
	set.members = append(set.members, &runeSet{tables: tables, invert: negative})
	return nil
}

// property returns the tables of a general category, a script or one of a few
// other properties, by its short or long name.
func property(name string) []*unicode.RangeTable {
	for _, prefix := range []string{"gc=", "sc=", "Script=", "General_Category="} {
		name = strings.TrimPrefix(name, prefix)
	}
	if t := category(name); t != nil {
		return t
	}
	if t := unicode.Scripts[name]; t != nil {
		return []*unicode.RangeTable{t}
	}
	if t := unicode.Properties[name]; t != nil {
		return []*unicode.RangeTable{t}
	}
	long := map[string]string{
		"letter": "L", "uppercase_letter": "Lu", "lowercase_letter": "Ll", "titlecase_letter": "Lt", "modifier_letter": "Lm", "other_letter": "Lo",
		"mark": "M", "number": "N", "decimal_number": "Nd", "punctuation": "P", "symbol": "S", "separator": "Z", "other": "C",
		"alpha": "L", "digit": "Nd", "upper": "Lu", "lower": "Ll", "punct": "P",
	}
	if short, ok := long[strings.ToLower(name)]; ok {
		return category(short)
	}
	switch strings.ToLower(name) {
	case "space", "white_space":
		return []*unicode.RangeTable{unicode.White_Space}
	case "alphabetic":
		return append(append(category("L"), category("Nl")...), unicode.Other_Alphabetic)
	}
	for script, table := range unicode.Scripts {
		if strings.EqualFold(script, name) {
			return []*unicode.RangeTable{table}
		}
	}
	return nil
}

// rune reads a literal or escaped rune.
func (p *patternParser) rune() (rune, error) {
	r, size := utf8.DecodeRuneInString(p.s[p.i:])
	p.i += size
	if r != '\\' {
		return r, nil
	}
	if p.i == len(p.s) {
		return 0, fmt.Errorf("a backslash at the end")
	}
	r, size = utf8.DecodeRuneInString(p.s[p.i:])
	p.i += size
	if i := strings.IndexRune("nrtfvae0", r); i >= 0 {
		return rune("\n\r\t\f\v\a\x1b\x00"[i]), nil
	}
	if r == 'u' || r == 'x' {
		digits := p.s[p.i:min(p.i+4, len(p.s))]
		width := len(digits)
		if r == 'x' {
			digits, width = digits[:min(2, len(digits))], min(2, len(digits))
		}
		closed := true
		if strings.HasPrefix(p.s[p.i:], "{") {
			digits, _, closed = strings.Cut(p.s[p.i+1:], "}")
			width = len(digits) + 2
		}
		code, err := strconv.ParseUint(digits, 16, 21)
		if err != nil || !closed {
			return 0, fmt.Errorf("bad escape %q", p.s[p.i-2:])
		}
		p.i += width
		return rune(code), nil
	}
	if 'a' <= r|0x20 && r|0x20 <= 'z' {
		return 0, fmt.Errorf("unknown escape \\%c", r)
	}
	if '0' <= r && r <= '9' {
		return 0, fmt.Errorf("a back reference \\%c", r)
	}
	return r, nil
}
