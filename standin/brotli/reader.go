// Package brrr unpacks Brotli, RFC 7932, and packs without making smaller: README.md beside
// this module says why.
package brrr

import (
	"errors"
	"io"
)

var errDamaged = errors.New("brotli: the stream is damaged")

// Reader unpacks one stream. It asks its source for no more once the stream has ended,
// and is not safe for concurrent use.
type Reader struct {
	in     bits
	window int // how far back copies go
	begun  bool
	err    error

	out    []byte // what is unpacked: at least the window, as far as there is so much
	served int    // of out, to who reads
	total  int    // all that was ever unpacked

	block block
	last  [4]int // distances, the last first
}

// NewReader returns a reader of what src has.
func NewReader(src io.Reader) *Reader {
	r := &Reader{}
	r.Reset(src)
	return r
}

// Reset makes the reader one of what src has.
func (r *Reader) Reset(src io.Reader) {
	*r = Reader{in: bits{src: src}, out: r.out[:0], last: [4]int{4, 11, 15, 16}}
}

// enough is what is unpacked at a time, and one command more.
const enough = 1 << 16

// Read reads what was packed.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.served == len(r.out) && r.err == nil {
		r.slide()
		for len(r.out)-r.served < enough && r.err == nil {
			r.err = r.step()
		}
	}
	if r.served == len(r.out) {
		return 0, r.err
	}
	n := copy(p, r.out[r.served:])
	r.served += n
	return n, nil
}

// slide drops what no copy reaches any more, when it is as much as what stays.
func (r *Reader) slide() {
	if from := r.served - r.window; from > r.window+enough {
		r.served = copy(r.out, r.out[from:])
		r.out = r.out[:r.served]
	}
}

// step unpacks a command, or reads what is before the next; io.EOF is the stream's end.
func (r *Reader) step() error {
	var err error
	switch {
	case !r.begun:
		r.begun = true
		err = r.header()
	case r.block.left > 0:
		err = r.command()
	case r.block.last:
		if r.in.drop() != 0 {
			return errDamaged
		}
		return io.EOF
	default:
		err = r.nextBlock()
	}
	if r.in.err != nil { // then what was read is zeros
		return r.in.err
	}
	return err
}

// header reads the size of the window.
func (r *Reader) header() error {
	size := 16
	if r.in.read(1) == 1 {
		if n := r.in.read(3); n != 0 {
			size = 17 + n
		} else if n = r.in.read(3); n == 0 {
			size = 17
		} else if size = 8 + n; n == 1 {
			return errors.New("brotli: large windows cannot be read")
		}
	}
	r.window = 1<<size - 16
	return nil
}

// put adds to what is unpacked.
func (r *Reader) put(b ...byte) {
	r.out = append(r.out, b...)
	r.total += len(b)
	r.block.left -= len(b)
}

// before is one of the last two bytes, 0 before the first.
func (r *Reader) before(n int) byte {
	if n > len(r.out) {
		return 0
	}
	return r.out[len(r.out)-n]
}
