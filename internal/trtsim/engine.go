package trtsim

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// delivery is what a step, or several, made of one request.
type delivery struct {
	tokens int // so far
	steps  int // so far
	cached int // prompt tokens that the KV cache held
	due    time.Time
}

// job is one generation.
type job struct {
	ids            []int // the prompt's tokens
	prompt, output int

	// The engine's, to be read when the last delivery is there.
	cached                     int
	made, steps                int
	firstIter, lastIter        int
	hits, misses               int // blocks of the prompt that the cache held, or did not
	scheduled, firstAt, lastAt time.Time
	submitted                  time.Time // by the server's front end

	box   *mailbox // where the deliveries go
	index int      // which of the box's jobs it is
}

// newJob returns a job with a mailbox of its own.
func newJob(ids []int, output int) *job {
	return &job{ids: ids, prompt: len(ids), output: output, box: newMailbox()}
}

// mail is a delivery of one of the jobs of a mailbox.
type mail struct {
	index int
	delivery
}

// mailbox takes the deliveries of jobs that somebody waits for together.
type mailbox struct {
	mu    sync.Mutex
	ready []mail
	gone  bool
	woken chan struct{}
}

func newMailbox() *mailbox { return &mailbox{woken: make(chan struct{}, 1)} }

// deliver hands a delivery to whoever waits for it.
func (j *job) deliver(d delivery) {
	b := j.box
	b.mu.Lock()
	b.ready = append(b.ready, mail{j.index, d})
	b.mu.Unlock()
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// leave reports to the engine that nobody listens any longer.
func (b *mailbox) leave() {
	b.mu.Lock()
	b.gone = true
	b.mu.Unlock()
}

func (b *mailbox) left() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone
}

