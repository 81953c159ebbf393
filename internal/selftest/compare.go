package selftest

import (
	"fmt"
	"slices"
	"strings"

	"loadgen/internal/analysis"
	"loadgen/internal/judge"
	"loadgen/pkg/metrics"
)

// Errors are how far a run's report is from the truth, and how far it says it may be.
type Errors struct {
	// Minus is reported minus true, by Metric, in seconds.
	Minus [4]Statistics
	// Bounds is the measurement error that the run states.
	Bounds [4]judge.Bound
	// Gaps is how many tokens an answer has after its first, in the mean.
	Gaps float64
}

// Compare compares what a run reports, its Summary, with the truth. The summary must have a
// 99th percentile, and as many values as the server made: where all gaps are alike, no
// statistic shows that one is missing.
func Compare(a *analysis.Analysis, truth [4]Statistics) (e Errors, err error) {
	p99 := slices.Index(a.Summary.Percentiles, 99)
	if p99 < 0 {
		return e, fmt.Errorf("the run reports no 99th percentile")
	}
	e.Bounds = a.Budget.Bounds
	e.Gaps = float64(a.Summary.OutputTokens)/float64(max(1, a.Summary.Completed)) - 1
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		got, want := a.Summary.Latency[m], truth[m]
		if n := a.Summary.Values[m].Len(); n != want.Count {
			return e, fmt.Errorf("the run reports %d values of %s, and the server made %d", n, strings.ToUpper(m.String()), want.Count)
		}
		e.Minus[m] = Statistics{0, got.Mean - want.Mean, got.Median - want.P50, got.Percentiles[p99] - want.P99}
	}
	return e, nil
}

// Most is the largest of some differences, whatever its sign.
func (f Statistics) Most() float64 { return max(f.Mean, -f.Mean, f.P50, -f.P50, f.P99, -f.P99) }

// Most is the largest error of all, in seconds.
func (e *Errors) Most() (most float64) {
	for _, f := range e.Minus {
		most = max(most, f.Most())
	}
	return most
}

// Path is what of an error is neither loadgen's nor in its bound, in seconds: the
// server's own step from noting an instant to the wire, and the way through the kernel.
const Path = 0.1e-3

// path is what the path can move a metric by: TPOT has a part of it with each gap.
func (e *Errors) path(m metrics.Metric) float64 {
	if m == metrics.TPOT {
		return Path / max(1, e.Gaps)
	}
	return Path
}

// Beyond are the metrics whose true error exceeds the stated bound, the path allowed for.
func (e *Errors) Beyond() (out []metrics.Metric) {
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if e.larger(m) == "error" {
			out = append(out, m)
		}
	}
	return out
}

// larger reports which of a metric's error and its bound is larger.
func (e *Errors) larger(m metrics.Metric) string {
	switch most, bound := e.Minus[m].Most(), e.Bounds[m].Most(); {
	case most > bound+e.path(m):
		return "error"
	case most > bound:
		return "bound + path"
	}
	return "bound"
}
