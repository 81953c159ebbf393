package definitions

import (
	"slices"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// tools are the load generators, the original first.
var tools = []tool{
	{name: "trtllm", read: func(v *values, q *request, chat bool, r *client.Result) {
		s := metrics.NewSample(r, 0, chat, true)
		v.ttft, v.itl, v.latency = append(v.ttft, s.TTFT), append(v.itl, s.ITL...), append(v.latency, s.Latency)
		v.addTPOT(&v.tpot, s.Latency, s.TTFT, q.n)
	}},
	// As TRT-LLM's, but a chat's latency ends with its last choices.
	{name: "vllm", read: func(v *values, q *request, chat bool, r *client.Result) {
		if len(q.events) == 0 {
			return // a failure, there
		}
		s := metrics.NewSample(r, 0, chat, true)
		v.ttft, v.itl, v.latency = append(v.ttft, s.TTFT), append(v.itl, s.ITL...), append(v.latency, q.lastChoices)
		v.addTPOT(&v.tpot, q.lastChoices, s.TTFT, q.n)
	}},
	// The clock starts at text and stops at whatever line comes last.
	{name: "sglang", read: func(v *values, q *request, _ bool, _ *client.Result) {
		first := q.first(text)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, q.lastByte)
		before := first
		for i := range q.events {
			if e := &q.events[i]; e.text && e != first {
				v.itl = append(v.itl, e.at-before.at)
				before = e
			}
		}
		v.addTPOT(&v.tpot, q.lastByte, first.at, q.n)
	}},
	// Its inter-token latency is one value a request, others' TPOT.
	{name: "aiperf", read: func(v *values, q *request, _ bool, _ *client.Result) {
		first, last := q.first(text), q.last(text)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, last.at)
		v.addTPOT(&v.itl, last.at, first.at, q.n)
	}, duration: func(all []request) float64 {
		return sinceStart(all, func(q *request) float64 {
			if last := q.last(text); last != nil {
				return last.at
			}
			return 0
		})
	}},
	// Its ITL weighs each request by its tokens, its TPOT contains TTFT.
	{name: "guidellm", read: func(v *values, q *request, _ bool, _ *client.Result) {
		first, last := q.first(anyToken), q.last(anyToken)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, q.lastByte)
		if q.n <= metrics.MostTokens {
			v.itl = append(v.itl, slices.Repeat([]float64{(last.at - first.at) / float64(q.n-1)}, max(q.n-1, 0))...)
		}
		if q.n > 0 {
			v.tpot = append(v.tpot, last.at/float64(q.n))
		}
	}},
	// Reasoning does not count, and the tokens of a chunk after its first have no gap.
	{name: "inference-perf", read: func(v *values, q *request, _ bool, _ *client.Result) {
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
		v.addTPOT(&v.tpot, last.at, first.at, q.n)
	}},
	// One inter-token latency a request; the run begins with the first request that
	// is completed.
	{name: "inference-benchmarker", read: func(v *values, q *request, _ bool, _ *client.Result) {
		first, last := q.first(text), q.last(text)
		if first == nil {
			return
		}
		v.ttft, v.latency = append(v.ttft, first.at), append(v.latency, q.lastChoices)
		v.addTPOT(&v.itl, last.at, first.at, q.n)
	}, duration: func(all []request) float64 {
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
