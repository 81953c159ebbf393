package sweep

import (
	"math"
	"slices"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// Run is what one run at a load measured. Times are in seconds.
type Run struct {
	Requests, Failed int // of those that were sent
	Seconds          float64
	// Throughput is in output tokens per second: while all slots were busy, where that is known.
	Throughput float64
	// Values are the latencies of the successes in the order of their starts, by
	// metrics.Metric: each request with all its own. Those of a closed loop are without its
	// first and last wave, if it is long enough, those of a rate without the first quarter.
	Values [4][][]float64
	// Mean and Std are those of the E2EL where Values are not known.
	Mean, Std float64
	// Backlog is whether a queue grew, at a rate.
	Backlog Backlog
	// Limited says that the client could not keep up.
	Limited bool

	// A search looks at a run again after each that follows.
	statistics map[judge.Quantity]float64
	samples    map[judge.Quantity]judge.Sampled
}

// statistic is that of the run's values.
func (r *Run) statistic(q judge.Quantity) float64 {
	v, known := r.statistics[q]
	if !known {
		if r.statistics == nil {
			r.statistics = map[judge.Quantity]float64{}
		}
		v = r.Series(q).Value
		r.statistics[q] = v
	}
	return v
}

// sample is what the run says of a statistic.
func (r *Run) sample(q judge.Quantity) judge.Sampled {
	s, known := r.samples[q]
	if !known {
		if r.samples == nil {
			r.samples = map[judge.Quantity]judge.Sampled{}
		}
		s = judge.Sample(r.Series(q), q)
		r.samples[q] = s
	}
	return s
}

// FromFile is the run of a result file. One that was not saved in detail has no Values.
func FromFile(f *result.File) *Run {
	r := &Run{Mean: math.NaN(), Std: math.NaN()}
	for m := range r.Values {
		r.Values[m] = f.RequestValues(metrics.Metric(m))
	}
	answered := len(r.Values[metrics.E2EL])
	if f.Completed != nil {
		answered = *f.Completed
	}
	if d := f.Latency.E2EL; d != nil && d.Mean != nil && d.Std != nil {
		r.Mean, r.Std = *d.Mean/1e3, *d.Std/1e3
	}
	r.Requests = answered
	if f.NumPrompts != nil {
		r.Requests = max(answered, *f.NumPrompts)
	}
	if f.Duration != nil {
		r.Seconds = *f.Duration
	}
	if f.OutputThroughput != nil {
		r.Throughput = *f.OutputThroughput
	}
	if own := f.Loadgen; own != nil {
		if own.Requests != nil {
			r.Requests = max(answered, own.Requests.Sent)
		}
		if own.Metrics != nil && own.Metrics.Steady != nil && own.Metrics.Steady.OutputThroughput > 0 {
			r.Throughput = own.Metrics.Steady.OutputThroughput
		}
		r.Limited = strings.HasPrefix(own.Verdict, string(judge.ClientLimited))
	}
	r.Failed, r.Backlog = r.Requests-answered, backlog(f)
	switch c := f.MaxConcurrency; {
	case f.RequestRate != nil && !math.IsInf(float64(*f.RequestRate), 0):
		r.trimStart()
	case c != nil:
		r.trim(*c)
	}
	return r
}

// wavesNeeded is how many times its concurrency a closed loop sends for two waves to be left
// out.
const wavesNeeded = 4

// trim leaves out the first requests of a closed loop, which all start at once, and the last
// ones, which have less company than the others.
func (r *Run) trim(concurrency int) {
	for m, values := range r.Values {
		if n := len(values); concurrency > 0 && n >= wavesNeeded*concurrency {
			r.Values[m] = values[concurrency : n-concurrency]
		}
	}
}

// startShare is the part of a run at a rate that is left out, as it begins with an idle server.
const startShare = 0.25

// trimStart leaves out the first requests of a run at a rate.
func (r *Run) trimStart() {
	for m, values := range r.Values {
		r.Values[m] = values[int(startShare*float64(len(values))):]
	}
}

// Answered is how many requests were.
func (r *Run) Answered() int { return r.Requests - r.Failed }

// Series are the run's values of a latency.
func (r *Run) Series(f judge.Quantity) judge.Series {
	m := slices.Index(result.MetricNames[:], f.Metric)
	s := judge.Series{Requests: r.Values[m], N: r.Answered(), Value: math.NaN(), Mean: math.NaN(), Std: math.NaN()}
	values := slices.Concat(s.Requests...)
	if len(values) == 0 && f.Metric == "e2el" && f.Statistic == judge.MeanOf {
		s.Mean, s.Std, s.Value = r.Mean, r.Std, r.Mean
	}
	if len(values) == 0 {
		return s
	}
	s.Mean, s.Std = metrics.Mean(values), metrics.Std(values)
	if s.Value = s.Mean; f.Statistic.Q > 0 {
		slices.Sort(values)
		s.Value = metrics.Percentile(values, 100*f.Statistic.Q)
	}
	return s
}

// sampledThroughput is the run's throughput. That of a closed loop is the concurrency over the
// mean E2EL, by Little's law, and as uncertain as that; a rate's is taken to be as well.
func (r *Run) sampledThroughput(e2el judge.Sampled) judge.Sampled {
	return judge.Sampled{Value: r.Throughput, SE: r.Throughput * e2el.SE / e2el.Value, DF: e2el.DF, N: e2el.N}
}
