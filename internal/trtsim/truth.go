package trtsim

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/pyjson"
)

// record is what really happened to one request, from the server's start.
type record struct {
	number int             // of the request, from 1
	read   time.Duration   // the request arrived
	tokens []time.Duration // each event was about to be written
	count  int             // tokens of the whole answer
	done   bool            // it was answered in full
	over   bool            // nothing more will be written
	fault  Fault
}

// truthKept bounds the requests that are remembered.
const truthKept = 100000

// truth keeps what really happened to requests.
type truth struct {
	mu   sync.Mutex
	all  []*record
	lost int // forgotten, being the oldest
	// begun counts all requests.
	begun int
	// completed counts all that ended well.
	completed int
	late      *hdrhistogram.Histogram // of all events, in us
}

func newTruth() *truth {
	return &truth{late: hdrhistogram.New(1, int64(time.Hour/time.Microsecond), 3)}
}

func (t *truth) begin(at time.Duration, fault Fault) *record {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun++
	r := &record{number: t.begun, read: at, fault: fault}
	if len(t.all) == truthKept {
		t.all, t.lost = t.all[1:], t.lost+1
	}
	t.all = append(t.all, r)
	return r
}

// wrote notes that an event is written that was due before.
func (t *truth) wrote(r *record, at, due time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.tokens = append(r.tokens, at)
	_ = t.late.RecordValue(max(at-due, 0).Microseconds()) // above an hour it is of no interest
}

// end notes that a request has been answered in full, in so many tokens.
func (t *truth) end(r *record, tokens int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.done, r.count = true, tokens
	t.completed++
}

// leave notes that nothing more will be written.
func (t *truth) leave(r *record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.over = true
}

// lateness is the number of the events of all requests, and the median, 99th
// percentile and maximum of how late they were written, in ms.
func (t *truth) lateness() (events int, p50, p99, most float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := func(percent float64) float64 { return float64(t.late.ValueAtPercentile(percent)) / 1e3 }
	return int(t.late.TotalCount()), at(50), at(99), float64(t.late.Max()) / 1e3
}

// choose is the last requests, all for last below 1, without the first to skip and
// no more than count, unless that is below 1.
func (t *truth) choose(last, skip, count int) []*record {
	all := t.all[min(max(skip, 0), len(t.all)):]
	if 0 < last && last < len(all) {
		all = all[len(all)-last:]
	}
	if 0 < count && count < len(all) {
		all = all[:count]
	}
	return all
}

// json describes the chosen requests: statistics, then each one's instants in seconds
// since the server's start.
func (t *truth) json(last, skip, count int) pyjson.Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.choose(last, skip, count)
	var ttft, itl, tpot, e2e []float64
	each := []pyjson.Object{}
	completed, aborted, events := 0, 0, 0
	ms := func(d time.Duration) float64 { return 1e3 * d.Seconds() }
	for _, r := range all {
		switch {
		case r.done:
			completed++
		case r.over:
			aborted++
		}
		instants := make([]float64, len(r.tokens))
		for i, at := range r.tokens {
			if instants[i] = at.Seconds(); i > 0 {
				itl = append(itl, ms(at-r.tokens[i-1]))
			}
		}
		if n := len(r.tokens); n > 0 {
			events += n
			ttft = append(ttft, ms(r.tokens[0]-r.read))
			e2e = append(e2e, ms(r.tokens[n-1]-r.read))
			if n > 1 {
				tpot = append(tpot, ms(r.tokens[n-1]-r.tokens[0])/float64(n-1))
			}
		}
		one := pyjson.Object{{Key: "read_s", Value: r.read.Seconds()}, {Key: "events_s", Value: instants}, {Key: "tokens", Value: r.count}, {Key: "done", Value: r.done}}
		if r.fault != "" {
			one.Set("fault", string(r.fault))
		}
		each = append(each, one)
	}
	return pyjson.Object{
		{Key: "requests", Value: len(all)},
		{Key: "completed", Value: completed},
		{Key: "aborted", Value: aborted},
		{Key: "requests_all", Value: len(t.all)},
		{Key: "forgotten", Value: t.lost},
		{Key: "events", Value: events},
		{Key: "ttft_ms", Value: summary(ttft)},
		{Key: "itl_ms", Value: summary(itl)},
		{Key: "tpot_ms", Value: summary(tpot)},
		{Key: "e2e_ms", Value: summary(e2e)},
		{Key: "each", Value: each},
	}
}

func (t *truth) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all, t.lost = nil, 0
}

func summary(x []float64) pyjson.Object {
	slices.Sort(x)
	mean, sd := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / float64(len(x))
	}
	return pyjson.Object{
		{Key: "mean", Value: mean},
		{Key: "sd", Value: math.Sqrt(sd)},
		{Key: "min", Value: quantile(x, 0)},
		{Key: "p50", Value: quantile(x, 0.5)},
		{Key: "p99", Value: quantile(x, 0.99)},
		{Key: "p999", Value: quantile(x, 0.999)},
		{Key: "max", Value: quantile(x, 1)},
	}
}

// quantile interpolates linearly between sorted values. It shares no code with package
// metrics on purpose: the self-test compares the two.
func quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	at := q * float64(n-1)
	i := min(int(at), n-1)
	return sorted[i] + (sorted[min(i+1, n-1)]-sorted[i])*(at-float64(i))
}
