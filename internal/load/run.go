// Package load decides when requests are sent: the arrival schedule and the
// bound on concurrency.
package load

import (
	"cmp"
	"context"
	"math"
	"sync"
	"sync/atomic"
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
	// Start is when the schedule begins, on the Doer's clock; 0 is at once. A start that has
	// passed makes what was due since then late.
	Start time.Duration
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
	// Slots, if set, bound the requests under way over time, in place of Due and Concurrency:
	// each request is due when a slot is free for it. The bound says whether one may be sent;
	// those that are under way when it falls go on.
	Slots []Step
	// Until is when the last request may be sent, after the start of the run, and Cut when
	// those under way are given up (ErrCut); 0 is no such time. What was due before Until and
	// needs no slot is sent even if the program is late.
	Until, Cut time.Duration
	// Turns are the requests' places in conversations; nil means that there are none.
	// Due counts for first turns only.
	Turns []Turn
	// Build returns what makes the request of a later turn, which may need the
	// results of those before it; where that gives nil the conversation ends.
	Build func(results []client.Result) func(i int) *client.Prepared
	// Result, if set, gives the memory for a request's timeline when it is about to be
	// sent, in place of Outcome.Results. It is not for conversations.
	Result func(i int) *client.Result
	// Server, if set, is which of several servers a request is for; else the Doer chooses.
	Server func(i int) int
	// OnQueue, if set, is called before the first request is handed out, with what tells at
	// any time how many are due and wait for a slot; not where none does so.
	OnQueue func(waiting func() int)
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
	// are zero.
	Results []client.Result
	// Planned is how many requests there were: all of them, or those that a slot was free for.
	// Sent is how many of them were sent.
	Planned, Sent int
	// Interrupted reports whether the context ended the run early.
	Interrupted bool
}

// Unlimited is a number of requests that are sent while there is time. The run needs Slots,
// Until and Result.
const Unlimited = math.MaxInt

// Run hands out requests at their due times, later turns of a conversation when
// they may follow, and returns when all of them are done and the schedule is over. There are
// as many as requests, of which each is asked for once its slot is free, and not sent where
// it is nil. When ctx ends, nothing more is sent and Run returns as soon as the requests under
// way have been given up.
func Run(ctx context.Context, d Doer, requests int, request func(i int) *client.Prepared, o Options) Outcome {
	r := &running{Options: &o, d: d, requests: requests, request: request}
	r.out.Start = cmp.Or(o.Start, d.Now())
	if o.Result == nil {
		r.out.Results = make([]client.Result, requests)
		o.Result = func(i int) *client.Result { return &r.out.Results[i] }
	}
	sending, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if o.Cut > 0 {
		defer time.AfterFunc(r.out.Start+o.Cut-d.Now(), func() { stop(client.ErrCut) }).Stop()
	}
	r.first, r.next = o.order(requests)
	if o.Slots != nil {
		r.onDemand(sending)
	} else {
		r.onTime(sending)
	}
	r.workers.Wait()
	wait(ctx, d, r.out.Start+o.End)
	r.out.Sent = int(r.sent.Load())
	r.out.Interrupted = ctx.Err() != nil
	return r.out
}

// running is a run under way.
type running struct {
	*Options
	d        Doer
	requests int
	request  func(i int) *client.Prepared
	// first are the requests that follow no other, nil for all of them; next is of each
	// request the one that follows it, nil where none does.
	first, next []int
	workers     sync.WaitGroup
	taken, sent atomic.Int64
	out         Outcome
}

// handed is a request that is due, and when it was handed out.
type handed struct {
	i       int
	due, at time.Duration
}

// onTime hands out requests when they are due.
func (r *running) onTime(ctx context.Context) {
	n := r.begins()
	hand := func(h handed) { r.workers.Go(func() { r.work(ctx, h) }) } // if the program is late, late
	if 0 < r.Concurrency && r.Concurrency < n {
		due := make(chan handed, n) // never blocks: the dispatcher must not wait for a slot
		defer close(due)
		if r.OnQueue != nil {
			r.OnQueue(func() int { return len(due) })
		}
		hand = func(h handed) { due <- h }
		for range r.Concurrency {
			r.workers.Go(func() {
				for h := range due {
					if !r.past(r.d.Now() - r.out.Start) { // it may have waited for its slot
						r.work(ctx, h)
					}
				}
			})
		}
	}
	r.out.Planned = r.requests
	for k := range n {
		i := r.begin(k)
		due := r.out.Start + r.due(i)
		if !wait(ctx, r.d, due) {
			break
		}
		hand(handed{i, due, r.d.Now()})
	}
}

