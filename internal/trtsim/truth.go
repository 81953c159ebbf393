package trtsim

import (
	"math"
	"slices"
	"sync"
	"time"

	"loadgen/internal/pyjson"
)

// record is what really happened to one request, from the server's start.
type record struct {
	read   time.Duration   // the request arrived
	tokens []time.Duration // each event was written
	done   bool
	fault  Fault
}

// truthKept bounds the requests that are remembered.
const truthKept = 100000

// truth remembers requests.
type truth struct {
	mu   sync.Mutex
	all  []*record
	lost int // forgotten, being the oldest
	// completed counts all that ended well.
	completed int
}

func (t *truth) begin(at time.Duration, fault Fault) *record {
	r := &record{read: at, fault: fault}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == truthKept {
		t.all, t.lost = t.all[1:], t.lost+1
	}
	t.all = append(t.all, r)
	return r
}

func (t *truth) wrote(r *record, at time.Duration) {
	t.mu.Lock()
	r.tokens = append(r.tokens, at)
	t.mu.Unlock()
}

// end notes that a request has been answered in full, and counts those.
func (t *truth) end(r *record) (completed int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.done = true
	t.completed++
	return t.completed
}

// json tells the last n requests, all for n below 1: statistics, then each one's
// instants in seconds since the server's start.
func (t *truth) json(n int) pyjson.Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	if 0 < n && n < len(all) {
		all = all[len(all)-n:]
	}
	var ttft, itl, e2e []float64
	each := []pyjson.Object{}
	completed := 0
	for _, r := range all {
		if r.done {
			completed++
		}
		instants := make([]float64, len(r.tokens))
		for i, at := range r.tokens {
			instants[i] = at.Seconds()
			if i == 0 {
				ttft = append(ttft, 1e3*(at-r.read).Seconds())
			} else {
				itl = append(itl, 1e3*(at-r.tokens[i-1]).Seconds())
			}
		}
		if k := len(r.tokens); k > 0 {
			e2e = append(e2e, 1e3*(r.tokens[k-1]-r.read).Seconds())
		}
		one := pyjson.Object{{Key: "read_s", Value: r.read.Seconds()}, {Key: "events_s", Value: instants}, {Key: "done", Value: r.done}}
		if r.fault != "" {
			one.Set("fault", string(r.fault))
		}
		each = append(each, one)
	}
	return pyjson.Object{{Key: "requests", Value: len(all)}, {Key: "completed", Value: completed}, {Key: "forgotten", Value: t.lost},
		{Key: "ttft_ms", Value: summary(ttft)}, {Key: "itl_ms", Value: summary(itl)}, {Key: "e2e_ms", Value: summary(e2e)}, {Key: "each", Value: each}}
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
	return pyjson.Object{{Key: "mean", Value: mean}, {Key: "sd", Value: math.Sqrt(sd)}, {Key: "p50", Value: quantile(x, 0.5)},
		{Key: "p99", Value: quantile(x, 0.99)}, {Key: "max", Value: quantile(x, 1)}}
}

// quantile interpolates linearly between sorted values.
func quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	at := q * float64(n-1)
	i := min(int(at), n-1)
	return sorted[i] + (sorted[min(i+1, n-1)]-sorted[i])*(at-float64(i))
}

// lateness remembers how late the engine's steps were, in ms.
type lateness struct {
	mu  sync.Mutex
	all []float64
}

func (l *lateness) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) < 1<<20 {
		l.all = append(l.all, 1e3*max(d, 0).Seconds())
	}
}

// figures are the steps' number, and the median, 99th percentile and maximum of their lateness in ms.
func (l *lateness) figures() (n int, p50, p99, most float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sorted := slices.Sorted(slices.Values(l.all))
	return len(sorted), quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1)
}
