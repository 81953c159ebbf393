package brrr

var (
	inserts = [24]span{
		{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 1}, {8, 1}, {10, 2}, {14, 2}, {18, 3}, {26, 3},
		{34, 4}, {50, 4}, {66, 5}, {98, 5}, {130, 6}, {194, 7}, {322, 8}, {578, 9}, {1090, 10}, {2114, 12}, {6210, 14}, {22594, 24},
	}
	copies = [24]span{
		{2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 1}, {12, 1}, {14, 2}, {18, 2},
		{22, 3}, {30, 3}, {38, 4}, {54, 4}, {70, 5}, {102, 5}, {134, 6}, {198, 7}, {326, 8}, {582, 9}, {1094, 10}, {2118, 24},
	}
	// cells are the first codes of both in each 64 commands. In the first two the distance is the last.
	cells = [11][2]int{{0, 0}, {0, 8}, {0, 0}, {0, 8}, {8, 0}, {8, 8}, {0, 16}, {16, 0}, {8, 16}, {16, 8}, {16, 16}}
)

// command unpacks literals and a copy; the last command of a block may have no copy.
func (r *Reader) command() error {
	in, b := &r.in, &r.block
	b.commands.next(in)
	symbol := b.commands.codes[b.commands.kind].symbol(in)
	cell := cells[symbol>>6]
	insert := in.length(inserts[cell[0]+symbol>>3&7])
	length := in.length(copies[cell[1]+symbol&7])
	if insert > b.left {
		return errDamaged
	}
	for range insert {
		r.literal()
		if in.err != nil {
			return in.err
		}
	}
	if b.left == 0 {
		return nil
	}
	code := 0
	if symbol >= 128 {
		b.distances.next(in)
		context := b.distanceMap[4*b.distances.kind+min(length-2, 3)]
		code = b.distances.codes[context].symbol(in)
	}
	distance := r.distance(code)
	if in.err != nil {
		return in.err
	}
	if distance <= 0 {
		return errDamaged
	}
	if reach := min(r.window, r.total); distance > reach {
		return r.word(length, distance-reach-1)
	}
	if code != 0 {
		r.last = [4]int{distance, r.last[0], r.last[1], r.last[2]}
	}
	if length > b.left {
		return errDamaged
	}
	for from := len(r.out) - distance; length > 0; {
		n := min(length, len(r.out)-from)
		r.put(r.out[from : from+n]...)
		from += n
		length -= n
	}
	return nil
}

// literal unpacks a byte, whose code depends on the two before it.
func (r *Reader) literal() {
	in, b := &r.in, &r.block
	b.literals.next(in)
	kind := b.literals.kind
	context := contextOf(b.modes[kind], r.before(1), r.before(2))
	symbol := b.literals.codes[b.literalMap[64*kind+context]].symbol(in)
	if in.err == nil {
		r.put(byte(symbol))
	}
}

// distance reads how far back a copy is.
func (r *Reader) distance(code int) int {
	near := [6]int{-1, 1, -2, 2, -3, 3}
	b := &r.block
	switch {
	case code < 4:
		return r.last[code]
	case code < 16:
		return r.last[(code-4)/6] + near[(code-4)%6]
	case code < 16+b.direct:
		return code - 15
	}
	code -= 16 + b.direct
	high, low := code>>b.postfix, code&(1<<b.postfix-1)
	n := 1 + high>>1
	offset := (2+high&1)<<n - 4
	return (offset+r.in.read(n))<<b.postfix + low + b.direct + 1
}

// What a context is made of, by mode.
const (
	lowest = iota
	highest
	text
	signed
)

// contextOf is the context of a literal from the two bytes before it, the last first.
func contextOf(mode, last, older byte) int {
	switch mode {
	case lowest:
		return int(last & 0x3f)
	case highest:
		return int(last >> 2)
	case text:
		return int(textLast[last] | textOlder(older))
	}
	return int(magnitude(last)<<3 | magnitude(older))
}

// textLast are kinds of the last character.
var textLast = func() (kinds [256]byte) {
	copy(kinds[:], "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x04\x00\x00\x04\x00\x00")
	copy(kinds[32:], []byte{
		8, 12, 16, 12, 12, 20, 12, 16, 24, 28, 12, 12, 32, 12, 36, 12,
		44, 44, 44, 44, 44, 44, 44, 44, 44, 44, 32, 32, 24, 40, 28, 12,
		12, 48, 52, 52, 52, 48, 52, 52, 52, 48, 52, 52, 52, 52, 52, 48,
		52, 52, 52, 52, 52, 48, 52, 52, 52, 52, 52, 24, 12, 28, 12, 12,
		12, 56, 60, 60, 60, 56, 60, 60, 60, 56, 60, 60, 60, 60, 60, 56,
		60, 60, 60, 60, 60, 56, 60, 60, 60, 60, 60, 24, 12, 28, 12, 0,
	})
	for i := 128; i < 256; i++ {
		kinds[i] = byte(i>>6&1<<1 | i&1)
	}
	return kinds
}()

// textOlder is the kind of the character before.
func textOlder(b byte) byte {
	switch {
	case b >= 'a' && b <= 'z':
		return 3
	case b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b >= 0xe0:
		return 2
	case b > ' ' && b < 0x7f:
		return 1
	}
	return 0
}

// magnitude is that of a signed number, roughly.
func magnitude(b byte) byte {
	switch {
	case b == 0:
		return 0
	case b < 16:
		return 1
	case b < 64:
		return 2
	case b < 128:
		return 3
	case b < 192:
		return 4
	case b < 240:
		return 5
	case b < 255:
		return 6
	}
	return 7
}
