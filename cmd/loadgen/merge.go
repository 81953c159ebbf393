package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/analysis"
	"loadgen/internal/merge"
	"loadgen/internal/outfile"
	"loadgen/internal/recording"
	"loadgen/pkg/report"
)

const mergeHelp = `Files are the recordings (*.timeline) that the ranks of one run have written, or HDR logs
(*.hlog); of a directory those in it are taken, recordings before HDR logs. The result is that of
one process with the same seed: statistics are computed from all requests, the verdict is the worst
rank's. Recordings of different versions, settings, seeds, prompts or runs are refused.`

func mergeCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:        "merge",
		Usage:       "make one result of what the ranks of a run have recorded",
		ArgsUsage:   "DIR|FILE...",
		Description: mergeHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write the result to `FILE`, a name that ends in .json, with the HDR log next to it; an HDR log of HDR logs (.hlog)"},
			&cli.StringFlag{Name: "timeline", Usage: "write the merged recording to `FILE`"},
			choice("output", "text", "what standard output gets, the result as one object for json", outputs...),
			&cli.BoolFlag{Name: "partial", Usage: "merge what there is where ranks are missing, were killed or interrupted; the result is marked so"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace files that are there"},
		},
		Action: func(c *cli.Context) error {
			m := &merging{s: s, args: c.Args().Slice(), out: c.String("out"), timeline: c.String("timeline"), output: c.String("output"), partial: c.Bool("partial"), overwrite: c.Bool("overwrite")}
			if err := m.check(); err != nil {
				return usageError{err}
			}
			return m.run()
		},
	}
}

// merging is a merge to be made.
type merging struct {
	s                     streams
	args                  []string
	out, timeline, output string
	partial, overwrite    bool
}

// check checks the command line.
func (m *merging) check() error {
	switch {
	case len(m.args) == 0:
		return errors.New("merge needs the ranks' recordings, or the directory that they are in")
	case m.output != "text" && m.output != "json":
		return fmt.Errorf("--output: %q is neither text nor json", m.output)
	case m.out != "" && filepath.Ext(m.out) != ".json" && filepath.Ext(m.out) != hdrExt:
		return fmt.Errorf("--out: %q is neither a result (.json) nor an HDR log (%s)", m.out, hdrExt)
	}
	for _, arg := range m.args {
		if strings.HasPrefix(arg, "-") {
			return fmt.Errorf("%s comes after a file: flags come first", arg)
		}
	}
	for _, name := range []string{m.out, m.timeline} {
		if name == "" || m.overwrite || outfile.Special(name) {
			continue
		}
		if exists(name) {
			return fmt.Errorf("%s already exists; --overwrite replaces it", name)
		}
	}
	return nil
}

const (
	timelineExt = ".timeline"
	hdrExt      = ".hlog"
)

// run merges recordings, or HDR logs.
func (m *merging) run() error {
	recordings, logs, err := m.files()
	switch {
	case err != nil:
		return err
	case len(recordings) > 0 && len(logs) > 0:
		return fmt.Errorf("recordings (%s) and HDR logs (%s) do not merge: name the ones or the others; of recordings the HDR log is written, too", recordings[0], logs[0])
	case len(logs) > 0:
		return m.mergeLogs(logs)
	}
	return m.mergeRecordings(recordings)
}

// files are the recordings and HDR logs that were named, and those in the directories that
// were: recordings, or else HDR logs.
func (m *merging) files() (recordings, logs []string, err error) {
	for _, arg := range m.args {
		if !isDir(arg) {
			if filepath.Ext(arg) == hdrExt {
				logs = append(logs, arg)
			} else {
				recordings = append(recordings, arg)
			}
			continue
		}
		found := map[string][]string{}
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err == nil && !d.IsDir() && !outfile.Special(path) {
				found[ext] = append(found[ext], path)
			}
			return err
		})
		switch {
		case err != nil:
			return nil, nil, err
		case len(found[timelineExt]) > 0:
			recordings = append(recordings, found[timelineExt]...)
		case len(found[hdrExt]) > 0:
			logs = append(logs, found[hdrExt]...)
		default:
			return nil, nil, fmt.Errorf("there are no recordings (*%s) in %s, and no HDR logs", timelineExt, arg)
		}
	}
	return recordings, logs, nil
}

