package zstd

import (
	"encoding/binary"
	"io"
)

// The longest head of a frame: magic number, descriptor, window, dictionary, size.
const maxHeader = 4 + 1 + 1 + 4 + 8

const (
	magic          = 0xfd2fb528
	skippableMagic = 0x184d2a50 // and the 15 after it
)

// Header is the head of a frame.
type Header struct {
	// HeaderSize is how many bytes the head takes.
	HeaderSize int
	// Skippable is set of a frame without content; SkippableSize bytes follow.
	Skippable     bool
	SkippableSize uint32
	// WindowSize is how far back, in bytes, the content refers to itself.
	WindowSize uint64
	// FrameContentSize is what the frame says its content takes, if HasFCS.
	HasFCS           bool
	FrameContentSize uint64
	// HasCheckSum is set if four bytes of a checksum follow the content.
	HasCheckSum bool
	// DictionaryID is not 0 if a dictionary is needed.
	DictionaryID uint32
}

// Decode reads the head that in begins with; io.ErrUnexpectedEOF if in ends too early.
func (h *Header) Decode(in []byte) error {
	*h = Header{}
	if len(in) < 4 {
		return io.ErrUnexpectedEOF
	}
	switch m := binary.LittleEndian.Uint32(in); {
	case m&^15 == skippableMagic:
		if len(in) < 8 {
			return io.ErrUnexpectedEOF
		}
		h.HeaderSize, h.Skippable, h.SkippableSize = 8, true, binary.LittleEndian.Uint32(in[4:])
		return nil
	case m != magic:
		return ErrMagicMismatch
	case len(in) < 5:
		return io.ErrUnexpectedEOF
	}
	about := in[4]
	if about&8 != 0 {
		return errCorrupt
	}
	single := about&32 != 0
	window, dictionary, size := 1, []int{0, 1, 2, 4}[about&3], []int{0, 2, 4, 8}[about>>6]
	if single {
		window = 0
		size = max(size, 1)
	}
	h.HeaderSize = 5 + window + dictionary + size
	if len(in) < h.HeaderSize {
		return io.ErrUnexpectedEOF
	}
	number := func(from, n int) uint64 {
		var b [8]byte
		copy(b[:], in[from:from+n])
		return binary.LittleEndian.Uint64(b[:])
	}
	h.HasCheckSum = about&4 != 0
	h.DictionaryID = uint32(number(5+window, dictionary))
	if size > 0 {
		h.HasFCS, h.FrameContentSize = true, number(5+window+dictionary, size)
		if size == 2 {
			h.FrameContentSize += 256
		}
	}
	if single {
		h.WindowSize = h.FrameContentSize
		return nil
	}
	base := uint64(1) << (10 + in[5]>>3)
	h.WindowSize = base + base/8*uint64(in[5]&7)
	return nil
}
