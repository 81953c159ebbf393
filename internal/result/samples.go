package result

import (
	"iter"
	"math"

	"loadgen/pkg/metrics"
)

// Samples yields what each request of a file contributes to the statistics, in the order of the
// file; nothing unless it was saved in detail. A file without e2els has each E2EL as TTFT and
// the gaps after it. A request of which neither is known counts as a failure, and gaps that are
// null as 0.
func (f *File) Samples() iter.Seq[metrics.Sample] {
	return func(yield func(metrics.Sample) bool) {
		for i := range min(len(f.TTFTs), len(f.ITLs), len(f.OutputLens)) {
			if !yield(f.sample(i)) {
				return
			}
		}
	}
}

// sample is that of request i.
func (f *File) sample(i int) metrics.Sample {
	s := metrics.Sample{TTFT: f.TTFTs[i], OutputTokens: f.OutputLens[i], ITL: make([]float64, len(f.ITLs[i]))}
	if i < len(f.InputLens) {
		s.PromptLen = f.InputLens[i]
	}
	if i < len(f.Errors) {
		s.Error = f.Errors[i]
	}
	s.Latency = s.TTFT
	for k, gap := range f.ITLs[i] {
		if !math.IsNaN(gap) {
			s.ITL[k] = gap
			s.Latency += gap
		}
	}
	whole := s.TTFT < 0
	if i < len(f.E2ELs) && !math.IsNaN(f.E2ELs[i]) {
		s.Latency = f.E2ELs[i]
	} else if whole {
		s.Latency = math.NaN()
	}
	failed := s.Error != "" || s.OutputTokens == 0 && s.TTFT == 0
	s.Success = !failed && !math.IsNaN(s.TTFT) && !math.IsNaN(s.Latency)
	return s
}

// RequestValues are the values in seconds of a latency of each success: one of TTFT and E2EL,
// one of TPOT where it has two tokens or more, each gap of ITL. Of an answer that came whole
// there is E2EL alone.
func (f *File) RequestValues(m metrics.Metric) (out [][]float64) {
	for s := range f.Samples() {
		if s.Success {
			out = append(out, valuesOf(&s, m))
		}
	}
	return out
}

func valuesOf(s *metrics.Sample, m metrics.Metric) []float64 {
	switch {
	case m == metrics.E2EL:
		return []float64{s.Latency}
	case s.TTFT < 0:
		return nil
	case m == metrics.TTFT:
		return []float64{s.TTFT}
	case m == metrics.ITL:
		return s.ITL
	}
	if tpot, ok := metrics.PerToken(s.TTFT, s.Latency, s.OutputTokens); ok {
		return []float64{tpot}
	}
	return nil
}
