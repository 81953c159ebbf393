package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"
)

// The layout of a histogram of three digits: buckets, each twice as wide as the one before, of
// so many counts, of which all but the first bucket use the upper half.
const (
	hdrCounts = 2048
	hdrHalf   = hdrCounts / 2
)

// The marks with which HdrHistogram's V2 encoding begins, compressed and not.
const (
	hdrPacked = 0x1c849314
	hdrPlain  = 0x1c849313
)

// hdrLines writes the lines of an interval log. A log of an hour has 14,400 of them: the
// library's writer makes a compressor for each, which takes more time than all the values.
type hdrLines struct {
	to     io.Writer
	base   time.Time
	counts []uint32
	last   int // the highest count that is not 0; -1 for none
	zip    *zlib.Writer
	plain  []byte
	packed bytes.Buffer
	line   []byte
}

func newHDRLines(to io.Writer, base time.Time) *hdrLines {
	h := &hdrLines{to: to, base: base, last: -1, counts: make([]uint32, int(hdrPlace(int64(hdrMost)))+1)}
	h.zip, _ = zlib.NewWriterLevel(&h.packed, zlib.BestCompression) // the level is one
	return h
}

// hdrPlace is the place of the count of a value of at most hdrMost.
func hdrPlace(ns int64) uint16 {
	ns = max(ns, hdrLowest)
	bucket := bits.Len64(uint64(ns)|(hdrCounts-1)) - bits.Len(hdrCounts-1)
	return uint16(bucket*hdrHalf + int(ns>>bucket))
}

// hdrHighest is the highest value of those that a place counts.
func hdrHighest(index int) int64 {
	bucket, of := index/hdrHalf-1, int64(index%hdrHalf+hdrHalf)
	if bucket < 0 {
		return int64(index)
	}
	return (of+1)<<bucket - 1
}

// add takes in a value by the place of its count.
func (h *hdrLines) add(place uint16) {
	h.counts[place]++
	h.last = max(h.last, int(place))
}

// end writes the values that were added as those of one second, and forgets them.
func (h *hdrLines) end(from time.Time, tag string) error {
	h.plain = h.plain[:0]
	for _, v := range [...]uint32{hdrPlain, 0, 0, hdrDigits} { // the length comes later
		h.plain = binary.BigEndian.AppendUint32(h.plain, v)
	}
	for _, v := range [...]uint64{hdrLowest, uint64(hdrMost), math.Float64bits(1)} {
		h.plain = binary.BigEndian.AppendUint64(h.plain, v)
	}
	head := len(h.plain)
	for i := 0; i <= h.last; i++ {
		if n := h.counts[i]; n != 0 {
			h.plain = binary.AppendVarint(h.plain, int64(n))
			continue
		}
		zeros := i
		for h.counts[i+1] == 0 { // the last is not
			i++
		}
		if zeros = i + 1 - zeros; zeros > 1 {
			h.plain = binary.AppendVarint(h.plain, -int64(zeros))
		} else {
			h.plain = append(h.plain, 0)
		}
	}
	binary.BigEndian.PutUint32(h.plain[4:], uint32(len(h.plain)-head))
	h.packed.Reset()
	h.packed.Write(make([]byte, 8))
	h.zip.Reset(&h.packed)
	if _, err := h.zip.Write(h.plain); err != nil {
		return err
	}
	if err := h.zip.Close(); err != nil {
		return err
	}
	packed := h.packed.Bytes()
	binary.BigEndian.PutUint32(packed, hdrPacked)
	binary.BigEndian.PutUint32(packed[4:], uint32(len(packed)-8))
	most := float64(hdrHighest(max(h.last, 0))) / 1e6
	h.line = fmt.Appendf(h.line[:0], "Tag=%s,%f,%f,%f,", tag, from.Sub(h.base).Seconds(), hdrBin.Seconds(), most)
	h.line = append(base64.StdEncoding.AppendEncode(h.line, packed), '\n')
	clear(h.counts[:h.last+1])
	h.last = -1
	_, err := h.to.Write(h.line)
	return err
}
