package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// steady measures the time from when all slots were busy first to when they were last.
func (x *ExtendedReader) steady(steps []step) *Steady {
	if x.o.Concurrency <= 0 {
		return nil
	}
	now := 0
	var from, to time.Duration
	for _, s := range steps {
		if now == x.o.Concurrency && s.by < 0 {
			to = s.at
		}
		if now += s.by; now == x.o.Concurrency && from == 0 {
			from = s.at
		}
	}
	if from == 0 || to <= from {
		return nil
	}
	out := &Steady{From: seconds(from - x.o.Start), To: seconds(to - x.o.Start)}
	gaps := 0
	for i := range x.requests {
		gaps += len(x.requests[i].s.ITL)
	}
	var values [4][]float64
	values[ITL] = make([]float64, 0, gaps)
	tokens := 0.0
	for i := range x.requests {
		q := &x.requests[i]
		if q.r.Err == nil && q.tokens > 0 {
			tokens += float64(q.n) * float64(q.tokensWithin(from, to)) / float64(q.tokens)
		}
		if q.from < from || q.to > to || q.r.Err != nil {
			out.Dropped++
			continue
		}
		out.Requests++
		values[TTFT], values[E2EL], values[ITL] = append(values[TTFT], q.s.TTFT), append(values[E2EL], q.s.Latency), append(values[ITL], q.s.ITL...)
		if tpot, ok := PerToken(q.s.TTFT, q.s.Latency, q.n); ok {
			values[TPOT] = append(values[TPOT], tpot)
		}
	}
	for m := range values {
		out.Latency[m] = StatsOf(values[m], x.o.Percentiles)
	}
	out.TokensPerSecond = tokens / seconds(to-from)
	return out
}

// tokensWithin counts the events that brought tokens in a span of time.
func (q *request) tokensWithin(from, to time.Duration) (n int) {
	if from <= q.from && q.to <= to {
		return q.tokens
	}
	for i := range q.r.Events {
		if e := &q.r.Events[i]; BringsTokens(e) && from <= e.At && e.At <= to {
			n++
		}
	}
	return n
}

// Blocks of a mean's interval: at most so many, of at least so many requests.
const (
	blocksMost = 20
	blockLeast = 5
)

// meanIntervals are 95 % intervals by the means of blocks of requests that began
// one after the other: those of a closed loop are correlated. ITL is blocked by
// whole requests, too.
func (x *ExtendedReader) meanIntervals() (out [4]*Interval) {
	type one struct {
		start  time.Duration
		sum, n [4]float64
	}
	var all []one
	for i := range x.requests {
		q := &x.requests[i]
		if q.r.Err != nil {
			continue
		}
		s := one{start: q.r.Start, sum: [4]float64{TTFT: q.s.TTFT, E2EL: q.s.Latency}, n: [4]float64{TTFT: 1, E2EL: 1, ITL: float64(len(q.s.ITL))}}
		for _, gap := range q.s.ITL {
			s.sum[ITL] += gap
		}
		if tpot, ok := PerToken(q.s.TTFT, q.s.Latency, q.n); ok {
			s.sum[TPOT], s.n[TPOT] = tpot, 1
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.start, b.start) })
	k := min(blocksMost, len(all)/blockLeast)
	if k < 5 {
		return out
	}
	for m := range out {
		means := make([]float64, 0, k)
		for b := range k {
			sum, n := 0.0, 0.0
			for _, x := range all[b*len(all)/k : (b+1)*len(all)/k] {
				sum, n = sum+x.sum[m], n+x.n[m]
			}
			if n > 0 {
				means = append(means, sum/n)
			}
		}
		if len(means) < k {
			continue
		}
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(k - 1)}.Quantile(0.975)
		mean, sd := Mean(means), Std(means)*math.Sqrt(float64(k)/float64(k-1))
		half := t * sd / math.Sqrt(float64(k))
		out[m] = &Interval{mean - half, mean + half}
	}
	return out
}
