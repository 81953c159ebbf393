package report_test

import (
	"fmt"
	"log"
	"math"
	"strings"
	"time"

	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// file is the text of a result file of benchmark_serving.
func file(ttft, throughput float64) []byte {
	return fmt.Appendf(nil, `{"model_id": "llama", "num_prompts": 64, "completed": 64, "duration": 8.0, "request_throughput": 8.0,
		"output_throughput": %g, "mean_ttft_ms": %g, "std_ttft_ms": 5.0, "request_rate": "inf", "max_concurrency": 16}`, throughput, ttft)
}

// A result file, of whatever program wrote it, as text.
func ExampleParseStored() {
	s, err := report.ParseStored("run.json", file(50, 1000))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("complete:", s.Complete())
	fmt.Printf("mean TTFT: %.3f s\n", s.Latency("mean", metrics.TTFT))
	// Output:
	// complete: true
	// mean TTFT: 0.050 s
}

// Results of two servers, compared; the first directory is the baseline.
func ExampleGroups() {
	var files []*report.Stored
	for name, text := range map[string][]byte{"a/run.json": file(50, 1000), "b/run.json": file(40, 1250)} {
		s, err := report.ParseStored(name, text)
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, s)
	}
	for _, g := range report.Groups(files, report.Naming{Order: []string{"a", "b"}, Labels: map[string]string{"b": "new"}}) {
		gate, err := report.ParseGate("mean_ttft_ms<=45")
		if err != nil {
			log.Fatal(err)
		}
		for _, missed := range g.Missed([]report.Gate{gate}) {
			fmt.Println(missed)
		}
	}
	// Output:
	// mean_ttft_ms<=45: a at 16: 50, the bound is 45
}

// The original's table of a run of two requests.
func ExampleRun_Table() {
	samples := []metrics.Sample{
		{Success: true, PromptLen: 8, OutputTokens: 3, TTFT: 0.1, Latency: 0.3, ITL: []float64{0.1, 0.1}},
		{Success: true, PromptLen: 8, OutputTokens: 3, TTFT: 0.2, Latency: 0.4, ITL: []float64{0.1, 0.1}},
	}
	r := &report.Run{
		Date:        time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		Backend:     "openai",
		ModelID:     "llama",
		RequestRate: math.Inf(1),
		Metrics:     []metrics.Metric{metrics.TTFT},
		Summary:     metrics.Compute(samples, 0.5, metrics.Options{Percentiles: []float64{99}}),
	}
	var table strings.Builder
	r.Table(&table)
	for line := range strings.Lines(table.String()) {
		fmt.Println(strings.TrimRight(line, " \n")) // the original pads with blanks
	}
	fmt.Println(r.FileName())
	// Output:
	// ============ Serving Benchmark Result ============
	// Total requests:                          2
	// Successful requests:                     2
	// Failed requests:                         0
	// Benchmark duration (s):                  0.50
	// Total input tokens:                      16
	// Total generated tokens:                  6
	// Request throughput (req/s):              4.00
	// Output token throughput (tok/s):         12.00
	// Total Token throughput (tok/s):          44.00
	// User throughput (tok/s):                 8.75
	// ---------------Time to First Token----------------
	// Mean TTFT (ms):                          150.00
	// Median TTFT (ms):                        150.00
	// Std Dev TTFT (ms):                       50.00
	// P99 TTFT (ms):                           199.00
	// ==================================================
	// openai-infqps-llama-20260701-120000.json
}
