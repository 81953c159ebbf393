package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The kinds of pages.
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPageV2     = 3
)

// The sizes that are believed: of a page's header, of a page, of its values.
const (
	maxHeader = 16 << 20
	maxPage   = 1 << 30
	maxValues = 1 << 24
)

// leaf reads a column chunk, value by value.
type leaf struct {
	in       io.ReaderAt
	n        *node
	pos, end int64 // what is left of the chunk
	left     int64 // its values
	codec    int64
	dict     []any
	page     page
}

// page is the page that is being read.
type page struct {
	rep, def []uint32 // nil where all are 0
	count    int
	at, used int    // values read, and those of them that are stored
	raw      []byte // what is stored
	encoding int64
	values   []any // decoded when the first of them is needed
	decoded  bool
}

func newLeaf(in io.ReaderAt, n *node, chunk fields) (*leaf, error) {
	meta := chunk.group(3)
	if meta == nil {
		return nil, errors.New("it has no description")
	}
	l := &leaf{in: in, n: n, pos: meta.integer(9), left: meta.integer(5), codec: meta.integer(4)}
	if dict := meta.integer(11); dict > 0 && dict < l.pos {
		l.pos = dict
	}
	if l.end = l.pos + meta.integer(7); l.left > 0 && (l.pos < 4 || l.end < l.pos) {
		return nil, errDamaged
	}
	return l, nil
}

// peek is the next value's repetition and definition level; more is false at the end.
func (l *leaf) peek() (rep, def int, more bool, err error) {
	for l.page.at == l.page.count {
		if l.left <= 0 {
			return 0, 0, false, nil
		}
		if err := l.open(nil); err != nil {
			return 0, 0, false, err
		}
	}
	p := &l.page
	if def = l.n.maxDef; p.def != nil {
		def = int(p.def[p.at])
	}
	if p.rep != nil {
		rep = int(p.rep[p.at])
	}
	return rep, def, true, nil
}

// need is peek where there has to be a value.
func (l *leaf) need() (rep, def int, err error) {
	rep, def, more, err := l.peek()
	if err == nil && !more {
		err = errCut
	}
	return rep, def, err
}

// take reads a value; one that is not wanted, or not there, is nil.
func (l *leaf) take(wanted bool) (any, error) {
	_, def, err := l.need()
	if err != nil {
		return nil, err
	}
	p := &l.page
	p.at++
	if def < l.n.maxDef {
		if wanted {
			return nil, errDamaged
		}
		return nil, nil
	}
	p.used++
	if !wanted {
		return nil, nil
	}
	if !p.decoded {
		if p.values, err = l.decode(p.encoding, p.raw, p.stored(l.n.maxDef)); err != nil {
			return nil, err
		}
		p.decoded, p.raw = true, nil
	}
	if p.used > len(p.values) {
		return nil, errCut
	}
	v := p.values[p.used-1]
	if l.n.as != nil {
		v = l.n.as(v)
	}
	return v, nil
}

// stored is how many of a page's values are there.
func (p *page) stored(maxDef int) int {
	if p.def == nil {
		return p.count
	}
	n := 0
	for _, d := range p.def {
		if int(d) == maxDef {
			n++
		}
	}
	return n
}

// skipRows skips rows; whole pages of columns that do not repeat are not even unpacked.
func (l *leaf) skipRows(n int64) error {
	for n > 0 {
		if l.page.at == l.page.count && l.n.maxRep == 0 {
			if l.left <= 0 {
				return errCut
			}
			if err := l.open(&n); err != nil {
				return err
			}
			continue
		}
		if _, err := l.take(false); err != nil {
			return err
		}
		for l.n.maxRep > 0 {
			rep, _, more, err := l.peek()
			if err != nil {
				return err
			}
			if !more || rep == 0 {
				break
			}
			if _, err := l.take(false); err != nil {
				return err
			}
		}
		n--
	}
	return nil
}

// header reads the header of the next page.
func (l *leaf) header() (fields, error) {
	for size := int64(4 << 10); ; size *= 8 {
		buffer := make([]byte, min(size, l.end-l.pos))
		if _, err := l.in.ReadAt(buffer, l.pos); err != nil {
			return nil, err
		}
		h, n, err := readStruct(buffer)
		if err == nil {
			l.pos += int64(n)
			return h, nil
		}
		if err != errCut || int64(len(buffer)) < size || size > maxHeader {
			return nil, err
		}
	}
}

