package metrics

import (
	"math"
	"time"

	"loadgen/pkg/client"
)

// MostTokens is more than an answer can hold: what a server counts beyond it is a
// mistake, and no metric is weighed by it.
const MostTokens = 1 << 20

// BringsTokens reports whether an event brought text, or may have: a role alone does not.
func BringsTokens(e *client.Event) bool { return e.Choices && e.Kind != client.Role }

// appendTokens appends the instants of the events that brought tokens.
func appendTokens(dst []time.Duration, r *client.Result) []time.Duration {
	for i := range r.Events {
		if e := &r.Events[i]; BringsTokens(e) {
			dst = append(dst, e.At)
		}
	}
	return dst
}

// ChunkTokens appends how many tokens each event brought that brings any: by the server's
// running count, else one each where there are as many events as tokens n, or one more,
// which brings the finish reason alone. Where neither says, or the count cannot be, they
// are not known.
func ChunkTokens(dst []int, r *client.Result, n int) (counts []int, known bool) {
	from := len(dst)
	before, counted, finish := 0, true, false
	for i := range r.Events {
		e := &r.Events[i]
		if !BringsTokens(e) {
			continue
		}
		counted = counted && int(e.Tokens) >= before
		dst = append(dst, int(e.Tokens)-before)
		before, finish = int(e.Tokens), e.Kind == client.Finish
	}
	out := dst[from:]
	switch {
	case counted && len(out) > 0 && before <= MostTokens:
		return dst, true
	case len(out) != n && !(finish && len(out) == n+1):
		return dst, false
	}
	clear(out)
	for i := range n {
		out[i] = 1
	}
	return dst, true
}

// evenly spreads n tokens over some events as evenly as can be.
func evenly(dst []int, n, events int) []int {
	weight, given := 0.0, 0
	for range events {
		weight += float64(n) / float64(events)
		c := int(math.Round(weight)) - given
		given += c
		dst = append(dst, c)
	}
	return dst
}
