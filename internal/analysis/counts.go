package analysis

import (
	"slices"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Counts are what was counted of the requests that were sent.
type Counts struct {
	// Failed is by the rule of the run, OriginalFailed by the original's; Classes are
	// the former's. Cancelled and CutAtEnd are requests that loadgen ended as its settings say,
	// which are not among them.
	Failed, OriginalFailed int
	Cancelled, CutAtEnd    int
	Classes                map[string]int
	// KernelStamped are requests whose events all have the kernel's timestamps; Shared
	// are events that shared a read with a later one.
	KernelStamped, Events, Shared int
	// Retried are connections whose opening took a second attempt.
	Opened, Reused, Retried int
	// Resent is how often a request was sent again on another connection.
	Resent int
	// Chunks are the events of successes that brought choices.
	Chunks int
	Server ServerTokens
	Tokens TokenCounts
	// Lags are the times from a request's slot, or its due time if that is later, to its
	// last byte, in seconds.
	Lags *metrics.List
	// Decoding is how long all requests decoded, failures included: from the first event
	// with choices to the last.
	Decoding time.Duration
}

// ServerTokens is what the server counted in the successes; CachedKnown is how many of them
// say how much of their prompts was cached.
type ServerTokens struct{ Requests, Prompt, Completion, Cached, CachedKnown int }

func (c *Counts) add(r *client.Result) {
	switch {
	case r.Err != nil && r.Err.Class == client.Cancelled:
		c.Cancelled++
	case r.Err != nil && r.Err.Class == client.CutAtEnd:
		c.CutAtEnd++
	default:
		c.failure(r)
	}
	if r.KernelStamps {
		c.KernelStamped++
	}
	c.Events += len(r.Events)
	if first := slices.IndexFunc(r.Events, func(e client.Event) bool { return e.Choices }); first >= 0 {
		c.Decoding += r.Events[len(r.Events)-1].At - r.Events[first].At
	}
	for i := range r.Events {
		if r.Events[i].Shared {
			c.Shared++
		}
		if r.Events[i].Choices && r.Err == nil {
			c.Chunks++
		}
	}
	switch {
	case r.Reused:
		c.Reused++
	case r.Connect > 0:
		c.Opened++
	}
	if r.SYNRetransmits > 0 {
		c.Retried++
	}
	c.Resent += r.Resent
	if r.Err == nil && r.SeenUsage.Prompt >= 0 {
		s := &c.Server
		s.Requests++
		s.Prompt += r.SeenUsage.Prompt
		s.Completion += max(r.SeenUsage.Completion, 0)
		if r.SeenUsage.Cached >= 0 {
			s.Cached, s.CachedKnown = s.Cached+r.SeenUsage.Cached, s.CachedKnown+1
		}
	}
	if r.Written > 0 {
		c.Lags.Add(float64(r.Written-max(r.Permit, r.Due)) / float64(time.Second))
	}
}

// failure counts a request that was not ended on purpose, if it failed.
func (c *Counts) failure(r *client.Result) {
	if r.Err != nil {
		c.Failed++
		c.Classes[string(r.Err.Class)]++
	}
	if r.OriginalFailed {
		c.OriginalFailed++
	}
}

// Lag sums the lags up; its median and p99 are percentiles 50 and 99.
func (c *Counts) Lag() metrics.Stats { return c.Lags.Stats([]float64{99}) }
