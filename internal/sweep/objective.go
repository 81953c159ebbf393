package sweep

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// Objective is what a server must keep to: a statistic of a latency is at most Limit seconds,
// or, without a metric, at least Share of the requests meet the limits Each.
type Objective struct {
	Quantity judge.Quantity
	Limit    float64
	Share    float64
	Each     []Objective
}

// String is the objective as it is written: p99 TTFT 500 ms, goodput 99 %.
func (o *Objective) String() string {
	if o.Quantity.Metric == "" {
		return fmt.Sprintf("goodput %g %%", 100*o.Share)
	}
	return o.Quantity.Statistic.Name + " " + strings.ToUpper(o.Quantity.Metric) + " " + strconv.FormatFloat(1e3*o.Limit, 'g', 6, 64) + " ms"
}

// needed is the share of values, or of requests, that must meet the limit; 0 for a mean.
func (o *Objective) needed() float64 {
	if o.Quantity.Metric == "" {
		return o.Share
	}
	return o.Quantity.Statistic.Q
}

// Standing is how a load stands to an objective.
type Standing struct {
	// Value is the statistic in seconds, or the share of good requests: the mean of the runs,
	// each weighted by its requests.
	Value float64
	// Attained is the share of values, or requests, that meet the limit, with the bounds that
	// the test used; NaN for a mean.
	Attained, Low, High float64
	Held, Broken        bool // one of them, or neither: not decided
	Leans               bool // it holds by the estimate alone

	clusters clusters
}

// clusters are how the values that miss a limit come together: of how much of the variance there
// is, and of how much there would be if each request were independent of the others.
type clusters struct{ is, independent float64 }

// size is how many requests say as much as one that is independent of the others; 0 where no value
// missed, and nothing is known.
func (c clusters) size() float64 {
	if !(c.independent > 0) {
		return 0
	}
	return max(1, c.is/c.independent)
}

// ones are the values of a run's requests, 1 where they meet the limit. A request that failed
// misses it.
func (o *Objective) ones(r *Run) (out [][]float64) {
	one := func(met bool) float64 {
		if met {
			return 1
		}
		return 0
	}
	if o.Quantity.Metric == "" {
		for i := range r.Values[metrics.TTFT] {
			met := true
			for k := range o.Each {
				met = met && o.Each[k].meets(r, i)
			}
			out = append(out, []float64{one(met)})
		}
	} else {
		for _, values := range r.Values[slices.Index(result.MetricNames[:], o.Quantity.Metric)] {
			of := make([]float64, len(values))
			for k, v := range values {
				of[k] = one(v <= o.Limit)
			}
			out = append(out, of)
		}
	}
	for range r.Failed {
		out = append(out, []float64{0})
	}
	return out
}

// meets reports whether a request meets the limit by itself: the same statistic of its own
// values does.
func (o *Objective) meets(r *Run, i int) bool {
	values := r.Values[slices.Index(result.MetricNames[:], o.Quantity.Metric)][i]
	switch {
	case len(values) == 0: // one token has no gap
		return true
	case o.Quantity.Statistic.Q == 0:
		return metrics.Mean(values) <= o.Limit
	}
	values = slices.Sorted(slices.Values(values))
	return metrics.Percentile(values, 100*o.Quantity.Statistic.Q) <= o.Limit
}

// standing tests an objective with some runs at a load; each of its two wrong answers has at
// most the probability alpha. So many requests as cluster says are worth one, or more; where there
// are too few for that, no more than those by which a load without any miss can be shown to hold.
func (o *Objective) standing(runs []*Run, alpha, cluster float64, few bool) (s Standing) {
	weight := 0.0
	for _, r := range runs {
		n := float64(r.Answered())
		value := 0.0
		if o.Quantity.Metric != "" && n > 0 {
			value = r.statistic(o.Quantity)
		}
		s.Value, weight = s.Value+n*value, weight+n
	}
	s.Value /= weight
	if o.needed() == 0 {
		return o.mean(runs, s, alpha)
	}
	var all [][][]float64
	for _, r := range runs {
		all = append(all, o.ones(r))
	}
	share := judge.ShareOf(all)
	requests := 0.0
	for _, r := range all {
		requests += float64(len(r))
	}
	if v := share.Value * (1 - share.Value) * requests; v > 0 {
		s.clusters = clusters{v * share.Cluster, v}
	}
	if cluster > 0 && share.Of > requests/cluster {
		least := 0.0
		if few {
			least = min(share.Of, float64(judge.NeededForShare(o.needed(), alpha)))
		}
		share.Of = max(requests/cluster, least)
	}
	s.Attained, s.Low, s.High = share.Value, share.Low(alpha), share.High(alpha)
	if o.Quantity.Metric == "" {
		s.Value = share.Value
	}
	s.Held, s.Broken, s.Leans = s.Low >= o.needed(), s.High < o.needed(), s.Attained >= o.needed()
	return s
}

// mean tests a mean: its interval is below the limit, or above it.
func (o *Objective) mean(runs []*Run, s Standing, alpha float64) Standing {
	var all []judge.Sampled
	for _, r := range runs {
		all = append(all, r.sample(o.Quantity))
	}
	p := judge.PrecisionOf(all, 1-2*alpha)
	s.Attained, s.Low, s.High = math.NaN(), p.Low, p.High
	s.Held, s.Broken, s.Leans = p.High <= o.Limit, p.Low > o.Limit, p.Value <= o.Limit
	return s
}
