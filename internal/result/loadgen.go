package result

import "loadgen/internal/pyjson"

// SchemaVersion is the version of loadgen's own object. Keys may be added within a
// version; a key that is there keeps its meaning and unit.
const SchemaVersion = 1

// Loadgen is the object of loadgen's own keys, at the end of the file. Readers ignore keys that
// they do not know.
type Loadgen struct {
	// Schema is the version of this object, 1.
	Schema int `json:"schema" from:"loadgen"`
	// Version is loadgen's version.
	Version string `json:"version" from:"loadgen"`
	// Go is the version of Go that loadgen was built with.
	Go string `json:"go" from:"loadgen"`
	// Machine is where loadgen ran.
	Machine *Machine `json:"machine" from:"system"`
	// Effective are all settings of the run by flag name, after defaults; secrets are masked.
	Effective pyjson.Object `json:"effective" from:"flags"`
	// Requests are the numbers of requests of the run.
	Requests *Requests `json:"requests" from:"timelines"`
	// Prompts is a digest of the prompts: equal for equal prompts.
	Prompts string `json:"prompts" from:"data set"`
	// Interrupted is whether the run was ended by a signal.
	Interrupted bool `json:"interrupted" from:"loadgen"`
	// SelfTest is the self-test that belongs to the run, null where none was made.
	SelfTest *SelfTest `json:"selftest" from:"self-test"`
	// Rank is which part of a run this is; only there where several processes made it together.
	Rank *Rank `json:"rank,omitempty" from:"loadgen"`
	// Ranks are what each process brought; only there in a merged result.
	Ranks []RankResult `json:"ranks,omitempty" from:"timelines"`
	// Verdict is how far the metrics can be trusted: clean, degraded or client-limited.
	Verdict string `json:"verdict" from:"judgement"`
	// Findings are what a reader of the result must know.
	Findings []Finding `json:"findings" from:"judgement"`
	// Notes are what a reader of the result should know.
	Notes []Finding `json:"notes" from:"judgement"`
	// Metrics are the metrics beyond the original's, null where answers came whole.
	Metrics *Extended `json:"metrics" from:"timelines"`
	// DecodingAtATime is how many requests decoded at once, from the first token of each to
	// its last, the mean over the run; null where answers came whole.
	DecodingAtATime *float64 `json:"decoding_at_a_time" unit:"requests" from:"timelines"`
	// FirstWave are the first requests of a closed loop, as many as its concurrency, which
	// all start at once; null in other runs and in those that are not longer.
	FirstWave *FirstWave `json:"first_wave" from:"timelines"`
	// Turns are the metrics of conversations by turn; not there without conversations.
	Turns []Turn `json:"turns,omitempty" from:"timelines"`
	// Probes are the metrics of the probes that were sent next to the load; not there where none were.
	Probes *Probes `json:"probes,omitempty" from:"timelines"`
	// Servers are the metrics of the servers that requests were spread over; not there where there was one.
	Servers []SpreadServer `json:"servers,omitempty" from:"timelines"`
	// Cancellation is what became of the requests that were to be cancelled; not there where none were.
	Cancellation *Cancellation `json:"cancellation,omitempty" from:"timelines"`
	// Stages are the metrics of a run's stages, or of what follows its ramp; not there where the
	// load is the same all along.
	Stages []Stage `json:"stages,omitempty" from:"timelines"`
	// Definitions are what other tools would have reported of the same timelines, by tool.
	Definitions []Definition `json:"definitions" from:"timelines"`
	// ServerMetrics are the server's own records, null unless they were asked for.
	ServerMetrics *ServerMetrics `json:"server_metrics" from:"server"`
	// TimeBreakdown is where TTFT went, null unless it was asked for and the server noted times.
	TimeBreakdown *TimeBreakdown `json:"time_breakdown" from:"server"`
	// GPU is what the GPUs drew and held, null unless it was asked for and could be read.
	GPU *GPU `json:"gpu" from:"system"`
	// ErrorBudget is the measurement error, as far as loadgen measured it.
	ErrorBudget *ErrorBudget `json:"error_budget" from:"client's measurements"`
	// Failures are the numbers of failures by class.
	Failures *Failures `json:"failures" from:"timelines"`
	// Timestamps is which clock stamped the arrivals.
	Timestamps *Timestamps `json:"timestamps" from:"timelines"`
	// CPU is loadgen's processor time from the first start to the last answer.
	CPU *CPU `json:"cpu" from:"system"`
	// Connections are the numbers of connections.
	Connections *Connections `json:"connections" from:"timelines"`
	// SentAfterSlot is the time from a request's slot, or its due time if that is later,
	// to its last byte written.
	SentAfterSlot *Summary `json:"sent_after_slot_ms" unit:"ms" from:"timelines"`
	// Chunks is the number of events with choices of successful requests: ITL is the time between them.
	Chunks int `json:"chunks" unit:"events" from:"timelines"`
	// ServerTokens is the sum of the usage that the server sent with successful requests.
	ServerTokens *ServerTokens `json:"server_tokens" from:"server's usage"`
	// TokenCounts are the numbers of successful requests by the best source of their output token counts.
	TokenCounts *TokenCounts `json:"token_counts" from:"timelines"`
	// Server is what a comparison wrote of the server; only there in results of one.
	Server *Server `json:"server,omitempty" from:"server"`
}

