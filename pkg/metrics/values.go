package metrics

import (
	"time"

	"loadgen/pkg/client"
)

// Value is one value of a metric and the instant at which it was complete.
type Value struct {
	Metric Metric
	At     time.Duration // since the run's start
	Value  time.Duration
}

// AppendValues appends the values of one successful streamed answer, counted as
// NewSample counts them.
func AppendValues(dst []Value, r *client.Result, chat bool, outputLen int, start time.Duration) []Value {
	first, ttft, last := true, time.Duration(0), r.Start
	for _, e := range r.Events {
		switch {
		case !e.Choices && !chat:
			continue
		case e.Choices && first:
			first, ttft = false, e.At-r.Start
			dst = append(dst, Value{TTFT, e.At - start, ttft})
		case e.Choices:
			dst = append(dst, Value{ITL, e.At - start, e.At - last})
		}
		last = e.At
	}
	if first {
		last = r.LastByte
	}
	latency := last - r.Start
	dst = append(dst, Value{E2EL, last - start, latency})
	if outputLen > 1 && !first {
		dst = append(dst, Value{TPOT, last - start, (latency - ttft) / time.Duration(outputLen-1)})
	}
	return dst
}
