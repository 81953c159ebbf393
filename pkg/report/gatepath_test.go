package report

import (
	"bytes"
	"strings"
	"testing"
)

// TestGatesOnPaths: any number of the result file can be bounded, in its own unit.
func TestGatesOnPaths(t *testing.T) {
	of := func(queue, energy, joules, wave string) string {
		return `{"num_prompts": 600, "completed": 600, "duration": 2.0, "total_input_tokens": 400, "total_output_tokens": 600, "max_concurrency": 8, "mean_ttft_ms": 5.0,
		"energy": {"total_energy_j": ` + energy + `}, "loadgen": {"version": "1", "metrics": {"queue_ms": {"mean": 1.0, "p99": ` + queue + `}}, "gpu": {"joules_per_token": ` + joules + `},
		"first_wave": {"ttft_ms": {"mean": 1.0, "p99": ` + wave + `}}}}`
	}
	files := writtenResults(t, map[string]string{"a/1.json": of("10.0", "100", "0.5", "3"), "b/1.json": of("12.0", "90", "null", "4")})
	g := Groups(files, Naming{})[0]
	for text, want := range map[string]string{
		"loadgen.metrics.queue_ms.p99<=12":       "",
		"loadgen.metrics.queue_ms.p99<=11.5":     "b at 8: 12, the bound is 11.5",
		"loadgen.metrics.queue_ms.p99<=+10%":     "b at 8: 12, the bound is 11",
		"loadgen.metrics.queue_ms.p99<=+20%":     "",
		"energy.total_energy_j<=-10%":            "",
		"duration<=2":                            "",
		"duration>=2.5":                          "a at 8: 2, the bound is 2.5",
		"completed>=600":                         "",
		"loadgen.gpu.joules_per_token<=1":        "b at 8: the result does not have this metric",
		"loadgen.first_wave.ttft_ms.mean<=2":     "",
		"loadgen.first_wave.ttft_ms.p99<=9":      "too few requests for this percentile",
		"loadgen.metrics.queue_ms.p99.9<=100":    "the result does not have this metric",
		"loadgen.metrics.ttft_from_due_ms.p99<=": "!expected METRIC<=VALUE",
		"loadgen.metrics.queue.p99<=2":           "!did you mean loadgen.metrics.queue_ms.p99?",
		"loadgen.metrics.series<=2":              "!unknown metric loadgen.metrics.series",
		"num_prompts>=3":                         "!unknown metric num_prompts",
		"mean_tpot_ms<=-3":                       "!can never hold: the metric is never below 0",
		"mean_tpot_ms<=-100%":                    "!can never hold: nothing is less than the baseline by 100 % or more",
		"failure_share>=1.5":                     "!can never hold: a share is at most 1",
	} {
		gate, err := ParseGate(text)
		if bad, isBad := strings.CutPrefix(want, "!"); isBad {
			if err == nil || !strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %v, want %q", text, err, bad)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		missed := strings.Join(g.Missed([]Gate{gate}), "; ")
		if want == "" && missed != "" || !strings.Contains(missed, want) {
			t.Errorf("%s: %q, want %q", text, missed, want)
		}
	}
	gate, err := ParseGate("loadgen.metrics.queue_ms.p99<=11.5")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	shown := Groups(files, Naming{Gates: []Gate{gate}})
	if err := JSON(&out, shown); err != nil || !strings.Contains(out.String(), `"value": 12.0, "bound": 11.5, "holds": false`) {
		t.Error(err, out.String())
	}
}

// TestPathMetric: what moves a latency moves the numbers that are made of it.
func TestPathMetric(t *testing.T) {
	for path, want := range map[string]string{
		"loadgen.metrics.ttft_from_due_ms.p99": "ttft", "loadgen.metrics.e2el_from_due_ms.mean": "e2el", "loadgen.metrics.itl_per_token_ms.p99": "itl",
		"loadgen.first_wave.ttft_ms.mean": "first_wave_ttft", "loadgen.first_wave.tpot_ms.mean": "tpot", "loadgen.metrics.steady_state.ttft_ms.mean": "ttft",
		"loadgen.definitions.vllm.latency_ms.mean": "e2el", "loadgen.metrics.tokens_per_s_per_user.mean": "tpot", "loadgen.metrics.time_to_second_token_ms.p99": "itl",
		"user_throughput": "output_throughput", "loadgen.error_budget.bound_ms.ttft.p99": "", "duration": "", "loadgen.gpu.energy_j": "", "completed": "",
	} {
		if got := pathMetric(path); got != want || !pathOf(path) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