// Machine is where a run took place; what cannot be read is null.
type Machine struct {
	// OS is the operating system, as Go names it.
	OS string `json:"os"`
	// Arch is the architecture, as Go names it.
	Arch string `json:"arch"`
	// Kernel is the kernel's release.
	Kernel *string `json:"kernel"`
	// CPU is the processor's model.
	CPU *string `json:"cpu"`
	// CPUs is the number of processors that loadgen may use.
	CPUs int `json:"cpus" unit:"processors"`
	// GoMaxProcs is the number of processors that loadgen did use.
	GoMaxProcs int `json:"gomaxprocs" unit:"processors"`
	// CgroupCPUMax is the cgroup's cpu.max: quota and period in microseconds.
	CgroupCPUMax *string `json:"cgroup_cpu_max"`
}

// Requests are the numbers of requests of a run.
type Requests struct {
	// Asked is the number asked for; of a run that ends by time, those that there was time for.
	Asked int `json:"asked" unit:"requests"`
	// Planned is the number that the data set gave.
	Planned int `json:"planned" unit:"requests"`
	// Sent is the number sent.
	Sent int `json:"sent" unit:"requests"`
	// Cancelled is the number of those that loadgen cancelled as its settings say; they are no
	// failures. Only there where it is not 0.
	Cancelled int `json:"cancelled,omitempty" unit:"requests"`
	// CutAtEnd is the number of those that were given up at the end of a run that ends by time,
	// as they took longer than it was to wait for them; they are no failures. Only there where
	// it is not 0.
	CutAtEnd int `json:"cut_at_end,omitempty" unit:"requests"`
}

// Finding is something that a reader of a result must or should know.
type Finding struct {
	// Code is the finding's stable name.
	Code string `json:"code"`
	// Text is a sentence or two.
	Text string `json:"text"`
	// Figures are the evidence, by name; times are in seconds.
	Figures pyjson.Object `json:"figures"`
}

// Summary is a summary of values.
type Summary struct {
	// Mean is the arithmetic mean.
	Mean float64 `json:"mean"`
	// Median is the 50th percentile.
	Median float64 `json:"median"`
	// P99 is the 99th percentile.
	P99 float64 `json:"p99"`
}

// Failures are the numbers of failures by class.
type Failures struct {
	// Rule is what counts as a failure: strict or original.
	Rule string `json:"rule" from:"flags"`
	// Total is the number of failures.
	Total int `json:"total" unit:"requests"`
	// ByClass is the number of failures of each class.
	ByClass map[string]int `json:"by_class" unit:"requests"`
	// OriginalRuleTotal is how many the original would have counted.
	OriginalRuleTotal int `json:"original_rule_total" unit:"requests"`
}

