package dataset

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/parquet"
)

// parquet reads the rows of a Parquet file, of its columns those that are needed.
func (s *source) parquet(path string, f visit) (err error) {
	at := position{file: path}
	broken := func(err error) error {
		return &Error{Kind: Malformed, File: path, Text: "not a Parquet file that can be read", Err: err}
	}
	file, err := os.Open(path)
	if err != nil {
		return &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	table, err := parquet.Open(file, info.Size())
	if err != nil {
		return broken(err)
	}
	names := table.Columns()
	if len(s.columns) > 0 && !slices.ContainsFunc(s.columns, func(c string) bool { return slices.Contains(names, c) }) {
		return at.malformed(s.want, "there is no column %s; the columns are %s", strings.Join(s.columns, " or "), strings.Join(names, ", "))
	}
	visited := false // an error that is not of the file
	err = table.Rows(s.columns, func(read func() (parquet.Group, error)) error {
		err := f(at, func() (any, error) {
			row, err := read()
			if err != nil {
				return nil, broken(err)
			}
			return plain(row), nil
		})
		visited = err != nil
		return err
	})
	if err != nil && !visited {
		return broken(err)
	}
	return err
}

// plain makes a value of a Parquet file one of ours.
func plain(v any) any {
	switch v := v.(type) {
	case parquet.Group:
		out := make(object, len(v))
		for i, f := range v {
			out[i] = member{key: f.Name, value: plain(f.Value)}
		}
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
	case int64, uint64:
		return number(fmt.Sprint(v))
	}
	return v
}
