package show

import (
	"fmt"
	"io"

	"loadgen/internal/result"
)

// Probes writes a line on the probes, after a prefix; nothing without any.
func Probes(w io.Writer, prefix string, p *result.Probes) {
	if p == nil {
		return
	}
	fmt.Fprintf(w, "%sprobes: %d/%d, TTFT %s, E2EL %s (median ms), %s\n", prefix, p.Completed, p.Sent, medianOf(p.TTFT), medianOf(p.E2EL), p.Verdict)
}

// Cancelled writes a line on the requests that were to be cancelled, after a prefix; nothing
// without any.
func Cancelled(w io.Writer, prefix string, c *result.Cancellation) {
	if c == nil {
		return
	}
	when := c.When()
	if when != "" {
		when = " " + when
	}
	fmt.Fprintf(w, "%scancelled%s: %d of %d chosen (%.4g %%), %d complete before, %d failed, TTFT %s (median ms)\n", prefix, when, c.Cancelled, c.Chosen, 100*c.Share, c.Completed, c.Failed, medianOf(c.TTFT))
}
