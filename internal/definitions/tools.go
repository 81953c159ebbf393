package definitions

import (
	"loadgen/pkg/metrics"
)

// tools are the load generators, the original first.
var tools = [...]tool{
	{name: "trtllm", originalITL: ofAll, read: func(v *values, q *request, s *metrics.Sample) {
		v.ttft, v.latency = append(v.ttft, s.TTFT), append(v.latency, s.Latency)
		addPerToken(&v.tpot, s.Latency, s.TTFT, q.n)
	}},
	// As TRT-LLM's, but in a chat neither a role nor a finish reason alone counts, and
	// usage does not move the end.
	{name: "vllm", version: "0.33.0", originalITL: ofThoseWithTokens, read: func(v *values, q *request, s *metrics.Sample) {
		switch {
		case len(q.events) == 0:
			return // a failure, there
		case q.chat:
			if first, last := v.addGaps(q, streamed); first != nil {
				v.latency = append(v.latency, last.at)
				addPerToken(&v.tpot, last.at, first.at, q.n)
			}
		default:
			v.ttft, v.latency = append(v.ttft, s.TTFT), append(v.latency, s.Latency)
			addPerToken(&v.tpot, s.Latency, s.TTFT, q.n)
		}
	}},
	// The clock starts at text and stops at whatever line comes last.
	{name: "sglang", version: "0.5.23", gaps: true, read: func(v *values, q *request, _ *metrics.Sample) {
		if first, _ := v.addGaps(q, text); first != nil {
			v.latency = append(v.latency, q.lastByte)
			addPerToken(&v.tpot, q.lastByte, first.at, q.n)
		}
	}},
	// Its inter-token latency is one value a request: the time after the first content over
	// the tokens after it, as servers may send several tokens first.
	{name: "aiperf", version: "0.13.0", read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(text), q.last(text)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, last.at)
		after := q.n - first.tokens
		if first.tokens < 1 || after < 1 {
			after = q.n - 1
		}
		addPerToken(&v.itl, last.at, first.at, after+1)
	}, duration: func(all []ends) float64 {
		return sinceStart(all, func(e *ends) float64 { return e.lastText })
	}},
	// Its ITL weighs each request by its tokens, its TPOT contains TTFT.
	{name: "guidellm", version: "0.8.1", gaps: true, read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(anyToken), q.last(anyToken)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, q.lastByte)
		if q.n <= metrics.MostTokens {
			mean := (last.at - first.at) / float64(q.n-1)
			for range q.n - 1 {
				v.itl = append(v.itl, mean)
			}
		}
		if q.n > 0 {
			v.tpot = append(v.tpot, last.at/float64(q.n))
		}
	}},
	// Reasoning does not count, and the tokens of a chunk after its first have no gap.
	{name: "inference-perf", version: "7de5ef2", gaps: true, read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(visible), q.last(visible)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, q.lastByte)
		before, begun := first.at, false
		for _, e := range q.events {
			if !e.visible {
				continue
			}
			for k := range e.tokens {
				switch {
				case k > 0:
					v.itl = append(v.itl, 0)
				case begun:
					v.itl = append(v.itl, e.at-before)
				}
			}
			before, begun = e.at, true
		}
		addPerToken(&v.tpot, last.at, first.at, q.n)
	}},
	// One inter-token latency a request; the run begins with the first request that
	// is completed.
	{name: "inference-benchmarker", version: "1.1.0", read: func(v *values, q *request, _ *metrics.Sample) {
		first, last := q.first(text), q.last(text)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, q.lastChoices)
		addPerToken(&v.itl, last.at, first.at, q.n)
	}, duration: func(all []ends) float64 {
		first := &all[0]
		for i := range all {
			q := &all[i]
			if q.start.Seconds()+q.lastChoices < first.start.Seconds()+first.lastChoices {
				first = q
			}
		}
		end := 0.0
		for i := range all {
			end = max(end, all[i].start.Seconds()+all[i].lastChoices)
		}
		return end - first.start.Seconds()
	}},
}
