package load

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/pkg/client"
)

// TestConversations: a turn is sent when the answer before it is complete and the user has
// thought; a conversation keeps its slot meanwhile.
func TestConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		reqs := requests(100, 40, 0, 0, 0, 5)
		turns := []Turn{
			{Conversation: 1}, {Conversation: 2},
			{Conversation: 1, Number: 1, After: 0, Think: 50 * ms},
			{Conversation: 2, Number: 1, After: 1, Think: 20 * ms},
			{Conversation: 1, Number: 2, After: 2},
			{Conversation: 3},
		}
		var order []int
		build := func(results []client.Result) func(int) *client.Prepared {
			return func(i int) *client.Prepared {
				if before := turns[i].After; results[before].End != s.Now() {
					t.Errorf("turn %d is built at %v, the answer before it was complete at %v", i, s.Now(), results[before].End)
				}
				order = append(order, i)
				return &client.Prepared{PromptLen: 10 * i}
			}
		}
		out := run(t.Context(), s, reqs, Options{Concurrency: 2, Turns: turns, Build: build})
		equal(t, "starts", starts(out), []time.Duration{0, 0, 150 * ms, 60 * ms, 170 * ms, 90 * ms})
		for i, r := range out.Results {
			want := out.Start
			if turns[i].Number > 0 {
				want = out.Results[turns[i].After].End + turns[i].Think
			}
			if r.Due != want || r.End == 0 {
				t.Errorf("request %d: due %v, want %v", i, r.Due, want)
			}
			if turns[i].Number > 0 && (r.Handed != r.Due || r.Permit != r.Due) {
				t.Errorf("request %d: due %v, handed %v, permit %v", i, r.Due, r.Handed, r.Permit)
			}
		}
		if s.most.Load() != 2 || s.Now() != 210*ms || len(order) != 3 {
			t.Errorf("%d at once, ended at %v, built %v", s.most.Load(), s.Now(), order)
		}
	})
}

// TestConversationsAtARate: the schedule is that of first turns.
func TestConversationsAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		turns := []Turn{{Conversation: 1}, {Conversation: 1, Number: 1, Think: 500 * ms}, {Conversation: 2}}
		due, end := Schedule([]float64{0.1, 0.1, 0.2, 0.3})
		build := func([]client.Result) func(int) *client.Prepared {
			return func(int) *client.Prepared { return &client.Prepared{PromptLen: 7} }
		}
		out := run(t.Context(), s, requests(20, 0, 30), Options{Due: due, End: end, Turns: turns, Build: build})
		equal(t, "starts", starts(out), []time.Duration{100 * ms, 620 * ms, 200 * ms})
	})
}

// failing fails every request whose prompt is 13 tokens long.
type failing struct{ sleeper }

func (f *failing) Do(ctx context.Context, p *client.Prepared, r *client.Result) {
	f.sleeper.Do(ctx, p, r)
	r.Ended = r.End - 3*ms // what follows is the program's own time
	if p.PromptLen == 13 {
		r.Err = &client.Error{Class: "reset"}
	}
}

func TestAFailedTurnEndsItsConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{sleeper{origin: time.Now()}}
		turns := make([]Turn, 6)
		for i := range turns {
			turns[i] = Turn{Conversation: 1 + i/3, Number: i % 3, After: i - 1, Think: 10 * ms}
		}
		lens := []int{20, 13, 20, 20, 20, 20}
		build := func([]client.Result) func(int) *client.Prepared {
			return func(i int) *client.Prepared {
				if i == 5 {
					return nil
				}
				return &client.Prepared{PromptLen: lens[i]}
			}
		}
		out := run(t.Context(), f, requests(lens...), Options{Turns: turns, Build: build})
		for i, want := range []bool{true, true, false, true, true, false} {
			if (out.Results[i].End > 0) != want {
				t.Errorf("request %d: %+v", i, out.Results[i])
			}
		}
		if due := out.Results[1].Due - out.Start; due != 27*ms || out.Interrupted {
			t.Errorf("the second turn is due at %v, want 27ms: 10ms after the answer's last byte", due)
		}
	})
}

func TestAnInterruptEndsConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		turns := []Turn{{Conversation: 1}, {Conversation: 1, Number: 1, Think: time.Hour}}
		build := func([]client.Result) func(int) *client.Prepared {
			return func(int) *client.Prepared { return &client.Prepared{} }
		}
		out := run(ctx, s, requests(20, 20), Options{Turns: turns, Build: build})
		if !out.Interrupted || out.Sent != 1 || out.Results[1].End > 0 || s.Now() != 50*ms {
			t.Errorf("%+v, ended at %v", out, s.Now())
		}
	})
}
