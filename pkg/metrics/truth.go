package metrics

import (
	"slices"
	"time"

	"loadgen/pkg/client"
)

// Values are the four latencies of many requests, by Metric, in seconds.
type Values [4][]float64

// Add adds a request whose tokens came at the given instants.
func (v *Values) Add(start time.Duration, tokens []time.Duration) {
	if len(tokens) == 0 {
		return
	}
	first, last := tokens[0], tokens[len(tokens)-1]
	v[TTFT] = append(v[TTFT], seconds(first-start))
	v[E2EL] = append(v[E2EL], seconds(last-start))
	for i, at := range tokens[1:] {
		v[ITL] = append(v[ITL], seconds(at-tokens[i]))
	}
	if n := len(tokens) - 1; n > 0 {
		v[TPOT] = append(v[TPOT], seconds(last-first)/float64(n))
	}
}

// Tokens are the instants of a result's events that brought text, or may have: a
// role alone is not counted.
func Tokens(r *client.Result) (out []time.Duration) {
	for _, e := range r.Events {
		if e.Choices && e.Kind != client.Role {
			out = append(out, e.At)
		}
	}
	return out
}

// Difference is what one set of values has more than another, in seconds.
type Difference struct{ Mean, P50, P99 float64 }

// Most is the largest of them, whatever its sign.
func (d Difference) Most() float64 {
	return max(d.Mean, -d.Mean, d.P50, -d.P50, d.P99, -d.P99)
}

// Minus compares values, reported minus true.
func (v *Values) Minus(truth *Values) (out [4]Difference) {
	for m := range v {
		a, b := slices.Sorted(slices.Values(v[m])), slices.Sorted(slices.Values(truth[m]))
		out[m] = Difference{Mean(a) - Mean(b), Median(a) - Median(b), Percentile(a, 99) - Percentile(b, 99)}
	}
	return out
}
