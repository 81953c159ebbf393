package zstd

import (
	"encoding/binary"
	"errors"
	"io"
)

// EncoderLevel is taken and not heeded: Encoder stores.
type EncoderLevel int

// The names of levels.
const (
	SpeedFastest EncoderLevel = 1 + iota
	SpeedDefault
	SpeedBetterCompression
	SpeedBestCompression
)

// EOption is an option of NewWriter.
type EOption func(*Encoder) error

// WithEncoderLevel is taken and not heeded.
func WithEncoderLevel(EncoderLevel) EOption { return func(*Encoder) error { return nil } }

// WithEncoderConcurrency is taken and not heeded.
func WithEncoderConcurrency(int) EOption { return func(*Encoder) error { return nil } }

// WithZeroFrames makes a frame of nothing, too.
func WithZeroFrames(on bool) EOption {
	return func(e *Encoder) error { e.zeroFrames = on; return nil }
}

// WithEncoderCRC says whether frames end with a checksum, as they do by default.
func WithEncoderCRC(on bool) EOption {
	return func(e *Encoder) error { e.noSum = !on; return nil }
}

// Encoder writes frames whose blocks are stored as they are: every reader of Zstandard
// reads them, and they are not smaller. It is not safe for concurrent use.
type Encoder struct {
	w                 io.Writer
	zeroFrames, noSum bool

	begun  bool
	closed bool
	held   []byte // of the next block
	sum    xxh64
	err    error
}

// NewWriter returns an encoder that writes to w.
func NewWriter(w io.Writer, options ...EOption) (*Encoder, error) {
	e := &Encoder{}
	for _, o := range options {
		if err := o(e); err != nil {
			return nil, err
		}
	}
	e.Reset(w)
	return e, nil
}

// Reset makes e write a new frame to w.
func (e *Encoder) Reset(w io.Writer) {
	e.w, e.begun, e.closed, e.held, e.err = w, false, false, e.held[:0], nil
	e.sum.reset()
}

// Write takes the next bytes of the frame.
func (e *Encoder) Write(p []byte) (n int, err error) {
	if e.closed {
		return 0, errors.New("zstd: the encoder is closed")
	}
	for n < len(p) && e.err == nil {
		if len(e.held) == maxBlock {
			e.emit(false)
		}
		k := min(len(p)-n, maxBlock-len(e.held))
		e.held = append(e.held, p[n:n+k]...)
		n += k
	}
	return n, e.err
}

// Flush writes what was taken.
func (e *Encoder) Flush() error {
	if len(e.held) > 0 && e.err == nil {
		e.emit(false)
	}
	return e.err
}

// Close ends the frame.
func (e *Encoder) Close() error {
	if e.closed || e.err != nil {
		return e.err
	}
	e.closed = true
	if e.begun || len(e.held) > 0 || e.zeroFrames {
		e.emit(true)
	}
	return e.err
}

// emit writes a block of what is held, before the first one the head, after the last one
// the checksum.
func (e *Encoder) emit(last bool) {
	var out []byte
	if !e.begun {
		e.begun = true
		out = binary.LittleEndian.AppendUint32(out, magic)
		about := byte(4)
		if e.noSum {
			about = 0
		}
		out = append(out, about, 7<<3) // a window of 128 KiB
	}
	head := uint32(len(e.held)) << 3
	if last {
		head |= 1
	}
	out = append(out, byte(head), byte(head>>8), byte(head>>16))
	out = append(out, e.held...)
	e.sum.write(e.held)
	e.held = e.held[:0]
	if last && !e.noSum {
		out = binary.LittleEndian.AppendUint32(out, uint32(e.sum.value()))
	}
	_, e.err = e.w.Write(out)
}

// EncodeAll appends a frame of src to dst.
func (e *Encoder) EncodeAll(src, dst []byte) []byte {
	out := appender{dst}
	one := &Encoder{zeroFrames: e.zeroFrames, noSum: e.noSum}
	one.Reset(&out)
	one.Write(src)
	one.Close()
	return out.b
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}