// Timestamps is which clock stamped the arrivals.
type Timestamps struct {
	// ByKernel is the number of requests whose arrivals the kernel timestamped.
	ByKernel int `json:"requests_stamped_by_kernel" unit:"requests"`
	// Events is the number of events of all streams.
	Events int `json:"events" unit:"events"`
	// SharingARead is the number of events that shared a read with a later one: their timestamps may be late.
	SharingARead int `json:"events_sharing_a_read" unit:"events"`
	// Source is where the stamps came from: "packet", or "socket", which is the kernel's stamp of
	// a read, or the program's where there is none.
	Source string `json:"source"`
	// WakeDelay is how long a thread that was woken waited for a processor before the run, in the
	// mean, null where that was not measured. From 1 ms on packets are captured.
	WakeDelay *float64 `json:"wake_delay_ms" unit:"ms"`
	// PacketsRefused is why packets were not captured though the machine was that busy, null where
	// they were or it was not.
	PacketsRefused *string `json:"packets_refused"`
	// Packets is what came of stamping by packets, null where none were captured.
	Packets *Packets `json:"packets"`
}

// Packets is what came of stamping arrivals by the packets that brought them.
type Packets struct {
	// Captured is the number of frames that were captured, headers only.
	Captured int `json:"captured" unit:"frames"`
	// Lost is the number of frames that were dropped for lack of buffer space: their bytes have the socket's timestamps.
	Lost int `json:"lost" unit:"frames"`
	// Connections is the number of connections that were followed, including the test request's.
	Connections int `json:"connections" unit:"connections"`
	// Unfollowed is the number of connections whose first packet was not seen: they have the socket's timestamps.
	Unfollowed int `json:"connections_unfollowed" unit:"connections"`
	// Stamped is the number of bytes with a packet's timestamp.
	Stamped int `json:"bytes_stamped" unit:"bytes"`
	// Unstamped is the number of bytes without one.
	Unstamped int `json:"bytes_unstamped" unit:"bytes"`
	// Compared is the number of reads that have both a packet's and the socket's timestamp.
	Compared int `json:"reads_compared" unit:"reads"`
	// Differing is the number of those in which the two differ.
	Differing int `json:"reads_differing" unit:"reads"`
	// Largest is by how much they differ at most.
	Largest float64 `json:"largest_difference_ms" unit:"ms"`
}

// CPU is processor time.
type CPU struct {
	// User is the time in user mode.
	User float64 `json:"user_s" unit:"s"`
	// System is the time in the kernel.
	System float64 `json:"system_s" unit:"s"`
	// PerEvent is both for each event.
	PerEvent float64 `json:"us_per_event" unit:"us"`
}

// Connections are the numbers of connections.
type Connections struct {
	// Opened is how many were opened.
	Opened int `json:"opened" unit:"connections"`
	// Reused is how many requests used an open one.
	Reused int `json:"reused" unit:"requests"`
	// SYNRetransmit is how many needed a second attempt: the server's backlog was full,
	// or a packet was lost.
	SYNRetransmit int `json:"syn_retransmit" unit:"connections"`
	// Resent is how often a request was sent again because the server had closed a reused
	// connection before it can have read a byte of it.
	Resent int `json:"resent" unit:"requests"`
	// Reactors is how many threads shared them; only there where each had no goroutine of its own.
	Reactors int `json:"reactors,omitempty" unit:"threads" from:"loadgen"`
}

// ServerTokens is the sum of what the server counted.
type ServerTokens struct {
	// Requests is the number of successes whose prompts the server counted.
	Requests int `json:"requests" unit:"requests"`
	// Prompt is the sum of their prompt tokens.
	Prompt int `json:"prompt" unit:"tokens"`
	// Completion is the sum of their completion tokens.
	Completion int `json:"completion" unit:"tokens"`
	// Cached sums their prompts' tokens that were in the server's prefix cache; null where
	// the server does not say.
	Cached *int `json:"cached" unit:"tokens"`
}

