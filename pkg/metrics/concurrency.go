package metrics

import (
	"math"
	"slices"
	"time"
)

// step is a change of the number of requests under way.
type step struct {
	at time.Duration
	by int
}

// steps are the instants at which requests begin and end, each in ascending order.
type steps struct{ from, to []time.Duration }

func (x *ExtendedReader) steps() steps {
	n := len(x.requests)
	s := steps{make([]time.Duration, n), make([]time.Duration, n)}
	for i := range x.requests {
		s.from[i], s.to[i] = x.requests[i].from, x.requests[i].to
	}
	slices.Sort(s.from)
	slices.Sort(s.to)
	return s
}

// all yields the changes in their order; at the same instant what ends goes first.
func (s steps) all(yield func(step) bool) {
	for len(s.from)+len(s.to) > 0 {
		next := step{}
		if len(s.to) == 0 || len(s.from) > 0 && s.from[0] < s.to[0] {
			next, s.from = step{s.from[0], 1}, s.from[1:]
		} else {
			next, s.to = step{s.to[0], -1}, s.to[1:]
		}
		if !yield(next) {
			return
		}
	}
}

// longest bounds the series, in seconds.
const longest = 100000

// second is the number of an instant's second in a series of n.
func (x *ExtendedReader) secondOf(at time.Duration, n int) int {
	return min(max(int((at-x.o.Start)/time.Second), 0), n-1)
}

// inSecond counts tokens by the second in which they came.
func (x *ExtendedReader) inSecond(at time.Duration, tokens int) {
	k := x.secondOf(at, longest)
	for len(x.perSecond) <= k {
		x.perSecond = append(x.perSecond, 0)
	}
	x.perSecond[k] += tokens
}

// concurrency fills in the peak, the mean and the series of seconds.
func (x *ExtendedReader) concurrency(out *Extended, steps steps) {
	n := len(steps.to)
	if n == 0 {
		return
	}
	start, end := x.o.Start, steps.to[n-1]
	out.Series = make([]Second, min(max(int(math.Ceil(seconds(end-start))), 1), longest))
	bin := func(at time.Duration) *Second { return &out.Series[x.secondOf(at, len(out.Series))] }
	now := 0
	var before time.Duration
	area := 0.0
	for s := range steps.all {
		if now > 0 {
			area += float64(now) * seconds(s.at-before)
			for from := before; from < s.at; { // over the seconds that it spans
				k, to := x.secondOf(from, len(out.Series)), s.at
				if k < len(out.Series)-1 { // all that is later is in the last
					to = min(to, start+time.Duration(k+1)*time.Second)
				}
				b := &out.Series[k]
				b.Concurrency += float64(now) * seconds(to-from)
				b.Peak = max(b.Peak, now)
				from = to
			}
		}
		now += s.by
		before = s.at
		out.PeakConcurrency = max(out.PeakConcurrency, now)
		bin(s.at).Peak = max(bin(s.at).Peak, now)
	}
	if whole := seconds(end - steps.from[0]); whole > 0 {
		out.MeanConcurrency = area / whole
	}
	for i := range x.requests {
		q := &x.requests[i]
		bin(q.from).Started++
		if q.success {
			bin(q.to).Completed++
		}
	}
	for k, n := range x.perSecond {
		out.Series[min(k, len(out.Series)-1)].Tokens += n
	}
}
