package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The encodings of values.
const (
	plainValues       = 0
	plainDictionary   = 2
	runLengths        = 3
	deltaPacked       = 5
	deltaLengths      = 6
	deltaStrings      = 7
	dictionaryIndexes = 8
	byteStreamsSplit  = 9
	maxTexts          = 1 << 28 // bytes of texts that share beginnings
	maxBlockOfDeltas  = 1 << 20
	maxMiniBlocks     = 1 << 12
	bitsOfByte        = 8
)

// decode decodes n values; what was stored as bytes points into data.
func (l *leaf) decode(encoding int64, data []byte, n int) ([]any, error) {
	switch encoding {
	case plainValues:
		return l.plain(data, n)
	case plainDictionary, dictionaryIndexes:
		return l.indexed(data, n)
	case runLengths:
		if l.n.kind != boolean || len(data) < 4 {
			return nil, errDamaged
		}
		bits, err := hybrid(data[4:], 1, n)
		out := make([]any, len(bits))
		for i, b := range bits {
			out[i] = b == 1
		}
		return out, err
	case deltaPacked:
		numbers, _, err := deltas(data)
		if l.n.kind != int32s && l.n.kind != int64s || len(numbers) < n && err == nil {
			return nil, errDamaged
		}
		out := make([]any, len(numbers))
		for i, v := range numbers {
			if out[i] = v; l.n.kind == int32s {
				out[i] = int64(int32(v))
			}
		}
		return out, err
	case deltaLengths, deltaStrings:
		if l.n.kind != byteArrays && l.n.kind != fixedArrays {
			return nil, errDamaged
		}
		return deltaTexts(data, encoding == deltaStrings)
	case byteStreamsSplit:
		return l.split(data, n)
	}
	return nil, fmt.Errorf("encoding %d cannot be read", encoding)
}

// width is the number of bytes of a value, 0 where they differ.
func (n *node) width() int {
	return [...]int{0, 4, 8, 12, 4, 8, 0, n.length}[n.kind]
}

