package report

import (
	"fmt"
	"io"
	"strings"

	"loadgen/internal/plain"
	"loadgen/pkg/metrics"
)

// Finding is something that a reader of a run's metrics must or should know.
type Finding struct {
	Code string // stable
	Text string // a sentence, or two
}

// WriteFindings writes findings, then notes, a line each.
func WriteFindings(w io.Writer, prefix string, findings, notes []Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%sfinding %s: %s\n", prefix, plain.Line(f.Code), plain.Line(f.Text))
	}
	for _, f := range notes {
		fmt.Fprintf(w, "%snote %s: %s\n", prefix, plain.Line(f.Code), plain.Line(f.Text))
	}
}

// Verdict is how far a run's metrics can be trusted.
type Verdict struct {
	// Level is clean, degraded or client-limited.
	Level string
	// Bounds are the measurement errors, at most, in seconds, by Metric.
	Bounds [4]float64
	// Measured are the metrics that there are values of.
	Measured []metrics.Metric
	// Reasons are why the level is not clean.
	Reasons []string
}

// leastBound is what a bound is stated as, in ms, where it is less: nobody needs to know.
const leastBound = 0.001

// WriteVerdict writes a verdict: one line for a clean run, else also why not.
func WriteVerdict(w io.Writer, prefix string, v Verdict) {
	var bounds []string
	for _, m := range v.Measured {
		ms := 1e3 * v.Bounds[m]
		if ms > 0 {
			ms = max(ms, leastBound)
		}
		bounds = append(bounds, fmt.Sprintf("%.3g ms %s", ms, strings.ToUpper(m.String())))
	}
	if len(bounds) == 0 {
		return
	}
	fmt.Fprintf(w, "%sverdict %s: measurement error at most %s\n", prefix, plain.Line(v.Level), strings.Join(bounds, ", "))
	for _, r := range v.Reasons {
		fmt.Fprintf(w, "%s  - %s\n", prefix, plain.Line(r))
	}
}
