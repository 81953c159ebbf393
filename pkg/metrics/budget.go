package metrics

import (
	"slices"
	"sort"
	"time"

	"loadgen/internal/health"
	"loadgen/pkg/client"
)

// Budget is what a run knows of its own part in its figures. Nothing of it is
// subtracted from them.
type Budget struct {
	Lateness   health.Dist // due to handed out
	SlotWait   health.Dist // handed out to a concurrency slot: the load's, not an error
	StartDelay health.Dist // slot to start, which no latency contains
	SendDelay  health.Dist // start to written, the connection included
	Connect    health.Dist // start to connected, of those that opened a connection
	RTT        health.Dist // least round trip times, one a connection
	Slack      health.Dist // of the stamps that may be late: by how much at most
	// Retransmits counts the segments that were sent again.
	Retransmits int
	// Idle is the share of the slots' time between the end of an answer and the
	// start of the next request: by so much at most throughput is understated.
	Idle float64
	// Bounds are by Metric.
	Bounds [4]Bound
}

// Bound is by how much a metric's figures can be off, at most, in seconds, for
// what was measured of the client's part: the true values lie between those of a
// time line with all delays taken out and the one that is reported.
type Bound struct {
	Mean, Median, P99 float64
	// Typical is the metric's median as reported, Average its mean; Count the number
	// of values.
	Typical, Average float64
	Count            int
}

// Most is the largest of the bounds.
func (b Bound) Most() float64 { return max(b.Mean, b.Median, b.P99) }

// NewBudget derives the budget of the requests of a run; h may be nil. A request's
// completion length is that of outputLens.
func NewBudget(results []*client.Result, outputLens []int, chat bool, h *health.Report) *Budget {
	if h == nil {
		h = &health.Report{}
	}
	b := &Budget{}
	var lateness, waits, starts, sends, connects, rtts, slacks []time.Duration
	var idle, busy time.Duration
	var values [4]spans
	for i, r := range results {
		lateness = append(lateness, max(r.Handed-r.Due, 0))
		waits = append(waits, max(r.Permit-r.Handed, 0))
		starts = append(starts, max(r.Start-r.Permit, 0))
		if r.Written > 0 {
			sends = append(sends, r.Written-r.Start)
		}
		if r.Connect > 0 && !r.Reused {
			connects = append(connects, r.Connect-r.Start)
		}
		if r.MinRTT > 0 {
			rtts = append(rtts, r.MinRTT)
		}
		b.Retransmits += r.Retransmits
		busy += r.End - r.Permit
		if idle += max(r.Start-r.Permit, 0); r.LastByte > 0 {
			idle += max(r.End-r.LastByte, 0)
		}
		if r.Err == nil {
			lates := Latenesses(r, h)
			for _, late := range lates {
				if late > 0 {
					slacks = append(slacks, late)
				}
			}
			if len(r.Events) > 0 {
				addSpans(&values, r, outputLens[i], chat, sending(r, h), lates)
			} else { // it came whole
				late := wholeLateness(r, h)
				if late > 0 {
					slacks = append(slacks, late)
				}
				latency := r.LastByte - r.Start
				values[E2EL].add(seconds(latency), seconds(latency-late-sending(r, h)), seconds(latency))
			}
		}
	}
	if busy > 0 {
		b.Idle = float64(idle) / float64(busy)
	}
	b.Lateness, b.SlotWait, b.StartDelay = health.NewDist(lateness), health.NewDist(waits), health.NewDist(starts)
	b.SendDelay, b.Connect, b.RTT, b.Slack = health.NewDist(sends), health.NewDist(connects), health.NewDist(rtts), health.NewDist(slacks)
	for m := range values {
		b.Bounds[m] = values[m].bound()
	}
	return b
}

// spans are a metric's values as reported, and the least and most that they can
// have been.
type spans struct {
	reported, lo, hi []float64
	differ           bool
}

func (s *spans) add(reported, lo, hi float64) {
	lo = max(lo, 0)
	s.reported, s.lo, s.hi = append(s.reported, reported), append(s.lo, lo), append(s.hi, hi)
	s.differ = s.differ || lo != reported || hi != reported
}

func (s *spans) bound() Bound {
	slices.Sort(s.reported)
	b := Bound{Typical: Median(s.reported), Average: Mean(s.reported), Count: len(s.reported)}
	if !s.differ {
		return b
	}
	slices.Sort(s.lo)
	slices.Sort(s.hi)
	off := func(f func([]float64) float64) float64 {
		at := f(s.reported)
		return max(at-f(s.lo), f(s.hi)-at)
	}
	b.Mean, b.Median = off(Mean), off(Median)
	b.P99 = off(func(x []float64) float64 { return Percentile(x, 99) })
	return b
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

// addSpans adds the values of one success, counted as NewSample counts them; sent
// is how long the client took to send the request.
func addSpans(values *[4]spans, r *client.Result, outputLen int, chat bool, sent time.Duration, lates []time.Duration) {
	first, last := -1, -1
	for i, e := range r.Events {
		if !e.Choices && !chat {
			continue
		}
		switch {
		case e.Choices && first < 0:
			first = i
			ttft := e.At - r.Start
			values[TTFT].add(seconds(ttft), seconds(ttft-lates[i]-sent), seconds(ttft))
		case e.Choices:
			gap := e.At - r.Events[last].At
			values[ITL].add(seconds(gap), seconds(gap-lates[i]), seconds(gap+lates[last]))
		}
		last = i
	}
	if last < 0 {
		return
	}
	latency := r.Events[last].At - r.Start
	values[E2EL].add(seconds(latency), seconds(latency-lates[last]-sent), seconds(latency))
	if n := float64(outputLen - 1); n > 0 && first >= 0 {
		rest := r.Events[last].At - r.Events[first].At
		values[TPOT].add(seconds(rest)/n, seconds(rest-lates[last])/n, seconds(rest+lates[first])/n)
	}
}

// Latenesses are by how much each event's stamp may be late: what the transport
// says; where it cannot tell, what goroutines usually wait, before they run and
// before they read; in a stall of the process, since the latter was last seen to run.
// An event that shared a read came after the read before.
func Latenesses(r *client.Result, h *health.Report) []time.Duration {
	out := make([]time.Duration, len(r.Events))
	before, at := r.Written, r.Written // the stamps of the read before, and of this one
	for i, e := range r.Events {
		if e.At != at {
			before, at = at, e.At
		}
		late := time.Duration(e.Slack)
		if e.Slack == client.UnknownSlack {
			late = max(h.Scheduler.P99, h.Reads.P99)
		}
		if e.Slack > 0 || e.Shared {
			late = min(max(late, stalled(h, e.At)), max(e.At-before, 0))
		}
		out[i] = late
	}
	return out
}

// wholeLateness is the same for the end of an answer that came whole: a stamp of the
// kernel's is exact.
func wholeLateness(r *client.Result, h *health.Report) time.Duration {
	if r.KernelStamps {
		return 0
	}
	return min(max(h.Scheduler.P99, h.Reads.P99, stalled(h, r.LastByte)), max(r.LastByte-r.Written, 0))
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
