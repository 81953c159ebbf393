package result

// Stage is what was measured of one stage of a run. Its metrics leave transitions out: they
// are of requests that began after the stage's ramp and after the last request from before the
// stage had ended, and that ended within the stage.
type Stage struct {
	// Rate is the requests per second that the stage asks for, null where it asks for a concurrency.
	Rate *float64 `json:"rate" unit:"requests/s" from:"flags"`
	// Concurrency is the requests at a time that the stage asks for, null where it asks for a rate.
	Concurrency *int `json:"concurrency" unit:"requests" from:"flags"`
	// From is when the stage begins, from the run's start.
	From float64 `json:"from_s" unit:"s" from:"flags"`
	// To is when it ends.
	To float64 `json:"to_s" unit:"s" from:"flags"`
	// MeasuredFrom is when its transition was over.
	MeasuredFrom float64 `json:"measured_from_s" unit:"s" from:"timelines"`
	// Started is the number of requests that began in the stage.
	Started int `json:"started" unit:"requests" from:"timelines"`
	// Dropped is the number of those that belong to a transition, to this stage or to the next.
	Dropped int `json:"dropped" unit:"requests" from:"timelines"`
	// Requests is the number that lie wholly in the measured part of the stage; the metrics are
	// those of the successful ones.
	Requests int `json:"requests" unit:"requests" from:"timelines"`
	// Cancelled is the number of those that loadgen itself ended, as its settings say: no failures.
	Cancelled int `json:"cancelled,omitempty" unit:"requests" from:"timelines"`
	// Completed is the number of those that succeeded.
	Completed int `json:"completed" unit:"requests" from:"timelines"`
	// Sent is the rate at which requests were sent while the stage was measured.
	Sent float64 `json:"sent_per_s" unit:"requests/s" from:"timelines"`
	// MeanConcurrency is the mean number of requests in flight while the stage was measured.
	MeanConcurrency float64 `json:"mean_concurrency" unit:"requests" from:"timelines"`
	// OutputThroughput is the rate of output tokens of all requests while the stage was measured.
	OutputThroughput float64 `json:"output_throughput" unit:"tokens/s" from:"timelines"`
	// TTFT, like the other latencies, is null where answers were not streamed or none succeeded.
	TTFT *Stats `json:"ttft_ms" unit:"ms" from:"timelines"`
	// TPOT is the time per output token after the first.
	TPOT *Stats `json:"tpot_ms" unit:"ms" from:"timelines"`
	// ITL is the time between two events.
	ITL *Stats `json:"itl_ms" unit:"ms" from:"timelines"`
	// E2EL is the end-to-end latency; null where no request succeeded.
	E2EL *Stats `json:"e2el_ms" unit:"ms" from:"timelines"`
	// Verdict is how far these metrics can be trusted: clean, degraded or client-limited.
	Verdict string `json:"verdict" from:"judgement"`
	// Reasons are why the verdict is not clean.
	Reasons []Reason `json:"reasons" from:"judgement"`
	// Bounds are the measurement error of these metrics.
	Bounds ByMetric[Bound] `json:"bound_ms" unit:"ms" from:"client's measurements"`
	// Findings are what a reader of these metrics must know.
	Findings []Finding `json:"findings" from:"judgement"`
}
