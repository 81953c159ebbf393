package sweep

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"loadgen/internal/result"
)

// Backlog is by how many requests a run's queue grew while requests came at a rate.
type Backlog struct {
	Grown float64 // between the first quarter's end and the last request
	Came  float64 // in that time
	// Dispersion is the variance of the number that comes over its mean: 1 of a Poisson process.
	Dispersion float64
}

// shortest is the least number of seconds in which a queue is seen to grow, as runs are known by
// the second.
const shortest = 4

// backlog reads off a run whether its queue grew; zero for a closed loop, whose queue is
// bounded, and for a run that is too short. The first quarter is left out, as it begins with an
// idle server.
func backlog(f *result.File) (b Backlog) {
	if f.RequestRate == nil || math.IsInf(float64(*f.RequestRate), 0) || f.Loadgen == nil || f.Loadgen.Metrics == nil {
		return b
	}
	series := f.Loadgen.Metrics.Series
	last := -1
	for i := range series {
		if series[i].Started > 0 {
			last = i
		}
	}
	if last < shortest {
		return b
	}
	from := (last + 3) / 4
	answered := 0
	for _, s := range series[from:last] { // whole seconds
		b.Came += float64(s.Started)
		answered += s.Completed
	}
	if f.MaxConcurrency != nil { // what waits for a slot has not started
		b.Came = float64(*f.RequestRate) * float64(last-from)
	}
	b.Grown, b.Dispersion = b.Came-float64(answered), 1
	if f.Burstiness != nil && *f.Burstiness > 0 {
		b.Dispersion = max(1, 1/float64(*f.Burstiness))
	}
	return b
}

// grows reports whether the queue of a server grew over some runs, and would have gone on to
// do so. Even at the highest rate that a server can do its queue changes by no more than the
// number of requests that came varies by: in heavy traffic it is a Brownian motion of that
// variance, held at zero (Kingman 1962; Whitt, Stochastic-Process Limits, 2002, chapter 9). Below
// that rate it changes by less. What grew by more than the level allows came from a rate above it.
func grows(runs []*Run, alpha float64) bool {
	grown, _, variance := queue(runs)
	return variance > 0 && grown > mathext.NormalQuantile(1-alpha)*math.Sqrt(variance)
}

// longest are the runs that are about as long as the longest one: those before them were shorter, and
// more of them was the time in which an idle server fills.
func longest(runs []*Run) []*Run {
	most := 0.0
	for _, r := range runs {
		most = max(most, r.Backlog.Came)
	}
	return slices.DeleteFunc(slices.Clone(runs), func(r *Run) bool { return r.Backlog.Came < 0.8*most })
}

// slow is the share of what comes by which a queue may grow unseen.
const slow = 0.01

// mayGrow reports whether the queue may grow faster than is to go unseen.
func mayGrow(runs []*Run, alpha float64) bool {
	grown, came, variance := queue(runs)
	return grown+mathext.NormalQuantile(1-alpha)*math.Sqrt(variance) > slow*came
}

// queue is by how much the queue of some runs grew, what came, and the variance of that.
func queue(runs []*Run) (grown, came, variance float64) {
	for _, r := range runs {
		grown += r.Backlog.Grown
		came += r.Backlog.Came
		variance += r.Backlog.Came * r.Backlog.Dispersion
	}
	return grown, came, variance
}
