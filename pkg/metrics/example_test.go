package metrics_test

import (
	"fmt"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// answered is a request that was sent at an instant of the run and answered by three tokens.
func answered(start time.Duration) *client.Result {
	r := &client.Result{Start: start}
	r.Usage.Completion = 3
	for _, at := range []time.Duration{40 * time.Millisecond, 50 * time.Millisecond, 62 * time.Millisecond} {
		r.Events = append(r.Events, client.Event{At: start + at, Kind: client.Text, Choices: true})
	}
	return r
}

// The statistics of a run are those of its requests' samples.
func ExampleCompute() {
	var samples []metrics.Sample
	for i := range time.Duration(10) {
		samples = append(samples, metrics.NewSample(answered(i*100*time.Millisecond), 512, metrics.Rule{}))
	}
	s := metrics.Compute(samples, 1, metrics.Options{
		Percentiles: []float64{99},
		Goodput:     []metrics.SLO{{Metric: metrics.TTFT, Seconds: 0.050}},
	})
	fmt.Printf("%d of %d requests, %.0f output tokens/s, %.0f requests/s within the objective\n", s.Completed, s.Total, s.OutputThroughput, *s.Goodput)
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.TPOT, metrics.ITL, metrics.E2EL} {
		l := s.Latency[m]
		fmt.Printf("%-4s mean %.1f ms, p99 %.1f ms\n", m, 1e3*l.Mean, 1e3*l.Percentiles[0])
	}
	// Output:
	// 10 of 10 requests, 30 output tokens/s, 10 requests/s within the objective
	// ttft mean 40.0 ms, p99 40.0 ms
	// tpot mean 11.0 ms, p99 11.0 ms
	// itl  mean 11.0 ms, p99 12.0 ms
	// e2el mean 62.0 ms, p99 62.0 ms
}

// One request's latencies, each from one instant of its timeline to another.
func ExampleTimeline_Spans() {
	for s := range (metrics.Rule{}).Of(answered(time.Second)).Spans {
		fmt.Println(s.Metric, s.Length())
	}
	// Output:
	// ttft 40ms
	// itl 10ms
	// itl 12ms
	// e2el 62ms
}