// fixed is a value of a known width.
func (n *node) fixed(b []byte) any {
	switch n.kind {
	case int32s:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case int64s:
		return int64(binary.LittleEndian.Uint64(b))
	case floats:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case doubles:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return b
}

func (l *leaf) plain(data []byte, n int) ([]any, error) {
	if least := l.n.width(); n > bitsOfByte*len(data) || least > 0 && n > len(data)/least || l.n.kind == byteArrays && n > len(data)/4 {
		return nil, errCut
	}
	out := make([]any, n)
	for i := range out {
		switch w := l.n.width(); {
		case l.n.kind == boolean:
			out[i] = data[i/8]>>(i%8)&1 == 1
		case w > 0:
			out[i] = l.n.fixed(data[i*w : (i+1)*w])
		default:
			if len(data) < 4 {
				return nil, errCut
			}
			size := binary.LittleEndian.Uint32(data)
			if data = data[4:]; uint64(size) > uint64(len(data)) {
				return nil, errCut
			}
			out[i], data = data[:size:size], data[size:]
		}
	}
	return out, nil
}

// indexed decodes indexes into the dictionary.
func (l *leaf) indexed(data []byte, n int) ([]any, error) {
	if n == 0 {
		return nil, nil
	}
	if len(data) < 1 || data[0] > 32 {
		return nil, errDamaged
	}
	indexes, err := hybrid(data[1:], int(data[0]), n)
	if err != nil {
		return nil, err
	}
	out := make([]any, n)
	for i, k := range indexes {
		if int64(k) >= int64(len(l.dict)) {
			return nil, errDamaged
		}
		out[i] = l.dict[k]
	}
	return out, nil
}

// split decodes values whose first bytes stand together, then their second ones, and so on.
func (l *leaf) split(data []byte, n int) ([]any, error) {
	w := l.n.width()
	if w == 0 || n > len(data)/w {
		return nil, errDamaged
	}
	n = len(data) / w
	all := make([]byte, n*w)
	for k := range w {
		for i := range n {
			all[i*w+k] = data[k*n+i]
		}
	}
	return l.plain(all, n)
}

// hybrid decodes n numbers of a width in bits: runs of one number, and packed ones.
func hybrid(data []byte, width, n int) ([]uint32, error) {
	out := make([]uint32, 0, min(n, 1<<16))
	for len(out) < n {
		head, size := binary.Uvarint(data)
		if size <= 0 {
			return nil, errCut
		}
		data = data[size:]
		if head&1 == 0 {
			var v uint32
			bytes := (width + 7) / 8
			if len(data) < bytes {
				return nil, errCut
			}
			for k := range bytes {
				v |= uint32(data[k]) << (8 * k)
			}
			data = data[bytes:]
			for range min(head>>1, uint64(n-len(out))) {
				out = append(out, v)
			}
			if head == 0 {
				return nil, errDamaged
			}
			continue
		}
		groups := head >> 1
		packed := data[:min(groups*uint64(width), uint64(len(data)))]
		data = data[len(packed):]
		count := min(groups*bitsOfByte, uint64(n-len(out)))
		if groups > 1<<28 || count*uint64(width) > uint64(len(packed))*bitsOfByte {
			return nil, errCut
		}
		for i := range int(count) {
			out = append(out, uint32(bits(packed, i*width, width)))
		}
		if groups == 0 {
			return nil, errDamaged
		}
	}
	return out, nil
}

// bits are width bits from the at-th on, the lowest first.
func bits(data []byte, at, width int) (v uint64) {
	for got := 0; got < width; {
		b := uint64(data[(at+got)/8]) >> ((at + got) % 8)
		v |= b << got
		got += 8 - (at+got)%8
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}

// deltas decodes whole numbers of which the differences are packed, and returns what
// follows them.
func deltas(data []byte) (out []int64, rest []byte, err error) {
	c := &compact{in: data}
	block, minis, total, first := c.unsigned(), c.unsigned(), c.unsigned(), c.signed()
	if c.err != nil {
		return nil, nil, c.err
	}
	if block == 0 || block > maxBlockOfDeltas || minis == 0 || minis > maxMiniBlocks || block%minis != 0 || block/minis%8 != 0 || total > maxValues {
		return nil, nil, errDamaged
	}
	if total > 0 {
		out = append(out, first)
	}
	per := block / minis
	for uint64(len(out)) < total {
		least := c.signed()
		widths := c.take(minis)
		if c.err != nil {
			return nil, nil, c.err
		}
		for _, w := range widths {
			if uint64(len(out)) >= total {
				break
			}
			if w > 64 {
				return nil, nil, errDamaged
			}
			packed := c.take(per * uint64(w) / 8)
			if c.err != nil {
				return nil, nil, c.err
			}
			for i := range int(min(per, total-uint64(len(out)))) {
				out = append(out, out[len(out)-1]+least+int64(bits(packed, i*int(w), int(w))))
			}
		}
	}
	return out, c.in, nil
}

// deltaTexts decodes byte arrays behind their lengths; with prefixes, each begins with so
// much of the one before.
func deltaTexts(data []byte, prefixed bool) (out []any, err error) {
	var prefixes []int64
	if prefixed {
		if prefixes, data, err = deltas(data); err != nil {
			return nil, err
		}
	}
	lengths, data, err := deltas(data)
	if err != nil {
		return nil, err
	}
	if prefixed && len(prefixes) != len(lengths) {
		return nil, errDamaged
	}
	var last []byte
	total := 0
	for i, n := range lengths {
		if n < 0 || n > int64(len(data)) {
			return nil, errCut
		}
		text := data[:n:n]
		data = data[n:]
		if prefixed {
			p := prefixes[i]
			if p < 0 || p > int64(len(last)) {
				return nil, errDamaged
			}
			if total += int(p) + len(text); total > maxTexts {
				return nil, errDamaged
			}
			text = append(append(make([]byte, 0, int(p)+len(text)), last[:p]...), text...)
			last = text
		}
		out = append(out, text)
	}
	return out, nil
}
