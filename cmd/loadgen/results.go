package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/console"
	"loadgen/internal/outfile"
	"loadgen/internal/plain"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/internal/selftest"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/report"
)

// checkResult logs what is odd in the flags of the result, and proves that it can be written. The
// model may not be known yet.
func (m *benchmark) checkResult() error {
	_, odd, err := m.cfg.Items()
	if err != nil {
		return err
	}
	_, more := m.cfg.SelectedMetrics()
	for _, what := range append(odd, more...) {
		m.log("%s", message(what))
	}
	if m.cfg.DryRun {
		return nil
	}
	return cmp.Or(m.proveTimeline(), m.proveResult(recording.Text(m.cfg.Model)), m.proveOutputs())
}

// proveTimeline proves that the timeline file can be written and replaces nothing unasked.
func (m *benchmark) proveTimeline() error {
	path := recording.Text(m.cfg.SaveTimeline)
	if path == "" {
		return nil
	}
	if err := m.prove(path); err != nil {
		return fmt.Errorf("--save-timeline: %w", err)
	}
	if err := recording.CheckNew(path); err != nil && !m.cfg.Overwrite {
		return fmt.Errorf("--save-timeline: %s: %w; name another, or --overwrite replaces it", path, err)
	}
	return nil
}

// proveResult proves that the result and the files next to it can be written.
func (m *benchmark) proveResult(model string) error {
	if !m.cfg.fileWanted() {
		return nil
	}
	path, timeline := m.cfg.ResultPath(m.fileName(model)), recording.Text(m.cfg.SaveTimeline)
	if err := m.prove(path); err != nil || outfile.Special(path) {
		return withPathHint(err)
	}
	others := []string{hdrPath(path), pytorchPath(path)}
	if m.cfg.TimeBreakdown.Asked {
		others = append(others, breakdownPath(path), perfMetricsPath(path))
	}
	for _, name := range append(others, path) {
		if timeline != "" && outfile.Same(timeline, name) {
			return fmt.Errorf("%s would be the timeline and a file of the result, too; give them different names (--save-timeline, --result-filename)", name)
		}
	}
	for _, other := range others {
		err := m.prove(other)
		if err == nil && outfile.Special(other) {
			err = &outfile.Error{Path: other, Name: true, Err: fmt.Errorf("%s is no regular file", other)}
		}
		if err != nil {
			return withPathHint(err)
		}
	}
	return nil
}

// prove proves that a file can be written, and holds what it takes for that until the end.
func (m *benchmark) prove(path string) error {
	release, err := outfile.Prove(path)
	m.held = append(m.held, release)
	return err
}

// fileName is what a result is called unless the flags say, at a date that stands for all.
func (m *benchmark) fileName(model string) string {
	s := &m.cfg.Settings
	r := report.Run{Backend: s.Backend, ModelID: model, RequestRate: s.RequestRate, MaxConcurrency: s.MaxConcurrency}
	return m.cfg.rankFile(r.FileName())
}

// withPathHint names the flag that a result's path comes from.
func withPathHint(err error) error {
	var path *outfile.Error
	switch {
	case !errors.As(err, &path):
		return err
	case path.Name:
		return fmt.Errorf("%w (--result-filename)", err)
	}
	return fmt.Errorf("%w (--result-dir)", err)
}

// hdrPath is where the HDR log of a result goes.
func hdrPath(path string) string { return strings.TrimSuffix(path, ".json") + ".hlog" }

// pytorchPath is where a result's record in PyTorch's format goes.
func pytorchPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".pytorch.json"
}

