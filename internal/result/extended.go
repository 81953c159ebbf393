package result

// Stats is a distribution. Of one whose values are not known only the mean is there.
type Stats struct {
	// Mean is the arithmetic mean.
	Mean float64 `json:"mean"`
	// Median is the 50th percentile.
	Median *float64 `json:"median,omitempty"`
	// Std is the population standard deviation.
	Std *float64 `json:"std,omitempty"`
	// Min is the least value.
	Min *float64 `json:"min,omitempty"`
	// Max is the greatest value.
	Max *float64 `json:"max,omitempty"`
	// Percentiles are the percentiles asked for, as p99, p99.9, ...
	Percentiles []Percentile `json:"p*"`
}

// Extended are the metrics beyond the original's.
type Extended struct {
	// FirstContent is TTFT to the first event with a token; a role alone is none.
	FirstContent Stats `json:"ttft_first_content_ms" unit:"ms"`
	// FirstVisible is TTFT to the first text outside of reasoning.
	FirstVisible Stats `json:"ttft_first_visible_ms" unit:"ms"`
	// PerToken is the time between tokens: a gap is shared by the tokens of the chunk
	// that ends it. It is null where the tokens of chunks are not known.
	PerToken *Stats `json:"itl_per_token_ms" unit:"ms"`
	// TokensPerChunk is the number of tokens in a chunk; only the mean where the server does not count by chunk.
	TokensPerChunk Stats `json:"tokens_per_chunk" unit:"tokens"`
	// SecondToken is the time from the first token to the second chunk's.
	SecondToken Stats `json:"time_to_second_token_ms" unit:"ms"`
	// UserPace is the output tokens per second of a request after its first token.
	UserPace Stats `json:"tokens_per_s_per_user" unit:"tokens/s"`
	// DueTTFT is TTFT counted from when the request was due.
	DueTTFT Stats `json:"ttft_from_due_ms" unit:"ms"`
	// DueE2EL is E2EL counted from when the request was due.
	DueE2EL Stats `json:"e2el_from_due_ms" unit:"ms"`
	// Queue is the time from due to having a slot.
	Queue Stats `json:"queue_ms" unit:"ms"`
	// PeakConcurrency is the maximum number of requests in flight.
	PeakConcurrency int `json:"peak_concurrency" unit:"requests"`
	// MeanConcurrency is the time-weighted mean of requests under way.
	MeanConcurrency float64 `json:"mean_concurrency" unit:"requests"`
	// Intervals are 95 % confidence intervals of the means.
	Intervals Intervals `json:"intervals_95" unit:"ms"`
	// Steady is the part of the run in which all slots were busy, null without one.
	Steady *Steady `json:"steady_state"`
	// Series are the seconds of the run.
	Series []Second `json:"series"`
	// ByTokenCount are TPOT and throughput under each count of output tokens.
	ByTokenCount ByTokenCount `json:"by_token_count"`
	// ByChoice are the latencies of each choice on its own; null where no answer has several.
	ByChoice *ByChoice `json:"by_choice"`
}

// ByTokenCount are metrics under each source of output token counts; null where a source has none.
type ByTokenCount struct {
	// Server is the server's usage.
	Server *Counted `json:"server"`
	// Tokenizer is loadgen's tokenizer over text, reasoning and tool calls; of long runs some
	// answers only.
	Tokenizer *Counted `json:"tokenizer"`
	// Events are the events that brought tokens.
	Events *Counted `json:"events"`
}

// Counted are metrics under one count of output tokens.
type Counted struct {
	// Requests is the number of answers that were counted.
	Requests int `json:"requests" unit:"requests"`
	// Tokens is their sum.
	Tokens int `json:"tokens" unit:"tokens"`
	// TPOT is the time per output token after the first; null where no answer has one:
	// those of several choices have it by choice.
	TPOT *Summary `json:"tpot_ms" unit:"ms"`
	// OutputThroughput is the rate of tokens, those of other successes estimated by the mean.
	OutputThroughput float64 `json:"output_throughput" unit:"tokens/s"`
}