// onDemand hands out a request whenever a slot is free.
func (r *running) onDemand(ctx context.Context) {
	n := r.begins()
	wait(ctx, r.d, r.out.Start)
	for k := range min(Most(r.Slots), n) {
		r.workers.Go(func() {
			for free := r.out.Start; ; free = r.d.Now() {
				due, may := r.open(ctx, k, free)
				next := 0
				if may {
					next = int(r.taken.Add(1)) - 1
				}
				if !may || next >= n {
					return
				}
				r.work(ctx, handed{r.begin(next), due, r.d.Now()})
			}
		})
	}
	r.workers.Wait()
	if r.out.Planned = min(int(r.taken.Load()), n); r.next != nil {
		r.out.Planned = r.requests
	}
}

// open waits until slot k, which is free since an instant, may be used, and returns when a
// request became due for it: then, or when the slot was opened. It returns false where that
// will not be.
func (r *running) open(ctx context.Context, k int, free time.Duration) (due time.Duration, may bool) {
	for {
		at := r.d.Now() - r.out.Start
		now, from := open(r.Slots, k, at)
		switch {
		case r.past(at) || ctx.Err() != nil:
			return 0, false
		case now:
			return max(free, r.out.Start+from), true
		case from < 0 || !wait(ctx, r.d, r.out.Start+from):
			return 0, false
		}
	}
}

// past reports whether it is too late to send a request.
func (r *running) past(at time.Duration) bool { return r.Until > 0 && at >= r.Until }

// work sends a request and the turns that follow it.
func (r *running) work(ctx context.Context, h handed) {
	if ctx.Err() != nil {
		return
	}
	r.send(ctx, h, r.request)
	if r.next != nil {
		r.converse(ctx, h.i)
	}
}

// send sends a request whose slot is free.
func (r *running) send(ctx context.Context, h handed, request func(i int) *client.Prepared) {
	q := r.Result(h.i)
	q.Due, q.Handed, q.Permit = h.due, h.at, r.d.Now()
	if r.Server != nil {
		q.Server = r.Server(h.i)
	}
	p := request(h.i)
	if p == nil {
		return
	}
	r.sent.Add(1)
	r.d.Do(ctx, p, q)
	if r.OnDone != nil {
		r.OnDone(h.i, q)
	}
}

// begins is how many requests follow no other, begin the k-th of them.
func (r *running) begins() int {
	if r.first == nil {
		return r.requests
	}
	return len(r.first)
}

func (r *running) begin(k int) int {
	if r.first == nil {
		return k
	}
	return r.first[k]
}

// order returns the requests that follow no other, and of each request the one that
// follows it, -1 for none; nil where there are no conversations.
func (o *Options) order(n int) (first, next []int) {
	if o.Turns == nil {
		return nil, nil
	}
	next = make([]int, n)
	for i := range next {
		next[i] = -1
	}
	for i := range n {
		if o.Turns[i].Number > 0 {
			next[o.Turns[i].After] = i
			continue
		}
		first = append(first, i)
	}
	return first, next
}

// converse sends the turns of a conversation after its first: each is due when the answer
// before it is complete and the user has thought. A turn that fails is the last.
func (r *running) converse(ctx context.Context, first int) {
	build := r.Build(r.out.Results)
	for i := r.next[first]; i >= 0; i = r.next[i] {
		turn := r.Turns[i]
		before := &r.out.Results[turn.After]
		if before.Err != nil {
			return
		}
		p := build(i)
		complete := before.Ended
		if complete == 0 {
			complete = before.End
		}
		due := complete + turn.Think
		if p == nil || r.past(due-r.out.Start) || !wait(ctx, r.d, due) {
			return
		}
		r.send(ctx, handed{i, due, r.d.Now()}, func(int) *client.Prepared { return p })
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
