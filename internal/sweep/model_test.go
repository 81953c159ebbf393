package sweep

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// model is a server whose limit is known: it decodes at most batch requests together in steps
// that take step and perRequest for each of them, after prefill for each that comes in.
type model struct {
	batch                     int
	step, perRequest, prefill float64
	tokens                    int
	spread                    float64 // of the requests' lengths, relative
	jitter                    float64 // of the steps, relative
	runs                      float64 // of whole runs, relative
}

// capacity is the highest throughput in tokens per second.
func (m model) capacity() float64 {
	b := float64(m.batch)
	return b / (m.step + b*m.perRequest + b/float64(m.tokens)*m.prefill)
}

// request is one that is on its way.
type request struct {
	at, first, last float64
	gaps            []float64
	left            int
}

// run is n requests at a load: the engine's steps in virtual time.
func (m model) run(rng *rand.Rand, l Load, n int, stagger float64) *Run {
	all := make([]*request, 0, n)
	add := func(at float64) {
		tokens := math.Round(float64(m.tokens) * (1 + m.spread*(2*rng.Float64()-1)))
		all = append(all, &request{at: at, left: max(1, int(tokens))})
	}
	for _, at := range starts(rng, l, n, stagger) {
		add(at)
	}
	speed := math.Exp(m.runs * rng.NormFloat64())
	now, next, delivered := 0.0, 0, [][2]float64{}
	var batch []*request
	begin := func(q *request) { // in the order of their starts
		i := len(all)
		for i > next && all[i-1].at > q.at {
			i--
		}
		all = slices.Insert(all, i, q)
	}
	for len(batch) > 0 || next < len(all) {
		if len(batch) == 0 {
			now = max(now, all[next].at)
		}
		took := 0.0
		for next < len(all) && all[next].at <= now && len(batch) < m.batch {
			batch, next, took = append(batch, all[next]), next+1, took+m.prefill
		}
		took += m.step + float64(len(batch))*m.perRequest
		now += took * speed * max(0.1, 1+m.jitter*rng.NormFloat64())
		delivered = append(delivered, [2]float64{now, float64(len(batch))})
		kept := batch[:0]
		for _, r := range batch {
			if r.left--; r.first == 0 {
				r.first = now
			} else {
				r.gaps = append(r.gaps, now-r.last)
			}
			if r.last = now; r.left > 0 {
				kept = append(kept, r)
			} else if l.Concurrency > 0 && len(all) < n {
				add(now)
				q := all[len(all)-1]
				all = all[:len(all)-1]
				begin(q)
			}
		}
		batch = kept
	}
	return measured(l, all, delivered)
}

// starts are when requests come: all of a rate, those of a closed loop that fill its slots.
func starts(rng *rand.Rand, l Load, n int, stagger float64) (all []float64) {
	if l.Concurrency > 0 {
		for i := range min(n, l.Concurrency) {
			all = append(all, stagger*float64(i)/float64(l.Concurrency))
		}
		return all
	}
	for due := 0.0; len(all) < n; due += rng.ExpFloat64() / l.Rate {
		all = append(all, due)
	}
	return all
}

// measured is what a client sees of the requests.
func measured(l Load, all []*request, delivered [][2]float64) *Run {
	f := &result.File{}
	n := len(all)
	from, to := 0.0, all[n-1].at
	if c := l.Concurrency; c > 0 {
		f.MaxConcurrency = &c
		from = all[min(c, n-1)].at
	}
	for _, r := range all {
		f.TTFTs, f.ITLs, f.OutputLens = append(f.TTFTs, r.first-r.at), append(f.ITLs, r.gaps), append(f.OutputLens, len(r.gaps)+1)
	}
	f.NumPrompts, f.Completed = &n, &n
	if l.Rate > 0 {
		rate := result.Rate(l.Rate)
		f.RequestRate = &rate
	}
	if l.Rate > 0 {
		f.Loadgen = &result.Loadgen{Metrics: &result.Extended{Series: seconds(all)}}
	}
	tokens, last := 0.0, 0.0
	for _, d := range delivered {
		if last = d[0]; from < d[0] && d[0] <= to {
			tokens += d[1]
		}
	}
	f.Duration = &last
	r := FromFile(f)
	r.Throughput = tokens / (to - from)
	return r
}

// measure is the model as a sweep measures it.
func (m model) measure(seed uint64) Measure {
	rng := rand.New(rand.NewPCG(seed, 11))
	return func(_ context.Context, a Ask) (*Run, error) { return m.run(rng, a.Load, a.Requests, a.Stagger), nil }
}

// seconds are a run's requests by the second.
func seconds(all []*request) (out []result.Second) {
	at := func(t float64) *result.Second {
		for len(out) <= int(t) {
			out = append(out, result.Second{Second: len(out)})
		}
		return &out[int(t)]
	}
	for _, r := range all {
		at(r.at).Started++
		at(r.last).Completed++
	}
	return out
}

// known is the limit of the model by long runs: of a million requests at each load.
func (m model) known(objectives []Objective, around Load) float64 {
	if capacity := m.capacity() / float64(m.tokens); around.Rate > 0.99*capacity {
		return capacity // no latency limits it
	}
	return trueLimit(objectives, around, 40, func(l Load, seed uint64) *Run {
		rng := rand.New(rand.NewPCG(seed, 5))
		stagger := 0.0
		if l.Concurrency > 0 {
			stagger = longAs(m.run(rng, l, 1000, 0))
		}
		return m.run(rng, l, 25_000, stagger)
	})
}

// longAs is how long a request of a run took.
func longAs(r *Run) float64 { return metrics.Mean(slices.Concat(r.Values[metrics.E2EL]...)) }