// mergeRecordings makes the result of the ranks' recordings.
func (m *merging) mergeRecordings(names []string) error {
	done := waiting(m.s, fmt.Sprintf("merging %d recordings", len(names)))
	defer done()
	var sources []merge.Source
	for _, name := range names {
		rec, err := readRecording(name)
		switch {
		case errors.Is(err, recording.ErrCut) && m.partial && len(names) > 1:
			fmt.Fprintf(m.s.err, "loadgen: left out: %v\n", err)
			continue
		case errors.Is(err, recording.ErrCut) && len(names) > 1:
			return fmt.Errorf("%w; --partial merges the others", err)
		case err != nil:
			return err
		}
		if len(rec.Parts) > 0 && !slices.Contains(m.args, name) { // an earlier merge wrote it beside them
			fmt.Fprintf(m.s.err, "loadgen: left out: %s is a merged run already\n", name)
			continue
		}
		sources = append(sources, merge.Source{Name: name, Recording: rec})
	}
	rec, err := merge.Merge(sources, m.partial)
	if errors.As(err, new(*merge.Partial)) {
		return fmt.Errorf("%w; --partial merges what there is", err)
	} else if err != nil {
		return err
	}
	name := m.out
	if name == "" {
		name = count(len(rec.Parts), "rank")
	}
	hdr := report.NewHDR(rec.Began)
	a, err := analyzeRun(name, rec, m.s, hdr.Add)
	if err != nil {
		return err
	}
	stored, err := storedRun(name, rec, a)
	if err != nil {
		return err
	}
	done()
	if err := m.show(rec, a, stored); err != nil {
		return err
	}
	return m.save(rec, a, hdr)
}

// show writes the result to standard output.
func (m *merging) show(rec *recording.Recording, a *analysis.Analysis, stored *report.Stored) error {
	if m.output == "json" {
		_, err := m.s.out.Write(append(mergedFile(rec, a), '\n'))
		return err
	}
	stored.WriteText(m.s.out)
	return nil
}

// mergedFile is the result file of a merged run.
func mergedFile(rec *recording.Recording, a *analysis.Analysis) []byte {
	file := a.File(rec, rec.Settings.SaveDetailed)
	file.Loadgen = a.Loadgen(rec)
	return file.Append(nil)
}

// save writes the files that were asked for.
func (m *merging) save(rec *recording.Recording, a *analysis.Analysis, hdr *report.HDR) error {
	var written []string
	write := func(name string, with func(w io.Writer) error) error {
		if err := outfile.Write(name, with); err != nil {
			return fmt.Errorf("%s cannot be written: %w", name, err)
		}
		written = append(written, name)
		return nil
	}
	if m.out != "" {
		if filepath.Ext(m.out) != hdrExt {
			text := mergedFile(rec, a)
			if err := write(m.out, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
				return err
			}
		}
		if err := write(hdrPath(m.out), hdr.Write); err != nil {
			return err
		}
	}
	if m.timeline != "" {
		if err := recording.Save(m.timeline, rec); err != nil {
			return err
		}
		written = append(written, m.timeline)
	}
	if len(written) > 0 {
		fmt.Fprintf(m.s.err, "loadgen: wrote %s\n", strings.Join(written, ", "))
	}
	return nil
}

// mergeLogs makes one HDR log of several.
func (m *merging) mergeLogs(names []string) error {
	switch {
	case m.timeline != "" || m.output != "text" || m.partial:
		return usageError{errors.New("of HDR logs alone there is no result and no recording: --timeline, --output and --partial are for recordings")}
	case filepath.Ext(m.out) == ".json":
		return usageError{fmt.Errorf("--out: of HDR logs alone there is an HDR log, NAME%s, and no result", hdrExt)}
	}
	var sources []report.HDRSource
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		sources = append(sources, report.HDRSource{Name: name, Text: text})
	}
	var merged bytes.Buffer
	if err := report.MergeHDR(&merged, sources); err != nil {
		return err
	}
	if m.out == "" {
		_, err := m.s.out.Write(merged.Bytes())
		return err
	}
	if err := outfile.Write(m.out, func(w io.Writer) error { _, err := merged.WriteTo(w); return err }); err != nil {
		return err
	}
	fmt.Fprintf(m.s.err, "loadgen: wrote %s\n", m.out)
	return nil
}

// readRecording reads a timeline file.
func readRecording(name string) (*recording.Recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := recording.Read(bufio.NewReaderSize(f, 1<<20))
	if errors.Is(err, recording.ErrFormat) {
		return nil, fmt.Errorf("%s: %w: merge reads recordings (--save-timeline, which each rank of a run writes) and HDR logs (%s)", name, err, hdrExt)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rec, nil
}