// TokenCounts counts the successes by whose count of their output tokens is the best that
// there is. The original's keys rest on its own rule: usage in an event without choices,
// else the tokenizer over the text alone.
type TokenCounts struct {
	// Server is the number of those of which the server's usage is taken.
	Server int `json:"server" unit:"requests"`
	// Tokenizer is the number of those whose texts, reasoning and tool calls loadgen's tokenizer counted.
	Tokenizer int `json:"tokenizer" unit:"requests"`
	// Events is the number of those of which the events are counted.
	Events int `json:"events" unit:"requests"`
	// None is the number of those with nothing to count.
	None int `json:"none" unit:"requests"`
}

// Server is what a comparison knows of a server.
type Server struct {
	// Model is the first model that the server named before the run.
	Model string `json:"model"`
	// Version is the version that the server named before the run.
	Version string `json:"version"`
	// Note is the plan's version note.
	Note string `json:"note" from:"plan"`
	// Plan is a digest of how the server was started and loaded.
	Plan string `json:"plan" from:"plan"`
	// Became is what the server was after the run; only there where that differs.
	Became *ServerIdentity `json:"became,omitempty"`
}

// ServerIdentity is what a server says it is.
type ServerIdentity struct {
	// Model is the first model that the server names.
	Model string `json:"model"`
	// Version is the version that the server names.
	Version string `json:"version"`
}

// SelfTest is what loadgen reports against what its simulated server knows.
type SelfTest struct {
	// Concurrency is the load's, 0 for no limit.
	Concurrency int `json:"concurrency" unit:"requests"`
	// Requests is the number of requests.
	Requests int `json:"requests" unit:"requests"`
	// InputLen is the length of prompts.
	InputLen int `json:"input_len" unit:"tokens"`
	// OutputLen is the length of completions.
	OutputLen int `json:"output_len" unit:"tokens"`
	// RequestRate is the load's, 0 for all at once.
	RequestRate float64 `json:"request_rate" unit:"requests/s"`
	// Errors are the reported statistics minus the true ones, by metric.
	Errors ByMetric[SelfTestError] `json:"reported_minus_true_ms" unit:"ms"`
	// MaxError is the largest of them all, by absolute value.
	MaxError float64 `json:"max_error_ms" unit:"ms"`
	// Bounds is the measurement error that the run states of itself, by metric.
	Bounds ByMetric[SelfTestError] `json:"bound_ms" unit:"ms"`
	// BeyondBound are the metrics of which an error exceeds its bound, by more than the
	// 0.1 ms that the way between the processes may take.
	BeyondBound []string `json:"beyond_bound"`
	// Verdict is the self-test run's own verdict.
	Verdict string `json:"verdict"`
	// CPUPerEvent is loadgen's processor time for each event, the simulator's not included.
	CPUPerEvent float64 `json:"cpu_us_per_event" unit:"us"`
	// Ceiling is the most that this machine reached with the simulator on it; only there
	// where it was measured.
	Ceiling *Ceiling `json:"ceiling,omitempty"`
}

// SelfTestError is by how much a metric's statistics were off.
type SelfTestError struct {
	// Mean is that of the mean.
	Mean float64 `json:"mean"`
	// P50 is that of the median.
	P50 float64 `json:"p50"`
	// P99 is that of the 99th percentile.
	P99 float64 `json:"p99"`
}

// Ceiling is the most that a machine reached.
type Ceiling struct {
	// Streams is the number of streams at once.
	Streams int `json:"streams" unit:"requests"`
	// StreamsCapped is whether more streams were not tried.
	StreamsCapped bool `json:"streams_capped"`
	// Events is the rate of events.
	Events float64 `json:"events_per_s" unit:"events/s"`
	// Requests is the rate of requests.
	Requests float64 `json:"requests_per_s" unit:"requests/s"`
}
