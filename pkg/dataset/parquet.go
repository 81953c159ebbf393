package dataset

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquet reads the rows of a Parquet file, of its columns those that are needed.
func (s *source) parquet(path string, f visit) (err error) {
	at := position{file: path}
	broken := func(err error) error {
		return &Error{Kind: Malformed, File: path, Text: "not a whole Parquet file", Err: err}
	}
	defer func() {
		if r := recover(); r != nil { // the library panics on some damaged files
			err = broken(fmt.Errorf("%v", r))
		}
	}()
	file, err := os.Open(path)
	if err != nil {
		return &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	table, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return broken(err)
	}
	schema, conversion, err := s.project(table.Schema(), at)
	if err != nil {
		return err
	}
	for _, group := range table.RowGroups() {
		if conversion != nil {
			group = parquet.ConvertRowGroup(group, conversion)
		}
		if err := groupRows(group, schema, at, broken, f); err != nil {
			return err
		}
	}
	return nil
}

// groupRows reads one row group. Rows that nobody reads are skipped.
func groupRows(group parquet.RowGroup, schema *parquet.Schema, at position, broken func(error) error, f visit) error {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 1)
	next := int64(0) // the row that the reader stands at
	for n := range group.NumRows() {
		err := f(at, func() (any, error) {
			if next != n {
				if err := rows.SeekToRow(n); err != nil {
					return nil, broken(err)
				}
			}
			next = n + 1
			if got, err := rows.ReadRows(buffer); got != 1 {
				if err == nil || err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return nil, broken(err)
			}
			var v any
			if err := schema.Reconstruct(&v, buffer[0]); err != nil {
				return nil, broken(err)
			}
			return plain(v), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// project is the file's schema cut to the columns that are needed.
func (s *source) project(full *parquet.Schema, at position) (*parquet.Schema, parquet.Conversion, error) {
	if len(s.columns) == 0 {
		return full, nil, nil
	}
	var names []string
	group := parquet.Group{}
	for _, field := range full.Fields() {
		names = append(names, field.Name())
		if slices.Contains(s.columns, field.Name()) {
			group[field.Name()] = field
		}
	}
	if len(group) == 0 {
		return nil, nil, at.malformed(s.want, "there is no column %s; the columns are %s", strings.Join(s.columns, " or "), strings.Join(names, ", "))
	}
	schema := parquet.NewSchema(full.Name(), group)
	conversion, err := parquet.Convert(schema, full)
	if err != nil {
		return nil, nil, &Error{Kind: Malformed, File: at.file, Text: "cannot read the columns " + strings.Join(s.columns, ", "), Err: err}
	}
	return schema, conversion, nil
}

// plain makes a value of the Parquet library one of ours.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(object, 0, len(v))
		for key, value := range v {
			out = append(out, member{key: key, value: plain(value)})
		}
		slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.key, b.key) })
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = plain(value)
		}
		return out
	case float32:
		return number(strconv.FormatFloat(float64(v), 'g', -1, 32))
	case float64:
		return number(strconv.FormatFloat(v, 'g', -1, 64))
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return number(fmt.Sprint(v))
	}
	return v
}
