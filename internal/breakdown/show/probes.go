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
