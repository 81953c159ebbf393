package brrr

import (
	"errors"
	"io"
)

// Levels are taken and not heeded: Writer stores.
const (
	BestSpeed       = 0
	BestCompression = 11
)

// Writer writes streams whose data are stored as they are: every reader of Brotli reads
// them, and they are not smaller. It is not safe for concurrent use.
type Writer struct {
	w     io.Writer
	begun bool
	err   error
}

var errClosed = errors.New("brotli: the writer is closed")

// NewWriter returns a writer to w.
func NewWriter(w io.Writer, level int) (*Writer, error) {
	if level < BestSpeed || level > BestCompression {
		return nil, errors.New("brotli: levels are from 0 to 11")
	}
	return &Writer{w: w}, nil
}

// Reset makes it a new writer, to w.
func (w *Writer) Reset(to io.Writer) { *w = Writer{w: to} }

// most is how much a meta-block has whose length is written in four nibbles.
const most = 1 << 16

// Write stores p.
func (w *Writer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) && w.err == nil {
		part := p[n:min(len(p), n+most)]
		// Not the last, four nibbles, one less than the length, stored; and the window's size, a bit 0, before the first.
		head, bits := uint32(len(part)-1)<<3|1<<19, 20
		if !w.begun {
			head, bits, w.begun = head<<1, bits+1, true
		}
		w.write([]byte{byte(head), byte(head >> 8), byte(head >> 16)}[:(bits+7)/8])
		w.write(part)
		if w.err == nil {
			n += len(part)
		}
	}
	return n, w.err
}

func (w *Writer) write(p []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(p)
	}
}

// Flush has nothing to do: nothing is held back.
func (w *Writer) Flush() error { return w.err }

// Close ends the stream.
func (w *Writer) Close() error {
	if w.err != nil {
		if w.err == errClosed {
			return nil
		}
		return w.err
	}
	end := byte(3) // the last, and empty
	if !w.begun {
		end <<= 1
	}
	w.write([]byte{end})
	if w.err != nil {
		return w.err
	}
	w.err = errClosed
	return nil
}
