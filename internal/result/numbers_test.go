package result

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestNumbers: the paths are those of numbers of a file, with their units, and of nothing else.
func TestNumbers(t *testing.T) {
	all := Numbers()
	for path, unit := range map[string]string{
		"duration": "s", "completed": "requests", "user_throughput": "tokens/s", "mean_ttft_ms": "ms", "p*_itl_ms": "ms", "energy.total_energy_j": "J",
		"avg_decoded_tokens_per_iter.percentiles.p*": "tokens", "std_avg_decoded_tokens_per_iter": "tokens",
		"loadgen.metrics.queue_ms.p*": "ms", "loadgen.first_wave.ttft_ms.median": "ms", "loadgen.gpu.joules_per_token": "J/token",
		"loadgen.failures.by_class.*": "requests", "loadgen.definitions.*.ttft_ms.p99": "ms", "loadgen.decoding_at_a_time": "requests",
	} {
		if !slices.Contains(all, NumberPath{path, unit}) {
			t.Errorf("%s (%s) is missing", path, unit)
		}
	}
	for _, p := range all {
		for _, not := range []string{"num_prompts", "burstiness", "ttfts", "output_lens", "loadgen.effective", "loadgen.version", "loadgen.metrics.series", "loadgen.metrics.intervals_95", "loadgen.findings"} {
			if p.Path == not || strings.HasPrefix(p.Path, not+".") {
				t.Errorf("%s is no number of a run", p.Path)
			}
		}
	}
}

// TestNumber finds numbers by their paths, percentiles with a dot among them.
func TestNumber(t *testing.T) {
	f, err := Parse([]byte(`{"completed": 3, "duration": 2.5, "p99.9_ttft_ms": 7, "mine": "4", "loadgen": {"schema": 1, "metrics": {"queue_ms": {"mean": 1.5, "p99.9": 9.5, "p99": 8}}, "gpu": null}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]float64{"completed": 3, "duration": 2.5, "p99.9_ttft_ms": 7, "loadgen.schema": 1,
		"loadgen.metrics.queue_ms.p99.9": 9.5, "loadgen.metrics.queue_ms.p99": 8, "loadgen.metrics.queue_ms.mean": 1.5} {
		if got := f.Number(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, path := range []string{"", "mine", "loadgen", "loadgen.gpu", "loadgen.gpu.energy_j", "loadgen.metrics.queue_ms.p9", "loadgen.metrics", "completed.x", "."} {
		if got := f.Number(path); !math.IsNaN(got) {
			t.Errorf("%s: %v", path, got)
		}
	}
}
