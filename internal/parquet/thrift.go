package parquet

import (
	"encoding/binary"
	"errors"
	"math"
)

// fields is a struct of Thrift's compact protocol: bool, int64, float64, []byte, []any and
// fields by their numbers. What is not there, or of another type, reads as zero.
type fields map[int16]any

func (f fields) integer(id int16) int64 { n, _ := f[id].(int64); return n }
func (f fields) bytes(id int16) []byte  { b, _ := f[id].([]byte); return b }
func (f fields) list(id int16) []any    { l, _ := f[id].([]any); return l }
func (f fields) group(id int16) fields  { g, _ := f[id].(fields); return g }
func (f fields) has(id int16) bool      { _, ok := f[id]; return ok }

// The protocol's types.
const (
	thriftTrue = iota + 1
	thriftFalse
	thriftByte
	thriftI16
	thriftI32
	thriftI64
	thriftDouble
	thriftBinary
	thriftList
	thriftSet
	thriftMap
	thriftStruct
)

var (
	errCut     = errors.New("it is cut off")
	errDamaged = errors.New("it is damaged")
)

// maxDepth is how deep structs may be nested.
const maxDepth = 24

// compact reads the protocol. The first error stays.
type compact struct {
	in  []byte
	err error
}

// readStruct reads a struct and returns how long it is.
func readStruct(in []byte) (fields, int, error) {
	c := &compact{in: in}
	f := c.fields(0)
	return f, len(in) - len(c.in), c.err
}

func (c *compact) byte() byte {
	if b := c.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (c *compact) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.in)) {
		c.err = errCut
		return nil
	}
	out := c.in[:n]
	c.in = c.in[n:]
	return out
}

func (c *compact) unsigned() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := binary.Uvarint(c.in)
	if n <= 0 {
		if c.err = errCut; n < 0 {
			c.err = errDamaged
		}
		return 0
	}
	c.in = c.in[n:]
	return v
}

func (c *compact) signed() int64 {
	u := c.unsigned()
	return int64(u>>1) ^ -int64(u&1)
}

func (c *compact) fields(depth int) fields {
	out := fields{}
	id := int16(0)
	for c.err == nil {
		head := c.byte()
		if head == 0 {
			break
		}
		if delta := int16(head >> 4); delta > 0 {
			id += delta
		} else {
			id = int16(c.signed())
		}
		switch kind := head & 15; kind {
		case thriftTrue, thriftFalse:
			out[id] = kind == thriftTrue
		default:
			out[id] = c.value(kind, depth+1)
		}
	}
	return out
}

func (c *compact) value(kind byte, depth int) any {
	if depth > maxDepth {
		c.err = errDamaged
	}
	if c.err != nil {
		return nil
	}
	switch kind {
	case thriftTrue, thriftFalse: // of a list
		return c.byte() == thriftTrue
	case thriftByte:
		return int64(int8(c.byte()))
	case thriftI16, thriftI32, thriftI64:
		return c.signed()
	case thriftDouble:
		b := c.take(8)
		if len(b) < 8 {
			return nil
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case thriftBinary:
		return c.take(c.unsigned())
	case thriftList, thriftSet:
		head := c.byte()
		n := uint64(head >> 4)
		if n == 15 {
			n = c.unsigned()
		}
		var out []any
		for ; n > 0 && c.err == nil; n-- { // each takes a byte or more
			out = append(out, c.value(head&15, depth+1))
		}
		return out
	case thriftMap:
		n := c.unsigned()
		if n == 0 {
			return nil
		}
		kinds := c.byte()
		for ; n > 0 && c.err == nil; n-- {
			c.value(kinds>>4, depth+1)
			c.value(kinds&15, depth+1)
		}
		return nil
	case thriftStruct:
		return c.fields(depth)
	}
	c.err = errDamaged
	return nil
}
