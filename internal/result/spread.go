package result

// SpreadServer is what was measured of one of the servers that requests were spread over.
type SpreadServer struct {
	// URL is the server's base URL; secrets are masked.
	URL string `json:"url" from:"flags"`
	// Requests is the number of requests that were sent to it.
	Requests int `json:"requests" unit:"requests" from:"timelines"`
	// Completed is the number of those that succeeded.
	Completed int `json:"completed" unit:"requests" from:"timelines"`
	// Failed is the number of those that failed.
	Failed int `json:"failed" unit:"requests" from:"timelines"`
	// Cancelled is the number of those that loadgen itself ended: no failures.
	Cancelled int `json:"cancelled,omitempty" unit:"requests" from:"timelines"`
	// MeanConcurrency is the mean number of its requests under way.
	MeanConcurrency float64 `json:"mean_concurrency" unit:"requests" from:"timelines"`
	// OutputThroughput is the rate of its output tokens, over the run.
	OutputThroughput float64 `json:"output_throughput" unit:"tokens/s" from:"timelines"`
	// TTFT, like the other latencies, is null where answers were not streamed or none succeeded.
	TTFT *Stats `json:"ttft_ms" unit:"ms" from:"timelines"`
	// TPOT is the time per output token after the first.
	TPOT *Stats `json:"tpot_ms" unit:"ms" from:"timelines"`
	// ITL is the time between two events.
	ITL *Stats `json:"itl_ms" unit:"ms" from:"timelines"`
	// E2EL is the end-to-end latency; null where no request succeeded.
	E2EL *Stats `json:"e2el_ms" unit:"ms" from:"timelines"`
}
