package zstd

import (
	"encoding/binary"
	"math/bits"
)

const maxHuffmanBits = 11

// huffman says of each value of so many bits which symbol it begins with.
type huffman struct {
	bits    uint8
	entries []prefix
}

type prefix struct{ symbol, bits uint8 }

// readHuffman reads the weights of the symbols and returns what follows them.
func readHuffman(in []byte) (*huffman, []byte, error) {
	if len(in) == 0 {
		return nil, nil, errCorrupt
	}
	var weights []uint8
	n := int(in[0])
	in = in[1:]
	if n < 128 { // compressed themselves
		if n > len(in) {
			return nil, nil, errCorrupt
		}
		var err error
		if weights, err = readWeights(in[:n]); err != nil {
			return nil, nil, err
		}
		in = in[n:]
	} else {
		n -= 127
		if (n+1)/2 > len(in) {
			return nil, nil, errCorrupt
		}
		for i := range n {
			weights = append(weights, in[i/2]>>(4-4*(i&1))&15)
		}
		in = in[(n+1)/2:]
	}
	h, err := newHuffman(weights)
	return h, in, err
}

// readWeights decodes weights: two states read one stream in turn, until nothing is left.
func readWeights(in []byte) ([]uint8, error) {
	frequencies, log, n, err := readFrequencies(in, 16, 6)
	if err != nil {
		return nil, err
	}
	t, err := newFSE(frequencies, log)
	if err != nil {
		return nil, err
	}
	var b backward
	if !b.init(in[n:]) {
		return nil, errCorrupt
	}
	b.fill()
	states := [2]int{int(b.read(log)), int(b.read(log))}
	var weights []uint8
	for i := 0; len(weights) < 254; i ^= 1 {
		e := t.entries[states[i]]
		weights = append(weights, e.symbol)
		b.fill()
		states[i] = int(e.base) + int(b.read(e.bits))
		if b.valid < 0 { // there was nothing to read: the other state is the last
			return append(weights, t.entries[states[i^1]].symbol), nil
		}
	}
	return nil, errCorrupt
}

// newHuffman makes the table. The last symbol's weight is what the others leave.
func newHuffman(weights []uint8) (*huffman, error) {
	sum := 0
	for _, w := range weights {
		if w > maxHuffmanBits {
			return nil, errCorrupt
		}
		sum += 1 << w >> 1
	}
	if sum == 0 || len(weights) > 255 {
		return nil, errCorrupt
	}
	width := bits.Len(uint(sum))
	rest := 1<<width - sum
	if width > maxHuffmanBits || rest&(rest-1) != 0 {
		return nil, errCorrupt
	}
	weights = append(weights, uint8(bits.Len(uint(rest))))
	h := &huffman{bits: uint8(width), entries: make([]prefix, 0, 1<<width)}
	for w := 1; w <= width; w++ {
		for s := range weights {
			if int(weights[s]) == w {
				for range 1 << (w - 1) {
					h.entries = append(h.entries, prefix{uint8(s), uint8(width + 1 - w)})
				}
			}
		}
	}
	if len(h.entries) != 1<<width {
		return nil, errCorrupt
	}
	return h, nil
}

// decode fills out from one stream, or from four, of which each has a quarter.
func (h *huffman) decode(out, in []byte, streams int) error {
	if streams == 1 {
		return h.stream(out, in)
	}
	if len(in) < 6 {
		return errCorrupt
	}
	quarter, sizes := (len(out)+3)/4, in
	in = in[6:]
	for i := range 3 {
		size := int(binary.LittleEndian.Uint16(sizes[2*i:]))
		if size > len(in) || quarter > len(out) {
			return errCorrupt
		}
		if err := h.stream(out[:quarter], in[:size]); err != nil {
			return err
		}
		out, in = out[quarter:], in[size:]
	}
	return h.stream(out, in)
}

func (h *huffman) stream(out, in []byte) error {
	var b backward
	if !b.init(in) {
		return errCorrupt
	}
	shift := 64 - h.bits
	for len(out) > 1 { // 32 bits are there: two symbols
		b.fill()
		e := h.entries[b.bits>>shift]
		b.skip(e.bits)
		f := h.entries[b.bits>>shift]
		b.skip(f.bits)
		out[0], out[1] = e.symbol, f.symbol
		out = out[2:]
	}
	if len(out) == 1 {
		b.fill()
		e := h.entries[b.bits>>shift]
		b.skip(e.bits)
		out[0] = e.symbol
	}
	if !b.done() {
		return errCorrupt
	}
	return nil
}
