package parquet

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
)

// The repetitions of a node.
const (
	required = iota
	optional
	repeated
)

// The physical types.
const (
	boolean = iota
	int32s
	int64s
	int96s
	floats
	doubles
	byteArrays
	fixedArrays
)

// node is a node of the schema.
type node struct {
	name           string
	repetition     int
	children       []*node // nil for a leaf
	maxDef, maxRep int
	kind, length   int // of a leaf: the physical type, and of fixedArrays the length
	// as makes a leaf's value of what is stored; nil leaves it.
	as func(any) any
	// list and dict are set for groups that stand for a list or a map; wraps for the
	// repeated group of a list that does nothing but hold the element.
	list, dict, wraps bool
}

// The annotations of the schema, old and new.
const (
	convertedText, convertedMap, convertedKeyValue, convertedList, convertedEnum, convertedDecimal, convertedDate = 0, 1, 2, 3, 4, 5, 6
	convertedMillis, convertedMicros, convertedUint8, convertedUint64, convertedJSON                              = 9, 10, 11, 14, 19
	logicalText, logicalMap, logicalList, logicalEnum, logicalDecimal, logicalDate, logicalTimestamp              = 1, 2, 3, 4, 5, 6, 8
	logicalInteger, logicalJSON                                                                                   = 10, 12
)

// schema makes a tree of the elements, which are in depth-first order.
func schema(elements []any) (*node, error) {
	at := 0
	var build func(parent *node, depth int) (*node, error)
	build = func(parent *node, depth int) (*node, error) {
		if at >= len(elements) || depth > maxDepth {
			return nil, errors.New("its schema is damaged")
		}
		e, _ := elements[at].(fields)
		at++
		n := &node{name: string(e.bytes(4)), repetition: int(e.integer(3))}
		if parent != nil {
			if n.repetition < required || n.repetition > repeated {
				return nil, errors.New("its schema is damaged")
			}
			n.maxDef, n.maxRep = parent.maxDef, parent.maxRep
			if n.repetition != required {
				n.maxDef++
			}
			if n.repetition == repeated {
				n.maxRep++
			}
		}
		if e.has(1) {
			return n, n.leaf(e)
		}
		n.children = []*node{}
		for range e.integer(5) {
			child, err := build(n, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		}
		if parent != nil && len(n.children) == 0 {
			return nil, fmt.Errorf("its group %s has no fields", n.name)
		}
		n.annotate(e)
		return n, nil
	}
	return build(nil, 0)
}

// annotate marks groups that stand for lists and maps.
func (n *node) annotate(e fields) {
	if len(n.children) != 1 || n.children[0].repetition != repeated {
		return
	}
	logical, converted := e.group(10), int64(-1)
	if e.has(6) {
		converted = e.integer(6)
	}
	item := n.children[0]
	switch {
	case logical.has(logicalList) || converted == convertedList:
		n.list = true
		// One field alone is the element, whatever it is called, but for the names of old writers.
		item.wraps = len(item.children) == 1 && item.name != "array" && item.name != n.name+"_tuple"
	case logical.has(logicalMap) || converted == convertedMap || converted == convertedKeyValue:
		n.dict = len(item.children) == 2
	}
}

// leaf reads the type of a leaf.
func (n *node) leaf(e fields) error {
	n.kind, n.length = int(e.integer(1)), int(e.integer(2))
	if n.kind < boolean || n.kind > fixedArrays || n.kind == fixedArrays && (n.length < 1 || n.length > 1<<20) {
		return fmt.Errorf("column %s is of an unknown type", n.name)
	}
	logical, converted := e.group(10), int64(-1)
	if e.has(6) {
		converted = e.integer(6)
	}
	scale := int(e.integer(7))
	if d := logical.group(logicalDecimal); d != nil {
		scale = int(d.integer(1))
	}
	decimal := converted == convertedDecimal || logical.has(logicalDecimal)
	switch text := converted == convertedText || converted == convertedEnum || converted == convertedJSON; {
	case n.kind == byteArrays && (text || logical.has(logicalText) || logical.has(logicalEnum) || logical.has(logicalJSON)):
		n.as = func(v any) any { return string(v.([]byte)) }
	case decimal && (n.kind == byteArrays || n.kind == fixedArrays):
		n.as = func(v any) any { return float64FromBytes(v.([]byte)) / math.Pow10(scale) }
	case n.kind == byteArrays, n.kind == fixedArrays, n.kind == int96s:
		n.as = func(v any) any { return append([]byte{}, v.([]byte)...) } // the page is not kept
	case n.kind != int32s && n.kind != int64s:
	case decimal:
		n.as = func(v any) any { return float64(v.(int64)) / math.Pow10(scale) }
	case logical.has(logicalTimestamp):
		unit := logical.group(logicalTimestamp).group(2)
		n.as = timestamps(map[bool]int64{true: 1e3, false: map[bool]int64{true: 1e9, false: 1e6}[unit.has(3)]}[unit.has(1)])
	case converted == convertedMillis:
		n.as = timestamps(1e3)
	case converted == convertedMicros:
		n.as = timestamps(1e6)
	case converted == convertedDate || logical.has(logicalDate):
		n.as = func(v any) any { return time.Unix(v.(int64)*86400, 0).UTC().Format(time.DateOnly) }
	case convertedUint8 <= converted && converted <= convertedUint64, logical.has(logicalInteger) && logical.group(logicalInteger)[2] == false:
		n.as = func(v any) any {
			if n.kind == int32s {
				return uint64(uint32(v.(int64)))
			}
			return uint64(v.(int64))
		}
	}
	return nil
}

// float64FromBytes is a whole number in two's complement, its highest byte first.
func float64FromBytes(b []byte) float64 {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	f, _ := new(big.Float).SetInt(n).Float64()
	return f
}

// timestamps makes dates of counts of so many a second.
func timestamps(perSecond int64) func(any) any {
	return func(v any) any {
		n := v.(int64)
		seconds := n / perSecond
		at := time.Unix(seconds, (n-seconds*perSecond)*(1e9/perSecond)).UTC()
		if at.Year() < 1 || at.Year() > 9999 {
			return strconv.FormatInt(n, 10)
		}
		return at.Format("2006-01-02 15:04:05.999999999")
	}
}

// leaves appends the leaves below a node, or itself.
func (n *node) leaves(all []*node) []*node {
	if n.children == nil {
		return append(all, n)
	}
	for _, c := range n.children {
		all = c.leaves(all)
	}
	return all
}

// first is the first leaf below a node, or itself.
func (n *node) first() *node {
	for n.children != nil {
		n = n.children[0]
	}
	return n
}
