package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"loadgen/internal/analysis"
	"loadgen/internal/outfile"
	"loadgen/internal/recording"
	"loadgen/internal/result"
)

// stdoutName is the name of a result file that is standard output.
const stdoutName = "-"

// objectWanted reports whether standard output is to get the result, and the text standard
// error.
func (c *config) objectWanted() bool {
	return !c.DryRun && (c.output == "json" || recording.Text(c.ResultFilename) == stdoutName)
}

// fileWanted reports whether the result goes to a file of its own.
func (c *config) fileWanted() bool {
	return c.SaveResult && recording.Text(c.ResultFilename) != stdoutName
}

// proveOutputs proves that what is written besides the result file can be.
func (m *benchmark) proveOutputs() error {
	if path := recording.Text(m.cfg.appendTo); path != "" {
		if err := cmp.Or(m.prove(path), checkLines(path)); err != nil {
			return fmt.Errorf("--append: %w", err)
		}
	}
	return m.proveRequests()
}

// checkLines checks that the text of a file that gets a line, if there is any, begins with a brace,
// as results do.
func checkLines(path string) error {
	if outfile.Special(path) {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	const enough = 4096
	first, _ := bufio.NewReader(io.LimitReader(f, enough)).ReadString('{')
	if first = strings.TrimSpace(first); first != "" && first != "{" {
		return fmt.Errorf("%s does not contain results (one JSON object per line); name another file", path)
	}
	return nil
}

// writeOutputs writes the result to standard output and as a line of a file, and the table of
// requests.
func (m *benchmark) writeOutputs(file *result.File, rec *recording.Recording, a *analysis.Analysis) error {
	var err error
	if m.object != nil {
		text := append(file.Append(nil), '\n')
		if _, err = m.object.Write(text); err != nil && m.saved == "" { // it is nowhere else
			err = m.rescue(err, "loadgen.json", text)
		}
	}
	err = cmp.Or(err, m.saveTable(rec, a))
	path := recording.Text(m.cfg.appendTo)
	if path == "" {
		return err
	}
	summary := a.File(rec, false)
	summary.Loadgen = file.Loadgen
	line := summary.Append(nil)
	if failed := outfile.AppendLine(path, line); failed != nil {
		failed = fmt.Errorf("--append: %w", failed)
		if m.saved == "" && m.object == nil {
			failed = m.rescue(failed, path, line)
		}
		return cmp.Or(err, failed)
	}
	m.log("added a line to %s", path)
	return err
}
