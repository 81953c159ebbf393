package analysis

import (
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// TokenCounts are the successes by whose count of their output tokens is the best, and TPOT
// and throughput under each count.
type TokenCounts struct {
	Requests [metrics.NotCounted + 1]int // by Source
	Under    [metrics.NotCounted]UnderCount
}

// UnderCount is what one Source counted.
type UnderCount struct {
	Requests, Tokens int
	tpot             *metrics.List
	TPOT             metrics.Stats
}

// newTokenCounts has counted nothing yet; reported is the original's TPOT, to which a
// request's is added before.
func newTokenCounts(reported *metrics.List) (t TokenCounts) {
	for i := range t.Under {
		t.Under[i].tpot = metrics.Like(reported)
	}
	return t
}

// mostTokenized bounds the bytes that are tokenized only to compare counts: of a run with
// more, every second answer is, every third, ...
const mostTokenized = 1 << 20

// tokenizeEach is 1 where all texts of a run are tokenized, 2 where every second is, ...
func tokenizeEach(rec *recording.Recording) int { return rec.TextBytes()/mostTokenized + 1 }

// tokens counts the tokens of the next success.
func (c *collector) tokens(r *client.Result, s *metrics.Sample) metrics.TokenCount {
	count := c.count
	if c.counted++; (c.counted-1)%c.tokenizeEach != 0 && r.SeenUsage.Completion > 0 {
		count = nil
	} else if count != nil && r.Details == nil && r.Usage.Completion <= 0 { // done already
		count = func([]byte) int { return s.OutputTokens }
	}
	return metrics.CountOf(r, c.rule.Whole, count)
}

func (t *TokenCounts) add(r *client.Result, s *metrics.Sample, c metrics.TokenCount) {
	_, by := c.Best()
	t.Requests[by]++
	for source, n := range c.Of {
		if n < 0 || n > metrics.MostTokens {
			continue
		}
		u := &t.Under[source]
		u.Requests, u.Tokens = u.Requests+1, u.Tokens+n
		tpot, ok := metrics.PerToken(s.TTFT, s.Latency, n)
		if ok = ok && s.TTFT >= 0 && metrics.Choices(r) == 1; ok && (n != s.OutputTokens || !u.tpot.AddNewest(1)) {
			u.tpot.Add(tpot)
		}
	}
}

// sumUp makes the statistics.
func (t *TokenCounts) sumUp() {
	for i := range t.Under {
		t.Under[i].TPOT = t.Under[i].tpot.Stats([]float64{99})
	}
}

// tokenCountsSection counts requests by source.
func (t *TokenCounts) section() *result.TokenCounts {
	return &result.TokenCounts{Server: t.Requests[metrics.ByServer], Tokenizer: t.Requests[metrics.ByTokenizer],
		Events: t.Requests[metrics.ByEvents], None: t.Requests[metrics.NotCounted]}
}

// underSection are the metrics under each count.
func (t *TokenCounts) underSection(s *metrics.Summary) (out result.ByTokenCount) {
	of := func(u *UnderCount) *result.Counted {
		if u.Requests == 0 {
			return nil
		}
		c := &result.Counted{Requests: u.Requests, Tokens: u.Tokens}
		if s.Duration > 0 {
			c.OutputThroughput = float64(u.Tokens) / float64(u.Requests) * float64(s.Completed) / s.Duration
		}
		if u.tpot.Len() > 0 {
			c.TPOT = &result.Summary{Mean: 1e3 * u.TPOT.Mean, Median: 1e3 * u.TPOT.Median, P99: 1e3 * u.TPOT.Percentiles[0]}
		}
		return c
	}
	out.Server, out.Tokenizer, out.Events = of(&t.Under[metrics.ByServer]), of(&t.Under[metrics.ByTokenizer]), of(&t.Under[metrics.ByEvents])
	return out
}
