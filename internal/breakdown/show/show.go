// Package show presents where TTFT went: the lines that NVIDIA's performance tests read, a
// block of text, and a page with a stacked bar for each request. It takes that section of a
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
	fmt.Fprintf(w, "%swhere TTFT went (%s; request %d has the p99, %.2f ms):\n", prefix, joined(t), t.P99Request, t.P99TTFT)
	fmt.Fprintf(w, "%s  %-24s %10s %10s %10s %10s\n", prefix, "ms", "mean", "median", "p99", "of the p99")
	for _, s := range t.Spans {
		of := "unknown"
		if s.OfP99 != nil {
			of = fmt.Sprintf("%.2f", *s.OfP99)
		}
		label := plain.Line(s.Label)
		if s.Requests < t.Requests {
			label = fmt.Sprintf("%s (of %d)", label, s.Requests)
		}
		fmt.Fprintf(w, "%s  %-24s %10.2f %10.2f %10.2f %10s\n", prefix, label, s.Mean, s.Median, s.P99, of)
	}
	fmt.Fprintf(w, "%s  the spans of a request sum up to its TTFT within %.3g ms; network is what remains of it, there and back\n", prefix, max(t.TTFTBound, t.Excess))
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
