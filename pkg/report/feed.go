package report

import (
	"cmp"
	"math"

	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// program is the client that wrote the file, with its version where it says one.
func (s *Stored) program() string {
	has := func(key string) bool { return s.file.Metadata.Get(key) != nil }
	switch {
	case s.file.Loadgen != nil:
		return "loadgen " + s.file.Loadgen.Version
	case s.file.Program != "":
		return plain.Line(s.file.Program)
	case has("rtfx") || has("endpoint_type"):
		return "vllm"
	case has("server_info") || has("sharegpt_output_len"):
		return "sglang"
	}
	return "benchmark_serving"
}

// decoding is how many requests decoded at a time, 0 where it is not known.
func (s *Stored) decoding() float64 {
	if live := s.loadgen().DecodingAtATime; live != nil {
		return *live
	}
	return known(judge.DecodingAtATime(countOf(s.file.Completed), s.meanE2EL(), s.Latency("mean", metrics.TTFT), valueOf(s.file.Duration)))
}

// meanE2EL is the mean E2EL in seconds, of its other means where the file has none.
func (s *Stored) meanE2EL() float64 {
	if e2el := s.Latency("mean", metrics.E2EL); !math.IsNaN(e2el) {
		return e2el
	}
	return judge.MeanE2EL(countOf(s.file.Completed), countOf(s.file.TotalOutputTokens), s.Latency("mean", metrics.TTFT), s.Latency("mean", metrics.TPOT))
}

// tokensPerChunk is how many tokens a chunk has on average, 0 where it is not known.
func (s *Stored) tokensPerChunk() float64 {
	f := s.file
	tokens, chunks := 0, 0
	for i := range min(len(f.ITLs), len(f.OutputLens)) {
		if n := f.OutputLens[i]; n > 0 && len(f.ITLs[i]) > 0 {
			tokens, chunks = tokens+n, chunks+len(f.ITLs[i])+1
		}
	}
	if chunks > 0 {
		return float64(tokens) / float64(chunks)
	}
	ttft, itl := s.Latency("mean", metrics.TTFT), s.Latency("mean", metrics.ITL)
	return known(judge.TokensPerChunk(countOf(f.Completed), countOf(f.TotalOutputTokens), s.meanE2EL(), ttft, itl))
}

// known is x, 0 for NaN.
func known(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

// lateSchedule reports whether the client did not keep the schedule of the requests.
func (s *Stored) lateSchedule() bool {
	if budget := s.loadgen().ErrorBudget; budget != nil {
		for _, r := range budget.Reasons {
			if r.What == "schedule" {
				return true
			}
		}
	}
	return false
}

// clientError is by how much the client may have moved a statistic, in its unit, 0 where
// it is not known.
func (s *Stored) clientError(f judge.Quantity, value float64) float64 {
	budget := s.loadgen().ErrorBudget
	if budget == nil {
		return 0
	}
	if f.Higher {
		return budget.IdleShare * known(value)
	}
	bound := map[string]result.Bound{
		"ttft": budget.Bounds.TTFT, judge.FirstWaveTTFT: *cmp.Or(budget.FirstWave, &budget.Bounds.TTFT), "tpot": budget.Bounds.TPOT,
		"itl": budget.Bounds.ITL, judge.PerTokenITL: budget.Bounds.ITL, "e2el": budget.Bounds.E2EL,
	}[f.Metric]
	switch f.Statistic {
	case judge.MeanOf:
		return bound.Mean / 1e3
	case judge.MedianOf:
		return bound.Median / 1e3
	}
	return bound.P99 / 1e3
}

// firstWave is the TTFT of the first requests of a closed loop, as many as its
// concurrency, but for the failures among them.
func (s *Stored) firstWave() judge.Series {
	out := judge.Series{Value: math.NaN(), Mean: math.NaN(), Std: math.NaN()}
	if w := s.loadgen().FirstWave; w != nil && w.TTFT != nil {
		out.N, out.Value, out.Mean = w.Completed, w.TTFT.Mean/1e3, w.TTFT.Mean/1e3
		return out
	}
	f, c := s.file, s.load().concurrency
	if c == 0 || s.rate() > 0 || len(f.TTFTs) <= c {
		return out
	}
	var values []float64
	for i := range min(c, len(f.OutputLens)) {
		if ttft := f.TTFTs[i]; !math.IsNaN(ttft) && ttft >= 0 && !(f.OutputLens[i] == 0 && ttft == 0) {
			values = append(values, ttft)
		}
	}
	if len(values) > 0 {
		out.N, out.Value = len(values), metrics.Mean(values)
		out.Mean = out.Value
	}
	return out
}

// perTokenITL is the ITL by the times of tokens, where the file has it.
func (s *Stored) perTokenITL(statistic string) judge.Series {
	out := judge.Series{N: countOf(s.file.Completed), Value: math.NaN(), Mean: math.NaN(), Std: math.NaN()}
	m := s.loadgen().Metrics
	if m == nil || m.PerToken == nil {
		return out
	}
	x := m.PerToken
	out.Mean, out.Std = x.Mean/1e3, valueOf(x.Std)/1e3
	switch statistic {
	case "mean":
		out.Value = out.Mean
	case "median":
		out.Value = valueOf(x.Median) / 1e3
	}
	for _, p := range x.Percentiles {
		if "p"+percentile(p.P) == statistic {
			out.Value = p.Value / 1e3
		}
	}
	return out
}

// defined are the latencies by the definitions of other clients, nil in their own files.
func (s *Stored) defined() map[string]map[judge.Quantity]float64 {
	out := map[string]map[judge.Quantity]float64{}
	for _, d := range s.loadgen().Definitions {
		values := map[judge.Quantity]float64{}
		for metric, x := range map[string]*result.Summary{"ttft": d.TTFT, "itl": d.ITL, "tpot": d.TPOT, "e2el": d.Latency} {
			if x != nil {
				values[judge.Quantity{Metric: metric, Statistic: judge.MeanOf}] = x.Mean / 1e3
				values[judge.Quantity{Metric: metric, Statistic: judge.MedianOf}] = x.Median / 1e3
				values[judge.Quantity{Metric: metric, Statistic: judge.P99Of}] = x.P99 / 1e3
			}
		}
		out[d.Tool] = values
	}
	return out
}
