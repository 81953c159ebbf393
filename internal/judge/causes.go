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
	// Found says when a comparison has it, and Short, in a few words after the server's name,
	// what of it: it holds a %s for each of the reason's values.
	Found, Short string
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
	{Code: "workloads_differ", Short: "was loaded differently", Relative: true, Hint: "same_load", Found: "prompts, requests, concurrency or settings differ"},
	{Code: "clients_differ", Short: "was measured by another client", Relative: true, Hint: "across_clients", Found: "the client or its version differs, and no comparison across clients was asked for"},
	{Code: "repeats_differ", Short: "was loaded differently from repeat to repeat", Hint: "same_load", Found: "the repeats of a server differ in the same"},
	{Code: "server_changed", Short: "changed during the comparison", Found: "a server's model or version changed during the comparison"},
	{Code: "failures", Short: "had failed requests", Hint: "failures", Found: "over 1 % of the requests failed or were not sent"},
	{Code: "few_failures", Short: "had a few failed requests", Moves: queueing, Hint: "failures", Found: "over 0.1 % of the requests failed or were not sent: the slowest may be among them"},
	{Code: "rate_not_reached", Short: "was sent %s requests/s, the baseline %s", Relative: true, Found: "the request rates that were sent differ by over 5 %"},
	{Code: "client_late", Short: "was measured by a client that was late", Moves: slices.Concat(latencies, throughput), Own: true, Hint: "own_core",
		Found: "the measurement error is over 20 % of the metric: only the metrics for which it is"},
	{Code: "client_limited", Short: "was measured by a client that could not keep up", Hint: "own_core", Found: "the client could not keep up, and the result does not say in what, or it was the schedule"},
	{Code: "batch_limited", Short: "ran with a batch limit of about %s", Moves: queueing, Hint: "batch_limit", Found: "a server has the finding: requests wait for a place in its batch"},
	{Code: "decoding_differs", Short: "decoded %s requests at a time, the baseline %s", Relative: true, Moves: decoding, Hint: "batch_limit", Found: "the numbers of requests decoding at a time are not alike"},
	{Code: "multi_token_chunks", Short: "sent %s tokens a chunk, the baseline %s", Relative: true, Moves: []string{"itl"}, Hint: "per_token", Found: "chunks have 1.05 tokens or more, or 2 % more than the baseline's, and one of the two has no per-token times"},
	{Code: "coalesced", Short: "sent tokens in bursts", Moves: []string{"itl"}, Found: "a server has the finding: tokens arrive in bursts"},
	{Code: "held_first_read", Short: "sent many tokens with the first", Moves: arrivals, Own: true, Found: "the first read held so many tokens that the metric is off by over 20 %: only the metrics that are"},
	{Code: "whole_answers", Short: "sent answers in one piece", Moves: arrivals, Found: "a server has the finding: answers arrive in one piece"},
	{Code: "token_count_disagrees", Short: "counts other tokens than it sends", Moves: slices.Concat([]string{"tpot"}, work), Found: "a server has the finding: its token count is not that of what came"},
	{Code: "hidden_reasoning", Short: "counts reasoning that it does not send", Moves: []string{"tpot"}, Found: "a server has the finding: it counts tokens of reasoning that it does not send"},
	{Code: "several_choices", Short: "sent several choices an answer", Moves: decoding, Found: "a server has the finding: answers have several choices"},
	{Code: "output_lengths_differ", Short: "generated other lengths", Relative: true, Moves: work, Hint: "ignore_eos", Found: "completions differ in length by over 1 %"},
	{Code: "prefix_cache_hits", Short: "had %s %% of the prompts cached, the baseline %s %%", Relative: true, Moves: queueing, Hint: "other_prompts", Found: "the shares of prompt tokens from a prefix cache differ by over 1 % of the prompt"},
	{Code: "definitions_differ", Short: "was measured by other definitions", Relative: true, Moves: latencies, Own: true, Found: "two clients define the metric differently, and it cannot be restated: only such metrics"},
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
