package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"loadgen/internal/analysis"
	"loadgen/internal/outfile"
	"loadgen/internal/recording"
	"loadgen/internal/requests"
	"loadgen/internal/result"
)

// tableWriter writes a table of requests.
type tableWriter func(io.Writer, iter.Seq[requests.Row]) error

// requestsFormat is what writes a table of requests to a file of this name.
func requestsFormat(name string) (tableWriter, error) {
	switch filepath.Ext(name) {
	case ".csv":
		return requests.WriteCSV, nil
	case ".parquet":
		return requests.WriteParquet, nil
	}
	return nil, fmt.Errorf("%s is the name of neither CSV (.csv) nor Parquet (.parquet)", name)
}

// proveRequests proves that the table of requests can be written, and that no other file of the
// run has its name.
func (m *benchmark) proveRequests() error {
	path := recording.Text(m.cfg.saveRequests)
	if path == "" {
		return nil
	}
	for _, other := range []*string{m.cfg.SaveTimeline, m.cfg.appendTo} {
		if name := recording.Text(other); name != "" && outfile.Same(path, name) {
			return fmt.Errorf("--save-requests: %s would be another file of the run, too; give it another name", path)
		}
	}
	if m.cfg.fileWanted() && outfile.Same(path, m.cfg.ResultPath(m.fileName(recording.Text(m.cfg.Model)))) {
		return fmt.Errorf("--save-requests: %s would be the result, too; give it another name", path)
	}
	if err := m.prove(path); err != nil {
		return fmt.Errorf("--save-requests: %w", err)
	}
	return nil
}

// saveTable writes the table of requests.
func (m *benchmark) saveTable(rec *recording.Recording, a *analysis.Analysis) error {
	path := recording.Text(m.cfg.saveRequests)
	if path == "" {
		return nil
	}
	write, err := requestsFormat(path)
	if err == nil {
		defer waiting(m.s, "writing "+path)()
		err = outfile.Write(path, func(w io.Writer) error { return write(w, requests.OfRun(rec, a)) })
	}
	if err != nil {
		return fmt.Errorf("--save-requests: %w", err)
	}
	m.log("wrote %s", path)
	return nil
}

// checkRequests checks the flags of a report that is a table of requests.
func (o *reporting) checkRequests() error {
	switch isTable, ext := o.format == "requests", filepath.Ext(o.out); {
	case isTable && o.out != "" && ext != ".csv" && ext != ".parquet":
		_, err := requestsFormat(o.out)
		return fmt.Errorf("--out: %w", err)
	case ext == ".parquet" && !isTable && o.format != "text":
		return fmt.Errorf("--out: Parquet is for the requests (--format requests), not for %s", o.format)
	case (isTable || ext == ".parquet") && len(o.gates) > 0:
		return errors.New("--gate is for comparisons, not for a table of requests")
	}
	return nil
}

// writeRequests writes the requests of all files as one table. A file that cannot be read does
// not keep the others from being written.
func (o *reporting) writeRequests(names []string, s streams) error {
	var failed []error
	var tables []iter.Seq[requests.Row]
	for _, name := range names {
		some, err := o.requestsOf(name, s)
		tables = append(tables, some...)
		switch {
		case errors.Is(err, result.ErrUnknown) && !slices.Contains(o.args, name):
			fmt.Fprintf(s.err, "loadgen: left out: %v\n", err)
		case err != nil:
			failed = append(failed, err)
		}
	}
	if len(tables) == 0 && len(failed) == 0 {
		return errNoResults
	}
	if len(tables) == 0 {
		return errors.Join(failed...)
	}
	all := func(yield func(requests.Row) bool) {
		for _, rows := range tables {
			for row := range rows {
				if !yield(row) {
					return
				}
			}
		}
	}
	var err error
	if o.out == "" {
		err = requests.WriteCSV(s.out, all)
	} else if write, unknown := requestsFormat(o.out); unknown != nil {
		err = unknown
	} else if err = outfile.Write(o.out, func(w io.Writer) error { return write(w, all) }); err == nil {
		o.sayWritten(s, 1)
	}
	return errors.Join(append(failed, err)...)
}

// requestsOf are the requests of the results in a file.
func (o *reporting) requestsOf(name string, s streams) (tables []iter.Seq[requests.Row], err error) {
	in, isTimeline, done, err := openResult(name, s)
	if err != nil {
		return nil, err
	}
	defer done()
	if isTimeline {
		rec, a, err := readRun(name, in, s)
		if err != nil {
			return nil, err
		}
		return append(tables, requests.Named(name, requests.OfRun(rec, a))), nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	files, err := result.ParseAll(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	for i, f := range files {
		shown := name
		if len(files) > 1 {
			shown = fmt.Sprintf("%s:%d", name, i+1)
		}
		rows, lacks := requests.OfFile(f)
		if lacks != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w; --save-detailed keeps them, and so do --save-requests and --save-timeline", shown, lacks))
			continue
		}
		tables = append(tables, requests.Named(shown, rows))
	}
	return tables, err
}
