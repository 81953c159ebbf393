package sweep

import (
	"math"
	"slices"

	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// steady is a server under a load for long: the values of its runs, and nothing of how a search
// judges them.
type steady func(l Load, seed uint64) *Run

// gridStep is how far apart the loads are at which the true limit is looked for, gridReach how far
// from where it is expected.
const gridStep, gridReach = 0.02, 0.06

// trueLimit is the load up to which objectives hold, around a load: by the statistics of long runs
// at each load of a grid, without any test or search. In between they are straight lines;
// statistics that are not ascending are (isotonic regression, by pooled neighbours).
func trueLimit(objectives []Objective, around Load, runs int, long steady) float64 {
	var loads, excess []float64
	reach := int(math.Round(gridReach / gridStep))
	for i := -reach; i <= reach; i++ {
		l := around.times(1 + float64(i)*gridStep)
		if len(loads) > 0 && l.Value() <= loads[len(loads)-1] {
			continue
		}
		var all []*Run
		for k := range runs {
			all = append(all, long(l, uint64(1_000_000+1000*k+i+reach)))
		}
		most := math.Inf(-1)
		for k := range objectives {
			most = max(most, objectives[k].excess(all))
		}
		loads, excess = append(loads, l.Value()), append(excess, most)
	}
	excess = ascending(excess)
	for i := range loads {
		switch {
		case excess[i] <= 0:
			continue
		case i == 0:
			return math.NaN() // it is below the grid
		}
		limit := loads[i-1] - excess[i-1]/(excess[i]-excess[i-1])*(loads[i]-loads[i-1])
		if around.Concurrency > 0 {
			return math.Floor(limit)
		}
		return limit
	}
	return math.NaN() // it is above the grid
}

// ascending is the isotonic regression of values.
func ascending(x []float64) []float64 {
	type pool struct {
		mean float64
		n    int
	}
	var pools []pool
	for _, v := range x {
		pools = append(pools, pool{v, 1})
		for k := len(pools) - 1; k > 0 && pools[k-1].mean > pools[k].mean; k-- {
			a, b := pools[k-1], pools[k]
			pools = append(pools[:k-1], pool{(a.mean*float64(a.n) + b.mean*float64(b.n)) / float64(a.n+b.n), a.n + b.n})
		}
	}
	out := make([]float64, 0, len(x))
	for _, p := range pools {
		out = append(out, slices.Repeat([]float64{p.mean}, p.n)...)
	}
	return out
}

// excess is by how much more than what is allowed some runs miss an objective, relative to that;
// negative where they meet it.
func (o *Objective) excess(runs []*Run) float64 {
	metric := slices.Index(result.MetricNames[:], o.Quantity.Metric)
	missed, of, sum := 0.0, 0.0, 0.0
	for _, r := range runs {
		for i := range r.Values[metrics.TTFT] {
			if metric < 0 {
				of++
				if !slices.ContainsFunc(o.Each, func(e Objective) bool { return e.missedBy(r, i) }) {
					continue
				}
				missed++
				continue
			}
			for _, v := range r.Values[metric][i] {
				of, sum = of+1, sum+v
				if v > o.Limit {
					missed++
				}
			}
		}
	}
	if o.Quantity.Metric != "" && o.Quantity.Statistic.Q == 0 {
		return sum/of/o.Limit - 1
	}
	return missed/of/(1-max(o.Quantity.Statistic.Q, o.Share)) - 1
}

// missedBy reports whether a request misses a limit by itself: its one value, its mean, or, of a
// percentile of several, the one that so many are below.
func (o *Objective) missedBy(r *Run, i int) bool {
	own := slices.Clone(r.Values[slices.Index(result.MetricNames[:], o.Quantity.Metric)][i])
	switch q := o.Quantity.Statistic.Q; {
	case len(own) == 0:
		return false
	case q == 0:
		sum := 0.0
		for _, v := range own {
			sum += v
		}
		return sum/float64(len(own)) > o.Limit
	default:
		slices.Sort(own)
		at := q * float64(len(own)-1)
		k := int(at)
		return own[k]+(at-float64(k))*(own[min(k+1, len(own)-1)]-own[k]) > o.Limit
	}
}
