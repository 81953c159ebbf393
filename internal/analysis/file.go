package analysis

import (
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// File is the result file of a run, without loadgen's object. With details it has the
// values of each request.
func (a *Analysis) File(rec *recording.Recording, details bool) *result.File {
	r, s := &rec.Settings, a.Summary
	f := &result.File{
		Date:                 rec.Ended.Format(DateLayout),
		Backend:              r.Backend,
		ModelID:              recording.Text(r.Model),
		TokenizerID:          rec.TokenizerID,
		NumPrompts:           new(rec.Asked()),
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
		Burstiness:           new(result.Rate(r.Burstiness)),
		MaxConcurrency:       r.MaxConcurrency,
	}
	if rec.Rank != nil { // what this part of the run was
		f.NumPrompts, f.RequestRate = new(rec.Count()), new(result.Rate(r.RequestRate/float64(rec.Rank.Size)))
		if r.MaxConcurrency != nil {
			f.MaxConcurrency = new(rec.Concurrency())
		}
	}
	if r.Compat12() {
		f.Layout = result.Release12
	}
	for _, m := range a.Metadata {
		f.Metadata.Set(m[0], m[1])
	}
	d := s.DecodedPerIter
	f.DecodedPerIter = &result.DecodedPerIter{Mean: &d.Mean, Min: &d.Min, Max: &d.Max, Median: &d.Median, Std: &d.Std,
		Percentiles: percentilesOf(d, s.Percentiles, 1)}
	if d.Mean > 0 {
		f.DecodedPerIterKeys = distribution(d, s.Percentiles, 1)
	}
	for _, m := range a.Selected {
		*f.Latency.At(int(m)) = distribution(s.Latency[m], s.Percentiles, 1e3)
	}
	if e := a.Energy; e != nil {
		f.Energy = &result.Energy{TotalJoules: result.Number{Value: e.Joules, Integer: e.Whole}, PerWatt: e.PerWatt(s.OutputTokens), Watts: new(e.Watts())}
	}
	if details {
		a.addDetails(f)
	}
	return f
}

// DateLayout is how a result writes its date.
const DateLayout = "20060102-150405"

// PerWatt is output tokens per second and watt, which are tokens per joule; nil without
// a rise of the meter, where the original dies.
func (e *Energy) PerWatt(outputTokens int) *float64 {
	if e.Joules <= 0 {
		return nil
	}
	return new(float64(outputTokens) / e.Joules)
}

// Watts is the mean power, 0 where the meter's readings have the same time.
func (e *Energy) Watts() float64 {
	if e.Seconds <= 0 {
		return 0
	}
	return e.Joules / e.Seconds
}

// addDetails adds the values of each request.
func (a *Analysis) addDetails(f *result.File) {
	n := len(a.Samples)
	f.InputLens, f.TTFTs, f.E2ELs = make([]int, n), make([]float64, n), make([]float64, n)
	f.ITLs, f.GeneratedTexts, f.Errors = make([][]float64, n), make([]string, n), make([]string, n)
	for i := range a.Samples {
		s := &a.Samples[i]
		f.InputLens[i], f.TTFTs[i], f.E2ELs[i], f.ITLs[i], f.GeneratedTexts[i], f.Errors[i] = s.PromptLen, s.TTFT, s.Latency, s.ITL, string(s.Text), s.Error
	}
	f.OutputLens = a.Summary.OutputLens
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
