package zstd

import (
	"encoding/binary"
	"io"
	"slices"
)

// block reads one block and appends its content to hist.
func (d *Decoder) block() (last bool, err error) {
	var head [3]byte
	if _, err := io.ReadFull(d.src, head[:]); err != nil {
		return false, err
	}
	about := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	last, size := about&1 != 0, about>>3
	if size > maxBlock {
		return false, errCorrupt
	}
	switch about >> 1 & 3 {
	case 0: // as it is
		n := len(d.hist)
		d.hist = slices.Grow(d.hist, size)[:n+size]
		_, err = io.ReadFull(d.src, d.hist[n:])
	case 1: // one byte, again and again
		c, err := d.src.ReadByte()
		if err != nil {
			return false, err
		}
		n := len(d.hist)
		d.hist = slices.Grow(d.hist, size)[:n+size]
		for i := range d.hist[n:] {
			d.hist[n+i] = c
		}
	case 2:
		d.raw = slices.Grow(d.raw[:0], size)[:size]
		if _, err := io.ReadFull(d.src, d.raw); err != nil {
			return false, err
		}
		err = d.compressed(d.raw)
	default:
		err = errCorrupt
	}
	return last, err
}

// compressed decodes a block of literals and sequences.
func (d *Decoder) compressed(in []byte) error {
	in, err := d.readLiterals(in)
	if err != nil {
		return err
	}
	if len(in) == 0 {
		return errCorrupt
	}
	count := int(in[0])
	switch {
	case count == 0:
		if len(in) != 1 {
			return errCorrupt
		}
		d.hist = append(d.hist, d.literals...)
		return nil
	case count < 128:
		in = in[1:]
	case count < 255 && len(in) >= 2:
		count, in = (count-128)<<8|int(in[1]), in[2:]
	case count == 255 && len(in) >= 3:
		count, in = int(in[1])|int(in[2])<<8+0x7f00, in[3:]
	default:
		return errCorrupt
	}
	if len(in) == 0 || in[0]&3 != 0 {
		return errCorrupt
	}
	modes := in[0]
	in = in[1:]
	for i := range d.tables {
		if in, err = d.readTable(i, modes>>(6-2*i)&3, in); err != nil {
			return err
		}
	}
	return d.sequences(count, in)
}

// readTable reads, or takes over, the table for literal lengths (0), offsets (1) or match
// lengths (2).
func (d *Decoder) readTable(i int, mode byte, in []byte) (rest []byte, err error) {
	kind := &kinds[i]
	switch mode {
	case 0:
		d.tables[i] = kind.predefined()
	case 1:
		if len(in) == 0 || int(in[0]) >= kind.symbols {
			return nil, errCorrupt
		}
		d.tables[i] = &fse{entries: []state{{symbol: in[0]}}}
		in = in[1:]
	case 2:
		frequencies, log, n, err := readFrequencies(in, kind.symbols, kind.maxLog)
		if err != nil {
			return nil, err
		}
		if d.tables[i], err = newFSE(frequencies, log); err != nil {
			return nil, err
		}
		in = in[n:]
	default:
		if d.tables[i] == nil {
			return nil, errCorrupt
		}
	}
	return in, nil
}

// sequences executes count sequences: so many literals, then a copy of what was before.
func (d *Decoder) sequences(count int, in []byte) error {
	var b backward
	if !b.init(in) {
		return errCorrupt
	}
	lengths, offsets, matches := d.tables[0], d.tables[1], d.tables[2]
	b.fill()
	l, o, m := int(b.read(lengths.log)), int(b.read(offsets.log)), int(b.read(matches.log))
	literals, out, most := d.literals, d.hist, len(d.hist)+maxBlock
	for ; count > 0; count-- {
		ls, os, ms := lengths.entries[l], offsets.entries[o], matches.entries[m]
		b.fill()
		value := 1<<os.symbol + int(b.read(os.symbol))
		b.fill()
		length := int(matchBase[ms.symbol]) + int(b.read(matchBits[ms.symbol]))
		n := int(literalBase[ls.symbol]) + int(b.read(literalBits[ls.symbol]))
		if count > 1 {
			b.fill()
			l = int(ls.base) + int(b.read(ls.bits))
			m = int(ms.base) + int(b.read(ms.bits))
			o = int(os.base) + int(b.read(os.bits))
		}
		offset := d.offset(value, n == 0)
		if n > len(literals) || len(out)+n+length > most || offset < 1 || offset > len(out)+n || b.valid < 0 {
			return errCorrupt
		}
		out = append(out, literals[:n]...)
		literals = literals[n:]
		for length > 0 { // what is copied may be what this copy has just made
			from := len(out) - offset
			k := min(length, offset)
			out = append(out, out[from:from+k]...)
			length -= k
		}
	}
	if !b.done() || len(out)+len(literals) > most {
		return errCorrupt
	}
	d.hist = append(out, literals...)
	return nil
}

// offset turns the value of a sequence into a distance: 1 to 3 stand for the last distances.
func (d *Decoder) offset(value int, noLiterals bool) int {
	r := &d.repeats
	if value > 3 {
		r[0], r[1], r[2] = value-3, r[0], r[1]
		return r[0]
	}
	if noLiterals {
		value++
	}
	switch value {
	case 1:
	case 2:
		r[0], r[1] = r[1], r[0]
	case 3:
		r[0], r[1], r[2] = r[2], r[0], r[1]
	default:
		r[0], r[1], r[2] = r[0]-1, r[0], r[1]
	}
	return r[0]
}

// readLiterals decodes the first section of a block into literals and returns the rest.
func (d *Decoder) readLiterals(in []byte) (rest []byte, err error) {
	if len(in) == 0 {
		return nil, errCorrupt
	}
	var word [8]byte
	copy(word[:], in)
	about := binary.LittleEndian.Uint64(word[:])
	kind, format := about&3, about>>2&3
	if kind < 2 { // as they are, or one byte
		header, size := 1, int(about>>3&31)
		switch format {
		case 1:
			header, size = 2, int(about>>4&0xfff)
		case 3:
			header, size = 3, int(about>>4&0xfffff)
		}
		came := size
		if kind == 1 {
			came = 1
		}
		if size > maxBlock || len(in) < header+came {
			return nil, errCorrupt
		}
		if kind == 0 {
			d.literals = append(d.literals[:0], in[header:header+size]...)
		} else {
			d.literals = slices.Grow(d.literals[:0], size)[:size]
			for i := range d.literals {
				d.literals[i] = in[header]
			}
		}
		return in[header+came:], nil
	}
	header, width, streams := 3, uint(10), 4
	switch format {
	case 0:
		streams = 1
	case 2:
		header, width = 4, 14
	case 3:
		header, width = 5, 18
	}
	mask := uint64(1)<<width - 1
	size, came := int(about>>4&mask), int(about>>4>>width&mask)
	if size > maxBlock || len(in) < header+came {
		return nil, errCorrupt
	}
	packed, rest := in[header:header+came], in[header+came:]
	if kind == 2 {
		if d.huffman, packed, err = readHuffman(packed); err != nil {
			return nil, err
		}
	}
	if d.huffman == nil {
		return nil, errCorrupt
	}
	d.literals = slices.Grow(d.literals[:0], size)[:size]
	return rest, d.huffman.decode(d.literals, packed, streams)
}