// wait returns the next deliveries.
func (b *mailbox) wait(ctx context.Context) ([]mail, error) {
	for {
		b.mu.Lock()
		all := b.ready
		b.ready = nil
		b.mu.Unlock()
		if len(all) > 0 {
			return all, nil
		}
		select {
		case <-b.woken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// abortPoll is how often the server looks for clients that have left.
const abortPoll = time.Second

// timerMargin is more than what the runtime's timers are late.
const timerMargin = 1500 * time.Microsecond

// engine runs jobs in steps: a step prefills what has been admitted, up to the
// token budget, then makes tokens for each request of the batch.
type engine struct {
	p      Profile
	rng    *rand.Rand
	queue  chan *job
	batch  []*job
	wait   []*job
	begun  bool // wait[0] is being prefilled
	filled int  // tokens of its prompt that are
	polled time.Time
	cache  *blocks
	host   *host
	// precise waits for the last of each step by a system call, on the real clock.
	precise bool
	stats   drained
	iter    int
}

func newEngine(p Profile, seed uint64) *engine {
	return &engine{p: p, rng: rand.New(rand.NewPCG(seed, 2)), queue: make(chan *job, 1<<16), cache: newBlocks(p.Blocks), host: newHost(p.HostCost)}
}

// submit queues a job.
func (e *engine) submit(j *job) {
	j.submitted = time.Now()
	e.queue <- j
}

// run steps until ctx ends. The steps of a busy engine follow each other on an
// absolute time line, so that late wake-ups do not add up.
func (e *engine) run(ctx context.Context) {
	var hosting sync.WaitGroup
	hosting.Go(func() { e.host.run(ctx) })
	defer hosting.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case j := <-e.queue:
			e.wait = append(e.wait, j)
		case <-ctx.Done():
			return
		}
		for more := e.p.Gather > 0; more; {
			timer.Reset(e.p.Gather)
			select {
			case j := <-e.queue:
				e.wait = append(e.wait, j)
			case <-timer.C:
				more = false
			case <-ctx.Done():
				return
			}
		}
		at := time.Now()
		e.polled = at
		for len(e.batch) > 0 || len(e.wait) > 0 {
			e.drain()
			took := e.next()
			at = at.Add(took)
			ahead := time.Duration(0)
			if e.precise {
				ahead = timerMargin
			}
			timer.Reset(time.Until(at) - ahead)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			if e.precise {
				sleepPrecisely(time.Until(at))
			}
			e.iter++
			e.stats.add(e.iteration(took))
			if time.Since(at) > time.Second { // the process was stopped
				at = time.Now()
			}
			e.host.take(e.step(at))
			e.poll(at)
		}
	}
}

// next admits what there is room for, and returns how long the step takes that follows.
func (e *engine) next() time.Duration {
	took := e.admit()
	if took == 0 || e.decoding() {
		took += e.p.Step + time.Duration(len(e.batch))*e.p.PerRequest
	}
	return took
}

// decoding reports whether a request of the batch is beyond its prefill, which
// brings the first token.
func (e *engine) decoding() bool {
	for _, j := range e.batch {
		if j.made > 0 {
			return true
		}
	}
	return false
}

// drain takes in what has been submitted.
func (e *engine) drain() {
	for {
		select {
		case j := <-e.queue:
			e.wait = append(e.wait, j)
		default:
			return
		}
	}
}

// admit moves jobs from the queue into the batch while there is room and budget
// for their prompts, and returns how long their prefill takes.
func (e *engine) admit() (took time.Duration) {
	budget := e.p.MaxTokens
	for len(e.wait) > 0 && len(e.batch) < e.p.MaxBatch && budget > 0 {
		j := e.wait[0]
		if !e.begun {
			e.begun = true
			j.scheduled = time.Now()
			j.hits, j.misses = e.cache.take(j.ids)
			j.cached = j.hits * e.p.Blocks
			e.filled = j.cached
		}
		left := j.prompt - e.filled
		if e.p.WholePrompts && left > budget && budget < e.p.MaxTokens {
			break
		}
		n := left
		if !e.p.WholePrompts {
			n = min(budget, left)
		}
		budget -= n
		e.filled += n
		took += time.Duration(n) * e.p.Prefill
		if e.filled < j.prompt {
			break
		}
		e.filled, e.begun = 0, false
		e.wait = e.wait[1:]
		e.batch = append(e.batch, j)
	}
	return took
}

// step makes tokens for each request of the batch, due now.
func (e *engine) step(now time.Time) (out []hosted) {
	kept := e.batch[:0]
	for _, j := range e.batch {
		j.steps++
		if j.lastIter, j.lastAt = e.iter, now; j.steps == 1 {
			j.firstIter, j.firstAt = e.iter, j.lastAt
		}
		j.made = min(j.made+e.tokens(j), j.output)
		done := j.made == j.output
		if k := e.p.StreamInterval; k <= 1 || done || j.steps == 1 || j.steps%k == 0 {
			out = append(out, hosted{j, delivery{j.made, j.steps, j.cached, now}})
		}
		if !done {
			kept = append(kept, j)
		}
	}
	clear(e.batch[len(kept):])
	e.batch = kept
	return out
}

// tokens draws how many tokens a step makes of a request: one after its prefill,
// then evenly from one up to a bound that lies, in the mean of the draws, where it
// makes their mean the profile's.
func (e *engine) tokens(j *job) int {
	bound := 2*e.p.TokensPerStep - 1
	if bound <= 1 || j.made == 0 {
		return 1
	}
	whole := int(bound)
	if e.rng.Float64() < bound-float64(whole) {
		whole++
	}
	return 1 + e.rng.IntN(whole)
}

// poll drops the requests whose clients have left, as the server does once a second.
func (e *engine) poll(now time.Time) {
	if now.Sub(e.polled) < abortPoll {
		return
	}
	e.polled = now
	if len(e.wait) > 0 && e.wait[0].box.left() {
		e.filled, e.begun = 0, false
	}
	left := func(j *job) bool { return j.box.left() }
	e.batch = slices.DeleteFunc(e.batch, left)
	e.wait = slices.DeleteFunc(e.wait, left)
}

// hosted is a delivery on its way through the host.
type hosted struct {
	job *job
	d   delivery
}

// host is the server's event loop: it takes up what has come, needs a while for
// each chunk, and then sends them all. When it cannot keep up, the chunks of a
// request come in bursts.
type host struct {
	cost  time.Duration
	mu    sync.Mutex
	inbox []hosted
	woken chan struct{}
}

func newHost(cost time.Duration) *host { return &host{cost: cost, woken: make(chan struct{}, 1)} }

func (h *host) take(all []hosted) {
	if h.cost == 0 {
		for _, o := range all {
			o.job.deliver(o.d)
		}
		return
	}
	h.mu.Lock()
	h.inbox = append(h.inbox, all...)
	h.mu.Unlock()
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

func (h *host) run(ctx context.Context) {
	for {
		select {
		case <-h.woken:
		case <-ctx.Done():
			return
		}
		for at := time.Now(); ; {
			h.mu.Lock()
			all := h.inbox
			h.inbox = nil
			h.mu.Unlock()
			if len(all) == 0 {
				break
			}
			at = at.Add(time.Duration(len(all)) * h.cost)
			select {
			case <-time.After(time.Until(at)):
			case <-ctx.Done():
				return
			}
			for _, o := range all {
				o.d.due = at
				o.job.deliver(o.d)
			}
		}
	}
}
