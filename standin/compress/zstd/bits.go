package zstd

import (
	"encoding/binary"
	"math/bits"
)

// forward reads bits from the lowest of the first byte on.
type forward struct {
	in []byte
	at int // in bits
}

// read returns n bits, at most 16; after the end they are 0.
func (b *forward) read(n int) int {
	var word [4]byte
	if from := b.at / 8; from < len(b.in) {
		copy(word[:], b.in[from:])
	}
	v := binary.LittleEndian.Uint32(word[:]) >> (b.at % 8)
	b.at += n
	return int(v & (1<<n - 1))
}

// over reports whether more was read than there is.
func (b *forward) over() bool { return b.at > 8*len(b.in) }

// backward reads bits from the last byte's highest set bit, which is not one of them, to
// the first byte.
type backward struct {
	in    []byte // what is not in bits yet
	bits  uint64 // from the highest on
	valid int    // how many of them; less than 0 after reading more than there was
}

func (b *backward) init(in []byte) bool {
	if len(in) == 0 || in[len(in)-1] == 0 {
		return false
	}
	*b = backward{in: in}
	b.fill()
	b.skip(uint8(bits.LeadingZeros64(b.bits)) + 1)
	return true
}

// fill makes at least 32 bits valid, or all that are left.
func (b *backward) fill() {
	if b.valid >= 32 {
		return
	}
	if n := len(b.in) - 4; n >= 0 {
		b.bits |= uint64(binary.LittleEndian.Uint32(b.in[n:])) << (32 - b.valid)
		b.in = b.in[:n]
		b.valid += 32
		return
	}
	for n := len(b.in) - 1; n >= 0; n-- {
		b.bits |= uint64(b.in[n]) << (56 - b.valid)
		b.valid += 8
	}
	b.in = b.in[:0]
}

// read returns the next n bits, at most 32; after the end they are 0.
func (b *backward) read(n uint8) uint32 {
	v := uint32(b.bits >> (64 - n))
	b.skip(n)
	return v
}

func (b *backward) skip(n uint8) {
	b.bits <<= n
	b.valid -= int(n)
}

// done reports whether all was read, and no more.
func (b *backward) done() bool { return len(b.in) == 0 && b.valid == 0 }
