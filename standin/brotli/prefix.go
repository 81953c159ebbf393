package brrr

import (
	mathbits "math/bits"
	"slices"
)

const (
	longest = 15 // bits of a code
	direct  = 8  // bits that a table has the symbols of
)

// code is a prefix code.
type code struct {
	count   [longest + 1]int // of symbols whose codes have a length
	symbols []uint16         // by length of code, then by number
	table   []uint16         // by the next bits: symbol and length, 0 where the code is longer
}

// newCode makes the code of lengths, 0 of which are no symbols. It is whole, or of one symbol.
func newCode(lengths []byte) *code {
	c := &code{}
	var next [longest + 2]int // where the symbols of a length begin
	for _, n := range lengths {
		c.count[n]++
	}
	c.count[0] = 0
	for n := range longest {
		next[n+1] = next[n] + c.count[n]
	}
	c.symbols = make([]uint16, len(lengths))
	for symbol, n := range lengths {
		if n > 0 {
			c.symbols[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	c.symbols = c.symbols[:next[longest]]
	if len(c.symbols) > 1 {
		c.tabulate()
	}
	return c
}

// tabulate has the symbols of short codes, at all that can follow them.
func (c *code) tabulate() {
	c.table = make([]uint16, 1<<direct)
	first, index := 0, 0
	for n := 1; n <= direct; n++ {
		for i := range c.count[n] {
			reversed := int(mathbits.Reverse16(uint16(first+i))) >> (16 - n)
			for at := reversed; at < len(c.table); at += 1 << n {
				c.table[at] = c.symbols[index+i]<<4 | uint16(n)
			}
		}
		index += c.count[n]
		first = (first + c.count[n]) << 1
	}
}

// symbol reads one.
func (c *code) symbol(in *bits) int {
	if len(c.symbols) == 1 {
		return int(c.symbols[0]) // it takes no bits
	}
	if in.count < longest {
		in.fill(1)
	}
	if e := c.table[in.held&(1<<direct-1)]; e != 0 && int(e&15) <= in.count {
		in.skip(int(e & 15))
		return int(e >> 4)
	}
	value, first, index := 0, 0, 0
	for n := 1; n <= longest; n++ {
		value |= in.read(1)
		if value-first < c.count[n] {
			return int(c.symbols[index+value-first])
		}
		index += c.count[n]
		first = (first + c.count[n]) << 1
		value <<= 1
	}
	return 0 // never with a whole code
}

// readCode reads a code for an alphabet of a size.
func readCode(in *bits, size int) (*code, error) {
	kind := in.read(2)
	if kind == 1 {
		return simpleCode(in, size)
	}
	return complexCode(in, size, kind)
}

// simpleCode reads a code of up to four symbols.
func simpleCode(in *bits, size int) (*code, error) {
	lengths := make([]byte, size)
	var symbols []int
	for range in.read(2) + 1 {
		symbol := in.read(mathbits.Len(uint(size - 1)))
		if symbol >= size || slices.Contains(symbols, symbol) {
			return nil, errDamaged
		}
		symbols = append(symbols, symbol)
	}
	shape := [][]byte{{1}, {1, 1}, {1, 2, 2}, {2, 2, 2, 2}}[len(symbols)-1]
	if len(symbols) == 4 && in.read(1) == 1 {
		shape = []byte{1, 2, 3, 3}
	}
	for i, symbol := range symbols {
		lengths[symbol] = shape[i]
	}
	return newCode(lengths), nil
}

// lengthOrder is in which order the lengths are that the codes of lengths have.
var lengthOrder = [18]byte{1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// complexCode reads a code of lengths, which are in a code themselves.
func complexCode(in *bits, size, skipped int) (*code, error) {
	var lengths [18]byte
	space, used := 32, 0
	for _, symbol := range lengthOrder[skipped:] {
		n := readLength(in)
		lengths[symbol] = n
		if n > 0 {
			space -= 32 >> n
			used++
		}
		if space <= 0 {
			break
		}
	}
	if used != 1 && space != 0 {
		return nil, errDamaged
	}
	return codeOfLengths(in, newCode(lengths[:]), size)
}

// readLength reads the length of a code of a length, 0 to 5.
func readLength(in *bits) byte {
	low := in.read(2)
	if low < 3 {
		return [3]byte{0, 4, 3}[low]
	}
	if in.read(1) == 0 {
		return 2
	}
	return [2]byte{1, 5}[in.read(1)]
}

const (
	repeat = 16 // the last length that is not 0
	zeros  = 17
)

// codeOfLengths reads the lengths of a code's symbols.
func codeOfLengths(in *bits, of *code, size int) (*code, error) {
	lengths := make([]byte, size)
	space := 1 << longest
	last, before := byte(8), 0 // the last length that is not 0, the last symbol
	run := 0                   // how often a length was repeated, by the repeats before this one
	for at := 0; at < size && space > 0; {
		symbol := of.symbol(in)
		if symbol < repeat {
			lengths[at] = byte(symbol)
			at++
			if symbol > 0 {
				last = byte(symbol)
				space -= 1 << longest >> symbol
			}
			before = symbol
			continue
		}
		extra, length := 2, last
		if symbol == zeros {
			extra, length = 3, 0
		}
		had := 0
		if symbol == before {
			had = run
			run = (run - 2) << extra
		} else {
			run = 0
		}
		run += in.read(extra) + 3
		if at+run-had > size {
			return nil, errDamaged
		}
		for range run - had {
			lengths[at] = length
			at++
		}
		if length > 0 {
			space -= (run - had) << longest >> length
		}
		before = symbol
	}
	if space != 0 {
		return nil, errDamaged
	}
	return newCode(lengths), nil
}

// contextMap reads which of so many codes a context has.
func contextMap(in *bits, size, codes int) ([]byte, error) {
	m := make([]byte, size)
	if codes == 1 {
		return m, nil
	}
	runs := in.read(1)
	if runs == 1 {
		runs = in.read(4) + 1
	}
	c, err := readCode(in, codes+runs)
	if err != nil {
		return nil, err
	}
	for at := 0; at < size; {
		symbol := c.symbol(in)
		if symbol > runs {
			m[at] = byte(symbol - runs)
		} else if symbol > 0 {
			at += 1<<symbol + in.read(symbol) - 1
		}
		if at++; at > size {
			return nil, errDamaged
		}
	}
	if in.read(1) == 1 {
		moveToFront(m)
	}
	return m, nil
}

// moveToFront undoes that transform.
func moveToFront(m []byte) {
	var front [256]byte
	for i := range front {
		front[i] = byte(i)
	}
	for i, at := range m {
		m[i] = front[at]
		copy(front[1:], front[:at])
		front[0] = m[i]
	}
}
