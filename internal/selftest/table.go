package selftest

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"loadgen/internal/plain"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// Table is what loadgen reports against what its simulated server knows, on this machine.
type Table struct {
	Concurrency, Requests, Input, Output int
	Rate                                 float64 // 0 for all at once
	Errors
	Verdict string
	Causes  []string // of a verdict that is not clean
	// CPUPerEvent is in seconds; the simulator's own is not in it.
	CPUPerEvent float64
	// The most that was reached here, next to the simulator; 0 where it was not tried.
	Streams                            int
	Capped                             bool // more streams were not tried
	EventsPerSecond, RequestsPerSecond float64
}

// Section is the table as a result has it.
func (t *Table) Section() *result.SelfTest {
	out := &result.SelfTest{Concurrency: t.Concurrency, Requests: t.Requests, InputLen: t.Input, OutputLen: t.Output, RequestRate: t.Rate,
		MaxError: 1e3 * t.Most(), BeyondBound: []string{}, Verdict: t.Verdict, CPUPerEvent: 1e6 * t.CPUPerEvent}
	for m, d := range t.Minus {
		b := t.Bounds[m]
		*out.Errors.At(m) = result.SelfTestError{Mean: 1e3 * d.Mean, P50: 1e3 * d.P50, P99: 1e3 * d.P99}
		*out.Bounds.At(m) = result.SelfTestError{Mean: 1e3 * b.Mean, P50: 1e3 * b.Median, P99: 1e3 * b.P99}
	}
	for _, m := range t.Beyond() {
		out.BeyondBound = append(out.BeyondBound, m.String())
	}
	if t.EventsPerSecond > 0 {
		out.Ceiling = &result.Ceiling{Streams: t.Streams, StreamsCapped: t.Capped, Events: t.EventsPerSecond, Requests: t.RequestsPerSecond}
	}
	return out
}

// WriteText shows the table to people.
func (t *Table) WriteText(w io.Writer) {
	load := "all at once"
	switch {
	case t.Rate > 0:
		load = fmt.Sprintf("%.4g a second", t.Rate)
	case t.Concurrency > 0:
		load = fmt.Sprintf("concurrency %d", t.Concurrency)
	}
	fmt.Fprintf(w, "reported minus true, in ms: %d requests, %s, %d tokens in, %d out\n", t.Requests, load, t.Input, t.Output)
	fmt.Fprintf(w, "%-6s %10s %10s %10s %10s   %s\n", "", "mean", "p50", "p99", "bound", "larger")
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		d := t.Minus[m]
		fmt.Fprintf(w, "%-6s %10.3f %10.3f %10.3f %10.3f   %s\n", strings.ToUpper(m.String()), 1e3*d.Mean, 1e3*d.P50, 1e3*d.P99, 1e3*t.Bounds[m].Most(), t.larger(m))
	}
	fmt.Fprintf(w, "verdict %s; %.1f us of CPU time per event\n", t.Verdict, 1e6*t.CPUPerEvent)
	for _, cause := range t.Causes {
		fmt.Fprintf(w, "  - %s\n", plain.Line(cause))
	}
	if t.EventsPerSecond > 0 {
		streams := thousands(t.Streams)
		switch {
		case t.Capped:
			streams += " or more"
		case t.Streams == 0:
			streams = fmt.Sprintf("fewer than %d", ceilingFrom)
		}
		fmt.Fprintf(w, "this machine, shared with the simulator: %s streams at once, %s events/s, %s requests/s\n",
			streams, thousands(int(math.Round(t.EventsPerSecond))), thousands(int(math.Round(t.RequestsPerSecond))))
	}
}

// thousands is a count with a comma before every third digit from the end.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
