package analysis

import (
	"math"
	"testing"

	"loadgen/internal/breakdown"
	"loadgen/internal/prom"
	"loadgen/internal/recording"
)

// counted is a server's metrics before and after a run of 20 requests with 10 tokens, TTFT 50 ms.
func counted(change func(values map[prom.Quantity]prom.Value)) *recording.Server {
	before := map[prom.Quantity]prom.Value{prom.Requests: {Name: "r", Sum: 1}, prom.Prompt: {Name: "p", Sum: 512}, prom.Generation: {Name: "g", Sum: 10},
		prom.TTFT: {Name: "t", Sum: 1, Count: 1}, prom.Queue: {Name: "q", Sum: 0, Count: 1}, prom.TPOT: {Name: "x_inter_token_latency_seconds"}}
	after := map[prom.Quantity]prom.Value{prom.Requests: {Name: "r", Sum: 21}, prom.Prompt: {Name: "p", Sum: 512 * 21}, prom.Generation: {Name: "g", Sum: 210},
		prom.TTFT: {Name: "t", Sum: 1.8, Count: 21}, prom.Queue: {Name: "q", Sum: 0.2, Count: 21}, prom.TPOT: {Name: "x_inter_token_latency_seconds", Sum: 1.8, Count: 180}}
	change(after)
	return &recording.Server{Exposition: &recording.Exposition{Route: "/metrics", Before: prom.Reading{Server: "vLLM", Values: before}, After: prom.Reading{Server: "vLLM", Values: after}}}
}

func TestServersMetrics(t *testing.T) {
	set := func(q prom.Quantity, v prom.Value) func(map[prom.Quantity]prom.Value) {
		return func(all map[prom.Quantity]prom.Value) { v.Name = all[q].Name; all[q] = v }
	}
	for name, c := range map[string]struct {
		change func(map[prom.Quantity]prom.Value)
		want   string // finding
	}{
		"alike":                  {func(map[prom.Quantity]prom.Value) {}, ""},
		"others' requests":       {set(prom.Requests, prom.Value{Sum: 30}), "server_counts_requests"},
		"one replica of several": {set(prom.Requests, prom.Value{Sum: 11}), "server_counts_requests"},
		"the test request":       {set(prom.Requests, prom.Value{Sum: 22}), ""},
		"more prompt tokens":     {set(prom.Prompt, prom.Value{Sum: 520 * 21}), "server_counts_tokens"},
		"fewer generated tokens": {set(prom.Generation, prom.Value{Sum: 205}), "server_counts_tokens"},
		"one token is nothing":   {set(prom.Generation, prom.Value{Sum: 211}), ""},
		"a longer TTFT":          {set(prom.TTFT, prom.Value{Sum: 1 + 20*0.055, Count: 21}), "server_ttft_exceeds"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := scripted(20, 10)
			rec.Server = counted(c.change)
			a, found := codes(t, rec)
			for _, code := range []string{"server_counts_requests", "server_counts_tokens", "server_ttft_exceeds"} {
				if found[code] != (code == c.want) {
					t.Errorf("%s: %v", code, found[code])
				}
			}
			if a.Exposition == nil || a.Loadgen(rec).ServerMetrics.Exposition != a.Exposition {
				t.Fatal("no section")
			}
			if c.want != "" {
				return
			}
			for _, row := range a.Exposition.Metrics {
				switch row.Quantity {
				case "ttft":
					if !(math.Abs(row.Server-40) <= 1e-9) || !(math.Abs(*row.Client-50) <= 1e-9) || !(math.Abs(*row.Difference-10) <= 1e-9) || row.Text == "" {
						t.Errorf("%+v", row)
					}
				case "queue":
					if !(math.Abs(row.Server-10) <= 1e-9) || row.Client != nil || row.Unit != "ms" {
						t.Errorf("%+v", row)
					}
				case "tpot": // between tokens: ITL is its like
					if !(math.Abs(row.Server-10) <= 1e-9) || !(math.Abs(*row.Client-1e3*a.Summary.Latency[2].Mean) <= 1e-9) {
						t.Errorf("%+v", row)
					}
				}
			}
		})
	}
}

// TestTimesContradict: a server's record that is longer than the client waited is found.
func TestTimesContradict(t *testing.T) {
	rec := scripted(2, 10)
	rec.Settings.TimeBreakdown.Asked = true
	at := breakdown.Instants{ServerArrival: 5, Arrival: 5.001, Scheduled: 5.002, FirstToken: 5.04, ServerFirst: 5.045, LastToken: 5.15}
	late := at
	late.FirstToken, late.ServerFirst = 5.06, 5.065
	rec.Server = &recording.Server{Source: "/perf_metrics", Requests: []breakdown.Record{{Context: at}, {Context: at}}}
	a, found := codes(t, rec)
	if found["server_times_contradict"] || a.Breakdown == nil || a.BreakdownSection(rec).ByOrder != 2 || a.BreakdownSection(rec).Excess != 0 {
		t.Errorf("%v %+v", found, a.Breakdown)
	}
	rec.Server.Requests[1].Context = late
	if _, found := codes(t, rec); !found["server_times_contradict"] {
		t.Error("not found")
	}
	rec.Settings.TimeBreakdown.Asked = false
	if a, _ := codes(t, rec); a.Breakdown != nil || a.Server == nil {
		t.Error("a breakdown that was not asked for")
	}
}
