package report

import (
	"fmt"
	"io"

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

// DefinitionsTable is a Markdown table of the means.
func DefinitionsTable(w io.Writer, rows []definitions.Row) {
	mean := func(s definitions.Stat) string {
		if s.Count == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", 1e3*s.Mean)
	}
	fmt.Fprintln(w, "| tool | TTFT | ITL | TPOT | latency | duration s | tokens/s |\n|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %.3f | %.1f |\n", r.Tool, mean(r.TTFT), mean(r.ITL), mean(r.TPOT), mean(r.Latency), r.Duration, r.Throughput)
	}
}
