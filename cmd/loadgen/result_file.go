package main

import (
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// newFile is the result file of a run, without loadgen's own object.
func newFile(r *report.Run) *result.File {
	s := r.Summary
	f := &result.File{
		Date:                 r.Date.Format("20060102-150405"),
		Backend:              r.Backend,
		ModelID:              r.ModelID,
		TokenizerID:          r.Tokenizer,
		NumPrompts:           &r.NumPrompts,
		Duration:             &s.Duration,
		Completed:            &s.Completed,
		TotalInputTokens:     &s.InputTokens,
		TotalOutputTokens:    &s.OutputTokens,
		RequestThroughput:    &s.RequestThroughput,
		RequestGoodput:       s.Goodput,
		OutputThroughput:     &s.OutputThroughput,
		TotalTokenThroughput: &s.TotalTokenThroughput,
		UserThroughput:       &s.UserThroughput,
		RequestRate:          new(result.Rate(r.RequestRate)),
		Burstiness:           &r.Burstiness,
		MaxConcurrency:       r.MaxConcurrency,
	}
	if r.Compat12 {
		f.Layout = result.Release12
	}
	for _, m := range r.Metadata {
		f.Metadata.Set(m[0], m[1])
	}
	d := s.DecodedPerIter
	f.DecodedPerIter = &result.DecodedPerIter{Mean: &d.Mean, Min: &d.Min, Max: &d.Max, Median: &d.Median, Std: &d.Std,
		Percentiles: percentilesOf(d, s.Percentiles, 1)}
	if d.Mean > 0 {
		f.DecodedPerIterKeys = distribution(d, s.Percentiles, 1)
	}
	for _, m := range r.Selected() {
		*f.Latency.At(int(m)) = distribution(s.Latency[m], s.Percentiles, 1e3)
	}
	if e := r.Energy; e != nil {
		f.Energy = &result.Energy{PerWatt: e.PerWatt, Watts: &e.Watts}
		switch joules := e.TotalJoules.(type) {
		case int:
			f.Energy.TotalJoules = result.Number{Value: float64(joules), Integer: true}
		case float64:
			f.Energy.TotalJoules = result.Number{Value: joules}
		}
	}
	if r.Detailed {
		addDetails(f, r)
	}
	return f
}

// addDetails adds the values of each request.
func addDetails(f *result.File, r *report.Run) {
	n := len(r.Samples)
	f.InputLens, f.TTFTs, f.E2ELs = make([]int, n), make([]float64, n), make([]float64, n)
	f.ITLs, f.GeneratedTexts, f.Errors = make([][]float64, n), make([]string, n), make([]string, n)
	for i, s := range r.Samples {
		f.InputLens[i], f.TTFTs[i], f.E2ELs[i], f.ITLs[i], f.GeneratedTexts[i], f.Errors[i] = s.PromptLen, s.TTFT, s.Latency, s.ITL, s.Text, s.Error
	}
	f.OutputLens = r.Summary.OutputLens
}

func percentilesOf(s metrics.Stats, at []float64, scale float64) (out []result.Percentile) {
	for i, x := range s.Percentiles {
		out = append(out, result.Percentile{P: at[i], Value: scale * x})
	}
	return out
}

func distribution(s metrics.Stats, percentiles []float64, scale float64) *result.Distribution {
	return &result.Distribution{Mean: new(scale * s.Mean), Median: new(scale * s.Median), Std: new(scale * s.Std),
		Min: new(scale * s.Min), Max: new(scale * s.Max), Percentiles: percentilesOf(s, percentiles, scale)}
}
