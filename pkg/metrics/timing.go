package metrics

import (
	"iter"
	"time"

	"loadgen/pkg/client"
)

// Rule is what the original's definitions of the four latencies depend on.
type Rule struct {
	// Chat is the chat API, whose clock goes on with events of any kind.
	Chat bool
	// Whole marks answers that came in one piece (non-streaming): E2EL alone.
	Whole bool
}

// Span is one latency of a timeline: TTFT, a gap (ITL), or E2EL.
type Span struct {
	Metric     Metric
	Begin, End time.Duration
	// From and To index the events at its ends; -1 is the request's start, or the end
	// of a whole answer.
	From, To int
}

// Length is the latency.
func (s Span) Length() time.Duration { return s.End - s.Begin }

// Timeline is a request's timeline and the rule by which it is read.
type Timeline struct {
	Rule
	Result *client.Result
}

// Of is a request's timeline under the rule.
func (rule Rule) Of(r *client.Result) Timeline { return Timeline{rule, r} }

// Spans yields the latencies of a timeline in the order of their ends, by the
// original's rule: TTFT is from the start to the first event with choices; ITL between
// events with choices, for chat from the event of any kind before; E2EL, the last, from
// the start to the last event with choices, for chat of any kind, or to the end of a
// whole answer. PerToken makes TPOT of them. Nothing is allocated.
func (t Timeline) Spans(yield func(Span) bool) {
	r := t.Result
	if t.Whole {
		yield(Span{E2EL, r.Start, r.LastByte, -1, -1})
		return
	}
	first, last, at := true, -1, r.Start
	for i := range r.Events {
		e := &r.Events[i]
		switch {
		case !e.Choices && !t.Chat:
			continue
		case e.Choices && first:
			first = false
			if !yield(Span{TTFT, r.Start, e.At, -1, i}) {
				return
			}
		case e.Choices:
			if !yield(Span{ITL, at, e.At, last, i}) {
				return
			}
		}
		last, at = i, e.At
	}
	yield(Span{E2EL, r.Start, at, -1, last})
}

// AppendSpans appends the latencies of a timeline, for several to read.
func (t Timeline) AppendSpans(dst []Span) []Span {
	for s := range t.Spans {
		dst = append(dst, s)
	}
	return dst
}

// Spans yields the latencies of one choice of an answer in the order of their ends, by the
// events that brought its tokens alone: TTFT, ITL between two of them, and E2EL.
func (c ChoiceEvents) Spans(r *client.Result) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		metric, last, at := TTFT, -1, r.Start
		for _, i := range c.Events {
			if !yield(Span{metric, at, r.Events[i].At, last, int(i)}) {
				return
			}
			metric, last, at = ITL, int(i), r.Events[i].At
		}
		if last >= 0 {
			yield(Span{E2EL, r.Start, r.Events[last].At, -1, last})
		}
	}
}

// PerToken is TPOT, the time of each output token after the first: what of a latency
// comes after TTFT, divided by n-1. A completion of n < 2 tokens has none.
func PerToken[T float64 | time.Duration](ttft, latency T, n int) (tpot T, ok bool) {
	if n < 2 {
		return 0, false
	}
	return (latency - ttft) / T(n-1), true
}

func seconds(d time.Duration) float64 { return float64(d) / 1e9 }
