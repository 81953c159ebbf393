package live

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/pkg/metrics"
)

// window is how many seconds the recent latencies are of: of the requests that ended in them.
const window = 10

// slot holds the latencies of requests that ended in one second.
type slot struct {
	second int
	of     *latencies
}

// most is the longest latency that is distinguished from longer ones.
const most = time.Hour

// latencies are those of requests: microseconds, two digits, by Metric, and their sums.
type latencies struct {
	of       [4]*hdrhistogram.Histogram
	sum      [4]time.Duration
	requests int
}

func newLatencies() *latencies {
	l := &latencies{}
	for m := range l.of {
		l.of[m] = hdrhistogram.New(1, most.Microseconds(), 2)
	}
	return l
}

// record takes in a value; one beyond the range counts as that range's end.
func (l *latencies) record(m metrics.Metric, d time.Duration) {
	_ = l.of[m].RecordValue(min(max(d.Microseconds(), 1), most.Microseconds()))
	l.sum[m] += d
}

func (l *latencies) merge(from *latencies) {
	for m, h := range from.of {
		if h.TotalCount() > 0 {
			l.of[m].Merge(h)
			l.sum[m] += from.sum[m]
		}
	}
	l.requests += from.requests
}

func (l *latencies) reset() {
	for m, h := range l.of {
		if h.TotalCount() > 0 {
			h.Reset()
		}
		l.sum[m] = 0
	}
	l.requests = 0
}

// Quantiles are those of a metric; all are 0 where there is no value.
type Quantiles struct {
	Count         int64
	P50, P90, P99 time.Duration
}

func (l *latencies) quantiles() (all [4]Quantiles) {
	for m, h := range l.of {
		if h.TotalCount() == 0 {
			continue
		}
		at := h.ValueAtPercentilesSlice([]float64{50, 90, 99})
		of := func(i int) time.Duration { return time.Duration(at[i]) * time.Microsecond }
		all[m] = Quantiles{h.TotalCount(), of(0), of(1), of(2)}
	}
	return all
}

// Bar is how many values lie above From, and at most at To; the first bar's From is counted
// as well.
type Bar struct {
	From, To time.Duration
	Count    int64
}

// bars are the distribution of a metric: equally wide ones from the least value to p99, at
// most ten and none finer than the values are kept, and one of what is above.
func (l *latencies) bars(m metrics.Metric) []Bar {
	const mostBars, steps = 10, 64 // of a value's own size
	h := l.of[m]
	if h.TotalCount() == 0 {
		return nil
	}
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	low, high, top := us(h.Min()), us(h.ValueAtPercentile(99)), us(h.Max())
	var all []Bar
	n := min(max(steps*(high-low)/high, 1), mostBars)
	for i := range n {
		all = append(all, Bar{From: low + (high-low)*i/n, To: low + (high-low)*(i+1)/n})
	}
	above := Bar{From: high, To: max(top, high)}
	for _, b := range h.Distribution() {
		switch at := us(b.To); {
		case at > high:
			above.Count += b.Count
		default:
			i := 0
			for i < len(all)-1 && at > all[i].To {
				i++
			}
			all[i].Count += b.Count
		}
	}
	if above.Count > 0 {
		all = append(all, above)
	}
	return all
}
