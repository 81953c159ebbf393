package result

// Rank is which part of a run a file has, where several processes made the run together.
type Rank struct {
	// Rank is the process's number, from 0.
	Rank int `json:"rank"`
	// Size is the number of processes.
	Size int `json:"size" unit:"processes"`
	// Host is where it ran.
	Host string `json:"host" from:"system"`
	// Run is the run's name, the same on all ranks; "" where they did not meet.
	Run string `json:"run"`
	// Start is when all ranks were to begin (RFC 3339), by rank 0's clock where they met.
	Start string `json:"start" from:"clock"`
	// Clock is this host's clock against rank 0's.
	Clock RankClock `json:"clock" from:"clock"`
	// UTC is this host's clock against UTC, as chrony or PTP say.
	UTC RankClock `json:"utc" from:"clock"`
}

// RankClock is how far a clock is from another.
type RankClock struct {
	// Source is how that is known: barrier, chrony, ptp; "" where it is not.
	Source string `json:"source"`
	// Offset is this clock minus the other; null where it is not known.
	Offset *float64 `json:"offset_ms" unit:"ms"`
	// Uncertainty is the most that the offset may be off; null where it is not known.
	Uncertainty *float64 `json:"uncertainty_ms" unit:"ms"`
}

// RankResult is what one rank of a merged run brought.
type RankResult struct {
	// Rank is which one.
	Rank Rank `json:"rank"`
	// Planned is the number of requests that were its to send.
	Planned int `json:"planned" unit:"requests"`
	// Sent is the number that it sent.
	Sent int `json:"sent" unit:"requests"`
	// Completed is how many of them succeeded.
	Completed int `json:"completed" unit:"requests"`
	// Duration is how long its part of the run took.
	Duration float64 `json:"duration_s" unit:"s"`
	// OutputThroughput is its rate of output tokens.
	OutputThroughput float64 `json:"output_throughput" unit:"tokens/s"`
	// Latency are its latencies, by metric; null where it has none.
	Latency ByMetric[*Summary] `json:"latency_ms" unit:"ms"`
	// ScheduleLateness is how late it handed requests out.
	ScheduleLateness Delays `json:"schedule_lateness_ms" unit:"ms" from:"client's measurements"`
	// Verdict is how far its metrics can be trusted.
	Verdict string `json:"verdict" from:"judgement"`
	// Interrupted is whether its part was ended early.
	Interrupted bool `json:"interrupted"`
}
