package metrics

import (
	"slices"
	"time"

	"loadgen/pkg/client"
)

// Value is one value of a metric and the instant at which it was complete.
type Value struct {
	Metric Metric
	At     time.Duration // since the run's start
	Value  time.Duration
}

// AppendValues appends the values of one success, for a histogram of durations.
func AppendValues(dst []Value, r *client.Result, rule Rule, outputLen int, start time.Duration) []Value {
	timed, ttft := false, time.Duration(0)
	dst = slices.Grow(dst, len(r.Events)+2)
	for s := range rule.Of(r).Spans {
		dst = append(dst, Value{s.Metric, s.End - start, s.Length()})
		switch s.Metric {
		case TTFT:
			timed, ttft = true, s.Length()
		case E2EL:
			if tpot, ok := PerToken(ttft, s.Length(), outputLen); ok && timed {
				dst = append(dst, Value{TPOT, s.End - start, tpot})
			}
		}
	}
	return dst
}
