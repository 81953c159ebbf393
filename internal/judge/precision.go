package judge

import (
	"math"

	"loadgen/internal/student"
)

// Sampled is a statistic of one run: its value, and how uncertain the run's own requests
// leave it.
type Sampled struct {
	Value float64
	// SE is the standard error, NaN where the run says none, and DF its degrees of freedom.
	SE, DF float64
	// Error is by how much the client may have moved the value.
	Error float64
	N     int // requests
}

// Sample is what one run says of a statistic. The requests are resampled in blocks, as those
// of a run depend on each other.
func Sample(s Series, f Quantity) Sampled {
	out := Sampled{Value: s.Value, SE: math.NaN(), Error: s.Error, N: max(s.N, len(s.Requests))}
	e := estimate{}
	switch {
	case len(s.Requests) > 0:
		e = bootstrap(s.Requests, f.Statistic)
	case !f.Higher && f.Statistic.Q == 0:
		e = fromSummary(s)
	}
	if e.usable() {
		out.SE, out.DF = e.se, e.df
	}
	return out
}

// Precision is a statistic of all runs at one load, and its interval.
type Precision struct {
	Value, Low, High float64 // the interval's ends are NaN where there is none
	// SE is the standard error of Value, NaN where it is not known.
	SE       float64
	Runs     int
	Requests int
}

// Relative is half the interval's width, relative to the value; infinite where there is none.
func (p Precision) Relative() float64 {
	if half := (p.High - p.Low) / 2; p.Value > 0 && !math.IsNaN(half) {
		return half / p.Value
	}
	return math.Inf(1)
}

// PrecisionOf pools runs at one load, each weighted by its requests. Each run is one
// observation (independent replications: Law, Simulation Modeling and Analysis, 9.5.2), so
// that whatever the requests of a run have in common widens the interval. It is never
// narrower than the requests within the runs allow, as a few runs may agree by chance.
func PrecisionOf(runs []Sampled, level float64) Precision {
	p := Precision{Value: math.NaN(), Low: math.NaN(), High: math.NaN(), SE: math.NaN(), Runs: len(runs)}
	total := 0.0
	for _, r := range runs {
		p.Requests += r.N
		total += float64(max(r.N, 1))
	}
	if len(runs) == 0 {
		return p
	}
	mean, squares, off := 0.0, 0.0, 0.0
	within, allSay := estimate{}, true
	for _, r := range runs {
		w := float64(max(r.N, 1)) / total
		mean, squares, off = mean+w*r.Value, squares+w*w, off+w*r.Error
		if math.IsNaN(r.SE) {
			allSay = false
		} else if within.df == 0 {
			within = estimate{se: w * r.SE, df: r.DF}
		} else {
			within.se, within.df = welch(within.se, within.df, w*r.SE, r.DF)
		}
	}
	p.Value = mean
	between := estimate{}
	if len(runs) > 1 {
		spread := 0.0
		for _, r := range runs {
			w := float64(max(r.N, 1)) / total
			spread += w * (r.Value - mean) * (r.Value - mean)
		}
		between = estimate{se: math.Sqrt(spread / (1 - squares) * squares), df: float64(len(runs) - 1)}
	}
	e := between
	if allSay && within.se >= between.se {
		e = within
	}
	if !(e.df > 0) || math.IsNaN(e.se) {
		return p
	}
	half := studentT(1-(1-level)/2, e.df)*e.se + off
	p.SE, p.Low, p.High = e.se, mean-half, mean+half
	return p
}

func studentT(p, df float64) float64 {
	return student.Quantile(p, math.Max(df, 1))
}
