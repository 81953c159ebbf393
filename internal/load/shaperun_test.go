package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/pkg/client"
)

// keeping keeps the results of a run of which it is not known how many there will be.
type keeping struct {
	mu  sync.Mutex
	all map[int]*client.Result
}

func (k *keeping) options(o Options) Options {
	k.all = map[int]*client.Result{}
	o.Result = func(int) *client.Result { return new(client.Result) }
	o.OnDone = func(i int, r *client.Result) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.all[i] = r
	}
	return o
}

// starts are when requests began, in ascending order, counted from the run's start.
func (k *keeping) starts(out Outcome) (at []time.Duration) {
	for _, r := range k.all {
		at = append(at, r.Start-out.Start)
	}
	slices.Sort(at)
	return at
}

// lasting is what each request takes.
func lasting(d time.Duration) func(int) *client.Prepared {
	return func(int) *client.Prepared { return &client.Prepared{PromptLen: int(d / ms)} }
}

// TestSlotsOverTime: each request is sent when a slot is free, a slot that is closed sends no
// more, and nothing is sent after the end.
func TestSlotsOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		time.Sleep(5 * ms)
		var k keeping
		steps := []Step{{0, 1}, {50 * ms, 2}, {150 * ms, 0}, {210 * ms, 1}}
		out := Run(t.Context(), s, Unlimited, lasting(40*ms), k.options(Options{Slots: steps, Until: 290 * ms}))
		equal(t, "starts", k.starts(out), []time.Duration{0, 40 * ms, 50 * ms, 80 * ms, 90 * ms, 120 * ms, 130 * ms, 210 * ms, 250 * ms})
		if out.Planned != 9 || out.Sent != 9 || s.Now() != out.Start+290*ms || out.Interrupted {
			t.Errorf("%+v, ended at %v", out, s.Now())
		}
		for i, r := range k.all {
			if r.Due != r.Start || r.Handed != r.Due || r.Permit != r.Due || r.Err != nil {
				t.Errorf("request %d: %+v", i, r)
			}
		}
	})
}

// TestSlotsOpenedLate: a request is due when its slot was opened, however late the program is
// to use it.
func TestSlotsOpenedLate(t *testing.T) {
	steps := []Step{{0, 1}, {3 * ms, 2}, {14 * ms, 3}, {20 * ms, 1}, {30 * ms, 2}}
	for _, c := range []struct {
		k        int
		at, from time.Duration
		now      bool
	}{{0, 50 * ms, 0, true}, {1, 10 * ms, 3 * ms, true}, {1, 15 * ms, 3 * ms, true}, {1, 25 * ms, 30 * ms, false}, {1, 31 * ms, 30 * ms, true}, {2, 25 * ms, -1, false}} {
		if now, from := open(steps, c.k, c.at); now != c.now || from != c.from {
			t.Errorf("slot %d at %v: %v, %v", c.k, c.at, now, from)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := &coarse{sleeper{origin: time.Now()}}
		var k keeping
		out := Run(t.Context(), s, 5, lasting(20*ms), k.options(Options{Slots: []Step{{0, 1}, {3 * ms, 2}, {14 * ms, 3}}}))
		var due, handed []time.Duration
		for i := range 5 {
			due, handed = append(due, k.all[i].Due-out.Start), append(handed, k.all[i].Handed-out.Start)
		}
		equal(t, "due", due, []time.Duration{0, 3 * ms, 14 * ms, 20 * ms, 30 * ms})
		equal(t, "handed", handed, []time.Duration{0, 10 * ms, 20 * ms, 20 * ms, 30 * ms})
	})
}

// coarse is a sleeper whose clock is late by up to 10 ms.
type coarse struct{ sleeper }

func (c *coarse) Now() time.Duration {
	const tick = 10 * ms
	return (c.sleeper.Now() + tick - 1) / tick * tick
}

// TestUntil: a request that gets its slot at the end of the time is not sent, however long it
// has been due; what is under way is finished.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		out := run(t.Context(), s, requests(60, 40, 40, 70, 40), Options{Concurrency: 2, Until: 100 * ms, End: 100 * ms})
		equal(t, "starts", starts(out), []time.Duration{0, 0, 40 * ms, 60 * ms, 80 * ms})
		if s.Now() != 130*ms || out.Sent != 5 {
			t.Errorf("ended at %v", s.Now())
		}
		out = run(t.Context(), s, requests(50, 50, 1), Options{Concurrency: 1, Until: 100 * ms})
		if out.Sent != 2 || out.Planned != 3 || out.Results[2].Permit != 0 {
			t.Errorf("%+v", out)
		}
	})
}