// ByChoice are the latencies of each choice of the answers that have several.
type ByChoice struct {
	// Requests is the number of such answers.
	Requests int `json:"requests" unit:"requests"`
	// Choices is the most that one has.
	Choices int `json:"choices"`
	// TTFT is the time to a choice's first token.
	TTFT Stats `json:"ttft_ms" unit:"ms"`
	// TPOT is a choice's time per output token after its first.
	TPOT Stats `json:"tpot_ms" unit:"ms"`
	// ITL is the time between a choice's chunks.
	ITL Stats `json:"itl_ms" unit:"ms"`
}

// FirstWave are the first requests of a closed loop, as many as its concurrency.
type FirstWave struct {
	// Requests is how many there are.
	Requests int `json:"requests" unit:"requests"`
	// Completed is how many of them succeeded: the others are in no metric.
	Completed int `json:"completed" unit:"requests"`
	// TTFT is their time to first token; null where answers came whole, as the next two.
	TTFT *Stats `json:"ttft_ms" unit:"ms"`
	// TPOT is their time per output token after the first.
	TPOT *Stats `json:"tpot_ms" unit:"ms"`
	// ITL is their time between chunks.
	ITL *Stats `json:"itl_ms" unit:"ms"`
	// E2EL is their time to the last token.
	E2EL Stats `json:"e2el_ms" unit:"ms"`
}

// Turn are the requests that are the same turn of their conversations.
type Turn struct {
	// Turn is the turn's number, from 1.
	Turn int `json:"turn"`
	// Requests is how many were sent.
	Requests int `json:"requests" unit:"requests"`
	// Completed is how many of them succeeded: the others are in no metric.
	Completed int `json:"completed" unit:"requests"`
	// Prompt is the mean length of the prompts, history included, as the server counts;
	// null where it does not.
	Prompt *float64 `json:"prompt_tokens" unit:"tokens"`
	// Cached is how many of these the server found in its prefix cache, the mean; null
	// where it does not say.
	Cached *float64 `json:"cached_tokens" unit:"tokens"`
	// TTFT is their time to first token; null where none succeeded or answers came whole,
	// as the next two.
	TTFT *Stats `json:"ttft_ms" unit:"ms"`
	// TPOT is their time per output token after the first.
	TPOT *Stats `json:"tpot_ms" unit:"ms"`
	// ITL is their time between chunks.
	ITL *Stats `json:"itl_ms" unit:"ms"`
	// E2EL is their time to the last token; null where none succeeded.
	E2EL *Stats `json:"e2el_ms" unit:"ms"`
}

// Intervals are confidence intervals, low and high; those of too few requests are not there.
type Intervals struct {
	// TTFT is the interval of the mean TTFT.
	TTFT []float64 `json:"mean_ttft_ms,omitempty"`
	// TPOT is the interval of the mean TPOT.
	TPOT []float64 `json:"mean_tpot_ms,omitempty"`
	// ITL is the interval of the mean ITL.
	ITL []float64 `json:"mean_itl_ms,omitempty"`
	// E2EL is the interval of the mean E2EL.
	E2EL []float64 `json:"mean_e2el_ms,omitempty"`
}

// At points to the interval of a metric, by its place in MetricNames.
func (i *Intervals) At(m int) *[]float64 {
	return [...]*[]float64{&i.TTFT, &i.TPOT, &i.ITL, &i.E2EL}[m]
}

// Steady is what was measured while every slot was busy.
type Steady struct {
	// From is when all slots were busy, since the run's start.
	From float64 `json:"from_s" unit:"s"`
	// To is until when.
	To float64 `json:"to_s" unit:"s"`
	// Requests is the number of requests that lie wholly within.
	Requests int `json:"requests" unit:"requests"`
	// Dropped is the number that do not.
	Dropped int `json:"dropped" unit:"requests"`
	// OutputThroughput is the rate of tokens within.
	OutputThroughput float64 `json:"output_throughput" unit:"tokens/s"`
	// TTFT is that of the requests within.
	TTFT Stats `json:"ttft_ms" unit:"ms"`
	// TPOT is that of the requests within.
	TPOT Stats `json:"tpot_ms" unit:"ms"`
	// ITL is that of the requests within.
	ITL Stats `json:"itl_ms" unit:"ms"`
	// E2EL is that of the requests within.
	E2EL Stats `json:"e2el_ms" unit:"ms"`
}

