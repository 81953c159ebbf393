package stream

import (
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"
	"math"
)

var (
	errChunkSize = errors.New("bad chunk size")
	errChunkEnd  = errors.New("a chunk does not end with CRLF")
	errTrailer   = errors.New("the trailer is too long")
)

// chunkState is where in a chunked body the reader stands.
type chunkState uint8

const (
	inSize chunkState = iota
	inExtension
	beforeData
	inData
	afterData
	inTrailer
	atEnd
)

// dechunker takes the chunk framing off a body, fed in any pieces.
type dechunker struct {
	state  chunkState
	left   int64
	first  int // bytes of the first chunk with data, its framing included
	least  int // of the smallest that follows it: a first one with a role is longer
	digits int
	line   int // bytes of the trailer line at hand, CR not counted
	total  int // bytes of the extensions or the trailer at hand
	spent  int // bytes of the sizes and extensions of all chunks
}

const (
	sizeLine      = 16 // bytes that hold the size of a chunk, and no event
	maxTrailer    = 64 << 10
	maxSizeDigits = 4096 // leading zeros included
)

// next returns the next run of data in p and the rest of p after it. No data
// means that p is used up, or that the body is over (state atEnd).
func (c *dechunker) next(p []byte) (data, rest []byte, err error) {
	for len(p) > 0 {
		b := p[0]
		switch c.state {
		case inSize:
			p = p[1:]
			if v, ok := hexDigit(b); ok {
				if c.digits++; c.left > math.MaxInt64>>4 || c.digits > maxSizeDigits {
					return nil, nil, errChunkSize
				}
				c.left = c.left<<4 | int64(v)
				continue
			}
			if c.digits == 0 || b != '\r' && b != '\n' && b != ';' && b != ' ' && b != '\t' {
				return nil, nil, errChunkSize
			}
			if c.state = inExtension; b == '\n' {
				c.sized()
			}
		case inExtension:
			p = p[1:]
			if c.total++; c.total > maxTrailer {
				return nil, nil, errTrailer
			}
			if b == '\n' {
				c.sized()
			}
		case beforeData:
			c.state = inData
		case inData:
			n := min(c.left, int64(len(p)))
			if c.left -= n; c.left == 0 {
				c.state = afterData
			}
			return p[:n], p[n:], nil
		case afterData:
			p = p[1:]
			switch {
			case b == '\n':
				c.state, c.digits = inSize, 0
			case b != '\r' || c.line > 0:
				return nil, nil, errChunkEnd
			default:
				c.line++
				continue
			}
			c.line = 0
		case inTrailer:
			p = p[1:]
			if err := c.trailer(b); err != nil {
				return nil, nil, err
			}
		case atEnd:
			return nil, p, nil
		}
	}
	return nil, p, nil
}

// trailer takes a byte of the trailer, which an empty line ends.
func (c *dechunker) trailer(b byte) error {
	if c.total++; c.total > maxTrailer {
		return errTrailer
	}
	switch b {
	case '\r':
	case '\n':
		if c.line == 0 {
			c.state = atEnd
		}
		c.line = 0
	default:
		c.line++
	}
	return nil
}

// sized goes on after a size line.
func (c *dechunker) sized() {
	size := int64(c.digits+1+c.total+2) + c.left
	c.spent += c.digits + c.total
	c.total = 0
	if c.state = beforeData; c.left == 0 {
		c.state = inTrailer
	} else if c.first == 0 {
		c.first = int(size)
	} else if c.least == 0 || size < int64(c.least) {
		c.least = int(size)
	}
}

// begun reports whether the bytes fed last ended after the begin of a chunk and before its
// data, or with the last chunk, which has none.
func (c *dechunker) begun() bool {
	switch c.state {
	case inSize:
		return c.digits > 0
	case inExtension, beforeData, inTrailer, atEnd:
		return true
	}
	return false
}

// piece is how many of the bytes to come belong to one chunk: to the one at hand, or
// most likely to the next. It is 0 where nothing tells.
func (c *dechunker) piece() int {
	switch c.state {
	case inSize:
		return max(cmp.Or(c.least, sizeLine)-c.digits, 0)
	case beforeData, inData:
		return int(min(c.left, math.MaxInt32)) + len("\r\n")
	case afterData:
		return len("\r\n") - c.line
	}
	return 0
}

