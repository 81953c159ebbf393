package sweep

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/trtsim"
)

// simulatedRun is a run of the whole client against the simulator in virtual time.
func simulatedRun(t *testing.T, p trtsim.Profile, seed uint64, spread string, a Ask) *Run {
	args := []string{"--num-prompts", strconv.Itoa(a.Requests), "--seed", strconv.FormatUint(seed, 10), "--random-input-len", "8", "--random-output-len", "12", "--random-range-ratio", spread,
		"--ignore-eos", "--no-test-input", "--save-detailed"}
	if a.Load.Concurrency > 0 {
		args = append(args, "--max-concurrency", strconv.Itoa(a.Load.Concurrency), "--stagger", strconv.FormatFloat(a.Stagger, 'f', 6, 64))
	} else {
		args = append(args, "--request-rate", strconv.FormatFloat(a.Load.Rate, 'g', -1, 64))
	}
	var r *Run
	synctest.Test(t, func(t *testing.T) {
		out, err := benchtest.Simulated(t, trtsim.Options{Profile: p, Seed: seed}, args...)
		if err != nil {
			t.Fatal(err)
		}
		r = FromFile(out.Parsed(t))
	})
	return r
}

// stepsRun is a run against the simulator's engine alone, a hundredth of the work: of the requests
// of simulatedRun, by a client that takes no time. What comes while a step lasts is in the next one.
func stepsRun(p trtsim.Profile, seed uint64, spread float64, a Ask) *Run {
	rng := rand.New(rand.NewPCG(seed, 7))
	between := func(nominal float64) int {
		low, high := math.Trunc(nominal*(1-spread)), math.Trunc(nominal*(1+spread))
		return int(low) + rng.IntN(int(high-low)+1)
	}
	n, now, at := a.Requests, 0.0, starts(rng, a.Load, a.Requests, a.Stagger)
	var all []*request
	var delivered [][2]float64
	engine := trtsim.NewSteps(p, seed)
	for left := n; left > 0; {
		if !engine.Busy() {
			now = max(now, at[0])
		}
		for len(at) > 0 && at[0] < now || len(at) > 0 && !engine.Busy() {
			engine.Add(len(all), 1+between(8), between(12)) // a prompt begins with a token of its own
			all, at = append(all, &request{at: at[0]}), at[1:]
		}
		took, made := engine.Step()
		now += took.Seconds()
		delivered = append(delivered, [2]float64{now, float64(len(made))})
		for _, m := range made {
			r := all[m.ID]
			if r.first == 0 {
				r.first = now
			} else {
				r.gaps = append(r.gaps, now-r.last)
			}
			if r.last = now; !m.Done {
				continue
			}
			if left--; a.Load.Concurrency > 0 && len(all)+len(at) < n {
				at = append(at, now)
			}
		}
		if a.Load.Concurrency > 0 {
			slices.Sort(at)
		}
	}
	return measured(a.Load, all, delivered)
}

// TestStepsAreTheSimulator: the engine alone is as the whole simulator, and the whole client.
func TestStepsAreTheSimulator(t *testing.T) {
	for _, l := range []Load{{Concurrency: 57}, {Rate: 170}} {
		a := Ask{Load: l, Requests: 2000, Stagger: 0.2}
		steps, whole := stepsRun(narrow, 1, 0.6, a), simulatedRun(t, narrow, 1, "0.6", a)
		for _, o := range []Objective{mean("ttft", 1), mean("itl", 1), mean("e2el", 1)} {
			x, y := steps.Series(o.Quantity).Value, whole.Series(o.Quantity).Value
			if !(math.Abs(x/y-1) <= 0.05) {
				t.Errorf("%s: mean %s %.6f s by the engine alone, %.6f s by the client", l.Words(), o.Quantity.Metric, x, y)
			}
		}
	}
}

// narrow is a server whose requests wait for a place in its batch, wide one whose batch has room.
var (
	narrow = trtsim.Profile{Name: "narrow", Step: 10 * time.Millisecond, PerRequest: 150 * time.Microsecond, Prefill: 80 * time.Microsecond, MaxBatch: 48, MaxTokens: 8192, MaxLen: 8192}
	wide   = trtsim.Profile{Name: "wide", Step: 10 * time.Millisecond, PerRequest: 150 * time.Microsecond, Prefill: 80 * time.Microsecond, MaxBatch: 256, MaxTokens: 8192, MaxLen: 8192}
)

// simulatedCase is a search against the simulator.
type simulatedCase struct {
	p      trtsim.Profile
	spread float64 // of the lengths, relative
	limitCase
}

