package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"

	"loadgen/internal/student"
	"loadgen/pkg/client"
)

// steady measures the time from when all slots were busy first to when they were last.
func (x *ExtendedReader) steady(steps steps, result func(i int) *client.Result) *Steady {
	if x.o.Concurrency <= 0 {
		return nil
	}
	now := 0
	var from, to time.Duration
	for s := range steps.all {
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
	var values [4]List
	tokens, success, gap := 0.0, -1, 0 // the place of its values
	for i := range x.requests {
		q := &x.requests[i]
		inside := from <= q.from && q.to <= to
		if !q.success {
			out.Dropped++
			continue
		}
		success, gap = success+1, gap+int(q.gaps)
		if q.tokens > 0 {
			if inside {
				tokens += float64(q.n)
			} else {
				tokens += TokensWithin(result(i), int(q.n), from, to)
			}
		}
		if !inside {
			out.Dropped++
			continue
		}
		out.Requests++
		ttft, latency := x.o.Values[TTFT].At(success), x.o.Values[E2EL].At(success)
		values[TTFT].Add(ttft)
		values[E2EL].Add(latency)
		values[ITL].AddFrom(x.o.Values[ITL], gap-int(q.gaps), gap)
		if tpot, ok := PerToken(ttft, latency, int(q.n)); ok {
			values[TPOT].Add(tpot)
		}
	}
	for m := range values {
		out.Latency[m] = values[m].Stats(x.o.Percentiles)
	}
	out.TokensPerSecond = tokens / seconds(to-from)
	return out
}

// TokensWithin is how many of an answer's n tokens came in a span of time, each event that
// brought some taken to have brought as many.
func TokensWithin(r *client.Result, n int, from, to time.Duration) float64 {
	within, all := 0, 0
	for i := range r.Events {
		if e := &r.Events[i]; BringsTokens(e) {
			if all++; from <= e.At && e.At <= to {
				within++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(n) * float64(within) / float64(all)
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
	order := make([]int32, 0, len(x.requests)) // of the successes
	places := make([]int32, len(x.requests))   // of their values
	gaps := make([]int32, len(x.requests))     // of their first gap
	gap := int32(0)
	for i := range x.requests {
		if q := &x.requests[i]; q.success {
			places[i], gaps[i] = int32(len(order)), gap
			order, gap = append(order, int32(i)), gap+q.gaps
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(x.requests[a].from, x.requests[b].from) })
	k := min(blocksMost, len(order)/blockLeast)
	if k < 5 {
		return out
	}
	var room []float64
	value := func(m Metric, i int32) (sum, n float64) {
		q := &x.requests[i]
		if m == ITL {
			room = slices.Grow(room[:0], int(q.gaps))[:q.gaps]
			for _, gap := range x.o.Values[ITL].Read(room, int(gaps[i])) {
				sum += gap
			}
			return sum, float64(q.gaps)
		}
		ttft, latency := x.o.Values[TTFT].At(int(places[i])), x.o.Values[E2EL].At(int(places[i]))
		switch m {
		case TTFT:
			return ttft, 1
		case E2EL:
			return latency, 1
		}
		if tpot, ok := PerToken(ttft, latency, int(q.n)); ok {
			return tpot, 1
		}
		return 0, 0
	}
	for m := range out {
		means := make([]float64, 0, k)
		for b := range k {
			sum, n := 0.0, 0.0
			for _, i := range order[b*len(order)/k : (b+1)*len(order)/k] {
				x, one := value(Metric(m), i)
				sum, n = sum+x, n+one
			}
			if n > 0 {
				means = append(means, sum/n)
			}
		}
		if len(means) < k {
			continue
		}
		t := student.Quantile(0.975, float64(k-1))
		mean, sd := Mean(means), Std(means)*math.Sqrt(float64(k)/float64(k-1))
		half := t * sd / math.Sqrt(float64(k))
		out[m] = &Interval{mean - half, mean + half}
	}
	return out
}
