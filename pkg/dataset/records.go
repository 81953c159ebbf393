package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// shape is how a file holds its records.
type shape int

const (
	anyShape  shape = iota // what the file looks like
	jsonArray              // one list
	jsonLines              // one object a line, no blank lines
)

// shard is one file of records, opened when it is needed.
type shard func(ctx context.Context) (path string, err error)

// source is the records of one or more files, in order. It can be read more
// than once: a first pass finds which records there are, a second one reads
// those that are sent, so that memory does not grow with the file.
type source struct {
	shards  []shard
	shape   shape
	columns []string // top-level names that the records need
	want    string   // an example of a record, for messages
}

// localFile is the source of one file.
func localFile(path string, s source) source {
	s.shards = []shard{func(context.Context) (string, error) { return path, nil }}
	return s
}

// errStop ends a walk without an error.
var errStop = errors.New("stop")

// walk calls f with the records of all shards in order, numbered from 0
// throughout; only, if it is not nil, are the sorted numbers of those that are
// wanted. When f returns errStop the walk is over.
func (s *source) walk(ctx context.Context, only []int, f func(n int, at position, v any) error) error {
	n, needed := 0, only
	for _, open := range s.shards {
		if only != nil && len(needed) == 0 {
			return nil
		}
		path, err := open(ctx)
		if err != nil {
			return err
		}
		first := n
		each := func(at position, read func() (any, error)) error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			at.row = n - first + 1
			n++
			if only != nil {
				if len(needed) == 0 {
					return errStop
				}
				if needed[0] != n-1 {
					return nil
				}
				needed = needed[1:]
			}
			v, err := read()
			if err == nil {
				err = f(n-1, at, v)
			}
			if err == nil && only != nil && len(needed) == 0 {
				return errStop
			}
			return err
		}
		if err := s.file(path, each); err == errStop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// visit gets each record of a file in turn: where it is, and what reads it.
type visit func(at position, read func() (any, error)) error

// file reads one file, by what it looks like.
func (s *source) file(path string, f visit) error {
	kind, err := looksLike(path)
	switch {
	case err != nil:
		return err
	case kind == "parquet":
		return s.parquet(path, f)
	}
	in, err := open(path)
	if err != nil {
		return err
	}
	defer in.close()
	if kind == "csv" && s.shape == anyShape {
		return csvRecords(in, ',', f)
	}
	c, err := in.first()
	switch {
	case err != nil:
		return err
	case c == 0 && s.shape == jsonLines && in.line == 1:
		return nil
	case c == 0 && s.shape != jsonLines:
		return in.at().malformed(s.want, "the file is empty")
	case c == '[' && s.shape != jsonLines:
		return s.array(in, f)
	case s.shape == jsonArray && c != '{':
		return in.at().malformed(s.want, "found %q where a JSON list should begin", string(c))
	}
	in.close()
	if in, err = open(path); err != nil { // lines are counted from the first, blank ones too
		return err
	}
	defer in.close()
	return s.lines(in, f)
}

// looksLike returns parquet, csv or json, by the file's beginning and name.
func looksLike(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return "", &Error{Kind: Unreadable, Text: "cannot read the data set", Err: &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}}
	}
	var head [4]byte
	if n, _ := io.ReadFull(f, head[:]); n == 4 && string(head[:]) == "PAR1" {
		return "parquet", nil
	}
	if name := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(path), ".gz"), ".zst"); filepath.Ext(name) == ".csv" {
		return "csv", nil
	}
	return "json", nil
}

