package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"loadgen/internal/pyjson"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// compute makes the statistics and judgements of what a run brought.
func (p *plan) compute(m *measured) (*report.Run, *judged, error) {
	var samples []metrics.Sample
	for i := range m.Results {
		if m.Sent[i] {
			samples = append(samples, metrics.NewSample(&m.Results[i], p.requests[i].PromptLen, p.cfg.chat(), !p.cfg.NonStreaming))
		}
	}
	r, err := p.newReport(samples, m.elapsed.Seconds(), m.ended, func(text string) int { return len(p.tok.Encode(text, false)) })
	if err != nil {
		return nil, nil, err
	}
	r.Energy = energyOf(m.before, m.after, r.Summary.OutputTokens)
	if (m.before == nil) != (m.after == nil) {
		p.remark("energy_incomplete", "the server's energy meter answered only once: no energy is reported")
	}
	return r, p.judge(m, r), nil
}

// report prints and saves what a run brought.
func (p *plan) report(ctx context.Context, m *measured) error {
	if err := p.endTimeline(m); err != nil {
		p.note("--save-timeline: %v", err) // the result is not lost for it
	}
	r, j, err := p.compute(m)
	if err != nil {
		return err
	}
	if p.cfg.SelfTest && !m.Interrupted {
		p.selfTest(ctx, j)
	}
	report.Exceptions(p.s.out, r.Summary)
	r.Table(p.s.out)
	if p.cfg.Extended && j.extended != nil {
		report.Extended(p.s.out, j.extended, r.Summary.Percentiles, j.server)
	}
	if m.Interrupted {
		p.note("interrupted: %d of %d requests were sent, and these figures are theirs", len(r.Samples), len(p.requests))
	}
	allFailed := len(r.Samples) > 0 && r.Summary.Completed == 0
	switch {
	case m.Interrupted:
	case len(r.Samples) == 0:
		p.note("there was no request to send: the data set holds none (--num-prompts)")
	case allFailed:
		p.note("All requests failed. This is likely due to a misconfiguration on the benchmark arguments.%s", firstError(r.Samples))
	}
	p.tell(j)
	file := newFile(r)
	if !p.cfg.StrictJSON {
		file.Loadgen = p.loadgenObject(m, r, j)
	}
	if err := p.save(file, r, m); err != nil {
		return err
	}
	if allFailed && !m.Interrupted {
		return errTold
	}
	return p.gates(j)
}

// unstamped tells whether there are events and none has a stamp of the kernel's.
func unstamped(results []*client.Result) bool {
	events := 0
	for _, r := range results {
		if r.KernelStamps {
			return false
		}
		events += len(r.Events)
	}
	return events > 0
}

// firstError is the words of the first failure.
func firstError(samples []metrics.Sample) string {
	for _, s := range samples {
		if s.Error != "" {
			return " The first error: " + printable(s.Error)
		}
	}
	return ""
}

// newReport computes the statistics of a run as the flags ask for them.
func (p *plan) newReport(samples []metrics.Sample, elapsed float64, date time.Time, countTokens func(string) int) (*report.Run, error) {
	percentiles, err := p.cfg.percentiles()
	if err != nil {
		return nil, err
	}
	goodput, err := p.cfg.goodput()
	if err != nil {
		return nil, err
	}
	tokenizerID := p.model
	if p.cfg.Tokenizer != nil {
		tokenizerID = *p.cfg.Tokenizer
	}
	o := metrics.Options{Percentiles: percentiles, Goodput: goodput, CountTokens: countTokens}
	return &report.Run{
		Date: date, Backend: p.cfg.Backend, ModelID: p.model, Tokenizer: tokenizerID, NumPrompts: p.cfg.NumPrompts,
		Metadata: p.metadata, RequestRate: p.cfg.RequestRate, Burstiness: p.cfg.Burstiness, MaxConcurrency: p.cfg.MaxConcurrency,
		Metrics: p.selected, Compat12: p.cfg.Compat == "1.2", Detailed: p.cfg.SaveDetailed,
		Summary: metrics.Compute(samples, elapsed, o), Samples: samples,
	}, nil
}

// energyOf compares the meter's readings; nil without both.
func energyOf(before, after *client.EnergyReading, outputTokens int) *report.Energy {
	if before == nil || after == nil {
		return nil
	}
	return report.NewEnergy(after.TotalJoules-before.TotalJoules, after.QueryTime-before.QueryTime, before.Whole && after.Whole, outputTokens)
}

// hdrPath is where the HDR log of a result goes.
func hdrPath(path string) string { return strings.TrimSuffix(path, ".json") + ".hlog" }

// save writes the files that were asked for. A result that cannot be written
// where it should is not lost: it goes to the directory for temporary files, or
// else to stderr.
func (p *plan) save(file *result.File, r *report.Run, m *measured) error {
	if !p.cfg.SaveResult {
		return nil
	}
	text := file.Append(nil)
	path := p.resultPath(r.FileName())
	write := func(w io.Writer) error { _, err := w.Write(text); return err }
	if err := report.WriteFile(path, write); err != nil {
		err = fmt.Errorf("the result cannot be written: %w", err)
		if spare, second := report.WriteSpare(path, write); second == nil {
			return fmt.Errorf("%w; it is in %s", err, spare)
		}
		fmt.Fprintf(p.s.err, "%s\n", text)
		return fmt.Errorf("%w; it stands above", err)
	}
	written := []string{path}
	if report.Special(path) {
		return nil
	}
	hdr := hdrPath(path)
	err := report.WriteFile(hdr, func(w io.Writer) error { return report.HDRLog(w, m.began, p.values(m, r)) })
	if err == nil {
		written = append(written, hdr)
	} else {
		err = fmt.Errorf("the HDR log cannot be written: %w", err)
	}
	wanted, envErr := result.WantPyTorch(p.s.env(result.PyTorchEnv))
	if wanted {
		name := strings.TrimSuffix(path, filepath.Ext(path)) + ".pytorch.json"
		records := pyjson.Append(nil, file.PyTorch(p.cfg.namespace()))
		if pyErr := report.WriteFile(name, func(w io.Writer) error { _, err := w.Write(records); return err }); pyErr != nil {
			err = errors.Join(err, fmt.Errorf("PyTorch's format cannot be written: %w", pyErr))
		} else {
			written = append(written, name)
		}
	}
	p.note("wrote %s", strings.Join(written, ", "))
	return errors.Join(err, envErr)
}

// values are the latencies of all successes, for the HDR log.
func (p *plan) values(m *measured, r *report.Run) (all []metrics.Value) {
	for i, result := range m.sent() {
		if result.Err == nil {
			all = metrics.AppendValues(all, result, p.cfg.chat(), r.Summary.OutputLens[i], m.Start)
		}
	}
	return all
}
