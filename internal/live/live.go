// Package live counts a run while it goes on, in bounded memory, for whoever watches it: the
// progress line, the live view and Prometheus. It takes the timelines of requests that have
// ended and asks the client, the load and the observer for the rest; it gives States. It
// derives latencies by the rule of package metrics and judges by package judge. It reads no
// clock and does no I/O: instants are times since the run's start.
package live

import (
	"slices"
	"strings"
	"sync"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Options are what a Tally knows of a run at its start. Functions that are nil are not called;
// they must be safe for concurrent use.
type Options struct {
	// Planned is the number of requests, 0 where time alone decides that; Most is how long
	// they are sent for at most, 0 for no limit; End is the end of their schedule, 0 where all
	// are due at once.
	Planned   int
	Most, End time.Duration
	// Rule is how timelines are read.
	Rule metrics.Rule
	// Burst says that all requests are due at once, without a bound on concurrency.
	Burst bool
	// Detailed keeps what the live view shows beyond the progress line: the latencies of
	// the last seconds, rates over time, and requests to judge.
	Detailed bool
	// UnderWay is how many requests are under way, and how many events with choices have come.
	UnderWay func() (requests, chunks int64)
	// Queued is how many requests are due and wait for a slot.
	Queued func() int
	// Health is what the process and its machine have been like so far; without cores it
	// counts as unknown.
	Health func() health.Report
}

// Tally counts a run. It is safe for concurrent use. Requests are added under one lock, which
// those who look at the numbers hold for a moment only: they take what has come since they
// last looked and work on that by themselves.
type Tally struct {
	o Options

	mu     sync.Mutex
	counts counts
	fresh  *latencies     // since the last look
	spans  []metrics.Span // room
	values []metrics.Value
	sample sample

	look   sync.Mutex // of what follows; it is taken before mu
	spare  *latencies
	run    *latencies
	recent []slot // by second, nil without Options.Detailed
	past   slot   // of the seconds before the one that it names
	merged *latencies
	points []point
	bars   [4][]Bar
	barsAt time.Duration
	judged judged
}

// counts are what is counted of ended requests.
type counts struct {
	done, succeeded, onPurpose int // onPurpose are ended by loadgen
	failures                   map[client.Class]int
	tokens, prompt             int   // of successes; prompt where the server says
	chunks                     int64 // events with choices, of successes
}

// New returns a Tally that has counted nothing yet.
func New(o Options) *Tally {
	t := &Tally{o: o, counts: counts{failures: map[client.Class]int{}}, fresh: newLatencies(), spare: newLatencies(), run: newLatencies(), barsAt: -time.Hour}
	if o.Detailed {
		t.recent, t.merged, t.past = make([]slot, window), newLatencies(), slot{second: -1, of: newLatencies()}
		for i := range t.recent {
			t.recent[i] = slot{second: -1, of: newLatencies()}
		}
		t.points = append(t.points, point{})
	}
	return t
}

// Add takes in a request that has ended. Nothing of it is changed; a few are kept.
func (t *Tally) Add(r *client.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.counts
	c.done++
	if t.o.Detailed {
		t.sample.add(r)
	}
	if r.Err != nil {
		if r.Err.Class.OnPurpose() {
			c.onPurpose++
		} else {
			c.failures[r.Err.Class]++
		}
		return
	}
	n := tokens(r, t.o.Rule.Whole)
	c.succeeded++
	c.tokens += n
	c.prompt += max(r.SeenUsage.Prompt, 0)
	t.spans = t.o.Rule.Of(r).AppendSpans(t.spans[:0])
	t.values = metrics.AppendValues(t.values[:0], t.spans, n, 0)
	for _, v := range t.values {
		t.fresh.record(v.Metric, v.Value)
		if v.Metric == metrics.TTFT || v.Metric == metrics.ITL || t.o.Rule.Whole {
			c.chunks++
		}
	}
	t.fresh.requests++
}

// tokens is the length of a success's completion, without a tokenizer.
func tokens(r *client.Result, whole bool) int {
	n := r.Usage.Completion
	if n <= 0 {
		n, _ = metrics.CountOf(r, whole, nil).Best()
	}
	return min(max(n, 0), metrics.MostTokens)
}

// failed is how many requests have failed.
func (c *counts) failed() (n int) {
	for _, of := range c.failures {
		n += of
	}
	return n
}

// byClass are the failures, the most frequent first.
func (c *counts) byClass() (all []metrics.ClassCount) {
	for class, n := range c.failures {
		all = append(all, metrics.ClassCount{Class: string(class), Count: n})
	}
	slices.SortFunc(all, func(a, b metrics.ClassCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Class, b.Class)
	})
	return all
}

// take moves what has come since the last look to where it is looked at. Look is held.
func (t *Tally) take(at time.Duration) counts {
	_, chunks := t.underWay()
	t.mu.Lock()
	t.fresh, t.spare = t.spare, t.fresh
	c := t.counts
	c.failures = make(map[client.Class]int, len(t.counts.failures))
	for class, n := range t.counts.failures {
		c.failures[class] = n
	}
	t.mu.Unlock()
	t.run.merge(t.spare)
	if t.o.Detailed {
		second := int(at / time.Second)
		s := &t.recent[second%window]
		if s.second != second {
			s.second = second
			s.of.reset()
		}
		s.of.merge(t.spare)
		t.mark(point{at, c.done, chunks})
	}
	t.spare.reset()
	return c
}

func (t *Tally) underWay() (requests, chunks int64) {
	if t.o.UnderWay == nil {
		return 0, 0
	}
	return t.o.UnderWay()
}

// judged is what is known of the client so far.
type judged struct {
	next    time.Duration // when it is due again
	at      time.Duration
	health  *health.Report
	cpu     float64 // processors in use since the time before
	verdict *judge.Verdict
	budget  *judge.Budget
	of      int // requests
}
