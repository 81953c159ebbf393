package report

import (
	"loadgen/internal/definitions"
	"loadgen/internal/pyjson"
)

// DefinitionsJSON is what other tools would have reported, by tool.
func DefinitionsJSON(rows []definitions.Row) pyjson.Object {
	out := pyjson.Object{}
	stat := func(s definitions.Stat) any {
		if s.Count == 0 {
			return nil
		}
		return pyjson.Object{{Key: "mean", Value: 1e3 * s.Mean}, {Key: "median", Value: 1e3 * s.Median}, {Key: "p99", Value: 1e3 * s.P99}}
	}
	for _, r := range rows {
		out.Set(r.Tool, pyjson.Object{{Key: "ttft_ms", Value: stat(r.TTFT)}, {Key: "itl_ms", Value: stat(r.ITL)}, {Key: "tpot_ms", Value: stat(r.TPOT)},
			{Key: "latency_ms", Value: stat(r.Latency)}, {Key: "duration_s", Value: r.Duration}, {Key: "output_tokens_per_s", Value: r.Throughput}})
	}
	return out
}
