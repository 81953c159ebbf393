package report

import (
	"fmt"
	"io"
	"strings"

	"loadgen/pkg/metrics"
)

// SelfTest is what loadgen reports against what its simulated server knows, on
// this machine.
type SelfTest struct {
	Concurrency, Requests, Input, Output int
	Rate                                 float64 // 0 for all at once
	// Errors are reported minus true, by Metric, in seconds.
	Errors  [4]metrics.Difference
	Verdict string
	// CPUPerEvent is in seconds; the simulator's own is not in it.
	CPUPerEvent float64
	// The most that was reached here, with the simulator on the same machine; 0 where it was
	// not tried.
	Streams                            int
	EventsPerSecond, RequestsPerSecond float64
}

// Most is the largest error of all, in seconds.
func (t *SelfTest) Most() (most float64) {
	for _, d := range t.Errors {
		most = max(most, d.Most())
	}
	return most
}

// WriteText shows the table to people.
func (t *SelfTest) WriteText(w io.Writer) {
	load := "all at once"
	switch {
	case t.Rate > 0:
		load = fmt.Sprintf("%.4g a second", t.Rate)
	case t.Concurrency > 0:
		load = fmt.Sprintf("concurrency %d", t.Concurrency)
	}
	fmt.Fprintf(w, "reported minus true, in ms: %d requests, %s, %d tokens in, %d out\n", t.Requests, load, t.Input, t.Output)
	fmt.Fprintf(w, "%-6s %10s %10s %10s\n", "", "mean", "p50", "p99")
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		d := t.Errors[m]
		fmt.Fprintf(w, "%-6s %10.3f %10.3f %10.3f\n", strings.ToUpper(m.String()), 1e3*d.Mean, 1e3*d.P50, 1e3*d.P99)
	}
	fmt.Fprintf(w, "verdict %s; %.1f us of processor time an event\n", t.Verdict, 1e6*t.CPUPerEvent)
	if t.EventsPerSecond > 0 {
		fmt.Fprintf(w, "this machine, with the simulator on it: %d streams at once, %.0f events/s, %.0f requests/s\n", t.Streams, t.EventsPerSecond, t.RequestsPerSecond)
	}
}
