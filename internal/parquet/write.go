package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/snappy"
)

// Type is what the values of a column to be written are.
type Type uint8

// The types of columns. A value that is nil is null in each of them.
const (
	Integers Type = iota // int
	Doubles              // float64
	Booleans             // bool
	Texts                // string
	Lists                // []float64
)

// Column is a column to be written.
type Column struct {
	Name string
	Type Type
}

// Writer writes a file, row group by row group: plain values in one Snappy page a column.
type Writer struct {
	out     io.Writer
	columns []chunk
	rows    int // of the row group
	most    int // rows of a row group
	at      int64
	total   int64
	groups  []rowGroup
	err     error
}

// rowGroup is what the file's description says of a row group.
type rowGroup struct {
	rows   int
	size   int64
	chunks []chunkMeta
}

type chunkMeta struct {
	at, unpacked, packed int64
	values               int
}

// The row group is written when it has as much as that.
const (
	groupRows  = 1 << 16
	groupBytes = 16 << 20
)

// NewWriter begins a file.
func NewWriter(out io.Writer, columns []Column) *Writer {
	w := &Writer{out: out, most: groupRows}
	for _, c := range columns {
		w.columns = append(w.columns, chunk{Column: c})
	}
	w.write([]byte(magic))
	return w
}

func (w *Writer) write(p []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(p)
		w.at += int64(len(p))
	}
}

// Row adds a row: a value for each column, of its type or nil.
func (w *Writer) Row(values []any) error {
	if len(values) != len(w.columns) {
		return fmt.Errorf("a row has %d values for %d columns", len(values), len(w.columns))
	}
	size := 0
	for i := range w.columns {
		c := &w.columns[i]
		if !c.add(values[i]) {
			return fmt.Errorf("column %s cannot hold a %T", c.Name, values[i])
		}
		size += len(c.values)
	}
	w.rows++
	if w.rows >= w.most || size >= groupBytes {
		w.flush()
	}
	return w.err
}

// flush writes the row group.
func (w *Writer) flush() {
	if w.rows == 0 {
		return
	}
	group := rowGroup{rows: w.rows}
	for i := range w.columns {
		c := &w.columns[i]
		header, page := c.page()
		meta := chunkMeta{at: w.at, values: c.def.count}
		w.write(header)
		w.write(page)
		meta.packed = w.at - meta.at
		meta.unpacked = int64(len(header) + c.unpacked)
		group.chunks, group.size = append(group.chunks, meta), group.size+meta.unpacked
		c.reset()
	}
	w.groups, w.total, w.rows = append(w.groups, group), w.total+int64(w.rows), 0
}

// Close writes what is left, and the file's description. It does not close what is beneath.
func (w *Writer) Close() error {
	w.flush()
	text := w.footer()
	w.write(text)
	w.write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), magic...))
	return w.err
}

// chunk collects the values of a column for a row group.
type chunk struct {
	Column
	rep, def levelRuns
	values   []byte
	bits     int // of booleans, in the last byte
	unpacked int // size of the page
}

func (c *chunk) reset() {
	c.rep, c.def, c.values, c.bits = levelRuns{}, levelRuns{}, c.values[:0], 0
}

// add adds a value, and reports whether it is of the column's type.
func (c *chunk) add(value any) bool {
	if list, isList := value.([]float64); isList && c.Type == Lists {
		for i, x := range list {
			c.rep.add(min(i, 1))
			c.def.add(2)
			c.values = binary.LittleEndian.AppendUint64(c.values, math.Float64bits(x))
		}
		if len(list) == 0 {
			c.rep.add(0)
			c.def.add(1)
		}
		return true
	}
	ok := value == nil
	switch v := value.(type) {
	case int:
		ok = c.Type == Integers
		c.values = binary.LittleEndian.AppendUint64(c.values, uint64(v))
	case float64:
		ok = c.Type == Doubles
		c.values = binary.LittleEndian.AppendUint64(c.values, math.Float64bits(v))
	case string:
		ok = c.Type == Texts
		c.values = append(binary.LittleEndian.AppendUint32(c.values, uint32(len(v))), v...)
	case bool:
		ok = c.Type == Booleans
		c.addBit(v)
	}
	c.rep.add(0)
	if value == nil {
		c.def.add(0)
	} else {
		c.def.add(1)
	}
	return ok
}

// addBit adds a boolean: eight to a byte, the first in the lowest bit.
func (c *chunk) addBit(on bool) {
	if c.bits%8 == 0 {
		c.values = append(c.values, 0)
	}
	if on {
		c.values[len(c.values)-1] |= 1 << (c.bits % 8)
	}
	c.bits++
}

// page is the header of the column's page, and the page.
func (c *chunk) page() (header, page []byte) {
	var body []byte
	if c.Type == Lists {
		body = c.rep.append(body)
	}
	body = append(c.def.append(body), c.values...)
	page, c.unpacked = snappy.Encode(nil, body), len(body)
	var e encoder
	e.int32(1, dataPage)
	e.int32(2, c.unpacked)
	e.int32(3, len(page))
	e.begin(5)
	e.int32(1, c.def.count)
	e.int32(2, encodingPlain)
	e.int32(3, encodingRLE)
	e.int32(4, encodingRLE)
	e.end()
	e.stop()
	return e.out, page
}

// levelRuns are levels as runs.
type levelRuns struct {
	out   []byte
	count int
	level int // of the last run
	run   int
}

func (l *levelRuns) add(level int) {
	if level != l.level {
		l.close()
		l.level = level
	}
	l.run++
	l.count++
}

func (l *levelRuns) close() {
	if l.run > 0 {
		l.out = append(binary.AppendUvarint(l.out, uint64(l.run)<<1), byte(l.level)) // all are narrower than a byte
	}
	l.run = 0
}

// append appends the runs behind their length.
func (l *levelRuns) append(dst []byte) []byte {
	l.close()
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(l.out))), l.out...)
}