// report prints and saves what a run brought.
func (m *benchmark) report(ctx context.Context, b *bench.Bench, rec *recording.Recording, a *analysis.Analysis) error {
	var test *selftest.Table
	if m.cfg.SelfTest && !rec.Interrupted {
		test = m.selfTest(ctx, b, a)
	}
	r, file := console.Run(rec, a), a.File(rec, m.cfg.SaveDetailed)
	if !m.cfg.StrictJSON {
		file.Loadgen = a.Loadgen(rec)
		if test != nil {
			file.Loadgen.SelfTest = test.Section()
		}
		if m.server != nil {
			file.Loadgen.Server = m.server()
		}
	}
	report.Exceptions(m.s.out, r.Summary)
	r.Table(m.s.out)
	if m.cfg.Extended && a.Extended != nil {
		report.Extended(m.s.out, a.Extended, r.Summary.Percentiles, (*report.FirstWave)(a.FirstWave), (*report.ServerTimes)(a.Server))
	}
	m.breakdown(rec, a)
	allFailed := a.Sent > 0 && r.Summary.Completed == 0
	switch {
	case stoppedEarly(rec):
		m.log("stopped early: %d of %d requests were sent; the metrics cover these", a.Sent, rec.Count())
	case rec.Interrupted:
		m.log("interrupted: %d of %d requests were sent, and %d had completed; the metrics cover these", a.Sent, rec.Count(), r.Summary.Completed)
	case a.Sent == 0:
		m.log("there was no request to send: the data set holds none (--num-prompts)")
	case allFailed && a.Counts.CutAtEnd == a.Sent:
		m.log("no request was complete when the run ended: all %d were given up; make the run longer (--duration, --stages), or give them more time (--drain)", a.Sent)
	case allFailed:
		text, hint := firstError(b, rec)
		m.log("All requests failed. This is likely due to a misconfiguration on the benchmark arguments.%s", text)
		fmt.Fprint(m.s.err, hint)
	}
	m.summarize(rec, a)
	if err := m.saveAll(file, m.cfg.rankFile(r.FileName()), rec, a); err != nil {
		return err
	}
	m.sayNext(a)
	if allFailed && !rec.Interrupted || stoppedEarly(rec) {
		return errReported
	}
	return m.gates(a, test)
}

// stoppedEarly reports whether too many failures ended a run.
func stoppedEarly(rec *recording.Recording) bool {
	return slices.ContainsFunc(rec.Notes, func(n recording.Note) bool { return n.Code == bench.StoppedEarly })
}

// firstError is the message of the first failure, and a line on what could mend it.
func firstError(b *bench.Bench, rec *recording.Recording) (text, hint string) {
	f := b.FirstFailure(rec)
	if f == nil || f.Err.Message == "" {
		return "", ""
	}
	if hint = strings.TrimPrefix(failureHint(f), "\n"); hint != "" {
		hint += "\n"
	}
	return " The first error: " + plain.Line(f.Err.Message), hint
}

// gateMissed is a gate that a finished run did not pass.
type gateMissed struct{ text string }

func (g gateMissed) Error() string { return g.text }

// gates are those that the flags ask for.
func (m *benchmark) gates(a *analysis.Analysis, test *selftest.Table) error {
	if m.cfg.Require == nil {
		return nil
	}
	return requireClean(string(a.Verdict.Level), test)
}

// saveAll writes all that was asked for. Another run with the same names writes its files before
// these or after them.
func (m *benchmark) saveAll(file *result.File, name string, rec *recording.Recording, a *analysis.Analysis) error {
	if m.cfg.fileWanted() {
		defer outfile.Together(m.cfg.ResultPath(name))()
	}
	return errors.Join(m.save(file, name, rec, a), m.writeOutputs(file, rec, a))
}

