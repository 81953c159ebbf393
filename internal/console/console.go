// Package console turns a Recording and its Analysis into what package report prints of a
// run: the original's table, findings and the verdict. It converts values and nothing else:
// it computes no metric and writes nothing.
package console

import (
	"loadgen/internal/analysis"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// Run is a run as it is printed.
func Run(rec *recording.Recording, a *analysis.Analysis) *report.Run {
	s := &rec.Settings
	r := &report.Run{
		Date: rec.Ended, Backend: s.Backend, ModelID: recording.Text(s.Model), Tokenizer: rec.TokenizerID, NumPrompts: rec.Asked(),
		Metadata: a.Metadata, RequestRate: s.RequestRate, Burstiness: s.Burstiness, MaxConcurrency: s.MaxConcurrency,
		Metrics: a.Selected, Compat12: s.Compat12(), Detailed: s.SaveDetailed, Summary: a.Summary,
	}
	if e := a.Energy; e != nil {
		r.Energy = &report.Energy{TotalJoules: e.Joules, PerWatt: e.PerWatt(a.Summary.OutputTokens), Watts: e.Watts()}
	}
	return r
}

// Findings are findings or notes as they are printed.
func Findings(all []judge.Finding) (out []report.Finding) {
	for _, f := range all {
		out = append(out, report.Finding{Code: f.Code, Text: f.Text})
	}
	return out
}

// Verdict is the verdict on a run with the bounds of its measurement error.
func Verdict(v judge.Verdict, b *judge.Budget) report.Verdict {
	out := report.Verdict{Level: string(v.Level)}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if x := b.Bounds[m]; x.Count > 0 {
			out.Measured = append(out.Measured, m)
			out.Bounds[m] = x.Most()
		}
	}
	out.Reasons = v.Causes()
	return out
}
