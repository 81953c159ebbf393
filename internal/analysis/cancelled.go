package analysis

import (
	"loadgen/internal/load"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Cancellation is what became of the requests that were to be cancelled.
type Cancellation struct {
	recording.Cancellation
	// Chosen are those that were sent; Cancelled, Completed and Failed what became of them.
	Chosen, Cancelled, Completed, Failed int
	// Begun are the cancelled of which tokens had come, TTFT theirs; Ended is how long all of
	// them took. In seconds from the start.
	Begun       int
	TTFT, Ended metrics.Stats
}

// cancelReader looks for them; one without a share finds none.
type cancelReader struct {
	out         Cancellation
	seed        uint32
	ttft, ended metrics.List
}

func newCancelReader(s *recording.Settings) *cancelReader {
	c, _ := s.Cancellation() // of a run that was made
	return &cancelReader{out: Cancellation{Cancellation: c}, seed: uint32(s.Seed)}
}

// add reads request i, which was sent.
func (x *cancelReader) add(i int, q *reading) {
	r, o := q.result, &x.out
	if o.Share == 0 || !load.Chosen(x.seed, i, o.Share) {
		return
	}
	o.Chosen++
	switch {
	case r.Err == nil:
		o.Completed++
	case r.Err.Class == client.Cancelled:
		o.Cancelled++
		x.ended.Add((over(r) - r.Start).Seconds())
		for _, s := range q.Spans {
			if s.Metric == metrics.TTFT {
				o.Begun++
				x.ttft.Add(s.Length().Seconds())
			}
		}
	case !r.Err.Class.OnPurpose():
		o.Failed++
	}
}

// cancellation sums them up; nil where none were to be cancelled.
func (x *cancelReader) cancellation(percentiles []float64) *Cancellation {
	if x.out.Share == 0 {
		return nil
	}
	x.out.TTFT, x.out.Ended = x.ttft.Stats(percentiles), x.ended.Stats(percentiles)
	return &x.out
}

// cancellationSection is the same as the result has it.
func cancellationSection(c *Cancellation, percentiles []float64) *result.Cancellation {
	out := &result.Cancellation{Share: c.Share, Chosen: c.Chosen, Cancelled: c.Cancelled, Completed: c.Completed, Failed: c.Failed}
	if c.Tokens > 0 {
		out.AfterTokens = &c.Tokens
	} else {
		out.After = new(ms(c.After))
	}
	if c.Cancelled > 0 {
		out.Ended = new(stats(c.Ended, percentiles, 1e3))
	}
	if c.Begun > 0 {
		out.TTFT = new(stats(c.TTFT, percentiles, 1e3))
	}
	return out
}
