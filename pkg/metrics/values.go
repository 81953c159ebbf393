package metrics

import "time"

// Value is one value of a metric and the instant at which it was complete.
type Value struct {
	Metric Metric
	At     time.Duration // since the run's start
	Value  time.Duration
}

// AppendValues appends the values of one success, for a histogram of durations.
func AppendValues(dst []Value, spans []Span, outputLen int, start time.Duration) []Value {
	timed, ttft := false, time.Duration(0)
	for i := range spans {
		s := &spans[i]
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
