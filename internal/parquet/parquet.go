// Package parquet reads and writes Parquet files. It reads the rows of any file, of the columns
// that are asked for, one row group and one page at a time: it takes a file and gives values: nil,
// bool, int64, uint64, float32, float64, string, []byte, lists ([]any) and groups (Group). It knows
// all encodings and codecs of the format's version 2 but LZO and encryption, and gives an error,
// never a panic, for files that are damaged. It writes tables of numbers, texts and lists of
// numbers (Writer).
package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Group is the value of a group of fields, in the file's order.
type Group []Field

// Field is a member of a Group.
type Field struct {
	Name  string
	Value any
}

// File is an open file.
type File struct {
	in     io.ReaderAt
	root   *node
	groups []fields
}

const magic = "PAR1"

// maxFooter bounds the file's description.
const maxFooter = 1 << 28

// Open reads a file's description.
func Open(in io.ReaderAt, size int64) (*File, error) {
	var tail [8]byte
	if size < 12 {
		return nil, errors.New("it is too short")
	}
	if _, err := in.ReadAt(tail[:], size-8); err != nil {
		return nil, err
	}
	switch string(tail[4:]) {
	case magic:
	case "PARE":
		return nil, errors.New("it is encrypted")
	default:
		return nil, errors.New("its end is missing")
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > size-12 || n > maxFooter {
		return nil, errors.New("its description is longer than the file")
	}
	text := make([]byte, n)
	if _, err := in.ReadAt(text, size-8-n); err != nil {
		return nil, err
	}
	meta, _, err := readStruct(text)
	if err != nil {
		return nil, fmt.Errorf("its description: %w", err)
	}
	f := &File{in: in}
	if f.root, err = schema(meta.list(2)); err != nil {
		return nil, err
	}
	for _, g := range meta.list(4) {
		group, _ := g.(fields)
		f.groups = append(f.groups, group)
	}
	return f, nil
}

// Columns are the names of the top-level columns.
func (f *File) Columns() (names []string) {
	for _, c := range f.root.children {
		names = append(names, c.name)
	}
	return names
}

// Rows calls visit for each row in turn, with what reads it; a row that is not read is
// skipped. Only the named top-level columns are read, all without names.
func (f *File) Rows(columns []string, visit func(read func() (Group, error)) error) error {
	for _, group := range f.groups {
		rows, err := f.open(group, columns)
		if err != nil {
			return err
		}
		for n := range group.integer(3) {
			if err := visit(func() (Group, error) { return rows.read(n) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows reads the rows of a row group.
type rows struct {
	columns []*node
	leaves  map[*node]*leaf
	next    int64
}

func (f *File) open(group fields, columns []string) (*rows, error) {
	r := &rows{leaves: map[*node]*leaf{}}
	chunks := group.list(1)
	k := 0
	for _, c := range f.root.children {
		all := c.leaves(nil)
		if k+len(all) > len(chunks) {
			return nil, errors.New("a row group lacks columns")
		}
		if len(columns) == 0 || slices.Contains(columns, c.name) {
			r.columns = append(r.columns, c)
			for i, n := range all {
				chunk, _ := chunks[k+i].(fields)
				l, err := newLeaf(f.in, n, chunk)
				if err != nil {
					return nil, fmt.Errorf("column %s: %w", c.name, err)
				}
				r.leaves[n] = l
			}
		}
		k += len(all)
	}
	return r, nil
}

// read reads row n, which is not before the last one that was read.
func (r *rows) read(n int64) (Group, error) {
	if n < r.next {
		return nil, errors.New("a row was read twice")
	}
	for _, l := range r.leaves {
		if err := l.skipRows(n - r.next); err != nil {
			return nil, err
		}
	}
	r.next = n + 1
	out := make(Group, len(r.columns))
	for i, c := range r.columns {
		value, err := r.value(c)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
		out[i] = Field{c.name, value}
	}
	return out, nil
}

// value reads the value of a node, where its parent is there.
func (r *rows) value(n *node) (any, error) {
	if n.repetition == required {
		return r.present(n)
	}
	first := r.leaves[n.first()]
	_, def, err := first.need()
	if err != nil {
		return nil, err
	}
	if def < n.maxDef {
		for _, leaf := range n.leaves(nil) {
			if _, err := r.leaves[leaf].take(false); err != nil {
				return nil, err
			}
		}
		if n.repetition == repeated {
			return []any{}, nil
		}
		return nil, nil
	}
	if n.repetition == optional {
		return r.present(n)
	}
	list := []any{}
	for {
		value, err := r.present(n)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		rep, _, more, err := first.peek()
		if err != nil || !more || rep < n.maxRep {
			return list, err
		}
	}
}

// present reads a value that is there.
func (r *rows) present(n *node) (any, error) {
	if n.children == nil {
		return r.leaves[n].take(true)
	}
	group := make(Group, len(n.children))
	for i, c := range n.children {
		value, err := r.value(c)
		if err != nil {
			return nil, err
		}
		group[i] = Field{c.name, value}
	}
	return n.shape(group), nil
}

// shape makes a list of a group that stands for one, and a group of one that stands for a
// map with text for keys.
func (n *node) shape(group Group) any {
	switch {
	case n.list:
		list, _ := group[0].Value.([]any)
		if item := n.children[0]; item.wraps {
			for i, element := range list {
				if g, ok := element.(Group); ok && len(g) == 1 {
					list[i] = g[0].Value
				}
			}
		}
		return list
	case n.dict:
		list, _ := group[0].Value.([]any)
		out := Group{}
		for _, entry := range list {
			g, _ := entry.(Group)
			if len(g) != 2 {
				return list
			}
			key, isText := g[0].Value.(string)
			if !isText {
				return list
			}
			out = append(out, Field{key, g[1].Value})
		}
		return out
	}
	return group
}
