package judge

import "slices"

// Cause is something that moves metrics, so that two servers cannot be compared by them.
type Cause struct {
	Code string
	// Moves are the metrics that it moves, nil for all. Where Own is set it moves, of
	// these, only those that it is found for.
	Moves []string
	Own   bool
	// Relative says that it speaks against comparing two servers, not against the values.
	Relative bool
	// Found says when a comparison has it.
	Found string
	// Hint names what can be done about it, "" for nothing: the command line has the
	// words, as it has the flags.
	Hint string
}

// The groups of metrics that causes move.
var (
	latencies  = []string{"ttft", FirstWaveTTFT, "tpot", "itl", "e2el"}
	throughput = []string{OutputThroughput, "total_token_throughput", "request_throughput"}
	// queueing are those that a request's wait for its turn and the work of others decide.
	queueing = slices.Concat([]string{"ttft", FirstWaveTTFT, "e2el"}, throughput)
	decoding = []string{"tpot", "itl"}
	arrivals = []string{"ttft", FirstWaveTTFT, "tpot", "itl"}
	work     = slices.Concat([]string{"e2el"}, throughput)
)

// Causes is the table of what makes which metrics not comparable: each the metrics that
// it moves, and no others.
var Causes = []Cause{
	{Code: "workloads_differ", Relative: true, Found: "prompts, requests, concurrency or settings differ, or the client without a comparison across clients"},
	{Code: "repeats_differ", Found: "the repeats of a server differ in the same"},
	{Code: "server_changed", Found: "a server's model or version changed during the comparison"},
	{Code: "failures", Found: "over 1 % of the requests failed or were not sent"},
	{Code: "few_failures", Moves: queueing, Found: "over 0.1 % of the requests failed or were not sent: the slowest may be among them"},
	{Code: "rate_not_reached", Relative: true, Found: "the request rates that were sent differ by over 5 %"},
	{Code: "client_late", Moves: slices.Concat(latencies, throughput), Own: true, Hint: "own_core",
		Found: "the measurement error is over 20 % of the metric: only the metrics for which it is"},
	{Code: "client_limited", Hint: "own_core", Found: "the client could not keep up, and the result does not say in what, or it was the schedule"},
	{Code: "batch_limited", Moves: queueing, Hint: "batch_limit", Found: "a server has the finding: requests wait for a place in its batch"},
	{Code: "decoding_differs", Relative: true, Moves: decoding, Hint: "batch_limit", Found: "the numbers of requests decoding at a time are not alike"},
	{Code: "multi_token_chunks", Relative: true, Moves: []string{"itl"}, Hint: "per_token", Found: "chunks have 1.05 tokens or more, or 2 % more than the baseline's, and one of the two has no per-token times"},
	{Code: "coalesced", Moves: []string{"itl"}, Found: "a server has the finding: tokens arrive in bursts"},
	{Code: "held_first_read", Moves: arrivals, Found: "a server has the finding: the first read held many tokens"},
	{Code: "whole_answers", Moves: arrivals, Found: "a server has the finding: answers arrive in one piece"},
	{Code: "output_lengths_differ", Relative: true, Moves: work, Hint: "ignore_eos", Found: "completions differ in length by over 1 %"},
	{Code: "prefix_cache_hits", Relative: true, Moves: queueing, Hint: "other_prompts", Found: "the shares of prompt tokens from a prefix cache differ by over 1 % of the prompt"},
	{Code: "definitions_differ", Relative: true, Moves: latencies, Own: true, Found: "two clients define the metric differently, and it cannot be restated: only such metrics"},
}

// causeOf is the cause with a code; the table has every code that is asked for.
func causeOf(code string) *Cause {
	i := slices.IndexFunc(Causes, func(c Cause) bool { return c.Code == code })
	if i < 0 {
		return nil
	}
	return &Causes[i]
}

// Limits of what is alike.
const (
	lengthShare   = 0.01  // lengths of prompts and completions
	promptMarks   = 2     // tokens: marks of begin and end, which not all servers count
	manyFailures  = 0.01  // of the requests: the load itself is another
	someFailures  = 0.001 // of the requests: a tenth of the slowest 1 %
	rateShare     = 0.05
	cacheShare    = 0.01 // of the prompt tokens
	tokensAChunk  = 1.05
	chunkShare    = 0.02 // tokens a chunk, of one server relative to the other
	decodingShare = 0.25 // numbers decoding at a time
)
