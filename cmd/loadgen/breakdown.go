package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"loadgen/internal/analysis"
	"loadgen/internal/breakdown/show"
	"loadgen/internal/outfile"
	"loadgen/internal/recording"
)

// breakdownPath and perfMetricsPath are where the diagram of a result's time breakdown goes,
// and the server's records.
func breakdownPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + "-time_breakdown.html"
}

func perfMetricsPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + "-perf_metrics.json"
}

// breakdown shows what is known from the server's side: on stdout the original's lines alone.
func (m *benchmark) breakdown(rec *recording.Recording, a *analysis.Analysis) {
	if a.Exposition != nil {
		show.Metrics(m.s.err, "loadgen: ", a.Exposition)
	}
	if g := a.GPUSection(rec); g != nil {
		show.GPU(m.s.err, "loadgen: ", g)
	}
	if !m.cfg.TimeBreakdown.Asked {
		return
	}
	t := a.BreakdownSection(rec)
	if t == nil {
		m.log("where TTFT went is not known: the server gave no times of the requests that succeeded")
		return
	}
	show.Lines(m.s.out, t)
	show.Text(m.s.err, "loadgen: ", t)
}

// saveBreakdown writes the diagram of where TTFT went next to the result at path, and the
// records of the server's route, which are gone from the server.
func (m *benchmark) saveBreakdown(path string, rec *recording.Recording, a *analysis.Analysis) (written []string, err error) {
	if !m.cfg.TimeBreakdown.Asked {
		return nil, nil
	}
	if t := a.BreakdownSection(rec); t != nil {
		name := breakdownPath(path)
		if err := outfile.Write(name, func(w io.Writer) error { return show.HTML(w, filepath.Base(path), t) }); err != nil {
			return nil, fmt.Errorf("the time breakdown cannot be written: %w", err)
		}
		written = append(written, name)
	}
	if rec.Server != nil && len(rec.Server.Raw) > 0 {
		name := perfMetricsPath(path)
		if err := outfile.Write(name, func(w io.Writer) error { _, err := w.Write(rec.Server.Raw); return err }); err != nil {
			return written, fmt.Errorf("the server's records cannot be written: %w", err)
		}
		written = append(written, name)
	}
	return written, nil
}
