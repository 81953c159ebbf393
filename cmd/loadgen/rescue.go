package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"loadgen/internal/outfile"
	"loadgen/internal/plain"
	"loadgen/internal/recording"
	"loadgen/pkg/report"
)

// rescue puts a result that cannot be written where it should be into the directory for
// temporary files, or else on stderr, and adds to the error where it is.
func (m *benchmark) rescue(err error, path string, text []byte) error {
	spare, second := outfile.WriteSpare(path, func(w io.Writer) error { _, err := w.Write(text); return err })
	if second == nil {
		return fmt.Errorf("%w; it is in %s", err, spare)
	}
	fmt.Fprintf(m.s.err, "%s\n", text)
	return fmt.Errorf("%w; it is printed above", err)
}

// answered takes in that a run is over: from here on, until its result is saved, no signal loses
// it. What comes after its last answer may take long: a profiler, a disk, the server's records.
func (m *benchmark) answered(rec *recording.Recording) { m.finished.Store(rec) }

// finishing takes in the whole recording of a run that is over, and its end that its result is
// saved.
func (m *benchmark) finishing(rec *recording.Recording) (end func()) {
	kept := *rec
	m.finished.Store(&kept)
	return func() { m.finished.Store(nil) }
}

// noteTimeline takes in that the timeline file is whole.
func (m *benchmark) noteTimeline(n recording.Note) {
	if n.Code == "timeline_written" {
		m.timeline.Store(m.cfg.SaveTimeline)
	}
}

// keepTimelines ends the process with the timelines of a run that is over in a file, for who
// does not wait for its result: loadgen report computes that of the file. It returns at once.
// Where the result is saved before that, the process goes on.
func (m *benchmark) keepTimelines(cause interrupted) {
	rec := m.finished.Load()
	if rec == nil {
		return
	}
	m.rescues.Go(func() {
		name, err := recording.Text(m.timeline.Load()), error(nil)
		if name == "" {
			fmt.Fprintln(m.s.err, "loadgen: writing the timelines of the run; once more to lose it")
			name, err = m.writeTimelines(rec)
		}
		switch {
		case err == errResultSaved || m.saving.Load():
			return
		case err != nil:
			m.log("the timelines cannot be written: %v", err)
		default:
			m.log("the timelines of the run are in %s; loadgen report %s computes its result", name, plain.Word(name))
		}
		exit(m.s.err, cause.exitCode())
	})
}

// errResultSaved ends the writing of timelines that nobody needs any more.
var errResultSaved = errors.New("the result is saved")

// writeTimelines writes them next to where the result would be, or into the directory for
// temporary files.
func (m *benchmark) writeTimelines(rec *recording.Recording) (name string, err error) {
	s := &m.cfg.Settings
	r := report.Run{Backend: s.Backend, ModelID: m.model, RequestRate: s.RequestRate, MaxConcurrency: s.MaxConcurrency, Date: rec.Ended}
	path := filepath.Join(os.TempDir(), r.FileName())
	if at := m.cfg.ResultPath(r.FileName()); m.cfg.fileWanted() && !outfile.Special(at) {
		path = at
	}
	path = strings.TrimSuffix(path, ".json") + ".timeline"
	write := func(w io.Writer) error { return rec.Write(wanted{w, m}) }
	if name, err = outfile.WriteNew(path, write); err != nil && err != errResultSaved {
		return outfile.WriteSpare(path, write)
	}
	return name, err
}

// wanted writes as long as the result of the run is not saved.
type wanted struct {
	to io.Writer
	m  *benchmark
}

func (w wanted) Write(p []byte) (int, error) {
	if w.m.finished.Load() == nil {
		return 0, errResultSaved
	}
	return w.to.Write(p)
}
