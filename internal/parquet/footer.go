package parquet

import "encoding/binary"

// Codes of the format that are written.
const (
	encodingPlain, encodingRLE = 0, 3
	codecSnappy                = 1
)

// physical are the physical types by Type; of lists that of the elements.
var physical = [...]int{Integers: int64s, Doubles: doubles, Booleans: boolean, Texts: byteArrays, Lists: doubles}

// encoder writes Thrift's compact protocol.
type encoder struct {
	out    []byte
	last   int   // the field that was written last
	within []int // the same of the structs around
}

func (e *encoder) field(id, kind int) {
	if delta := id - e.last; 0 < delta && delta < 16 {
		e.out = append(e.out, byte(delta<<4|kind))
	} else {
		e.out = binary.AppendVarint(append(e.out, byte(kind)), int64(id))
	}
	e.last = id
}

// number writes zigzag, as AppendVarint does.
func (e *encoder) number(n int64) { e.out = binary.AppendVarint(e.out, n) }

func (e *encoder) int32(id, n int)          { e.field(id, thriftI32); e.number(int64(n)) }
func (e *encoder) int64(id int, n int64)    { e.field(id, thriftI64); e.number(n) }
func (e *encoder) text(id int, text string) { e.field(id, thriftBinary); e.bare(text) }

// bare writes a text without a field, as an element of a list.
func (e *encoder) bare(text string) {
	e.out = append(binary.AppendUvarint(e.out, uint64(len(text))), text...)
}

// list begins a list of n elements.
func (e *encoder) list(id, kind, n int) {
	e.field(id, thriftList)
	if n < 15 {
		e.out = append(e.out, byte(n<<4|kind))
		return
	}
	e.out = binary.AppendUvarint(append(e.out, byte(15<<4|kind)), uint64(n))
}

// begin begins a struct that is a field, element one that is an element of a list; end ends both.
func (e *encoder) begin(id int) { e.field(id, thriftStruct); e.element() }
func (e *encoder) element()     { e.within, e.last = append(e.within, e.last), 0 }
func (e *encoder) stop()        { e.out = append(e.out, 0) }

func (e *encoder) end() {
	e.stop()
	e.last, e.within = e.within[len(e.within)-1], e.within[:len(e.within)-1]
}

// footer is the file's description.
func (w *Writer) footer() []byte {
	var e encoder
	e.int32(1, 1)
	w.schema(&e)
	e.int64(3, w.total)
	e.list(4, thriftStruct, len(w.groups))
	for i := range w.groups {
		w.group(&e, &w.groups[i])
	}
	e.text(6, "loadgen")
	e.stop()
	return e.out
}

// schema writes the columns, of which lists have three nodes.
func (w *Writer) schema(e *encoder) {
	n := 1
	for i := range w.columns {
		if n++; w.columns[i].Type == Lists {
			n += 2
		}
	}
	node := func(name string, kind, repetition, children, converted int) {
		e.element()
		if kind >= 0 {
			e.int32(1, kind)
		}
		if repetition >= 0 {
			e.int32(3, repetition)
		}
		e.text(4, name)
		if children > 0 {
			e.int32(5, children)
		}
		if converted >= 0 {
			e.int32(6, converted)
			if logical := map[int]int{convertedText: logicalText, convertedList: logicalList}[converted]; logical > 0 {
				e.begin(10)
				e.begin(logical)
				e.end()
				e.end()
			}
		}
		e.end()
	}
	e.list(2, thriftStruct, n)
	node("schema", -1, -1, len(w.columns), -1)
	for i := range w.columns {
		switch c := &w.columns[i]; c.Type {
		case Lists:
			node(c.Name, -1, optional, 1, convertedList)
			node("list", -1, repeated, 1, -1)
			node("element", physical[c.Type], required, 0, -1)
		case Texts:
			node(c.Name, physical[c.Type], optional, 0, convertedText)
		default:
			node(c.Name, physical[c.Type], optional, 0, -1)
		}
	}
}

// group writes what is known of a row group.
func (w *Writer) group(e *encoder, g *rowGroup) {
	e.element()
	e.list(1, thriftStruct, len(g.chunks))
	for i, c := range g.chunks {
		column := &w.columns[i]
		e.element()
		e.int64(2, c.at)
		e.begin(3)
		e.int32(1, physical[column.Type])
		e.list(2, thriftI32, 2)
		e.number(encodingPlain)
		e.number(encodingRLE)
		path := []string{column.Name}
		if column.Type == Lists {
			path = append(path, "list", "element")
		}
		e.list(3, thriftBinary, len(path))
		for _, name := range path {
			e.bare(name)
		}
		e.int32(4, codecSnappy)
		e.int64(5, int64(c.values))
		e.int64(6, c.unpacked)
		e.int64(7, c.packed)
		e.int64(9, c.at)
		e.end()
		e.end()
	}
	e.int64(2, g.size)
	e.int64(3, int64(g.rows))
	e.end()
}
