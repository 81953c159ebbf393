// Package zstd reads Zstandard, RFC 8878: frames with and without their size, skippable
// frames, checksums, several frames after one another; no dictionaries. Encoder writes
// frames that store what they are given. More than twenty names are exported: those that fasthttp
// and parquet-go use.
package zstd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// MinWindowSize is the smallest window that a frame can ask for.
	MinWindowSize = 1 << 10
	// MaxWindowSize is the largest window that a frame is granted.
	MaxWindowSize = 1 << 29

	maxBlock = 128 << 10
)

var (
	// ErrMagicMismatch is the error of input that is not Zstandard.
	ErrMagicMismatch = errors.New("zstd: not a frame: magic number mismatch")
	// ErrWindowSizeExceeded is the error of a frame whose window is larger than what is granted.
	ErrWindowSizeExceeded = errors.New("zstd: the window of the frame exceeds the limit")
	// ErrDecoderSizeExceeded is the error of DecodeAll for more bytes than are granted.
	ErrDecoderSizeExceeded = errors.New("zstd: the decompressed size exceeds the limit")
	// ErrUnknownDictionary is the error of a frame that needs a dictionary.
	ErrUnknownDictionary = errors.New("zstd: the frame needs a dictionary")
	// ErrCRCMismatch is the error of a frame whose content is not what its checksum says.
	ErrCRCMismatch = errors.New("zstd: checksum mismatch")
	// ErrDecoderClosed is the error of reading after Close.
	ErrDecoderClosed = errors.New("zstd: the decoder is closed")

	errCorrupt = errors.New("zstd: corrupt input")
)

// DOption is an option of NewReader.
type DOption func(*Decoder) error

// WithDecoderMaxMemory bounds windows, and the result of DecodeAll.
func WithDecoderMaxMemory(n uint64) DOption {
	return func(d *Decoder) error {
		if n == 0 {
			return errors.New("zstd: a memory limit of 0")
		}
		d.most = n
		return nil
	}
}

// WithDecoderConcurrency is taken and not heeded: the caller's goroutine decodes.
func WithDecoderConcurrency(int) DOption { return func(*Decoder) error { return nil } }

// Decoder reads what an encoder wrote. It is not safe for concurrent use.
type Decoder struct {
	src  *bufio.Reader
	most uint64
	err  error

	header Header // of the frame that is being read; the zero value between frames
	inside bool
	total  uint64 // bytes that the frame has made
	sum    xxh64
	// hist is what the frame has made last: a window, or all of it, and what the next
	// calls of Read return, from ready on.
	hist  []byte
	ready int

	raw      []byte // one block as it came
	literals []byte
	huffman  *huffman
	tables   [3]*fse // of literal lengths, offsets, match lengths
	repeats  [3]int
}

// NewReader returns a decoder of r. Nothing is read yet.
func NewReader(r io.Reader, options ...DOption) (*Decoder, error) {
	d := &Decoder{most: 1 << 63}
	for _, o := range options {
		if err := o(d); err != nil {
			return nil, err
		}
	}
	return d, d.Reset(r)
}

// Reset makes d read r as a new decoder would.
func (d *Decoder) Reset(r io.Reader) error {
	if r == nil {
		r = bytes.NewReader(nil)
	}
	if d.src == nil {
		d.src = bufio.NewReaderSize(r, 1<<16)
	} else {
		d.src.Reset(r)
	}
	d.err, d.inside, d.hist, d.ready = nil, false, d.hist[:0], 0
	return nil
}

// Close ends the use of d, until Reset.
func (d *Decoder) Close() { d.err = ErrDecoderClosed }

// Read returns decompressed bytes. Input that ends within a frame is io.ErrUnexpectedEOF.
func (d *Decoder) Read(p []byte) (int, error) {
	for d.ready == len(d.hist) && d.err == nil && len(p) > 0 {
		d.err = d.step()
	}
	if d.ready == len(d.hist) {
		return 0, d.err
	}
	n := copy(p, d.hist[d.ready:])
	d.ready += n
	return n, nil
}

// DecodeAll appends to dst what the frames in input hold.
func (d *Decoder) DecodeAll(input, dst []byte) ([]byte, error) {
	one := &Decoder{most: d.most}
	one.Reset(bytes.NewReader(input))
	for before := len(dst); ; {
		err := one.step()
		dst = append(dst, one.hist[one.ready:]...)
		one.ready = len(one.hist)
		switch {
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		case uint64(len(dst)-before) > d.most:
			return dst, ErrDecoderSizeExceeded
		}
	}
}

// step reads the head of a frame, or one block. It is called when all of hist was handed out.
func (d *Decoder) step() error {
	if !d.inside {
		return d.beginFrame()
	}
	if window := int(d.header.WindowSize); len(d.hist) > window+window/2+8*maxBlock {
		d.hist = d.hist[:copy(d.hist, d.hist[len(d.hist)-window:])]
	}
	d.ready = len(d.hist)
	last, err := d.block()
	if err != nil {
		d.hist = d.hist[:d.ready]
		return short(err)
	}
	d.total += uint64(len(d.hist) - d.ready)
	if d.header.HasFCS && d.total > d.header.FrameContentSize {
		d.hist = d.hist[:d.ready]
		return errCorrupt
	}
	if d.header.HasCheckSum {
		d.sum.write(d.hist[d.ready:])
	}
	if !last {
		return nil
	}
	d.inside = false
	if d.header.HasFCS && d.total != d.header.FrameContentSize {
		return errCorrupt
	}
	if d.header.HasCheckSum {
		var sum [4]byte
		if _, err := io.ReadFull(d.src, sum[:]); err != nil {
			return short(err)
		}
		if binary.LittleEndian.Uint32(sum[:]) != uint32(d.sum.value()) {
			return ErrCRCMismatch
		}
	}
	return nil
}

// beginFrame reads the head of a frame, or passes over one that is to be skipped. At the
// input's end it returns io.EOF.
func (d *Decoder) beginFrame() error {
	head, err := d.src.Peek(maxHeader)
	if len(head) == 0 {
		return err
	}
	d.header = Header{}
	if bad := d.header.Decode(head); bad != nil {
		if bad == io.ErrUnexpectedEOF && err != nil && err != io.EOF {
			return err
		}
		return bad
	}
	d.src.Discard(d.header.HeaderSize)
	if d.header.Skippable {
		_, err := io.CopyN(io.Discard, d.src, int64(d.header.SkippableSize))
		return short(err)
	}
	if d.header.DictionaryID != 0 {
		return ErrUnknownDictionary
	}
	if most := min(d.most, MaxWindowSize); d.header.WindowSize > most {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrWindowSizeExceeded, d.header.WindowSize, most)
	}
	d.inside, d.total = true, 0
	d.hist, d.ready = d.hist[:0], 0
	d.huffman, d.tables, d.repeats = nil, [3]*fse{}, [3]int{1, 4, 8}
	d.sum.reset()
	return nil
}

// short is the error of input that ends where more must come.
func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
