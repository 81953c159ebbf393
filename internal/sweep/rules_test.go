package sweep

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// TestBacklog: the growth of a queue is what came less what was answered, from the end of the
// run's first quarter to the second of the last request.
func TestBacklog(t *testing.T) {
	file := func(rate float64, started, completed []int) *result.File {
		r := result.Rate(rate)
		f := &result.File{RequestRate: &r, Loadgen: &result.Loadgen{Metrics: &result.Extended{}}}
		for i := range started {
			f.Loadgen.Metrics.Series = append(f.Loadgen.Metrics.Series, result.Second{Second: i, Started: started[i], Completed: completed[i]})
		}
		return f
	}
	// The last request starts in second 8: seconds 2 to 7 count.
	started, completed := []int{9, 9, 10, 10, 10, 10, 10, 10, 3, 0, 0}, []int{0, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6}
	if got := backlog(file(10, started, completed)); got != (Backlog{Grown: 24, Came: 60, Dispersion: 1}) {
		t.Errorf("%+v", got)
	}
	f := file(11, started, completed) // what waits for a slot has come, too
	f.MaxConcurrency = new(4)
	if got := backlog(f); got != (Backlog{Grown: 30, Came: 66, Dispersion: 1}) {
		t.Errorf("bounded: %+v", got)
	}
	f = file(10, started, completed)
	f.Burstiness = new(result.Rate(0.5))
	if got := backlog(f); got.Dispersion != 2 {
		t.Errorf("bursts: %+v", got)
	}
	f.Burstiness = new(result.Rate(4))
	if got := backlog(f); got.Dispersion != 1 {
		t.Errorf("even: %+v", got)
	}
	for what, f := range map[string]*result.File{
		"a closed loop":   file(math.Inf(1), started, completed),
		"too short a run": file(10, []int{9, 9, 9, 9, 0, 0}, []int{0, 0, 0, 0, 0, 9}),
		"another program": {RequestRate: new(result.Rate(4))},
	} {
		if got := backlog(f); got != (Backlog{}) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// TestGrows: a queue grows if it does so by more than the number that comes varies by, in all
// runs together.
func TestGrows(t *testing.T) {
	runs := func(grown ...float64) (all []*Run) {
		for _, g := range grown {
			all = append(all, &Run{Backlog: Backlog{Grown: g, Came: 100, Dispersion: 1}})
		}
		return all
	}
	// At 1 % the normal quantile is 2.326: 23.3 of 100, and 46.5 of 400.
	for _, c := range []struct {
		of   []*Run
		want bool
	}{
		{runs(23), false}, {runs(24), true}, {runs(11, 11, 11, 11), false}, {runs(12, 12, 12, 12), true}, {runs(100, -100), false}, {nil, false}, {[]*Run{{}}, false},
	} {
		if got := grows(c.of, 0.01); got != c.want {
			t.Errorf("%+v: %v", c.of, got)
		}
	}
	bursty := runs(24)
	bursty[0].Backlog.Dispersion = 2
	if grows(bursty, 0.01) {
		t.Error("bursts are taken for a queue that grows")
	}
}

// TestRunsAtARateBeginIdle: their first quarter is left out, and of several the shorter ones say nothing of
// whether a queue grows.
func TestRunsAtARateBeginIdle(t *testing.T) {
	f := &result.File{RequestRate: new(result.Rate(4)), MaxConcurrency: new(1)}
	for i := range 8 {
		f.TTFTs, f.ITLs, f.OutputLens = append(f.TTFTs, float64(i)), append(f.ITLs, nil), append(f.OutputLens, 1)
	}
	if r := FromFile(f); len(r.Values[metrics.TTFT]) != 6 || r.Values[metrics.TTFT][0][0] != 2 {
		t.Errorf("at a rate: %v", r.Values[metrics.TTFT])
	}
	f.RequestRate = new(result.Rate(math.Inf(1)))
	if r := FromFile(f); len(r.Values[metrics.TTFT]) != 6 || r.Values[metrics.TTFT][0][0] != 1 { // the first and the last wave
		t.Errorf("in a closed loop: %v", r.Values[metrics.TTFT])
	}
	runs := []*Run{{Backlog: Backlog{Grown: 90, Came: 100, Dispersion: 1}}, {Backlog: Backlog{Grown: 2, Came: 190, Dispersion: 1}}, {Backlog: Backlog{Grown: 1, Came: 200, Dispersion: 1}}}
	if got := longest(runs); len(got) != 2 || got[0] != runs[1] || grows(got, 0.01) || !grows(runs, 0.01) {
		t.Errorf("the longest runs: %v", got)
	}
	trial := &Trial{Requests: 100, Runs: 1, runs: runs[:1]}
	trial.runs[0].Values[metrics.TTFT] = [][]float64{{0.5}, {0.5}}
	for range fewestRuns {
		trial.decide([]Objective{percentile("ttft", 0.5, "median", 1)}, 0.01)
		if want := map[bool]Outcome{false: Undecided, true: Fails}[trial.Runs == fewestRuns]; trial.Outcome != want || trial.Leans {
			t.Errorf("a queue that grows in %d runs: %v", trial.Runs, trial.Outcome)
		}
		trial.Runs++
	}
	o := &SLOOptions{Objectives: []Objective{percentile("ttft", 0.99, "p99", 1)}, From: Load{Concurrency: 1}}
	closed := o.Needed()
	if o.From = (Load{Rate: 1}); o.Needed() != (4*closed+2)/3 {
		t.Errorf("%d requests are needed by rate, %d by concurrency", o.Needed(), closed)
	}
}

// TestQueueThatIsConfirmed: where it is a queue that grows above the limit, a load is confirmed by longer runs,
// and at once only if the queue is shown to grow by less than 1 %.
func TestQueueThatIsConfirmed(t *testing.T) {
	l := Load{Rate: 100}
	shows := func(growth float64) (*Trial, bool) {
		s := &search{o: &SLOOptions{Objectives: []Objective{percentile("ttft", 0.9, "p90", 1)}, To: l, MaxRequests: 3000, Confirm: 3, Budget: 1e6}, limit: &Limit{}, runs: map[Load]int{}, clusters: []float64{0}, queued: true}
		s.measure = func(_ context.Context, a Ask) (*Run, error) {
			n := float64(a.Requests)
			r := &Run{Requests: a.Requests, Seconds: n / a.Load.Rate, Backlog: Backlog{Grown: growth * n, Came: n, Dispersion: 1}}
			for range a.Requests {
				r.Values[metrics.TTFT] = append(r.Values[metrics.TTFT], []float64{0.5})
			}
			return r, nil
		}
		held, err := s.shows(t.Context(), l, 0.04)
		if err != nil {
			t.Fatal(err)
		}
		return &s.limit.Trials[0], held
	}
	// Of 30,000 that came 0.74 % are as many as their number varies by at 10 %, of 60,000 0.52 %.
	for _, c := range []struct {
		growth   float64
		held     bool
		requests int
	}{{0, true, 30_000}, {0.002, true, 30_000}, {0.004, true, 60_000}, {0.007, false, 60_000}, {0.05, false, 30_000}} {
		if x, held := shows(c.growth); held != c.held || x.Requests != c.requests {
			t.Errorf("a queue that grows by %g %%: %v after %d requests", 100*c.growth, held, x.Requests)
		}
	}
}

// TestPaces: how long a request takes at a load is what runs around it say, and the slots of a
// closed loop are opened over as long.
func TestPaces(t *testing.T) {
	p := &paces{}
	at := func(c int) Load { return Load{Concurrency: c} }
	if p.seconds(at(4)) != 0 || p.stagger(at(4)) != 0 {
		t.Error("known before any run")
	}
	p.add(at(4), &Run{Mean: 2})
	r := &Run{Mean: 9}
	r.Values[metrics.E2EL] = [][]float64{{3}, {5}}
	p.add(at(16), r)
	p.add(at(32), &Run{Mean: math.NaN()})
	for c, want := range map[int]float64{2: 2, 4: 2, 8: 3, 16: 4, 32: beyond * 4} {
		if got := p.seconds(at(c)); got != want || p.stagger(at(c)) != want {
			t.Errorf("concurrency %d: %g s, opened over %g, want %g", c, got, p.stagger(at(c)), want)
		}
	}
	p.add(at(4), &Run{Mean: 1}) // the latest counts
	if got := p.seconds(at(4)); got != 1 {
		t.Errorf("%g s", got)
	}
	if p.stagger(at(1)) != 0 || p.stagger(Load{Rate: 4}) != 0 {
		t.Error("one slot, or none, is opened over time")
	}
	// The runs of a sweep are staggered by those before.
	o, staggers := usual(), []float64(nil)
	o.Loads, o.MinRequests, o.MaxRequests = []Load{at(2)}, 10, 10
	m := model{batch: 16, step: 0.01, tokens: 8}
	measure := m.measure(1)
	if _, err := Sweep(t.Context(), o, func(ctx context.Context, a Ask) (*Run, error) {
		staggers = append(staggers, a.Stagger)
		return measure(ctx, a)
	}); err != nil || staggers[0] != 0 || slices.Contains(staggers[1:], 0) {
		t.Errorf("%v: %v", err, staggers)
	}
}

// TestDoublingTakesOneRunALoad: on the way up a load passes by its first run, the highest one is decided when
// the next fails, and if it does not hold so are those below it.
func TestDoublingTakesOneRunALoad(t *testing.T) {
	for limit, want := range map[int][]int{20: {1, 1, 1, 1, 3, 1}, 5: {1, 1, 3, 5, 5, 1}} { // runs at 1, 2, 4, 8, 16, 32
		s := &search{o: &SLOOptions{Objectives: []Objective{percentile("ttft", 0.5, "median", 1)}, From: Load{Concurrency: 1}, To: Load{Concurrency: 64}, MinRequests: 100, MaxRequests: 1000}, limit: &Limit{}, runs: map[Load]int{}}
		s.measure = func(_ context.Context, a Ask) (*Run, error) {
			r := &Run{Requests: a.Requests, Seconds: 1, Mean: 1}
			met := a.Load.Concurrency <= limit
			if a.Number == 0 && a.Load.Concurrency < 32 { // 8 and 16 by chance
				met = true
			}
			for i := range a.Requests {
				value := 0.5
				if !met || a.Load.Concurrency > limit && i%20 < 9 {
					value = 2
				}
				r.Values[metrics.TTFT] = append(r.Values[metrics.TTFT], []float64{value})
			}
			return r, nil
		}
		low, high, err := s.bracket(t.Context())
		var runs []int
		for i := range s.limit.Trials {
			runs = append(runs, s.limit.Trials[i].Runs)
		}
		if err != nil || low.Concurrency > limit || high.Concurrency != 2*low.Concurrency || !slices.Equal(runs, want) {
			t.Errorf("limit %d: %v, between %v and %v by runs %v, want %v", limit, err, low, high, runs, want)
		}
	}
}

// TestLooks: a load that is confirmed gets more runs until it is shown to hold or there is no hope, each
// look has its share of the level, and what is left of the budget bounds them.
func TestLooks(t *testing.T) {
	for looks := 1; looks < 9; looks++ {
		sum := 0.0
		for k := 1; k <= looks; k++ {
			sum += share(k, looks)
		}
		if !(math.Abs(sum-1) <= 1e-12) || looks > 1 && share(looks, looks) != 2*share(looks-1, looks) {
			t.Errorf("%d looks have %g of the level", looks, sum)
		}
	}
	l := Load{Rate: 100}
	shows := func(missed, budget float64) (*Trial, bool) {
		n := 0
		s := &search{o: &SLOOptions{Objectives: []Objective{percentile("ttft", 0.9, "p90", 1)}, To: l, MaxRequests: 300, Confirm: 3, Budget: budget}, limit: &Limit{}, runs: map[Load]int{}, clusters: []float64{10}}
		s.measure = func(_ context.Context, a Ask) (*Run, error) {
			r := &Run{Requests: a.Requests, Seconds: float64(a.Requests) / a.Load.Rate}
			for range a.Requests {
				value := 0.5
				if n++; math.Mod(float64(n)*missed, 1) < missed {
					value = 2
				}
				r.Values[metrics.TTFT] = append(r.Values[metrics.TTFT], []float64{value})
			}
			return r, nil
		}
		held, err := s.shows(t.Context(), l, 0.04)
		if err != nil {
			t.Fatal(err)
		}
		return &s.limit.Trials[0], held
	}
	// 10,000 requests are enough, that is 33 times 300.
	for _, c := range []struct {
		missed, budget float64
		held           bool
		least, most    int
	}{
		{0.01, 1000, true, 600, 2400}, {0.05, 1000, true, 1200, 4800}, {0.07, 1000, true, 4800, 10_000}, {0.105, 1000, false, 600, 4800}, {0.3, 1000, false, 300, 300},
		{0.07, 100, false, 3300, 3360}, // a third of 10,000
		{0.07, 0, false, 1200, 1200},   // four times MaxRequests
	} {
		if x, held := shows(c.missed, c.budget); held != c.held || x.Requests < c.least || x.Requests > c.most {
			t.Errorf("%g missed, %g s: %v after %d requests", c.missed, c.budget, held, x.Requests)
		}
	}
}

// TestConfirmation: the loads that are confirmed, and in which order, is settled by the search
// alone; it ends with the first that is not shown to hold, and goes down where that is the first of all.
func TestConfirmation(t *testing.T) {
	lax := []Objective{percentile("ttft", 0.5, "median", 1)}
	search := func(holds func(l Load) bool) (*search, *[]int) {
		var tested []int
		s := &search{o: &SLOOptions{Objectives: lax, To: Load{Concurrency: 1000}, Resolution: 0.1, MaxRequests: 90, Confirm: 3}, limit: &Limit{}, runs: map[Load]int{}}
		s.measure = func(_ context.Context, a Ask) (*Run, error) {
			if n := len(tested); n == 0 || tested[n-1] != a.Load.Concurrency {
				tested = append(tested, a.Load.Concurrency)
			}
			r := &Run{Requests: a.Requests, Seconds: 1, Mean: 1}
			value := 0.5
			if !holds(a.Load) {
				value = 2
			}
			for range a.Requests {
				r.Values[metrics.TTFT] = append(r.Values[metrics.TTFT], []float64{value})
			}
			return r, nil
		}
		return s, &tested
	}
	s, tested := search(func(l Load) bool { return l.Concurrency <= 110 })
	best, err := s.confirm(t.Context(), Load{Concurrency: 100})
	if n := len(*tested); err != nil || best.Concurrency > 110 || best.Concurrency < 100 || (*tested)[n-1] <= 110 || (*tested)[n-2] != best.Concurrency || !slices.IsSorted(*tested) ||
		(*tested)[0] != s.below(Load{Concurrency: 100}, begin).Concurrency {
		t.Errorf("%v, %v of %v", err, best, *tested)
	}
	for i := range s.limit.Trials {
		if x := &s.limit.Trials[i]; !x.Confirms || x.Runs != 3 || x.Requests < 90 {
			t.Errorf("a load is confirmed by %+v", x)
		}
	}
	s, tested = search(func(l Load) bool { return l.Concurrency <= 60 })
	best, err = s.confirm(t.Context(), Load{Concurrency: 100})
	if n := len(*tested); err != nil || best.Concurrency != (*tested)[n-1] || best.Concurrency > 60 || n < 2 || (*tested)[1] >= (*tested)[0] {
		t.Errorf("downwards: %v, %v of %v", err, best, *tested)
	}
	s, tested = search(func(Load) bool { return false })
	if best, err = s.confirm(t.Context(), Load{Concurrency: 100}); err != nil || best != (Load{}) || len(*tested) != 1+mostDown {
		t.Errorf("none holds: %v, %v of %v", err, best, *tested)
	}
	// What the search's own runs would confirm comes first, where it is lower.
	s, tested = search(func(Load) bool { return true })
	s.limit.Trials = []Trial{{Load: Load{Concurrency: 50}, likely: true}, {Load: Load{Concurrency: 40}, likely: true}, {Load: Load{Concurrency: 90}}}
	if _, err = s.confirm(t.Context(), Load{Concurrency: 100}); err != nil || (*tested)[0] != 50 {
		t.Errorf("likely: %v, %v", err, *tested)
	}
	// No load beyond the highest is tested.
	s, tested = search(func(Load) bool { return true })
	s.o.To = Load{Concurrency: 105}
	if best, err = s.confirm(t.Context(), Load{Concurrency: 100}); err != nil || best.Concurrency > 105 || slices.Max(*tested) > 105 {
		t.Errorf("bounded: %v, %v of %v", err, best, *tested)
	}
	gone := errors.New("gone")
	s.measure = func(context.Context, Ask) (*Run, error) { return nil, gone }
	if best, err = s.confirm(t.Context(), Load{Concurrency: 100}); !errors.Is(err, gone) || best != (Load{}) {
		t.Errorf("%v, %v", err, best)
	}
}
