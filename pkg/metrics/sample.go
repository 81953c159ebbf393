// Package metrics turns timelines into statistics. It is pure: no clock, no
// I/O, no process facts. Its numbers are float64 seconds, equal to NumPy's to the last bit.
//
// More than twenty names are exported: the metrics, the sources of token counts and the types
// of statistics, each used by the analysis, the judgement and the report.
package metrics

import (
	"time"

	"loadgen/pkg/client"
)

// Sample is what one request contributes to the statistics, under the
// original's definitions.
type Sample struct {
	Success bool
	// PromptLen is the nominal prompt length in tokens.
	PromptLen int
	// OutputTokens is the server's count of the completion's tokens, 0 or less
	// where it gave none.
	OutputTokens int
	// TTFT and Latency (E2EL) in seconds. TTFT is -1 for a non-streaming answer.
	TTFT, Latency float64
	// ITL holds the gaps in seconds; Gaps the same of a timeline, to the nanosecond.
	ITL  []float64
	Gaps []time.Duration
	// Text is the generated text, the timeline's own bytes; empty for a failure.
	Text []byte
	// Error is the failure's message, "" for a success.
	Error string
	// Exception is the class of a failure that the original would have counted
	// as an exception; "" otherwise.
	Exception string
	// DecodedPerIter is avg_decoded_tokens_per_iter, 0 where the server gave none;
	// where it gave null, the request is left out of that statistic.
	DecodedPerIter     float64
	NullDecodedPerIter bool
}

// Reading is a timeline that was read once, for several that need its latencies.
type Reading struct {
	Spans  []Span
	Sample Sample
}

// NewSample reads the original's metrics off a timeline (see Timeline.Spans).
func NewSample(r *client.Result, promptLen int, rule Rule) Sample {
	var x Reading
	x.Read(r, promptLen, rule)
	return x.Sample
}

// Read reads a timeline into the memory of the one before.
func (x *Reading) Read(r *client.Result, promptLen int, rule Rule) {
	x.Spans = rule.Of(r).AppendSpans(x.Spans[:0])
	s := &x.Sample
	*s = Sample{ITL: s.ITL[:0], Gaps: s.Gaps[:0], Success: r.Err == nil, PromptLen: promptLen, OutputTokens: r.Usage.Completion, NullDecodedPerIter: r.NullDecodedPerIter}
	if r.HasDecodedPerIter {
		s.DecodedPerIter = r.DecodedPerIter
	}
	if !rule.Whole || s.Success || !rule.Chat && r.Err.Class == client.NoUsage {
		s.time(x.Spans, rule.Whole)
	}
	switch {
	case s.Success:
		s.Text = r.Text
	default:
		if s.Error = r.Err.Message; r.Err.Exception {
			s.Exception = string(r.Err.Class)
		}
		if r.Err.Class == client.NoUsage { // the original has set these before it stumbles
			s.Text = r.Text
		} else {
			s.Latency = 0
		}
	}
}

// time fills in the latencies.
func (s *Sample) time(spans []Span, whole bool) {
	if whole {
		s.TTFT = -1
	}
	for i := range spans {
		switch x := seconds(spans[i].Length()); spans[i].Metric {
		case TTFT:
			s.TTFT = x
		case ITL:
			s.ITL = append(s.ITL, x)
			s.Gaps = append(s.Gaps, spans[i].Length())
		case E2EL:
			s.Latency = x
		}
	}
}