func hexDigit(b byte) (v byte, ok bool) {
	switch {
	case '0' <= b && b <= '9':
		return b - '0', true
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// inflater undoes a content coding, fed in any pieces: a coroutine runs the
// library's pull reader, which stops wherever its input does.
type inflater struct {
	in    []byte
	over  bool // no more input will come
	out   func(p []byte) bool
	err   error // other than that of an input that ends too early
	whole bool  // the compressed data ended where a member did
	busy  bool  // the coroutine runs: it must not be stopped, and ends when out says so
	next  func() (struct{}, bool)
	stop  func()
}

// newInflater returns an inflater for gzip or deflate that hands its output to
// out, until out returns false.
func newInflater(encoding string, out func(p []byte) bool) *inflater {
	f := &inflater{out: out}
	f.next, f.stop = iter.Pull(func(yield func(struct{}) bool) {
		src := &inflaterInput{f: f, yield: yield}
		open := coding(encoding, src)
		buf := make([]byte, 8<<10)
		for src.fill() == nil { // another member: some servers compress each event by itself
			r, err := open()
			for err == nil {
				var n int
				n, err = r.Read(buf)
				if n > 0 && !out(buf[:n]) {
					return
				}
			}
			if err != io.EOF {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					f.err = err
				}
				return
			}
		}
		f.whole = true
	})
	return f
}

// coding returns what opens the members of a coded body. They share a decompressor: there
// may be a member for each event, or many without any content.
func coding(encoding string, src *inflaterInput) func() (io.Reader, error) {
	if encoding == "gzip" {
		var r *gzip.Reader
		return func() (_ io.Reader, err error) {
			if r == nil {
				r, err = gzip.NewReader(src)
			} else {
				err = r.Reset(src)
			}
			if err == nil {
				r.Multistream(false)
			}
			return r, err
		}
	}
	var raw, wrapped io.ReadCloser
	return func() (_ io.Reader, err error) {
		// "deflate" is zlib's format, but some servers send the raw one.
		if src.peek()&0xf != 8 {
			if raw == nil {
				raw = flate.NewReader(src)
				return raw, nil
			}
			return raw, raw.(flate.Resetter).Reset(src, nil)
		}
		if wrapped == nil {
			wrapped, err = zlib.NewReader(src)
			return wrapped, err
		}
		return wrapped, wrapped.(zlib.Resetter).Reset(src, nil)
	}
}

// feed gives the inflater more input; it returns false when no more is wanted.
func (f *inflater) feed(p []byte) bool {
	f.in, f.busy = p, true
	_, more := f.next()
	f.busy = false
	return more
}

// close gives the coroutine up.
func (f *inflater) close() {
	if !f.busy {
		f.stop()
	}
}

// end tells the inflater that the input is over.
func (f *inflater) end() {
	f.over, f.busy = true, true
	f.next()
	f.busy = false
}

// inflaterInput is the reader under the coroutine. It is an io.ByteReader, so
// that the decompressors do not read ahead.
type inflaterInput struct {
	f     *inflater
	yield func(struct{}) bool
}

// fill waits for input.
func (s *inflaterInput) fill() error {
	for len(s.f.in) == 0 {
		if s.f.over || !s.yield(struct{}{}) {
			return io.EOF
		}
	}
	return nil
}

// peek is the next byte of what fill has brought.
func (s *inflaterInput) peek() byte { return s.f.in[0] }

func (s *inflaterInput) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.f.in)
	s.f.in = s.f.in[n:]
	return n, nil
}

func (s *inflaterInput) ReadByte() (byte, error) {
	var b [1]byte
	if _, err := s.Read(b[:]); err != nil {
		return 0, err
	}
	return b[0], nil
}

// indexLine returns the index of the first line end in p: LF, and CR too when
// anyCR is set; -1 if there is none.
func indexLine(p []byte, anyCR bool) int {
	i := bytes.IndexByte(p, '\n')
	if anyCR {
		if i >= 0 {
			p = p[:i]
		}
		if j := bytes.IndexByte(p, '\r'); j >= 0 {
			return j
		}
	}
	return i
}
