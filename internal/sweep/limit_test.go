package sweep

import (
	"context"
	"math"
	"os"
	"strconv"
	"testing"

	"loadgen/internal/judge"
)

func percentile(metric string, q float64, name string, limit float64) Objective {
	return Objective{Quantity: judge.Quantity{Metric: metric, Statistic: judge.Statistic{Name: name, Q: q}}, Limit: limit}
}

func mean(metric string, limit float64) Objective {
	return Objective{Quantity: judge.Quantity{Metric: metric, Statistic: judge.MeanOf}, Limit: limit}
}

// fromEnv is a number of the environment, or another.
func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// SLO_SEEDS searches of each case are made from seed SLO_FIRST on; none of the usual ones served to
// tune the search. One, and a short one, without it.
func seedsOfSearches() (first uint64, seeds int) {
	return uint64(fromEnv("SLO_FIRST", 9000)), fromEnv("SLO_SEEDS", 0)
}

// limitCase is a server, what it has to keep to, and the limit that is known.
type limitCase struct {
	name       string
	objectives []Objective
	from, to   Load
	truth      Load // as trueLimit finds it
	known      func(t *testing.T, around Load, objectives []Objective) float64
	measure    func(t *testing.T, seed uint64) Measure
}

// rarely are searches of which one takes too long for every run of the tests: those by rate.
func (c *limitCase) rarely() bool { return c.from.Rate > 0 }

// check makes the searches of a case, with the command line's defaults: of 20 at least 19 end within 5 % of
// the known limit, and at most one above it.
func (c *limitCase) check(t *testing.T, short SLOOptions) {
	first, seeds := seedsOfSearches()
	o := SLOOptions{Objectives: c.objectives, From: c.from, To: c.to, Resolution: 0.03, MinRequests: 100, MaxRequests: 4000, Seconds: 10, Confirm: 3, Budget: 7200}
	truth, within := c.truth.Value(), 0.05
	if seeds == 0 {
		o, within = short, 0.15
		o.Objectives = c.objectives
		seeds = 1
	} else {
		truth = c.known(t, c.truth, c.objectives)
		t.Logf("the limit is %.4g", truth)
		if !(math.Abs(truth/c.truth.Value()-1) <= 0.03) {
			t.Errorf("the limit is %g, not %s", truth, c.truth)
		}
	}
	near, above, requests, worst, mean, took := 0, 0, 0, 0.0, 0.0, 0.0
	for seed := first; seed < first+uint64(seeds); seed++ {
		l, err := FindLimit(context.Background(), o, c.measure(t, seed))
		if err != nil {
			t.Fatal(err)
		}
		for i := range l.Trials {
			requests += l.Trials[i].Requests
			if rate := l.Trials[i].Load.Rate; rate > 0 {
				took += float64(l.Trials[i].Requests) / rate / 60 / float64(seeds)
			}
		}
		if l.Best == nil {
			t.Logf("seed %d: nothing was confirmed", seed)
			continue
		}
		off := l.Best.Load.Value()/truth - 1
		if math.Abs(off) <= within {
			near++
		}
		if off > aboveBy {
			above++
		}
		if !(math.Abs(off) <= math.Abs(worst)) {
			worst = off
		}
		mean += off / float64(seeds)
		if testing.Verbose() {
			t.Logf("seed %d: %s, %+.1f %%; by the estimates between %s and %s", seed, l.Best.Load, 100*off, l.Low, l.High)
		}
	}
	t.Logf("%s: %d of %d searches within %g %% of %.4g, %d above it; at most %+.1f %% off, %+.1f %% in the mean, with %d requests each", c.name, near, seeds, 100*within, truth, above, 100*worst, 100*mean, requests/seeds)
	if took > 0 {
		t.Logf("%s: a search takes %.0f minutes", c.name, took)
	}
	if near < seeds-seeds/20 || above > max(1, seeds/20) {
		t.Errorf("%d of %d within %g %%, %d above", near, seeds, 100*within, above)
	}
}

// aboveBy is by how much more than the limit a load is above it: the limit is known that well.
const aboveBy = 0.01

// TestLimitIsTheKnownOne: searches against models.
func TestLimitIsTheKnownOne(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	engine := model{batch: 48, step: 0.01, prefill: 0.001, tokens: 24, spread: 0.6, jitter: 0.05}
	alike := engine
	alike.spread = 0.1
	slower := model{batch: 256, step: 0.01, perRequest: 0.0002, prefill: 0.0005, tokens: 24, spread: 0.6, jitter: 0.05}
	ttft, both := []Objective{percentile("ttft", 0.99, "p99", 0.2)}, []Objective{percentile("ttft", 0.99, "p99", 0.5), percentile("itl", 0.99, "p99", 0.03)}
	goodput := Objective{Share: 0.95, Each: []Objective{percentile("ttft", 0.99, "p99", 0.2)}}
	one, all := Load{Concurrency: 1}, Load{Concurrency: 1024}
	slow, fast := Load{Rate: 8}, Load{Rate: 8000}
	for _, c := range []struct {
		m model
		limitCase
	}{
		{engine, limitCase{name: "p99 TTFT, concurrency", objectives: ttft, from: one, to: all, truth: Load{Concurrency: 71}}},
		{alike, limitCase{name: "p99 TTFT, concurrency, requests of nearly one length", objectives: ttft, from: one, to: all, truth: Load{Concurrency: 72}}},
		{slower, limitCase{name: "p99 ITL, concurrency", objectives: both[1:], from: one, to: all, truth: Load{Concurrency: 73}}},
		{engine, limitCase{name: "goodput, concurrency", objectives: []Objective{goodput}, from: one, to: all, truth: Load{Concurrency: 73}}},
		{slower, limitCase{name: "mean TPOT and goodput, concurrency", objectives: []Objective{mean("tpot", 0.03), goodput}, from: one, to: all, truth: Load{Concurrency: 90}}},
		{slower, limitCase{name: "p99 TTFT that only a queue which grows breaks, rate", objectives: []Objective{percentile("ttft", 0.99, "p99", 20)}, from: slow, to: fast, truth: Load{Rate: 160}}},
		{slower, limitCase{name: "p99 TTFT and p99 ITL, rate", objectives: both, from: slow, to: fast, truth: Load{Rate: 104}}},
		{slower, limitCase{name: "mean TPOT and goodput, rate", objectives: []Objective{mean("tpot", 0.025), goodput}, from: slow, to: fast, truth: Load{Rate: 111}}},
	} {
		if _, seeds := seedsOfSearches(); seeds == 0 && c.rarely() { // too long
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.measure = func(_ *testing.T, seed uint64) Measure { return c.m.measure(seed) }
			c.known = func(_ *testing.T, around Load, objectives []Objective) float64 { return c.m.known(objectives, around) }
			c.check(t, SLOOptions{From: c.from, To: c.to, Resolution: 0.02, MinRequests: 100, MaxRequests: 4000, Seconds: 10, Confirm: 3})
		})
	}
}
