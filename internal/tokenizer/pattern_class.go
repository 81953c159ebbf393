package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
	inner := ctype(name)
	if name == "punct" {
		inner = &runeSet{tables: append(category("P"), category("S")...)}
	}
	if inner == nil {
		return fmt.Errorf("unknown class [:%s:]", name)
	}
	inner.invert = inner.invert != negative
	set.members = append(set.members, inner)
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
			if tables = words(); p.rust || !inClass {
				tables = p.wordSet().tables
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

// wordSet returns the set of a \w outside of brackets, for which Oniguruma has another
// table of Latin-1.
func (p *patternParser) wordSet() *runeSet {
	tables := append(words(), unicode.Join_Control)
	if !p.rust {
		tables = append(words(), ranges("b2-b3 b9 bc-be"))
	}
	return (&runeSet{tables: tables}).seal()
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
	inner := property(name)
	if inner == nil {
		return fmt.Errorf("unknown property %q", name)
	}
	inner.invert = inner.invert != negative
	set.members = append(set.members, inner)
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
