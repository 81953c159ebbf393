package result

import "fmt"

// Cancellation is what became of the requests that loadgen was to cancel. They are no failures,
// and the metrics leave out those that it did cancel.
type Cancellation struct {
	// Share is the share of all requests that were to be cancelled.
	Share float64 `json:"share" from:"flags"`
	// AfterTokens is after how many output tokens; null where a time says when.
	AfterTokens *int `json:"after_tokens" unit:"tokens" from:"flags"`
	// After is after how long from the start; null where tokens say when.
	After *float64 `json:"after_ms" unit:"ms" from:"flags"`
	// Chosen is the number of requests that were to be cancelled, and were sent.
	Chosen int `json:"chosen" unit:"requests" from:"timelines"`
	// Cancelled is the number that were cancelled.
	Cancelled int `json:"cancelled" unit:"requests" from:"timelines"`
	// Completed is the number that were complete before that; the metrics include them.
	Completed int `json:"completed" unit:"requests" from:"timelines"`
	// Failed is the number that failed before that.
	Failed int `json:"failed" unit:"requests" from:"timelines"`
	// TTFT is that of the cancelled; null where no token had come.
	TTFT *Stats `json:"ttft_ms" unit:"ms" from:"timelines"`
	// Ended is how long the cancelled took, from the start to the end.
	Ended *Stats `json:"ended_ms" unit:"ms" from:"timelines"`
}

// When is after what requests were cancelled, in words; "" for neither tokens nor a time.
func (c *Cancellation) When() string {
	switch {
	case c.AfterTokens != nil:
		return fmt.Sprintf("after %d tokens", *c.AfterTokens)
	case c.After != nil:
		return fmt.Sprintf("after %.4g ms", *c.After)
	}
	return ""
}
