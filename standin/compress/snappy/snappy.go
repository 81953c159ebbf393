// Package snappy packs and unpacks Snappy's block format.
package snappy

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

var (
	// ErrCorrupt is the error of a block that no encoder writes.
	ErrCorrupt = errors.New("snappy: corrupt input")
	// ErrTooLarge is the error of a block that claims more than a slice can hold.
	ErrTooLarge = errors.New("snappy: decoded block is too large")
)

// DecodedLen returns the length that a block says it has unpacked.
func DecodedLen(src []byte) (int, error) {
	n, _, err := decodedLen(src)
	return n, err
}

func decodedLen(src []byte) (n, header int, err error) {
	v, header := binary.Uvarint(src)
	switch {
	case header <= 0 || v > 0xffffffff:
		return 0, 0, ErrCorrupt
	case uint64(int(v)) != v || int(v) < 0:
		return 0, 0, ErrTooLarge
	}
	return int(v), header, nil
}

// Decode unpacks a block. The result is in dst where that is long enough.
func Decode(dst, src []byte) ([]byte, error) {
	n, header, err := decodedLen(src)
	if err != nil {
		return nil, err
	}
	if n > 32*len(src) { // a copy of two bytes makes at most 64
		return nil, ErrCorrupt
	}
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	out, src := dst[:0:n], src[header:]
	for len(src) > 0 {
		tag := src[0]
		length := 1 + int(tag>>2)
		if tag&3 == 0 { // literals
			src = src[1:]
			if extra := length - 60; extra > 0 {
				if len(src) < extra {
					return nil, ErrCorrupt
				}
				var size [8]byte
				copy(size[:], src[:extra])
				length, src = 1+int(binary.LittleEndian.Uint64(size[:])), src[extra:]
			}
			if length > len(src) || length > n-len(out) {
				return nil, ErrCorrupt
			}
			out, src = append(out, src[:length]...), src[length:]
			continue
		}
		size := [...]int{0, 2, 3, 5}[tag&3]
		if len(src) < size {
			return nil, ErrCorrupt
		}
		var offset int
		switch tag & 3 {
		case 1:
			length, offset = 4+int(tag>>2&7), int(tag>>5)<<8|int(src[1])
		case 2:
			offset = int(binary.LittleEndian.Uint16(src[1:]))
		case 3:
			offset = int(binary.LittleEndian.Uint32(src[1:]))
		}
		src = src[size:]
		if offset < 1 || offset > len(out) || length > n-len(out) {
			return nil, ErrCorrupt
		}
		for length > 0 { // what is copied may be what this copy has just made
			from := len(out) - offset
			k := min(length, offset)
			out = append(out, out[from:from+k]...)
			length -= k
		}
	}
	if len(out) != n {
		return nil, ErrCorrupt
	}
	return out, nil
}

// MaxEncodedLen returns the most bytes that a block of n bytes takes; -1 if there can be none.
func MaxEncodedLen(n int) int {
	if n < 0 || uint64(n) > 0xffffffff {
		return -1
	}
	return 10 + n + n/60
}

// Encode packs a block. The result is in dst where that has room for MaxEncodedLen.
func Encode(dst, src []byte) []byte {
	if most := MaxEncodedLen(len(src)); most < 0 {
		panic(ErrTooLarge)
	} else if cap(dst) < most {
		dst = make([]byte, 0, most)
	}
	dst = binary.AppendUvarint(dst[:0], uint64(len(src)))
	for len(src) > 0 { // offsets of two bytes reach over 64 KiB
		piece := src[:min(len(src), 1<<16)]
		dst, src = encode(dst, piece), src[len(piece):]
	}
	return dst
}

// encode appends one piece of at most 64 KiB: at each place the last one that began with
// the same four bytes is looked up.
func encode(dst, src []byte) []byte {
	const logTable = 14
	var seen [1 << logTable]uint16 // place, or 0
	done := 0
	for i := 1; i+4 <= len(src); {
		now := binary.LittleEndian.Uint32(src[i:])
		slot := now * 0x9e3779b1 >> (32 - logTable)
		before := int(seen[slot])
		seen[slot] = uint16(i)
		if before >= i || binary.LittleEndian.Uint32(src[before:]) != now {
			i += 1 + (i-done)>>5 // what does not repeat is passed over faster and faster
			continue
		}
		dst = literals(dst, src[done:i])
		n := 4 + same(src[before+4:], src[i+4:])
		dst = copies(dst, i-before, n)
		i += n
		done = i
	}
	return literals(dst, src[done:])
}

// same is how many bytes a and b begin with that are equal.
func same(a, b []byte) int {
	n := 0
	for len(b)-n >= 8 && len(a)-n >= 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < len(b) && n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

func literals(dst, text []byte) []byte {
	switch n := len(text) - 1; {
	case n < 0:
		return dst
	case n < 60:
		dst = append(dst, byte(n)<<2)
	case n < 1<<8:
		dst = append(dst, 60<<2, byte(n))
	default: // a piece has at most 64 KiB
		dst = append(dst, 61<<2, byte(n), byte(n>>8))
	}
	return append(dst, text...)
}

func copies(dst []byte, offset, length int) []byte {
	for length > 0 {
		n := min(length, 64)
		dst = append(dst, byte(n-1)<<2|2, byte(offset), byte(offset>>8))
		length -= n
	}
	return dst
}
