package trtsim

import (
	"context"
	"sync"
	"time"
)

// job is one generation: tokens are counted up, and woken is signalled.
type job struct {
	prompt, output int

	mu    sync.Mutex
	ready int // tokens made so far
	gone  bool
	woken chan struct{}
}

func newJob(prompt, output int) *job {
	return &job{prompt: prompt, output: output, woken: make(chan struct{}, 1)}
}

// add makes one token and tells whether that was the last one.
func (j *job) add() (last bool) {
	j.mu.Lock()
	j.ready++
	last = j.ready >= j.output || j.gone
	j.mu.Unlock()
	select {
	case j.woken <- struct{}{}:
	default:
	}
	return last
}

// leave tells the engine that nobody listens any more.
func (j *job) leave() {
	j.mu.Lock()
	j.gone = true
	j.mu.Unlock()
}

// wait returns the number of tokens made, once it is above seen.
func (j *job) wait(ctx context.Context, seen int) (int, error) {
	for {
		j.mu.Lock()
		n := j.ready
		j.mu.Unlock()
		if n > seen {
			return n, nil
		}
		select {
		case <-j.woken:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// engine runs jobs in steps: a step prefills what has been admitted, up to the
// token budget, then makes a token for each request of the batch.
type engine struct {
	p      Profile
	queue  chan *job
	batch  []*job
	filled int // prompt tokens of waiting[0] that are prefilled
	wait   []*job
}

func newEngine(p Profile) *engine { return &engine{p: p, queue: make(chan *job, 1<<16)} }

// submit queues a job.
func (e *engine) submit(j *job) { e.queue <- j }

// run steps until ctx ends. The steps of a busy engine follow each other on an
// absolute time line, so that late wake-ups do not add up.
func (e *engine) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		if len(e.batch) == 0 && len(e.wait) == 0 {
			select {
			case j := <-e.queue:
				e.wait = append(e.wait, j)
			case <-ctx.Done():
				return
			}
		}
		at := time.Now()
		for len(e.batch) > 0 || len(e.wait) > 0 {
			e.drain()
			took, fresh := e.admit()
			if n := len(e.batch); n > 0 && !(len(fresh) == n && took > 0) {
				took += e.p.Step + time.Duration(n)*e.p.PerRequest
			}
			at = at.Add(took)
			timer.Reset(time.Until(at))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			if late := time.Since(at); late > time.Second { // the process was stopped
				at = time.Now()
			}
			e.step()
		}
	}
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
func (e *engine) admit() (took time.Duration, fresh []*job) {
	budget := e.p.MaxTokens
	for len(e.wait) > 0 && len(e.batch) < e.p.MaxBatch && budget > 0 {
		j := e.wait[0]
		n := min(budget, j.prompt-e.filled)
		budget -= n
		e.filled += n
		took += time.Duration(n) * e.p.Prefill
		if e.filled < j.prompt {
			break
		}
		e.filled = 0
		e.wait = e.wait[1:]
		e.batch = append(e.batch, j)
		fresh = append(fresh, j)
	}
	return took, fresh
}

// step makes a token for each request of the batch.
func (e *engine) step() {
	kept := e.batch[:0]
	for _, j := range e.batch {
		if !j.add() {
			kept = append(kept, j)
		}
	}
	clear(e.batch[len(kept):])
	e.batch = kept
}