// TestDueBeforeTheEnd: where no slot is needed, what was due before the end is sent, however late the program is.
func TestDueBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for concurrency, want := range map[int]int{0: 2, 1: 1} {
			s := &coarse{sleeper{origin: time.Now()}}
			out := run(t.Context(), s, requests(20, 20), Options{Due: []time.Duration{0, 95 * ms}, Concurrency: concurrency, Until: 100 * ms, End: 100 * ms})
			if out.Sent != want || out.Planned != 2 {
				t.Errorf("%d at a time: %d sent, want %d", concurrency, out.Sent, want)
			}
		}
	})
}

// TestCut: what is under way at the cut is given up, and no failure of the server's.
func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &cut{sleeper{origin: time.Now()}}
		time.Sleep(3 * ms)
		var k keeping
		out := Run(t.Context(), s, Unlimited, lasting(70*ms), k.options(Options{Slots: []Step{{0, 2}, {30 * ms, 3}}, Until: 100 * ms, Cut: 145 * ms}))
		equal(t, "starts", k.starts(out), []time.Duration{0, 0, 30 * ms, 70 * ms, 70 * ms})
		failed := 0
		for _, r := range k.all {
			if r.Err != nil {
				failed++
			}
		}
		if failed != 0 || s.Now() != 143*ms {
			t.Errorf("%d were cut, ended at %v", failed, s.Now())
		}
		out = Run(t.Context(), s, Unlimited, lasting(70*ms), k.options(Options{Slots: []Step{{0, 1}}, Until: 100 * ms, Cut: 120 * ms}))
		if r := k.all[1]; len(k.all) != 2 || k.all[0].Err != nil || r.Err == nil || r.Err.Class != client.CutAtEnd || r.End != out.Start+120*ms || out.Interrupted {
			t.Errorf("%+v, %+v", out, k.all[1])
		}
	})
}

// cut is a sleeper whose requests end as the context says.
type cut struct{ sleeper }

func (c *cut) Do(ctx context.Context, p *client.Prepared, r *client.Result) {
	c.sleeper.Do(ctx, p, r)
	if errors.Is(context.Cause(ctx), client.ErrCut) && r.Err != nil {
		r.Err = &client.Error{Class: client.CutAtEnd}
	}
}

// TestSlotsOfConversations: a conversation keeps its slot, and what of it is due after the end
// is not sent.
func TestSlotsOfConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		turns := []Turn{{Conversation: 1}, {Conversation: 1, Number: 1, Think: 30 * ms}, {Conversation: 2}, {Conversation: 2, Number: 1, After: 2, Think: 100 * ms}}
		build := func([]client.Result) func(int) *client.Prepared {
			return func(int) *client.Prepared { return &client.Prepared{PromptLen: 10} }
		}
		out := run(t.Context(), s, requests(10, 0, 10, 0), Options{Slots: []Step{{0, 1}}, Until: 100 * ms, Turns: turns, Build: build})
		equal(t, "starts", starts(out), []time.Duration{0, 40 * ms, 50 * ms, 0})
		if out.Sent != 3 || out.Planned != 4 {
			t.Errorf("%+v", out)
		}
	})
}

// TestSlotsAllocateNothing: what a request costs the dispatcher does not grow a run's memory.
func TestSlotsAllocateNothing(t *testing.T) {
	p, r := &client.Prepared{}, &client.Result{}
	d := &instant{}
	const n = 5000
	o := Options{Slots: []Step{{0, 1}}, Result: func(int) *client.Result { return r }}
	if got := testing.AllocsPerRun(5, func() { Run(t.Context(), d, n, func(int) *client.Prepared { return p }, o) }); got > 50 {
		t.Errorf("%v allocations for %d requests", got, n)
	}
}

// instant answers at once.
type instant struct{}

func (*instant) Now() time.Duration { return time.Hour }

func (*instant) Do(context.Context, *client.Prepared, *client.Result) {}
