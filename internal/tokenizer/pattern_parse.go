package tokenizer

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// patternParser reads a pattern.
type patternParser struct {
	s    string
	i    int
	fold bool
}

// parsePattern compiles a pattern; it refuses what it does not know.
func parsePattern(text string) (*pattern, error) {
	p := &patternParser{s: text}
	root, err := p.alternatives(&node{op: opEnd})
	if err == nil && p.i < len(p.s) {
		err = fmt.Errorf("unexpected %q", p.s[p.i:])
	}
	if err != nil {
		return nil, fmt.Errorf("the split pattern %q cannot be used: %w", text, err)
	}
	return &pattern{root}, nil
}

// item is a parsed step before it is linked to what follows.
type item func(next *node) *node

func (p *patternParser) alternatives(next *node) (*node, error) {
	build, err := p.group()
	if err != nil {
		return nil, err
	}
	return build(next), nil
}

// group reads alternatives up to a closing parenthesis or the end.
func (p *patternParser) group() (item, error) {
	var alts [][]item
	for {
		var seq []item
		for p.i < len(p.s) && p.s[p.i] != '|' && p.s[p.i] != ')' {
			it, err := p.step()
			if err != nil {
				return nil, err
			}
			seq = append(seq, it)
		}
		alts = append(alts, seq)
		if p.i == len(p.s) || p.s[p.i] == ')' {
			break
		}
		p.i++
	}
	return func(next *node) *node {
		n := &node{op: opAlt, min: 1, max: 1, next: next}
		for _, seq := range alts {
			n.alts = append(n.alts, chain(seq, next))
		}
		if len(n.alts) == 1 {
			return n.alts[0]
		}
		return n
	}, nil
}

func chain(seq []item, next *node) *node {
	for i := len(seq) - 1; i >= 0; i-- {
		next = seq[i](next)
	}
	return next
}

// step reads one atom and its quantifier.
func (p *patternParser) step() (item, error) {
	if p.s[p.i] == '(' {
		return p.parenthesis()
	}
	set, err := p.atom()
	if err != nil {
		return nil, err
	}
	low, high, err := p.quantifier()
	if err != nil {
		return nil, err
	}
	return func(next *node) *node { return &node{op: opSet, set: set, min: low, max: high, next: next} }, nil
}

func (p *patternParser) parenthesis() (item, error) {
	p.i++
	look, negative, fold := false, false, p.fold
	for prefix, apply := range map[string]func(){
		"?:": func() {}, "?i:": func() { fold = true },
		"?=": func() { look = true }, "?!": func() { look, negative = true, true },
	} {
		if strings.HasPrefix(p.s[p.i:], prefix) {
			p.i += len(prefix)
			apply()
			break
		}
	}
	if strings.HasPrefix(p.s[p.i:], "?") {
		return nil, fmt.Errorf("unknown group %q", p.s[p.i-1:])
	}
	before := p.fold
	p.fold = fold
	inner, err := p.group()
	p.fold = before
	if err != nil {
		return nil, err
	}
	if p.i == len(p.s) {
		return nil, fmt.Errorf("a group is not closed")
	}
	p.i++
	if look {
		return func(next *node) *node {
			return &node{op: opLook, alts: []*node{inner(&node{op: opEnd})}, negative: negative, next: next}
		}, nil
	}
	low, high, err := p.quantifier()
	switch {
	case err != nil:
		return nil, err
	case high > 1 || low == 0 && high == 0:
		return nil, fmt.Errorf("a repeated group")
	case low == 1:
		return inner, nil
	}
	return func(next *node) *node {
		return &node{op: opAlt, min: 0, max: 1, alts: []*node{inner(next)}, next: next}
	}, nil
}

