package result

// Probes are what was measured of the small requests, all of them the same, that were sent
// next to the load at a constant rate. No other metric includes them.
type Probes struct {
	// Rate is how many were sent a second.
	Rate float64 `json:"rate" unit:"requests/s" from:"flags"`
	// InputLen is the length of their prompt.
	InputLen int `json:"input_len" unit:"tokens" from:"flags"`
	// OutputLen is the length that they ask for.
	OutputLen int `json:"output_len" unit:"tokens" from:"flags"`
	// Sent is the number sent.
	Sent int `json:"sent" unit:"requests" from:"timelines"`
	// Completed is the number of those that succeeded.
	Completed int `json:"completed" unit:"requests" from:"timelines"`
	// Failed is the number of those that failed.
	Failed int `json:"failed" unit:"requests" from:"timelines"`
	// TTFT, like the other latencies, is null where answers were not streamed or none succeeded.
	TTFT *Stats `json:"ttft_ms" unit:"ms" from:"timelines"`
	// TPOT is the time per output token after the first.
	TPOT *Stats `json:"tpot_ms" unit:"ms" from:"timelines"`
	// ITL is the time between two events.
	ITL *Stats `json:"itl_ms" unit:"ms" from:"timelines"`
	// E2EL is the end-to-end latency; null where none succeeded.
	E2EL *Stats `json:"e2el_ms" unit:"ms" from:"timelines"`
	// Verdict is how far these metrics can be trusted: clean, degraded or client-limited.
	Verdict string `json:"verdict" from:"judgement"`
	// Reasons are why the verdict is not clean.
	Reasons []Reason `json:"reasons" from:"judgement"`
	// Bounds are the measurement error of these metrics.
	Bounds ByMetric[Bound] `json:"bound_ms" unit:"ms" from:"client's measurements"`
}