// array reads the entries of a JSON list.
func (s *source) array(in *input, f visit) error {
	in.r.ReadByte()
	for i := 0; ; i++ {
		c, err := in.first()
		if err != nil {
			return err
		}
		if c == ',' && i > 0 {
			in.r.ReadByte()
			if c, err = in.first(); err != nil {
				return err
			}
		} else if i > 0 && c != ']' && c != 0 {
			return in.at().malformed(`"," between entries and "]" after the last`, "not JSON: found %q after an entry of the list", string(rune(c)))
		}
		switch c {
		case 0:
			return in.at().malformed(`"]" at the end of the list`, "the file is cut off after %d entries", i)
		case ']':
			in.r.ReadByte()
			if c, err := in.first(); err != nil || c == 0 {
				return err
			}
			return in.at().malformed("", "there is text after the end of the list")
		}
		text, at, err := in.readValue()
		if err != nil {
			return err
		}
		if err := s.visit(text, at, f); err != nil {
			return err
		}
	}
}

// lines reads one JSON value a line.
func (s *source) lines(in *input, f visit) error {
	for {
		line, at, err := in.readLine()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		text := bytes.TrimSpace(line)
		if len(text) == 0 {
			if s.shape != jsonLines {
				continue
			}
			return at.malformed(s.want, "the line is blank")
		}
		if text[0] == '[' {
			return at.malformed(s.want, "found a JSON list where each line should hold one object")
		}
		if err := s.visit(text, at, f); err != nil {
			return err
		}
	}
}

func (s *source) visit(text []byte, at position, f visit) error {
	return f(at, func() (any, error) {
		v, bad := parseJSON(text)
		if bad != nil {
			return nil, at.syntax(text, bad, s.want)
		}
		return v, nil
	})
}

// csvRecords reads a table with a heading; its values are texts.
func csvRecords(in *input, comma rune, f visit) error {
	r := csv.NewReader(&checked{in: in})
	r.Comma, r.ReuseRecord, r.FieldsPerRecord = comma, false, 0
	at := in.at()
	wrong := func(err error) error {
		var own *Error
		if errors.As(err, &own) {
			return own
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			at.line = bad.Line
			return at.malformed("as many columns as the heading has, quotes in pairs", "not CSV: %v", bad.Err)
		}
		return in.broken(err)
	}
	heading, err := r.Read()
	if err == io.EOF {
		return at.malformed("a heading and rows", "the file is empty")
	} else if err != nil {
		return wrong(err)
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return wrong(err)
		}
		at.line, _ = r.FieldPos(0)
		err = f(at, func() (any, error) {
			out := make(object, len(row))
			for i, text := range row {
				out[i] = member{key: heading[i], value: text}
			}
			return out, nil
		})
		if err != nil {
			return err
		}
	}
}

// checked gives an input's lines to a reader, UTF-8 checked.
type checked struct {
	in   *input
	line []byte
}

func (c *checked) Read(p []byte) (int, error) {
	if len(c.line) == 0 {
		line, _, err := c.in.readLine()
		if err != nil {
			return 0, err
		}
		c.line = append(append(c.line[:0], line...), '\n')
	}
	n := copy(p, c.line)
	c.line = c.line[n:]
	return n, nil
}

// find returns the numbers of the records that keep accepts, in order.
func (s *source) find(ctx context.Context, keep func(at position, v any) (bool, error)) (found []int, err error) {
	err = s.walk(ctx, nil, func(n int, at position, v any) error {
		ok, err := keep(at, v)
		if ok {
			found = append(found, n)
		}
		return err
	})
	return found, err
}

// fetch reads the records numbered in rows and returns what made makes of them,
// in the order of rows.
func fetch[T any](ctx context.Context, s *source, rows []int, made func(at position, v any) (T, error)) ([]T, error) {
	sorted := slices.Clone(rows)
	slices.Sort(sorted)
	place := make(map[int]int, len(rows))
	for i, n := range rows {
		place[n] = i
	}
	out := make([]T, len(rows))
	if len(rows) == 0 {
		return out, nil
	}
	seen := 0
	err := s.walk(ctx, sorted, func(n int, at position, v any) (err error) {
		out[place[n]], err = made(at, v)
		seen++
		return err
	})
	if err == nil && seen != len(rows) {
		err = &Error{Kind: Unreadable, Text: "the data set's file changed while it was read"}
	}
	return out, err
}