// At points to the distribution of a metric, by its place in MetricNames.
func (s *Steady) At(m int) *Stats { return [...]*Stats{&s.TTFT, &s.TPOT, &s.ITL, &s.E2EL}[m] }

// Second is one second of a run.
type Second struct {
	// Second is its number, from 0.
	Second int `json:"second"`
	// Concurrency is the time-weighted mean of requests under way.
	Concurrency float64 `json:"concurrency" unit:"requests"`
	// Peak is the maximum number of requests in flight.
	Peak int `json:"peak" unit:"requests"`
	// Tokens is the number of output tokens that arrived.
	Tokens int `json:"tokens" unit:"tokens"`
	// Started is the number of requests that started.
	Started int `json:"started" unit:"requests"`
	// Completed is the number of requests that ended.
	Completed int `json:"completed" unit:"requests"`
}

// Definition is what another tool would have reported.
type Definition struct {
	// Tool is its name, the key of the object.
	Tool string `json:"-" key:"true"`
	// TTFT is what it calls time to first token; null where it has none.
	TTFT *Summary `json:"ttft_ms" unit:"ms"`
	// ITL is what it calls inter-token latency.
	ITL *Summary `json:"itl_ms" unit:"ms"`
	// TPOT is what it calls time per output token.
	TPOT *Summary `json:"tpot_ms" unit:"ms"`
	// Latency is what it calls the latency of a request.
	Latency *Summary `json:"latency_ms" unit:"ms"`
	// Duration is what it takes for the length of the run.
	Duration float64 `json:"duration_s" unit:"s"`
	// OutputThroughput is its output throughput.
	OutputThroughput float64 `json:"output_tokens_per_s" unit:"tokens/s"`
}

// ServerMetrics are the server's own records of a run.
type ServerMetrics struct {
	// Requests is the number of records.
	Requests int `json:"requests" unit:"requests"`
	// Queue is the time from arrival to being scheduled, null without records.
	Queue *Stats `json:"queue_ms" unit:"ms"`
	// Prefill is the time from being scheduled to the first token.
	Prefill *Stats `json:"prefill_ms" unit:"ms"`
	// Decode is the time from the first token to the last.
	Decode *Stats `json:"decode_ms" unit:"ms"`
	// ReusedBlocks is the number of KV cache blocks that prompts reused.
	ReusedBlocks int `json:"reused_blocks" unit:"blocks"`
	// MissedBlocks is the number of KV cache blocks that prompts missed.
	MissedBlocks int `json:"missed_blocks" unit:"blocks"`
	// Iterations is the number of engine iterations.
	Iterations int `json:"iterations"`
	// PeakActiveRequests is the maximum number of requests in one iteration.
	PeakActiveRequests int `json:"peak_active_requests" unit:"requests"`
	// Exposition are its Prometheus metrics over the run, null where it has none.
	Exposition *Exposition `json:"prometheus"`
}

// Exposition is what a server's Prometheus metrics counted during a run, and the client's.
type Exposition struct {
	// Server is whose names of metrics they have.
	Server string `json:"server"`
	// Route is where they were read.
	Route string `json:"route"`
	// Metrics are the quantities that the server counts.
	Metrics []ServerQuantity `json:"metrics"`
}

// ServerQuantity is something that the server counted or timed.
type ServerQuantity struct {
	// Quantity is what: requests, prompt_tokens, generation_tokens, cached_tokens, or the mean
	// of ttft, tpot, queue, prefill, e2el.
	Quantity string `json:"quantity"`
	// Name is the metric's name at the server.
	Name string `json:"name"`
	// Unit is that of the values: requests, tokens or ms.
	Unit string `json:"unit"`
	// Server is the server's value.
	Server float64 `json:"server"`
	// Client is the client's, null where it cannot know.
	Client *float64 `json:"client"`
	// Difference is the client's minus the server's.
	Difference *float64 `json:"difference"`
	// Count is the number of values of a time.
	Count float64 `json:"count"`
	// Text is why the two may differ, "" where they should not.
	Text string `json:"text"`
}
