package load

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/pkg/client"
)

// sleeper answers each request after the time its prompt length gives in ms.
type sleeper struct {
	origin        time.Time
	running, most atomic.Int32
}

func (s *sleeper) Now() time.Duration { return time.Since(s.origin) }

func (s *sleeper) Do(ctx context.Context, p *client.Prepared, r *client.Result) {
	if now := s.running.Add(1); now > s.most.Load() {
		s.most.Store(now)
	}
	defer s.running.Add(-1)
	r.Start = s.Now()
	select {
	case <-time.After(time.Duration(p.PromptLen) * time.Millisecond):
	case <-ctx.Done():
		r.Err = &client.Error{Class: "interrupted"}
	}
	r.End = s.Now()
}

func requests(ms ...int) []*client.Prepared {
	var reqs []*client.Prepared
	for _, m := range ms {
		reqs = append(reqs, &client.Prepared{PromptLen: m})
	}
	return reqs
}

// run runs prepared requests.
func run(ctx context.Context, d Doer, reqs []*client.Prepared, o Options) Outcome {
	return Run(ctx, d, len(reqs), func(i int) *client.Prepared { return reqs[i] }, o)
}

const ms = time.Millisecond

func starts(out Outcome) (at []time.Duration) {
	for _, r := range out.Results {
		at = append(at, r.Start-out.Start)
	}
	return at
}

func equal(t *testing.T, what string, got, want []time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

func TestSlotsAreGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		time.Sleep(5 * ms)
		out := run(t.Context(), s, requests(100, 30, 30, 100, 10), Options{Concurrency: 2})
		equal(t, "starts", starts(out), []time.Duration{0, 0, 30 * ms, 60 * ms, 100 * ms})
		if s.most.Load() != 2 || out.Start != 5*ms || s.Now() != 165*ms {
			t.Errorf("most at once %d, start %v, end %v", s.most.Load(), out.Start, s.Now())
		}
		for i, r := range out.Results {
			if r.End == 0 || r.Due != out.Start || r.Permit != r.Start {
				t.Errorf("request %d: due %v, permit %v, end %v", i, r.Due, r.Permit, r.End)
			}
		}
	})
}

func TestDueTimesAndEndOfSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		due, end := Schedule([]float64{0, 0.02, 0.05, 0.5})
		var done atomic.Int32
		out := run(t.Context(), s, requests(100, 10, 10), Options{Due: due, End: end,
			OnDone: func(int, *client.Result) { done.Add(1) }})
		equal(t, "starts", starts(out), []time.Duration{0, 20 * ms, 50 * ms})
		if s.Now() != 500*ms || done.Load() != 3 || out.Interrupted {
			t.Errorf("end %v, %d done, interrupted %v", s.Now(), done.Load(), out.Interrupted)
		}
		// A late start does not shift the requests after it.
		out = run(t.Context(), s, requests(30, 10, 10), Options{Due: due, Concurrency: 1})
		equal(t, "starts", starts(out), []time.Duration{0, 30 * ms, 50 * ms})
	})
}

// TestQueue: requests that are due and wait for a slot are counted, no others.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		var waiting func() int
		var seen []int
		run(t.Context(), s, requests(100, 10, 10, 10), Options{Due: []time.Duration{0, 20 * ms, 30 * ms, 115 * ms}, Concurrency: 1,
			OnQueue: func(w func() int) { waiting = w }, OnDone: func(int, *client.Result) { seen = append(seen, waiting()) }})
		if !slices.Equal(seen, []int{2, 1, 1, 0}) {
			t.Errorf("%v wait after each", seen)
		}
	})
}

// TestLateDispatcherKeepsDueTimes: a request is due when the schedule says, however late the
// clock is when it is handed out.
func TestLateDispatcherKeepsDueTimes(t *testing.T) {
	s := &jumping{}
	out := run(t.Context(), s, requests(0, 0, 0), Options{Due: []time.Duration{0, 1, 2}})
	for i, r := range out.Results {
		if r.Due != out.Start+time.Duration(i) || r.Handed < r.Due+time.Second {
			t.Errorf("request %d: due %v after the start, handed out at %v", i, r.Due-out.Start, r.Handed)
		}
	}
}

// jumping is a Doer whose clock goes on by a second at each look.
type jumping struct{ looks atomic.Int64 }

func (j *jumping) Now() time.Duration { return time.Duration(j.looks.Add(1)) * time.Second }

func (j *jumping) Do(context.Context, *client.Prepared, *client.Result) {}

func TestEndOfScheduleIsFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		time.Sleep(70 * ms)
		run(t.Context(), s, requests(10), Options{End: 100 * ms})
		if s.Now() != 170*ms {
			t.Errorf("the end is at %v, want 100ms after the start", s.Now())
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		out := run(ctx, s, requests(20, 100, 100, 100, 100), Options{Concurrency: 2, End: time.Hour})
		if !out.Interrupted || out.Sent != 3 || s.Now() != 50*ms {
			t.Errorf("interrupted %v, %d sent, end %v", out.Interrupted, out.Sent, s.Now())
		}
		if out.Results[0].Err != nil || out.Results[1].Err == nil || out.Results[2].Err == nil {
			t.Error("the first request should have succeeded, the next two been cut off")
		}
	})
}

func TestScheduleSaturates(t *testing.T) {
	due, end := Schedule([]float64{-1, math.NaN(), 1e300, math.Inf(1)})
	equal(t, "due", append(due, end), []time.Duration{0, 0, never, never})
	if due, end = Schedule(nil); due != nil || end != 0 {
		t.Error(due, end)
	}
}

// TestRequestsOneByOne: requests that are made when they are sent are asked for in order, no
// sooner than their slot is free; one that cannot be made is not sent.
func TestRequestsOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		var asked []int
		var at []time.Duration
		results := map[int]*client.Result{}
		out := Run(t.Context(), s, 4, func(i int) *client.Prepared {
			asked, at = append(asked, i), append(at, s.Now())
			if i == 2 {
				return nil
			}
			return &client.Prepared{PromptLen: 10}
		}, Options{Concurrency: 1, Result: func(int) *client.Result { return new(client.Result) },
			OnDone: func(i int, r *client.Result) { results[i] = r }})
		equal(t, "asked for", at, []time.Duration{0, 10 * ms, 20 * ms, 20 * ms})
		if !slices.Equal(asked, []int{0, 1, 2, 3}) || out.Planned != 4 || out.Sent != 3 {
			t.Errorf("asked for %v, sent %d of %d", asked, out.Sent, out.Planned)
		}
		if out.Results != nil || len(results) != 3 || results[3].Start != 20*ms || results[3].Handed != 0 || results[3].Permit != 20*ms {
			t.Errorf("%+v", results)
		}
	})
}
