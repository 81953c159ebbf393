// Package metrics turns timelines into statistics. It is pure: no clock, no
// I/O. Its numbers are float64 seconds, equal to NumPy's to the last bit.
package metrics

// Sample is what one request contributes to the statistics, under the
// original's definitions.
type Sample struct {
	Success bool
	// PromptLen is the nominal prompt length in tokens.
	PromptLen int
	// OutputTokens is the completion's length: the server's count, or the
	// retokenised text's. 0 for a failure.
	OutputTokens int
	// TTFT and Latency (E2EL) in seconds. TTFT is -1 for a non-streaming answer.
	TTFT, Latency float64
	// ITL holds the gaps in seconds.
	ITL []float64
	// Text is the generated text, "" for a failure.
	Text string
	// Error is the failure's words, "" for a success.
	Error string
	// Exception is the class of a failure that the original would have counted
	// as an exception; "" otherwise.
	Exception string
	// DecodedPerIter is avg_decoded_tokens_per_iter, 0 where the server gave none.
	DecodedPerIter float64
}
