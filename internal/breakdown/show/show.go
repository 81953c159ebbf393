// Package show presents what is known from the server's side of a run: where TTFT went (the
// lines that NVIDIA's performance tests read, a block of text, and a page with a stacked bar
// for each request), and the server's metrics vs the client's. It takes those sections of a
// result file, computes nothing but shares, and opens no file.
package show

import (
	"fmt"
	"io"
	"strings"

	"loadgen/internal/plain"
	"loadgen/internal/result"
)

// Lines prints the lines of the original, "Time Breakdown SPAN STATISTIC (ms): VALUE": four
// statistics of each span that is known.
func Lines(w io.Writer, t *result.TimeBreakdown) {
	for _, s := range t.Original {
		for _, stat := range []struct {
			name  string
			value float64
		}{{"mean", s.Mean}, {"median", s.Median}, {"p75", s.P75}, {"p99", s.P99}} {
			fmt.Fprintf(w, "Time Breakdown %s %s (ms): %.4f\n", s.Name, stat.name, stat.value)
		}
	}
}

// Text prints where TTFT went, the mean over the requests and that of the p99's, each line
// with a prefix.
func Text(w io.Writer, prefix string, t *result.TimeBreakdown) {
	fmt.Fprintf(w, "%swhere TTFT went (%s; request %d has the p99 TTFT, %.2f ms):\n", prefix, joined(t), t.P99Request, t.P99TTFT)
	fmt.Fprintf(w, "%s  %-24s %10s %10s %10s %12s\n", prefix, "ms", "mean", "median", "p99", fmt.Sprintf("request %d", t.P99Request))
	for _, s := range t.Spans {
		of := "unknown"
		if s.OfP99 != nil {
			of = fmt.Sprintf("%.2f", *s.OfP99)
		}
		label := plain.Line(s.Label)
		if s.Requests < t.Requests {
			label = fmt.Sprintf("%s (of %d)", label, s.Requests)
		}
		fmt.Fprintf(w, "%s  %-24s %10.2f %10.2f %10.2f %12s\n", prefix, label, s.Mean, s.Median, s.P99, of)
	}
	fmt.Fprintf(w, "%s  the spans of a request add up to its TTFT within %.3g ms; network is what remains of it, there and back\n", prefix, max(t.TTFTBound, t.Excess))
}

// joined says how the server's times were joined with the requests.
func joined(t *result.TimeBreakdown) string {
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{{t.ByID, "joined by id"}, {t.ByOrder, "joined by order of arrival"}, {t.InAnswer, "by the answers themselves"}, {t.Unjoined, "without a record, so unknown"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d requests %s", p.n, p.text))
		}
	}
	return strings.Join(parts, ", ")
}

// Metrics prints what the server's metrics counted during the run and the client's, each line
// with a prefix.
func Metrics(w io.Writer, prefix string, e *result.Exposition) {
	fmt.Fprintf(w, "%sthe server's own metrics (%s, %s) vs the client's:\n", prefix, plain.Line(e.Server), plain.Line(e.Route))
	number := func(unit string, v *float64) string {
		switch {
		case v == nil:
			return "-"
		case unit == "ms":
			return fmt.Sprintf("%.3f", *v)
		}
		return fmt.Sprintf("%.0f", *v)
	}
	for _, m := range e.Metrics {
		what := m.Quantity
		if m.Unit == "ms" {
			what = "mean " + m.Quantity + " (ms)"
		}
		line := fmt.Sprintf("%s  %-24s %12s %12s", prefix, plain.Line(what), number(m.Unit, &m.Server), number(m.Unit, m.Client))
		if m.Text != "" {
			line += "  " + plain.Line(m.Text)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// GPU prints what the GPUs drew and held, each line with a prefix.
func GPU(w io.Writer, prefix string, g *result.GPU) {
	fmt.Fprintf(w, "%sall GPUs that %s sees", prefix, plain.Line(g.Source))
	if g.Energy != nil {
		fmt.Fprintf(w, ": %.0f J", *g.Energy)
	}
	if g.PerOutputToken != nil && g.PerToken != nil {
		fmt.Fprintf(w, ", %.3g J per generated token, %.3g J per token with prompts", *g.PerOutputToken, *g.PerToken)
	}
	fmt.Fprintln(w)
	for _, u := range g.GPUs {
		power := "power unknown"
		if u.MeanPower != nil && u.MaxPower != nil {
			power = fmt.Sprintf("%.1f W (at most %.1f)", *u.MeanPower, *u.MaxPower)
		}
		fmt.Fprintf(w, "%s  GPU %s, %s: %s, %.0f MiB (at most %.0f), %d samples\n", prefix, plain.Line(u.GPU), plain.Line(u.Name), power, u.MeanMemory, u.MaxMemory, u.Samples)
	}
}
