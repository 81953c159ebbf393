package sweep

import (
	"context"
	"errors"
	"math"
	"testing"
)

// TestQueueThatGrows: a rate that a server cannot keep up does not hold, however short the runs
// and lax the objectives are, and one that it can does.
func TestQueueThatGrows(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	m := model{batch: 256, step: 0.01, perRequest: 0.0002, prefill: 0.0005, tokens: 24, spread: 0.6, jitter: 0.05}
	capacity := m.capacity() / float64(m.tokens)
	for share, want := range map[float64]bool{0.5: false, 0.8: false, 1.1: true, 1.3: true, 2: true} {
		wrong := 0
		for seed := range uint64(20) {
			measure := m.measure(7000 + seed)
			trial := &Trial{Load: Load{Rate: share * capacity}}
			for range 3 {
				r, err := measure(t.Context(), Ask{Load: trial.Load, Requests: int(10 * trial.Load.Rate)})
				if err != nil {
					t.Fatal(err)
				}
				trial.runs, trial.Requests = append(trial.runs, r), trial.Requests+r.Requests
			}
			trial.decide([]Objective{percentile("ttft", 0.99, "p99", 20)}, 0.01)
			if !trial.Standings[0].Held {
				t.Errorf("%g of the capacity: the objective alone does not hold: %+v", share, trial.Standings[0])
			}
			if trial.Grows != want || want == (trial.Outcome == Holds) {
				wrong++
			}
		}
		t.Logf("%g of the capacity: %d of 20 wrong", share, wrong)
		if wrong > 1 {
			t.Errorf("at %g of the capacity a queue that grows is mistaken %d times of 20", share, wrong)
		}
	}
}

// TestNoLoadOrAll: a limit that none meets, or that all do.
func TestNoLoadOrAll(t *testing.T) {
	m := model{batch: 16, step: 0.01, prefill: 0.001, tokens: 8, jitter: 0.05}
	o := SLOOptions{From: Load{Concurrency: 4}, To: Load{Concurrency: 12}, Resolution: 0.05, MinRequests: 100, MaxRequests: 3000, Confirm: 2}
	o.Objectives = []Objective{percentile("ttft", 0.99, "p99", 0.001)}
	l, err := FindLimit(context.Background(), o, m.measure(1))
	if err != nil || l.Best != nil || l.Above == nil || l.Above.Load.Concurrency != 1 || len(l.Trials) != 3 {
		t.Errorf("none: %v, %+v", err, l)
	}
	o.Objectives[0].Limit = 10
	l, err = FindLimit(context.Background(), o, m.measure(1))
	if err != nil || l.Best == nil || l.Best.Load.Concurrency != 12 || l.Above != nil || !l.Best.Confirms || l.Best.Runs != 2 {
		t.Errorf("all: %v, %+v", err, l)
	}
	if first := &l.Trials[len(l.Trials)-1]; first != l.Best {
		t.Errorf("all: %s is confirmed, which says more than the loads below it", first.Load)
	}
	gone := errors.New("gone")
	measure, runs := m.measure(1), 0
	l, err = FindLimit(context.Background(), o, func(ctx context.Context, a Ask) (*Run, error) {
		if runs++; runs > 3 {
			return nil, gone
		}
		return measure(ctx, a)
	})
	if !errors.Is(err, gone) || len(l.Trials) == 0 || l.Best != nil || l.Confidence != 0 {
		t.Errorf("a server that dies: %v, %+v", err, l)
	}
}

// TestWhatIsConfirmedStands: a load that was confirmed before the server died is an answer.
func TestWhatIsConfirmedStands(t *testing.T) {
	m := model{batch: 16, step: 0.01, prefill: 0.001, tokens: 8, jitter: 0.05}
	o := SLOOptions{From: Load{Concurrency: 4}, To: Load{Concurrency: 64}, Resolution: 0.05, MinRequests: 100, MaxRequests: 3000, Confirm: 2,
		Objectives: []Objective{percentile("ttft", 0.99, "p99", 0.05)}}
	whole, err := FindLimit(t.Context(), o, m.measure(1))
	if err != nil || whole.Best == nil {
		t.Fatalf("%v, %+v", err, whole)
	}
	runs, last := 0, 0
	for i := range whole.Trials {
		runs += whole.Trials[i].Runs
		last = whole.Trials[i].Runs
	}
	gone, measure, made := errors.New("gone"), m.measure(1), 0
	l, err := FindLimit(t.Context(), o, func(ctx context.Context, a Ask) (*Run, error) {
		if made++; made > runs-last {
			return nil, gone
		}
		return measure(ctx, a)
	})
	if !errors.Is(err, gone) || l.Best == nil || l.Best.Load != whole.Best.Load || l.Confidence != whole.Confidence || l.Above != nil && l.Above.Runs == 0 {
		t.Errorf("%v, best %+v, above %+v; want %s", err, l.Best, l.Above, whole.Best.Load)
	}
}

// TestFailuresDoNotHold: latencies of the requests that are left do not hide that some fail.
func TestFailuresDoNotHold(t *testing.T) {
	m := model{batch: 16, step: 0.01, prefill: 0.001, tokens: 8, jitter: 0.05}
	measure := m.measure(1)
	o := SLOOptions{From: Load{Concurrency: 1}, To: Load{Concurrency: 8}, Resolution: 0.05, MinRequests: 100, MaxRequests: 3000, Confirm: 2,
		Objectives: []Objective{percentile("ttft", 0.5, "median", 10)}}
	l, err := FindLimit(context.Background(), o, func(ctx context.Context, a Ask) (*Run, error) {
		r, err := measure(ctx, a)
		if a.Load.Concurrency > 2 {
			r.Failed, r.Requests = a.Requests/20, a.Requests+a.Requests/20
		}
		return r, err
	})
	if err != nil || l.Best == nil || l.Best.Load.Concurrency != 2 {
		t.Errorf("%v, %+v", err, l.Best)
	}
	bad := &Run{Requests: 110, Failed: 10}
	for range 100 {
		bad.Values[0] = append(bad.Values[0], []float64{0.1})
	}
	if s := o.Objectives[0].standing([]*Run{bad}, 0.01, 1, false); !(math.Abs(s.Attained-100./110) <= 1e-9) {
		t.Errorf("a share of %g, failures are missing", s.Attained)
	}
}

// TestGoodputIsOfRequests: a request is good if it meets every limit by itself.
func TestGoodputIsOfRequests(t *testing.T) {
	r := &Run{Requests: 4, Failed: 1}
	r.Values[0] = [][]float64{{0.1}, {0.9}, {0.1}}
	r.Values[2] = [][]float64{{0.01, 0.01}, {0.01, 0.01}, {0.01, 0.2}}
	o := Objective{Share: 0.9, Each: []Objective{percentile("ttft", 0.99, "p99", 0.5), percentile("itl", 0.99, "p99", 0.05)}}
	if s := o.standing([]*Run{r}, 0.05, 1, false); s.Attained != 0.25 {
		t.Errorf("%g of the requests are good, want one of four", s.Attained)
	}
}