func (p *patternParser) quantifier() (low, high int, err error) {
	if p.i == len(p.s) {
		return 1, 1, nil
	}
	switch p.s[p.i] {
	case '?':
		low, high = 0, 1
	case '*':
		low, high = 0, math.MaxInt
	case '+':
		low, high = 1, math.MaxInt
	case '{':
		body, _, found := strings.Cut(p.s[p.i+1:], "}")
		from, to, ranged := strings.Cut(body, ",")
		low, err = strconv.Atoi(from)
		switch {
		case !ranged:
			high = low
		case to == "":
			high = math.MaxInt
		case err == nil:
			high, err = strconv.Atoi(to)
		}
		if err != nil || !found || low < 0 || high < low {
			return 0, 0, fmt.Errorf("bad quantifier %q", p.s[p.i:])
		}
		p.i += len(body) + 1
	default:
		return 1, 1, nil
	}
	if p.i++; p.i < len(p.s) && (p.s[p.i] == '?' || p.s[p.i] == '+') {
		return 0, 0, fmt.Errorf("a lazy or possessive quantifier")
	}
	return low, high, nil
}

// atom reads a class, an escape or a literal.
func (p *patternParser) atom() (*runeSet, error) {
	set := &runeSet{}
	switch p.s[p.i] {
	case '[':
		if err := p.class(set); err != nil {
			return nil, err
		}
	case '.':
		p.i++
		set.runes, set.invert = []rune{'\n', '\n'}, true
	case '^', '$':
		return nil, fmt.Errorf("an anchor")
	default:
		if err := p.member(set, false); err != nil {
			return nil, err
		}
	}
	return set.seal(), nil
}

func (p *patternParser) class(set *runeSet) error {
	p.i++
	if p.i < len(p.s) && p.s[p.i] == '^' {
		set.invert = true
		p.i++
	}
	for first := true; p.i < len(p.s) && (p.s[p.i] != ']' || first); first = false {
		if strings.HasPrefix(p.s[p.i:], "[") || strings.HasPrefix(p.s[p.i:], "&&") {
			return fmt.Errorf("a class within a class")
		}
		if err := p.member(set, true); err != nil {
			return err
		}
	}
	if p.i == len(p.s) {
		return fmt.Errorf("a class is not closed")
	}
	p.i++
	return nil
}

// member reads one rune, escape, property or, in a class, range into a set.
func (p *patternParser) member(set *runeSet, inClass bool) error {
	if p.s[p.i] == '\\' && p.i+1 < len(p.s) {
		switch c := p.s[p.i+1]; c {
		case 's', 'S':
			p.i += 2
			p.add(set, &runeSet{tables: []*unicode.RangeTable{unicode.White_Space}, invert: c == 'S'})
			return nil
		case 'd', 'D':
			p.i += 2
			p.add(set, &runeSet{tables: category("Nd"), invert: c == 'D'})
			return nil
		case 'w', 'W':
			p.i += 2
			p.add(set, &runeSet{tables: append(words(), ranges("b2-b3 b9 bc-be")), invert: c == 'W'}) // Latin-1's are Oniguruma's own idea
			return nil
		case 'p', 'P':
			return p.property(set, c == 'P')
		}
	}
	from, err := p.rune()
	if err != nil {
		return err
	}
	to := from
	if inClass && strings.HasPrefix(p.s[p.i:], "-") && p.i+1 < len(p.s) && p.s[p.i+1] != ']' {
		mark := p.i
		p.i++
		if to, err = p.rune(); err != nil || to < from {
			p.i, to = mark, from
		}
	}
	set.runes = append(set.runes, from, to)
	if p.fold && from == to {
		for r := unicode.SimpleFold(from); r != from; r = unicode.SimpleFold(r) {
			set.runes = append(set.runes, r, r)
		}
	}
	return nil
}

// add joins a named class to a set.
func (p *patternParser) add(set, named *runeSet) {
	if named.invert {
		set.negated = append(set.negated, named)
	} else {
		set.tables = append(set.tables, named.tables...)
	}
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
	tables := category(name)
	if tables == nil {
		if unicode.Scripts[name] == nil {
			return fmt.Errorf("unknown property %q", name)
		}
		tables = []*unicode.RangeTable{unicode.Scripts[name]}
	}
	p.add(set, &runeSet{tables: tables, invert: negative})
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
	switch r {
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'f':
		return '\f', nil
	case 'v':
		return '\v', nil
	case 'u', 'x':
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
	if 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' {
		return 0, fmt.Errorf("unknown escape \\%c", r)
	}
	return r, nil
}
