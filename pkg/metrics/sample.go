// Package metrics turns timelines into statistics. It is pure: no clock, no
// I/O. Its numbers are float64 seconds, equal to NumPy's to the last bit.
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
	// ITL holds the gaps in seconds.
	ITL []float64
	// Text is the generated text, "" for a failure.
	Text string
	// Error is the failure's words, "" for a success.
	Error string
	// Exception is the class of a failure that the original would have counted
	// as an exception; "" otherwise.
	Exception string
	// DecodedPerIter is avg_decoded_tokens_per_iter, 0 where the server gave none;
	// where it gave null, the request is left out of that statistic.
	DecodedPerIter     float64
	NullDecodedPerIter bool
}

// NewSample reads the original's metrics off a timeline: TTFT from the start to
// the first event with choices; ITL between those events, for chat from the
// event of any kind before; latency to the last event with choices, for chat of
// any kind.
func NewSample(r *client.Result, promptLen int, chat, streaming bool) Sample {
	s := Sample{Success: r.Err == nil, PromptLen: promptLen, OutputTokens: r.Usage.Completion, NullDecodedPerIter: r.NullDecodedPerIter}
	if r.HasDecodedPerIter {
		s.DecodedPerIter = r.DecodedPerIter
	}
	if streaming {
		s.timeStream(r, chat)
	} else if s.Success || !chat && r.Err.Class == client.NoUsage {
		s.TTFT, s.Latency = -1, seconds(r.LastByte-r.Start)
	}
	switch {
	case s.Success:
		s.Text = string(r.Text)
	default:
		if s.Error = r.Err.Message; r.Err.Exception {
			s.Exception = string(r.Err.Class)
		}
		if r.Err.Class == client.NoUsage { // the original has set these before it stumbles
			s.Text = string(r.Text)
		} else {
			s.Latency = 0
		}
	}
	return s
}

func (s *Sample) timeStream(r *client.Result, chat bool) {
	if n := len(r.Events); n > 1 {
		s.ITL = make([]float64, 0, n-1)
	}
	first := true
	last := r.Start
	for _, e := range r.Events {
		switch {
		case !e.Choices && !chat:
			continue
		case e.Choices && first:
			first, s.TTFT = false, seconds(e.At-r.Start)
		case e.Choices:
			s.ITL = append(s.ITL, seconds(e.At-last))
		}
		last = e.At
	}
	s.Latency = seconds(last - r.Start)
}

func seconds(d time.Duration) float64 { return float64(d) / 1e9 }
