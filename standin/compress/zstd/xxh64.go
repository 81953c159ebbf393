package zstd

import (
	"encoding/binary"
	"math/bits"
)

// The five primes of XXH64.
const (
	prime1 uint64 = 0x9e3779b185ebca87
	prime2 uint64 = 0xc2b2ae3d27d4eb4f
	prime3 uint64 = 0x165667b19e3779f9
	prime4 uint64 = 0x85ebca77c2b2ae63
	prime5 uint64 = 0x27d4eb2f165667c5
)

// xxh64 is the hash XXH64 with seed 0, of which a frame's checksum is the lower half.
type xxh64 struct {
	lanes [4]uint64
	total uint64
	held  [32]byte // what does not fill a stripe yet
}

func (h *xxh64) reset() {
	p1, p2 := prime1, prime2
	*h = xxh64{lanes: [4]uint64{p1 + p2, p2, 0, -p1}}
}

func (h *xxh64) stripe(p []byte) {
	for i := range h.lanes {
		h.lanes[i] = bits.RotateLeft64(h.lanes[i]+binary.LittleEndian.Uint64(p[8*i:])*prime2, 31) * prime1
	}
}

func (h *xxh64) write(p []byte) {
	n := int(h.total % 32)
	h.total += uint64(len(p))
	if n > 0 {
		k := copy(h.held[n:], p)
		p = p[k:]
		if n+k < 32 {
			return
		}
		h.stripe(h.held[:])
	}
	for ; len(p) >= 32; p = p[32:] {
		h.stripe(p)
	}
	copy(h.held[:], p)
}

func (h *xxh64) value() uint64 {
	v := prime5
	if h.total >= 32 {
		v = 0
		for i, lane := range h.lanes {
			v += bits.RotateLeft64(lane, []int{1, 7, 12, 18}[i])
		}
		for _, lane := range h.lanes {
			v = (v^bits.RotateLeft64(lane*prime2, 31)*prime1)*prime1 + prime4
		}
	}
	v += h.total
	p := h.held[:h.total%32]
	for ; len(p) >= 8; p = p[8:] {
		v = bits.RotateLeft64(v^bits.RotateLeft64(binary.LittleEndian.Uint64(p)*prime2, 31)*prime1, 27)*prime1 + prime4
	}
	if len(p) >= 4 {
		v = bits.RotateLeft64(v^uint64(binary.LittleEndian.Uint32(p))*prime1, 23)*prime2 + prime3
		p = p[4:]
	}
	for _, c := range p {
		v = bits.RotateLeft64(v^uint64(c)*prime5, 11) * prime1
	}
	v = (v ^ v>>33) * prime2
	v = (v ^ v>>29) * prime3
	return v ^ v>>32
}
