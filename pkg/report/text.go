// Package report shows results. It takes the statistics of a run and gives the
// original's console text, extended metrics and the HDR log; it takes result files of
// loadgen, benchmark_serving and others and gives text, Markdown, HTML, CSV and charts,
// of one file or of several servers compared. It measures nothing, changes no result,
// and opens no connection.
//
// More than twenty names are exported: eight are lines of the original's console text, and
// each format has a function.
package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"loadgen/internal/pyjson"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// The lines of the original's console text around a run.
const (
	StartingTest     = "Starting initial single prompt test run..."
	TestCompleted    = "Initial test run completed. Starting main benchmark run..."
	SkippingTest     = "Skipping initial test run. Starting main benchmark run..."
	StartingProfiler = "Starting profiler..."
	ProfilerStarted  = "Profiler started"
	StoppingProfiler = "Stopping profiler..."
	ProfilerStopped  = "Profiler stopped"
)

// Traffic prints the lines before a run.
func Traffic(w io.Writer, rate, burstiness float64, concurrency *int) {
	distribution := "Gamma distribution"
	if burstiness == 1 {
		distribution = "Poisson process"
	}
	bound := "None"
	if concurrency != nil {
		bound = strconv.Itoa(*concurrency)
	}
	fmt.Fprintf(w, "Traffic request rate: %s\n", pyjson.FormatFloat(rate))
	fmt.Fprintf(w, "Burstiness factor: %s (%s)\n", pyjson.FormatFloat(burstiness), distribution)
	fmt.Fprintf(w, "Maximum request concurrency: %s\n", bound)
}

// Exceptions prints the lines right after a run.
func Exceptions(w io.Writer, s *metrics.Summary) {
	total := 0
	for _, e := range s.Exceptions {
		if client.Class(e.Class).OnPurpose() {
			continue
		}
		fmt.Fprintf(w, "Error type: %s, Count: %d requests\n", e.Class, e.Count)
		total += e.Count
	}
	fmt.Fprintf(w, "Total failed requests: %d\n", total)
}

// headings of the metrics, by metrics.Metric.
var (
	names    = [...]string{"TTFT", "TPOT", "ITL", "E2EL"}
	headings = [...]string{"Time to First Token", "Time per Output Token (excl. 1st token)", "Inter-token Latency", "End-to-end Latency"}
)

const (
	width      = 50
	failedHead = "=======================!FAILED REQUESTS!======================="
	failedTail = "=====================!CHECK LOG FOR ERRORS!===================="
)

// Table prints the original's table of results.
func (r *Run) Table(w io.Writer) {
	s := r.Summary
	count := func(label string, n int) { fmt.Fprintf(w, "%-40s %-10d\n", label, n) }
	value := func(label string, f float64) { fmt.Fprintf(w, "%-40s %-10s\n", label, fixed(f, 2)) }
	fmt.Fprintln(w, centred(" Serving Benchmark Result ", '='))
	count("Total requests:", s.Total)
	count("Successful requests:", s.Completed)
	interrupted, cancelled, cut := s.Ended(client.Interrupted), s.Ended(client.Cancelled), s.Ended(client.CutAtEnd)
	failed := s.Total - s.Completed - interrupted - cancelled - cut
	count("Failed requests:", failed)
	some := func(label string, n int) {
		if n > 0 {
			count(label, n)
		}
	}
	some("Interrupted requests:", interrupted)
	some("Cancelled requests:", cancelled)
	some("Requests cut at the end:", cut)
	value("Benchmark duration (s):", s.Duration)
	count("Total input tokens:", s.InputTokens)
	count("Total generated tokens:", s.OutputTokens)
	value("Request throughput (req/s):", s.RequestThroughput)
	if s.Goodput != nil {
		value("Request goodput (req/s):", *s.Goodput)
	}
	value("Output token throughput (tok/s):", s.OutputThroughput)
	value("Total Token throughput (tok/s):", s.TotalTokenThroughput)
	value("User throughput (tok/s):", s.UserThroughput)
	if failed > 0 {
		fmt.Fprintf(w, "%s\nTotal failed requests: %d\n%s\n", failedHead, failed, failedTail)
	}
	r.decodedPerIter(w, value)
	for _, m := range r.Selected() {
		fmt.Fprintln(w, centred(headings[m], '-'))
		st := s.Latency[m]
		value("Mean "+names[m]+" (ms):", 1e3*st.Mean)
		value("Median "+names[m]+" (ms):", 1e3*st.Median)
		if !r.Compat12 {
			value("Std Dev "+names[m]+" (ms):", 1e3*st.Std)
		}
		for i, p := range s.Percentiles {
			value("P"+percentile(p)+" "+names[m]+" (ms):", 1e3*st.Percentiles[i])
		}
	}
	if r.Energy != nil && !r.Compat12 {
		r.Energy.print(w)
	}
	fmt.Fprintln(w, strings.Repeat("=", width))
}

func (r *Run) decodedPerIter(w io.Writer, value func(string, float64)) {
	const label = "Avg Decoded Tokens per Iter"
	st := r.Summary.DecodedPerIter
	switch {
	case !(st.Mean > 0):
	case r.Compat12:
		value(label+":", st.Mean)
	default:
		fmt.Fprintln(w, centred(label, '-'))
		value("Mean "+label+":", st.Mean)
		value("Median "+label+":", st.Median)
		value("Std Dev "+label+":", st.Std)
		value("Min "+label+":", st.Min)
		value("Max "+label+":", st.Max)
		for i, p := range r.Summary.Percentiles {
			value("P"+percentile(p)+" "+label+":", st.Percentiles[i])
		}
	}
}

// centred is Python's format with ^50.
func centred(text string, fill byte) string {
	pad := max(width-len(text), 0)
	return strings.Repeat(string(fill), pad/2) + text + strings.Repeat(string(fill), pad-pad/2)
}

// fixed writes a float as Python's format with .2f does.
func fixed(f float64, digits int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return pyjson.FormatFloat(f)
	}
	return strconv.FormatFloat(f, 'f', digits, 64)
}

// percentile is a percentile's name: 99, 99.9.
func percentile(p float64) string {
	if p == math.Trunc(p) {
		return strconv.Itoa(int(p))
	}
	return pyjson.FormatFloat(p)
}
