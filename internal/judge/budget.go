package judge

import (
	"math"
	"sort"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/health"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Budget is the measurement error that a run knows of. Nothing of it is subtracted from
// its metrics.
type Budget struct {
	Lateness    health.Dist // due to handed out
	SlotWait    health.Dist // handed out to a concurrency slot: the load's, not an error
	StartDelay  health.Dist // slot to start, which no latency contains
	SendDelay   health.Dist // start to written, the connection included
	Connect     health.Dist // start to connected, of those that opened a connection
	RTT         health.Dist // least round trip times, one a connection
	Uncertainty health.Dist // of the stamps that may be late: by how much at most
	// Retransmits counts the segments that were sent again.
	Retransmits int
	// ByWall reports whether the kernel stamped arrivals, which it does by the wall clock.
	ByWall bool
	// Idle is the share of the slots' time between the end of a complete answer (Result.Ended)
	// and the start of the next request: by so much at most throughput is understated.
	Idle float64
	// Bounds are by Metric; FirstWave is that of the first wave's TTFT.
	Bounds    [4]Bound
	FirstWave Bound
}

// Bound is by how much a metric's statistics can be off, at most, in seconds, given the
// delays that were measured in the client: the true values lie between those of a
// timeline with all delays taken out and the one that is reported.
type Bound struct {
	Mean, Median, P99 float64
	// ReportedMedian and ReportedMean are the metric's own; Count is the number of values.
	ReportedMedian, ReportedMean float64
	Count                        int
}

// Most is the largest of the bounds.
func (b Bound) Most() float64 { return max(b.Mean, b.Median, b.P99) }

// BudgetReader derives a budget from a run's requests, one after the other.
type BudgetReader struct {
	rule                                           metrics.Rule
	h                                              *health.Report
	burst                                          bool
	lateness, waits, starts, sends, connects, rtts metrics.List
	lateBy                                         *hdrhistogram.Histogram // of events, which are many: ns, three digits
	latestBy                                       time.Duration
	retransmits                                    int
	byWall                                         bool
	idle, busy                                     time.Duration
	began, end, ended                              time.Duration    // of a burst: its end as it was noticed, and as it was
	succeeded                                      bool             // some
	least, most                                    [4]*metrics.List // that the values can have been, by Metric
	leastOf, mostOf                                []time.Duration  // the same of one request's gaps
	firsts                                         []int32          // of TTFTs: how many there are after each request
	// gapsBegin and gapsEnd sum up by how much the first and the last event of each row of
	// gaps may be late: what lies between moves no sum of gaps.
	gapsBegin, gapsEnd time.Duration
}

// NewBudgetReader returns a reader that has read nothing yet. A burst is a load of all
// requests at once without a bound: opening their connections is its ramp, and no slot is
// idle, as there is none. reported are the values of the same requests, which take no memory
// again where they are exact; nil for none.
func NewBudgetReader(rule metrics.Rule, h *health.Report, burst bool, reported *[4]*metrics.List) *BudgetReader {
	b := &BudgetReader{rule: rule, h: h, burst: burst, lateBy: hdrhistogram.New(1, int64(mostLate), 3)}
	for m := range b.least {
		if b.least[m], b.most[m] = new(metrics.List), new(metrics.List); reported != nil {
			b.least[m], b.most[m] = metrics.Like(reported[m]), metrics.Like(reported[m])
		}
	}
	return b
}

// Under says what the process was like that sent the requests that are read from now on,
// where several processes made a run.
func (b *BudgetReader) Under(h *health.Report) { b.h = h }

// Add reads a request that was sent, its latencies, by how much its events may be late
// (AppendLateness) and its completion's length.
func (b *BudgetReader) Add(r *client.Result, spans []metrics.Span, late []time.Duration, outputLen int) {
	b.lateness.AddDuration(max(r.Handed-r.Due, 0))
	b.waits.AddDuration(max(r.Permit-r.Handed, 0))
	b.starts.AddDuration(max(r.Start-r.Permit, 0))
	if r.Written > 0 {
		b.sends.AddDuration(r.Written - r.Start)
	}
	if r.Connect > 0 && !r.Reused {
		b.connects.AddDuration(r.Connect - r.Start)
	}
	if r.MinRTT > 0 {
		b.rtts.AddDuration(r.MinRTT)
	}
	b.retransmits += r.Retransmits
	b.byWall = b.byWall || r.KernelStamps
	tail := time.Duration(0) // of a stream that hung or was cut the slot was kept for the server, not for the client
	if r.Err == nil && r.Ended > 0 {
		tail = max(r.End-r.Ended, 0)
	}
	if !b.burst {
		b.busy += r.End - r.Permit
		b.idle += max(r.Start-r.Permit, 0) + tail
	} else { // nobody waits for a slot: the end of the run alone may be late
		if b.lateness.Len() == 1 {
			b.began = r.Permit
		}
		b.began, b.end, b.ended = min(b.began, r.Permit), max(b.end, r.End), max(b.ended, r.End-tail)
		b.busy, b.idle = b.end-b.began, b.end-b.ended
	}
	if r.Err == nil {
		b.succeeded = true
		b.success(r, spans, late, outputLen)
	}
	b.firsts = append(b.firsts, int32(b.least[metrics.TTFT].Len()))
}

// success takes in the values of a success, in the order in which a Summary has them.
func (b *BudgetReader) success(r *client.Result, spans []metrics.Span, late []time.Duration, outputLen int) {
	end := time.Duration(0) // of a whole answer
	if b.rule.Whole {
		end = wholeLateness(r, b.h)
		b.stampLate(end)
	}
	for _, l := range late {
		b.stampLate(l)
	}
	sent := sending(r, b.h)
	var first, last, ttft time.Duration // the first and last event's lateness, and TTFT
	row := -1                           // the event that the row of gaps ends with, so far
	b.leastOf, b.mostOf = b.leastOf[:0], b.mostOf[:0]
	for i := range spans {
		s := &spans[i]
		at := func(event int) time.Duration {
			if event < 0 {
				return end
			}
			return late[event]
		}
		x := s.Length()
		switch s.Metric {
		case metrics.TTFT:
			ttft, first = x, at(s.To)
			b.add(metrics.TTFT, x-first-sent, x)
		case metrics.ITL:
			if s.From != row {
				b.gapsBegin += at(s.From)
			} else {
				b.gapsEnd -= at(s.From)
			}
			row = s.To
			b.gapsEnd += at(s.To)
			b.leastOf, b.mostOf = append(b.leastOf, max(x-at(s.To), 0)), append(b.mostOf, x+at(s.From))
		case metrics.E2EL:
			last = at(s.To)
			b.add(metrics.E2EL, x-last-sent, x)
			if !b.rule.Whole {
				b.addPerToken(ttft, x, first, last, outputLen)
			}
		}
	}
	b.least[metrics.ITL].AddDurations(b.leastOf)
	b.most[metrics.ITL].AddDurations(b.mostOf)
}

func (b *BudgetReader) stampLate(late time.Duration) {
	if late > 0 {
		late = min(late, mostLate)
		_ = b.lateBy.RecordValue(int64(late)) // in range
		b.latestBy = max(b.latestBy, late)
	}
}

func (b *BudgetReader) add(m metrics.Metric, least, most time.Duration) {
	b.least[m].AddDuration(max(least, 0))
	b.most[m].AddDuration(most)
}

// addPerToken adds a request's TPOT.
func (b *BudgetReader) addPerToken(ttft, latency, first, last time.Duration, n int) {
	if n < 2 {
		return
	}
	least, _ := metrics.PerToken(seconds(ttft), seconds(latency-last), n)
	most, _ := metrics.PerToken(seconds(ttft-first), seconds(latency), n)
	b.least[metrics.TPOT].Add(max(least, 0))
	b.most[metrics.TPOT].Add(max(most, 0))
}

// Budget makes the budget of what was read; s is the summary of the same requests, of which
// the first make up the first wave.
func (b *BudgetReader) Budget(s *metrics.Summary, firstWave int) *Budget {
	out := &Budget{
		Lateness: dist(&b.lateness), SlotWait: dist(&b.waits), StartDelay: dist(&b.starts), SendDelay: dist(&b.sends),
		Connect: dist(&b.connects), RTT: dist(&b.rtts), Uncertainty: b.lateDist(), Retransmits: b.retransmits, ByWall: b.byWall,
	}
	if b.busy > 0 && b.succeeded { // where all failed there is no throughput to understate
		out.Idle = float64(b.idle) / float64(b.busy)
	}
	for m := range out.Bounds {
		if b.least[m].Len() > 0 { // of whole answers E2EL alone
			out.Bounds[m] = bound(s.Values[m], b.least[m], b.most[m])
		}
	}
	if itl := &out.Bounds[metrics.ITL]; itl.Count > 0 {
		itl.Mean = min(itl.Mean, max(b.gapsBegin, b.gapsEnd).Seconds()/float64(itl.Count))
	}
	if firstWave > 0 && firstWave <= len(b.firsts) {
		n, reported := int(b.firsts[firstWave-1]), s.Values[metrics.TTFT]
		if n > 0 && n <= reported.Len() {
			out.FirstWave = bound(head(reported, n), head(b.least[metrics.TTFT], n), head(b.most[metrics.TTFT], n))
		}
	}
	return out
}

// head is a list of the first values of another.
func head(l *metrics.List, n int) *metrics.List {
	out := new(metrics.List)
	out.AddFrom(l, 0, n)
	return out
}

// bound compares values as they were reported with the least and most they can be. A mistake in
// what is reported is no delay: it makes no bound larger.
func bound(reported, least, most *metrics.List) Bound {
	at := func(l *metrics.List) [3]float64 {
		p := l.Percentiles(50, 99)
		return [3]float64{l.Mean(), p[0], p[1]}
	}
	x := at(reported)
	b := Bound{ReportedMean: x[0], ReportedMedian: x[1], Count: reported.Len()}
	end := func(l *metrics.List) [3]float64 {
		if l.Origin() == reported || l.Len() != reported.Len() {
			return x
		}
		return at(l)
	}
	low, high := end(least), end(most)
	for i, to := range []*float64{&b.Mean, &b.Median, &b.P99} {
		inside := min(max(x[i], low[i]), high[i])
		*to = max(inside-low[i], high[i]-inside)
	}
	return b
}

// mostLate is as late as a stamp can be said to be.
const mostLate = 24 * time.Hour

// lateDist sums up by how much stamps may be late.
func (b *BudgetReader) lateDist() health.Dist {
	if b.latestBy == 0 {
		return health.Dist{}
	}
	at := func(q float64) time.Duration { return min(time.Duration(b.lateBy.ValueAtQuantile(q)), b.latestBy) }
	return health.Dist{Count: int(b.lateBy.TotalCount()), P50: at(50), P99: at(99), Max: b.latestBy}
}

func seconds(d time.Duration) float64 { return float64(d) / 1e9 }

// dist sums up durations.
func dist(l *metrics.List) health.Dist {
	n := l.Len()
	if n == 0 {
		return health.Dist{}
	}
	place := func(q float64) int { return min(int(q*float64(n)), n-1) }
	at := l.Ranks(place(0.5), place(0.99), n-1)
	of := func(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }
	return health.Dist{Count: n, P50: of(at[0]), P99: of(at[1]), Max: of(at[2])}
}

// sending is how long the client took, at most, from the start to the written
// request: to write it, and to notice its connection. Where the transport cannot
// tell the latter, it is what goroutines usually wait, or a stall of the process.
func sending(r *client.Result, h *health.Report) time.Duration {
	late := r.ConnectLate
	if late == client.UnknownLate {
		late = h.Scheduler.P99
		for _, s := range h.Stalls {
			late += max(min(s.To, r.Connect)-max(s.Since, r.Start), 0)
		}
		late = min(late, r.Connect-r.Start)
	}
	return late + max(r.Written-max(r.Connect, r.Start), 0)
}

// AppendLateness appends by how much each event's stamp may be late: what the transport
// says; where it cannot tell, what goroutines usually wait, before they run and
// before they read; in a stall of the process, since the latter was last seen to run.
// It came after the read before, which may have been late itself.
func AppendLateness(dst []time.Duration, r *client.Result, h *health.Report) []time.Duration {
	before, at := r.Written, r.Written // the stamps of the read before, and of this one
	earlier, last := time.Duration(0), time.Duration(0)
	for i := range r.Events {
		e := &r.Events[i]
		if e.At != at {
			before, at, earlier = at, e.At, last
		}
		late := time.Duration(e.Uncertainty)
		if e.Uncertainty == client.MaxUncertainty { // bounded by the read before it alone
			late = math.MaxInt64
		}
		if e.Uncertainty == client.UnknownUncertainty {
			late = max(h.Scheduler.P99, h.WorstReads().P99)
		}
		if e.Uncertainty > 0 || e.Shared {
			late = min(max(late, stalled(h, e.At)), max(e.At-before, 0)+earlier)
		}
		last = late
		dst = append(dst, late)
	}
	return dst
}

// wholeLateness is the same for the end of an answer that came whole: a stamp of the
// kernel's is exact.
func wholeLateness(r *client.Result, h *health.Report) time.Duration {
	if r.KernelStamps {
		return 0
	}
	return min(max(h.Scheduler.P99, h.WorstReads().P99, stalled(h, r.LastByte)), max(r.LastByte-r.Written, 0))
}

// stalled is for how long, before something was read, the process may not have run.
func stalled(h *health.Report, read time.Duration) (late time.Duration) {
	// Stalls come one after the other; a starved process has thousands.
	k := sort.Search(len(h.Stalls), func(k int) bool { return read <= h.Stalls[k].To+stallTail })
	for ; k < len(h.Stalls) && h.Stalls[k].Since < read; k++ {
		late = max(late, read-h.Stalls[k].Since)
	}
	return late
}

// stallTail is how long after a stall what has piled up is still being read.
const stallTail = 5 * time.Millisecond