// knownBySteps is the limit by long runs of the engine alone: of 240,000 requests at each load.
func (c *simulatedCase) knownBySteps(_ *testing.T, around Load, objectives []Objective) float64 {
	return trueLimit(objectives, around, 12, func(l Load, seed uint64) *Run {
		a := Ask{Load: l, Requests: 1000, Stagger: 0.2}
		a.Stagger = longAs(stepsRun(c.p, seed, c.spread, a))
		a.Requests = 20_000
		return stepsRun(c.p, seed, c.spread, a)
	})
}

// simulatedCases are searches against the simulator.
func simulatedCases() []simulatedCase {
	ttft, itl := percentile("ttft", 0.99, "p99", 0.1), percentile("itl", 0.99, "p99", 0.025)
	goodput := Objective{Share: 0.95, Each: []Objective{percentile("ttft", 0.99, "p99", 0.1), mean("tpot", 0.021)}}
	one, all := Load{Concurrency: 1}, Load{Concurrency: 256}
	slow, fast := Load{Rate: 8}, Load{Rate: 2000}
	return []simulatedCase{
		{narrow, 0.6, limitCase{name: "p99 TTFT, concurrency", objectives: []Objective{ttft}, from: one, to: all, truth: Load{Concurrency: 57}}},
		{narrow, 0, limitCase{name: "p99 TTFT, concurrency, requests of one length", objectives: []Objective{ttft}, from: one, to: all, truth: Load{Concurrency: 59}}},
		{wide, 0.6, limitCase{name: "p99 ITL, concurrency", objectives: []Objective{itl}, from: one, to: all, truth: Load{Concurrency: 57}}},
		{narrow, 0.6, limitCase{name: "goodput, concurrency", objectives: []Objective{goodput}, from: one, to: all, truth: Load{Concurrency: 59}}},
		{wide, 0.6, limitCase{name: "mean TPOT and goodput, concurrency", objectives: []Objective{mean("tpot", 0.02), goodput}, from: one, to: all, truth: Load{Concurrency: 52}}},
		{narrow, 0.6, limitCase{name: "p99 TTFT, rate", objectives: []Objective{ttft}, from: slow, to: fast, truth: Load{Rate: 182}}},
		{wide, 0.6, limitCase{name: "p99 ITL, rate", objectives: []Objective{itl}, from: slow, to: fast, truth: Load{Rate: 192}}},
		{wide, 0.6, limitCase{name: "goodput, rate", objectives: []Objective{goodput}, from: slow, to: fast, truth: Load{Rate: 184}}},
		{wide, 0.6, limitCase{name: "p99 TTFT and p99 ITL, rate", objectives: []Objective{ttft, itl}, from: slow, to: fast, truth: Load{Rate: 192}}},
		{wide, 0.6, limitCase{name: "mean TPOT and goodput, rate", objectives: []Objective{mean("tpot", 0.02), goodput}, from: slow, to: fast, truth: Load{Rate: 183}}},
	}
}

// TestLimitOfTheSimulator: searches against the simulator's engine.
func TestLimitOfTheSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	for _, c := range simulatedCases() {
		if _, seeds := seedsOfSearches(); seeds == 0 && c.rarely() { // too long
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.measure = func(_ *testing.T, seed uint64) Measure {
				runs := uint64(0)
				return func(_ context.Context, a Ask) (*Run, error) {
					runs++
					return stepsRun(c.p, seed*1000+runs, c.spread, a), nil
				}
			}
			c.known = c.knownBySteps
			c.check(t, SLOOptions{From: c.from, To: c.to, Resolution: 0.02, MinRequests: 100, MaxRequests: 4000, Seconds: 10, Confirm: 3})
		})
	}
}

// TestLimitThroughTheClient: the first of them through the whole client, which takes ten times as long.
func TestLimitThroughTheClient(t *testing.T) {
	c := simulatedCases()[0]
	c.measure = func(t *testing.T, seed uint64) Measure {
		runs := uint64(0)
		return func(_ context.Context, a Ask) (*Run, error) {
			runs++
			return simulatedRun(t, c.p, seed*1000+runs, strconv.FormatFloat(c.spread, 'g', -1, 64), a), nil
		}
	}
	c.known = c.knownBySteps
	c.check(t, SLOOptions{From: Load{Concurrency: 40}, To: Load{Concurrency: 80}, Resolution: 0.1, MinRequests: 50, MaxRequests: 600, Confirm: 1})
}