// save writes the files that were asked for. A result that cannot be written
// where it should is not lost: it goes to the directory for temporary files, or
// else to stderr.
func (m *benchmark) save(file *result.File, name string, rec *recording.Recording, a *analysis.Analysis) error {
	if !m.cfg.fileWanted() {
		return nil
	}
	m.saving.Store(true)
	defer waiting(m.s, "writing the result")()
	text := file.Append(nil)
	path := m.cfg.ResultPath(name)
	write := func(w io.Writer) error { _, err := w.Write(text); return err }
	replaced := exists(path) && recording.Text(m.cfg.ResultFilename) != ""
	writeResult := outfile.Write
	if recording.Text(m.cfg.ResultFilename) == "" { // another run may have made the same name
		writeResult = func(_ string, write func(io.Writer) error) (err error) {
			path, err = outfile.WriteNew(path, write)
			return err
		}
	}
	if err := writeResult(path, write); err != nil {
		return m.rescue(fmt.Errorf("the result cannot be written: %w", err), path, text)
	}
	written := []string{path}
	if outfile.Special(path) {
		return nil
	}
	hdr := hdrPath(path)
	err := outfile.Write(hdr, m.hdr.Write)
	if err == nil {
		written = append(written, hdr)
	} else {
		err = fmt.Errorf("the HDR log cannot be written: %w", err)
	}
	wanted, envErr := result.WantPyTorch(m.s.env(result.PyTorchEnv))
	if found := file.PyTorch(m.cfg.namespace()); wanted && len(found) > 0 {
		name := pytorchPath(path)
		records := pyjson.Append(nil, found)
		if pyErr := outfile.Write(name, func(w io.Writer) error { _, err := w.Write(records); return err }); pyErr != nil {
			err = errors.Join(err, fmt.Errorf("PyTorch's format cannot be written: %w", pyErr))
		} else {
			written = append(written, name)
		}
	}
	more, brkErr := m.saveBreakdown(path, rec, a)
	written, err = append(written, more...), errors.Join(err, brkErr)
	m.sayWritten(written)
	if replaced {
		m.log("replaced an earlier %s", path)
	}
	m.saved = path
	return errors.Join(err, envErr)
}

// readRun reads a run and its analysis, with the details, from its timeline file.
func readRun(name string, in *bufio.Reader, s streams) (*recording.Recording, *analysis.Analysis, error) {
	defer waiting(s, "computing the result of "+name)()
	rec, err := recording.Read(in)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if rec.Killed {
		rec.Notes = append(rec.Notes, tornNote(rec))
	}
	a, err := analyzeRun(name, rec, s)
	return rec, a, err
}

// analyzeRun makes the analysis of a recorded run, with the details. Those who take values get
// the latencies of its successes.
func analyzeRun(name string, rec *recording.Recording, s streams, values ...analysis.TakeValues) (*analysis.Analysis, error) {
	count, err := tokenCounter(rec, s)
	if err != nil {
		rec.Notes = append(rec.Notes, recording.Note{Code: "tokenizer_assumed",
			Text: fmt.Sprintf("the run's tokenizer %q is not here: texts that the server did not count are counted with Llama 3's", recording.Text(rec.Settings.Tokenizer))})
	}
	a, err := analysis.Detailed(rec, count, values...)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", name, message(err))
	}
	withHints(a)
	return a, nil
}

// readTimeline makes a run's result of its timeline file.
func readTimeline(name string, in *bufio.Reader, s streams) (*report.Stored, error) {
	rec, a, err := readRun(name, in, s)
	if err != nil {
		return nil, err
	}
	return storedRun(name, rec, a)
}

// storedRun is the result of a recorded run as report shows it.
func storedRun(name string, rec *recording.Recording, a *analysis.Analysis) (*report.Stored, error) {
	file := a.File(rec, rec.Settings.SaveDetailed)
	file.Loadgen = a.Loadgen(rec)
	detailed := a.File(rec, true)
	detailed.Loadgen = file.Loadgen
	return report.Recomputed(name, detailed.Append(nil), file.Append(nil))
}

// tokenCounter counts with the tokenizer of a recorded run, nil where it had none. With
// an error it counts with Llama 3's.
func tokenCounter(rec *recording.Recording, s streams) (analysis.CountTokens, error) {
	settings := rec.Settings
	settings.CustomTokenizer, settings.TokenizerMode = nil, "auto" // the name is that of the file
	tok, err := bench.FindTokenizer(&settings, "", s.env)
	switch {
	case err != nil:
		tok = tokenizer.Llama3()
	case tok == nil:
		return nil, nil
	}
	return func(text []byte) int { return len(tok.Encode(string(text), false)) }, err
}

// tornNote says that a recording ends before its run did.
func tornNote(rec *recording.Recording) recording.Note {
	return recording.Note{Code: "timeline_torn", Text: fmt.Sprintf("loadgen was killed during the run: %d of %d requests are in the file, %d bytes at its end are no whole record, and the verdict knows nothing of the machine",
		rec.Sent(), rec.Count(), rec.Lost)}
}