// open goes to the next page of data. One that has no more values than skip is passed over.
func (l *leaf) open(skip *int64) error {
	h, err := l.header()
	if err != nil {
		return err
	}
	packed, size, kind := h.integer(3), h.integer(2), h.integer(1)
	if packed < 0 || packed > l.end-l.pos || size < 0 || size > maxPage {
		return errDamaged
	}
	body := io.NewSectionReader(l.in, l.pos, packed)
	l.pos += packed
	read := func() ([]byte, error) {
		data := make([]byte, packed)
		_, err := io.ReadFull(body, data)
		return data, err
	}
	switch kind {
	case dictionaryPage:
		data, err := read()
		if err != nil {
			return err
		}
		if data, err = unpack(l.codec, data, size); err != nil {
			return err
		}
		count := h.group(7).integer(1)
		if count < 0 || count > maxValues {
			return errDamaged
		}
		l.dict, err = l.plain(data, int(count))
		return err
	case dataPage, dataPageV2:
	default:
		return nil
	}
	d := h.group(5)
	if kind == dataPageV2 {
		d = h.group(8)
	}
	count := d.integer(1)
	if count < 0 || count > maxValues || count > l.left {
		return errDamaged
	}
	l.left -= count
	if skip != nil && count <= *skip {
		*skip -= count
		l.page = page{}
		return nil
	}
	data, err := read()
	if err != nil {
		return err
	}
	l.page = page{count: int(count)}
	if kind == dataPageV2 {
		return l.openV2(d, data, size)
	}
	return l.openV1(d, data, size)
}

// openV1 unpacks a page whose levels are packed with its values.
func (l *leaf) openV1(d fields, data []byte, size int64) (err error) {
	p := &l.page
	if data, err = unpack(l.codec, data, size); err != nil {
		return err
	}
	const rle = 3
	for _, level := range []struct {
		to       *[]uint32
		most     int
		encoding int64
	}{{&p.rep, l.n.maxRep, d.integer(4)}, {&p.def, l.n.maxDef, d.integer(3)}} {
		if level.most == 0 {
			continue
		}
		if level.encoding != rle {
			return fmt.Errorf("levels in encoding %d cannot be read", level.encoding)
		}
		if len(data) < 4 {
			return errCut
		}
		n := binary.LittleEndian.Uint32(data)
		if data = data[4:]; uint64(n) > uint64(len(data)) {
			return errCut
		}
		if *level.to, err = levels(data[:n], level.most, p.count); err != nil {
			return err
		}
		data = data[n:]
	}
	p.raw, p.encoding = data, d.integer(2)
	return nil
}

// openV2 unpacks a page whose levels stand before its values, not packed.
func (l *leaf) openV2(d fields, data []byte, size int64) (err error) {
	p := &l.page
	def, rep := d.integer(5), d.integer(6)
	if def < 0 || rep < 0 || def+rep > int64(len(data)) || def+rep > size {
		return errDamaged
	}
	if l.n.maxRep > 0 {
		if p.rep, err = levels(data[:rep], l.n.maxRep, p.count); err != nil {
			return err
		}
	}
	if l.n.maxDef > 0 {
		if p.def, err = levels(data[rep:rep+def], l.n.maxDef, p.count); err != nil {
			return err
		}
	}
	data, p.encoding = data[rep+def:], d.integer(4)
	if packed, said := d[7].(bool); !said || packed {
		data, err = unpack(l.codec, data, size-rep-def)
	}
	p.raw = data
	return err
}

// levels decodes levels of at most most.
func levels(data []byte, most, count int) ([]uint32, error) {
	width := 0
	for 1<<width <= most {
		width++
	}
	out, err := hybrid(data, width, count)
	for _, v := range out {
		if int(v) > most {
			return nil, errDamaged
		}
	}
	return out, err
}

// cut reads at most n bytes and fails where there are more.
func cut(r io.Reader, n int64) ([]byte, error) {
	var out bytes.Buffer
	got, err := io.Copy(&out, io.LimitReader(r, n+1))
	if err == nil && got != n {
		err = errDamaged
	}
	return out.Bytes(), err
}
