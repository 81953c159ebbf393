package judge

import (
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// drawn is a run of n requests whose values are lognormal, and follow each other
// with the correlation rho.
func drawn(rng *rand.Rand, n int, rho float64) []Series {
	x := rng.NormFloat64()
	requests := make([][]float64, n)
	for i := range requests {
		requests[i] = []float64{math.Exp(0.5 * x)}
		x = rho*x + math.Sqrt(1-rho*rho)*rng.NormFloat64()
	}
	return []Series{{Requests: requests}}
}

// TestStatsCoverage compares pairs of runs with the same law: 95 % of the intervals
// hold the truth, which is no difference. COVERAGE_PAIRS sets how many, 10,000 in
// make stats-coverage.
func TestStatsCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	pairs := 300
	if text := os.Getenv("COVERAGE_PAIRS"); text != "" {
		pairs, _ = strconv.Atoi(text)
	}
	const n = 200
	for _, c := range []struct {
		name      string
		rho       float64
		low, high float64
	}{{"independent", 0, 0.94, 0.96}, {"autocorrelated 0.3", 0.3, 0.90, 0.97}, {"autocorrelated 0.6", 0.6, 0.90, 0.97}} {
		for _, s := range []Statistic{MeanOf, MedianOf} {
			covered, alarms := cover(pairs, func(rng *rand.Rand) *Interval {
				a, b := drawn(rng, n, c.rho), drawn(rng, n, c.rho)
				a[0].Value, b[0].Value = valueOf(a[0], s), valueOf(b[0], s)
				return Compare(a, b, Quantity{Statistic: s})
			})
			// The sampling error of the check itself, at three deviations.
			tolerance := 3 * math.Sqrt(0.05*0.95/float64(pairs))
			t.Logf("%-20s %-6s %6.2f %% of %d intervals hold the truth, %5.2f %% false alarms", c.name, s.Name, 100*covered, pairs, 100*alarms)
			if covered < c.low-tolerance || covered > c.high+tolerance {
				t.Errorf("%s %s: %.4f of the intervals hold the truth, want %.2f to %.2f", c.name, s.Name, covered, c.low, c.high)
			}
			if want := 1 - covered; !(math.Abs(alarms-want) <= tolerance) {
				t.Errorf("%s %s: %.4f false alarms, and %.4f intervals that miss", c.name, s.Name, alarms, want)
			}
		}
	}
}

// TestStatsCoverageFromRunToRun gives each run a factor of its own, as servers do: with one
// run a variant the assumed deviation, with repeats one that nobody knows.
func TestStatsCoverageFromRunToRun(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	pairs := 300
	if text := os.Getenv("COVERAGE_PAIRS"); text != "" {
		pairs, _ = strconv.Atoi(text)
	}
	const n = 80
	tolerance := 3 * math.Sqrt(0.05*0.95/float64(pairs))
	for _, c := range []struct {
		name        string
		base, other int
		between     func(f Quantity) float64
		low         float64
	}{
		{"1 run each", 1, 1, func(f Quantity) float64 { return RunToRun(f, n) }, 0.94},
		{"3 runs each", 3, 3, func(Quantity) float64 { return 0.02 }, 0.94},
		{"3 runs each, far apart", 3, 3, func(Quantity) float64 { return 0.2 }, 0.94},
		{"5 runs each", 5, 5, func(Quantity) float64 { return 0.05 }, 0.94},
		{"1 and 4 runs", 1, 4, func(Quantity) float64 { return 0.1 }, 0.93},
	} {
		for _, s := range []Statistic{MeanOf, MedianOf} {
			f := Quantity{Metric: "ttft", Statistic: s}
			runs := func(rng *rand.Rand, many int) (all []Series) {
				for range many {
					r := drawn(rng, n, 0.3)[0].scaled(math.Exp(c.between(f) * rng.NormFloat64()))
					r.Value, r.N = valueOf(r, s), n
					all = append(all, r)
				}
				return all
			}
			covered, alarms := cover(pairs, func(rng *rand.Rand) *Interval {
				return Compare(runs(rng, c.base), runs(rng, c.other), f)
			})
			t.Logf("%-22s %-6s %6.2f %% of %d intervals hold the truth, %5.2f %% false alarms", c.name, s.Name, 100*covered, pairs, 100*alarms)
			if covered < c.low-tolerance || covered > 0.985+tolerance || alarms > 1-c.low+tolerance {
				t.Errorf("%s %s: %.4f of the intervals hold the truth, %.4f false alarms", c.name, s.Name, covered, alarms)
			}
		}
	}
}

func valueOf(s Series, st Statistic) float64 {
	weights := make([]int32, len(s.Requests))
	for i := range weights {
		weights[i] = 1
	}
	return newPool(s.Requests, st).statistic(weights)
}

// cover tells how many of the intervals hold 0 and the ratio 1, and how many would be called
// significant at 5 %.
func cover(pairs int, one func(*rand.Rand) *Interval) (covered, alarms float64) {
	var mu sync.Mutex
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			for i := w; i < pairs; i += workers {
				v := one(rand.New(rand.NewPCG(7, uint64(i))))
				mu.Lock()
				if v.DiffLow <= 0 && 0 <= v.DiffHigh {
					covered += 1 / float64(pairs)
				}
				if v.P < 0.05 {
					alarms += 1 / float64(pairs)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return covered, alarms
}
