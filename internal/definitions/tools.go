package definitions

import (
	"time"

	"loadgen/pkg/metrics"
)

// tools are the load generators, the original first.
var tools = [...]tool{
	{name: "trtllm", read: func(v *values, q *request, s *metrics.Sample) {
		v.original(q, s)
	}},
	// As TRT-LLM's, but in a chat neither a role nor a finish reason alone counts, and
	// usage does not move the end.
	{name: "vllm", version: "0.33.0", read: func(v *values, q *request, s *metrics.Sample) {
		switch {
		case len(q.events) == 0:
			return // a failure, there
		case q.chat:
			if first, last := v.addGaps(q, streamed); first != nil {
				v.ends(last.at, first.at, q)
			}
		default:
			v.original(q, s)
		}
	}},
	// The clock starts at text and stops at whatever line comes last.
	{name: "sglang", version: "0.5.23", read: func(v *values, q *request, _ *metrics.Sample) {
		if first, _ := v.addGaps(q, text); first != nil {
			v.ends(q.lastByte, first.at, q)
		}
	}},
	// Its inter-token latency is one value a request: the time after the first content over
	// the tokens after it, as servers may send several tokens first.
	{name: "aiperf", version: "0.13.0", read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(text), q.last(text)
		if first == nil {
			return
		}
		v.add(first.at, last.at)
		after := q.n - first.tokens
		if first.tokens < 1 || after < 1 {
			after = q.n - 1
		}
		addPerToken(v.itl, seconds(last.at), seconds(first.at), after+1)
	}, duration: func(run *span) time.Duration { return run.lastText - run.first }},
	// Its ITL weighs each request by its tokens, its TPOT contains TTFT.
	{name: "guidellm", version: "0.8.1", read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(anyToken), q.last(anyToken)
		if first == nil {
			return
		}
		v.add(first.at, q.lastByte)
		if 1 < q.n && q.n <= metrics.MostTokens {
			v.weighed = append(v.weighed, weighed{seconds(last.at-first.at) / float64(q.n-1), q.n - 1})
		}
		if q.n > 0 {
			v.tpot.Add(seconds(last.at) / float64(q.n))
		}
	}},
	// Reasoning does not count, and the tokens of a chunk after its first have no gap.
	{name: "inference-perf", version: "7de5ef2", read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(visible), q.last(visible)
		if first == nil {
			return
		}
		v.add(first.at, q.lastByte)
		before, begun, gaps := first.at, false, q.gaps[:0]
		for _, e := range q.events {
			if e.is&visible == 0 {
				continue
			}
			for k := range e.tokens {
				switch {
				case k > 0:
					gaps = append(gaps, 0)
				case begun:
					gaps = append(gaps, e.at-before)
				}
			}
			before, begun = e.at, true
		}
		v.itl.AddDurations(gaps)
		q.gaps = gaps
		addPerToken(v.tpot, seconds(last.at), seconds(first.at), q.n)
	}},
	// One inter-token latency a request; the run begins with the first request that
	// is completed.
	{name: "inference-benchmarker", version: "1.1.0", read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(text), q.last(text)
		if first == nil {
			return
		}
		v.add(first.at, q.lastChoices)
		addPerToken(v.itl, seconds(last.at), seconds(first.at), q.n)
	}, duration: func(run *span) time.Duration { return run.lastChoices - run.earliest }},
}

// original adds the original's values, which were the last to be added to its lists.
func (v *values) original(q *request, s *metrics.Sample) {
	if !v.ttft.AddNewest(1) {
		v.ttft.Add(s.TTFT)
	}
	if !v.latency.AddNewest(1) {
		v.latency.Add(s.Latency)
	}
	if !v.itl.AddNewest(len(s.ITL)) {
		v.itl.AddGaps(s)
	}
	if q.n > 1 && !v.tpot.AddNewest(1) {
		addPerToken(v.tpot, s.Latency, s.TTFT, q.n)
	}
}

// add adds TTFT and the latency of a request.
func (v *values) add(ttft, latency time.Duration) {
	v.ttft.AddDuration(ttft)
	v.latency.AddDuration(latency)
}

// ends adds the latency of a request, and TPOT to it from the first token.
func (v *values) ends(latency, first time.Duration, q *request) {
	v.latency.AddDuration(latency)
	addPerToken(v.tpot, seconds(latency), seconds(first), q.n)
}
