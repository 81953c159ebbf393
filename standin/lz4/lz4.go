// Package lz4 packs and unpacks LZ4's block format.
package lz4

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// CompressionLevel is taken and not heeded: there is one way to compress.
type CompressionLevel uint32

// The names of levels.
const (
	Fast   CompressionLevel = 0
	Level1 CompressionLevel = 1 << (8 + iota)
	Level2
	Level3
	Level4
	Level5
	Level6
	Level7
	Level8
	Level9
)

// ErrInvalidSourceShortBuffer is the error of a block that is damaged, or that needs more
// room than it was given.
var ErrInvalidSourceShortBuffer = errors.New("lz4: invalid source or destination buffer too short")

// UncompressBlock unpacks src into dst and returns how many bytes that are.
func UncompressBlock(src, dst []byte) (int, error) {
	n := 0
	for i := 0; i < len(src); {
		token := src[i]
		i++
		length, i2, ok := extend(int(token>>4), src, i)
		if i = i2; !ok || length > len(src)-i || length > len(dst)-n {
			return 0, ErrInvalidSourceShortBuffer
		}
		n += copy(dst[n:], src[i:i+length])
		if i += length; i == len(src) {
			return n, nil // the last sequence has literals only
		}
		if len(src)-i < 2 {
			return 0, ErrInvalidSourceShortBuffer
		}
		offset := int(binary.LittleEndian.Uint16(src[i:]))
		length, i, ok = extend(int(token&15), src, i+2)
		length += 4
		if !ok || offset == 0 || offset > n || length > len(dst)-n {
			return 0, ErrInvalidSourceShortBuffer
		}
		for length > 0 { // what is copied may be what this copy has just made
			k := copy(dst[n:n+min(length, offset)], dst[n-offset:n])
			n += k
			length -= k
		}
	}
	if len(src) > 0 {
		return 0, ErrInvalidSourceShortBuffer // a match is never the last
	}
	return 0, nil
}

// extend reads the further bytes of a length.
func extend(length int, src []byte, i int) (int, int, bool) {
	if length < 15 {
		return length, i, true
	}
	for i < len(src) {
		c := src[i]
		i++
		if length += int(c); c < 255 {
			return length, i, true
		}
	}
	return 0, i, false
}

// CompressBlockBound returns the most bytes that a block of n bytes takes.
func CompressBlockBound(n int) int { return n + n/255 + 16 }

// Compressor packs blocks.
type Compressor struct{}

// CompressorHC packs blocks as Compressor does.
type CompressorHC struct{ Level CompressionLevel }

// CompressBlock packs src into dst, which has room for CompressBlockBound bytes, and returns
// how many it took.
func (*Compressor) CompressBlock(src, dst []byte) (int, error) { return compress(src, dst) }

// CompressBlock packs src into dst, which has room for CompressBlockBound bytes, and returns
// how many it took.
func (*CompressorHC) CompressBlock(src, dst []byte) (int, error) { return compress(src, dst) }

// The last five bytes are literals, and a match begins twelve before the end or earlier.
const (
	lastLiterals = 5
	matchLimit   = 12
)

// compress looks up, at each place, the last one that began with the same four bytes.
func compress(src, dst []byte) (int, error) {
	if len(dst) < CompressBlockBound(len(src)) {
		return 0, ErrInvalidSourceShortBuffer
	}
	const logTable = 14
	var seen [1 << logTable]int32 // place, from 1
	out, done := dst[:0], 0
	for i := 0; i+matchLimit <= len(src); {
		now := binary.LittleEndian.Uint32(src[i:])
		slot := now * 0x9e3779b1 >> (32 - logTable)
		before := int(seen[slot]) - 1
		seen[slot] = int32(i) + 1
		if before < 0 || i-before > 0xffff || binary.LittleEndian.Uint32(src[before:]) != now {
			i += 1 + (i-done)>>6 // what does not repeat is passed over faster and faster
			continue
		}
		n := same(src[before+4:], src[i+4:len(src)-lastLiterals])
		out = sequence(out, src[done:i], n)
		out = binary.LittleEndian.AppendUint16(out, uint16(i-before))
		out = further(out, n)
		i += 4 + n
		done = i
	}
	out = sequence(out, src[done:], 0)
	return len(out), nil
}

// sequence appends the token and the literals before a match of 4+n bytes.
func sequence(out, literals []byte, n int) []byte {
	out = append(out, byte(min(len(literals), 15)<<4|min(n, 15)))
	return append(further(out, len(literals)), literals...)
}

// further appends the bytes of a length that the token has no room for.
func further(out []byte, length int) []byte {
	if length < 15 {
		return out
	}
	for length -= 15; length >= 255; length -= 255 {
		out = append(out, 255)
	}
	return append(out, byte(length))
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
