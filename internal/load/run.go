// Package load decides when requests are sent: the arrival schedule and the
// bound on concurrency.
package load

import (
	"context"
	"math"
	"sync"
	"time"

	"loadgen/internal/pause"
	"loadgen/pkg/client"
)

// Doer sends one request and fills in its timeline; it must be safe for
// concurrent use. *client.Client is one.
type Doer interface {
	Do(ctx context.Context, p *client.Prepared, r *client.Result)
	// Now is the clock that all instants of a run are read from.
	Now() time.Duration
}

// Options say when requests are sent.
type Options struct {
	// Due holds each request's due time after the start of the run, in ascending
	// order; nil means that all are due at once.
	Due []time.Duration
	// End is when the schedule is over, which may be after the last request is
	// due: Run does not return before it.
	End time.Duration
	// Concurrency bounds the requests under way; a request waits for its slot in
	// the order of the schedule. 0 is no bound. A conversation keeps its slot from
	// its first turn to its last, as a user does, who thinks between them.
	Concurrency int
	// Turns are the requests' places in conversations; nil means that there are none.
	// Due counts for first turns only.
	Turns []Turn
	// Build returns what makes the request of a later turn, which may need the
	// results of those before it; where that gives nil the conversation ends.
	Build func(results []client.Result) func(i int) *client.Prepared
	// Result, if set, gives the memory for a request's timeline when it is about to be
	// sent, in place of Outcome.Results. It is not for conversations.
	Result func(i int) *client.Result
	// OnDone, if set, is called on the request's own goroutine when it is done.
	OnDone func(i int, r *client.Result)
}

// Turn is a request's place in a conversation.
type Turn struct {
	// Conversation is its number, from 1; 0 for a request that stands alone.
	Conversation int
	// Number counts the conversation's turns from 0.
	Number int
	// After is the request whose answer has to be complete before this one, where
	// Number is above 0.
	After int
	// Think is how long after that answer this one is due.
	Think time.Duration
}

// Outcome is what a run brought.
type Outcome struct {
	// Start is when the schedule began, on the Doer's clock.
	Start time.Duration
	// Results[i] answers request i, unless Options.Result is set; those that were never
	// sent, because the run was interrupted, an earlier turn failed or the request was nil,
	// have Sent[i] false.
	Results []client.Result
	Sent    []bool
	// Interrupted reports whether the context ended the run early.
	Interrupted bool
}

// Run hands out requests at their due times, later turns of a conversation when
// they may follow, and returns when all of them are done and the schedule is over. There are
// as many as requests, of which each is asked for once its slot is free, and not sent where
// it is nil. When ctx ends, nothing more is sent and Run returns as soon as the requests under
// way have been given up.
func Run(ctx context.Context, d Doer, requests int, request func(i int) *client.Prepared, o Options) Outcome {
	out := Outcome{Start: d.Now(), Sent: make([]bool, requests)}
	if o.Result == nil {
		out.Results = make([]client.Result, requests)
		o.Result = func(i int) *client.Result { return &out.Results[i] }
	}
	first, next := o.order(requests)
	n := len(first)
	// Never blocks: the dispatcher must not wait for a slot.
	due := make(chan handed, n)
	send := func(i int, due, at time.Duration, request func(i int) *client.Prepared) {
		r := o.Result(i)
		r.Due, r.Handed, r.Permit = due, at, d.Now()
		p := request(i)
		if p == nil {
			return
		}
		out.Sent[i] = true
		d.Do(ctx, p, r)
		if o.OnDone != nil {
			o.OnDone(i, r)
		}
	}
	work := func(h handed) {
		if ctx.Err() != nil {
			return
		}
		send(h.i, out.Start+o.due(h.i), h.at, request)
		if next != nil {
			o.converse(ctx, d, h.i, next, &out, send)
		}
	}

	var workers sync.WaitGroup
	hand := func(h handed) { workers.Go(func() { work(h) }) }
	if 0 < o.Concurrency && o.Concurrency < n {
		hand = func(h handed) { due <- h }
		for range o.Concurrency {
			workers.Go(func() {
				for h := range due {
					work(h)
				}
			})
		}
	}
	for _, i := range first {
		if !wait(ctx, d, out.Start+o.due(i)) {
			break
		}
		hand(handed{i, d.Now()})
	}
	close(due)
	workers.Wait()
	wait(ctx, d, out.Start+o.End)
	out.Interrupted = ctx.Err() != nil
	return out
}

// handed is a request that is due, and when it was handed out.
type handed struct {
	i  int
	at time.Duration
}

// order returns the requests that follow no other, and of each request the one that
// follows it, -1 for none; nil where none follows another.
func (o *Options) order(n int) (first, next []int) {
	if o.Turns != nil {
		next = make([]int, n)
		for i := range next {
			next[i] = -1
		}
	}
	for i := range n {
		if o.Turns != nil && o.Turns[i].Number > 0 {
			next[o.Turns[i].After] = i
			continue
		}
		first = append(first, i)
	}
	return first, next
}

// converse sends the turns of a conversation after its first: each is due when the answer
// before it is complete and the user has thought. A turn that fails is the last.
func (o *Options) converse(ctx context.Context, d Doer, first int, next []int, out *Outcome, send func(i int, due, at time.Duration, request func(int) *client.Prepared)) {
	build := o.Build(out.Results)
	for i := next[first]; i >= 0; i = next[i] {
		turn := o.Turns[i]
		before := &out.Results[turn.After]
		if before.Err != nil {
			return
		}
		p := build(i)
		complete := before.Ended
		if complete == 0 {
			complete = before.End
		}
		due := complete + turn.Think
		if p == nil || !wait(ctx, d, due) {
			return
		}
		send(i, due, d.Now(), func(int) *client.Prepared { return p })
	}
}

func (o *Options) due(i int) time.Duration {
	if o.Due == nil {
		return 0
	}
	return o.Due[i]
}

// wait sleeps until the clock reads t. It returns false when ctx ended.
func wait(ctx context.Context, d Doer, t time.Duration) bool {
	return pause.For(ctx, t-d.Now()) == nil
}

// Schedule turns arrival times in seconds, the last of them the end of the
// schedule, into due times. Times beyond a lifetime
// saturate; NaN and negative ones are due at once.
func Schedule(arrivals []float64) (due []time.Duration, end time.Duration) {
	if len(arrivals) == 0 {
		return nil, 0
	}
	all := make([]time.Duration, len(arrivals))
	for i, s := range arrivals {
		all[i] = duration(s)
	}
	return all[:len(all)-1], all[len(all)-1]
}

// never is a due time that is not reached, small enough to be added to.
const never = time.Duration(1) << 61

func duration(seconds float64) time.Duration {
	switch ns := seconds * 1e9; {
	case ns < 0 || math.IsNaN(ns):
		return 0
	case ns >= float64(never):
		return never
	default:
		return time.Duration(ns)
	}
}
