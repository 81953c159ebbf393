package report

import (
	"fmt"
	"testing"

	"loadgen/pkg/metrics"
)

// byDefault is a result as benchmark_serving writes it by default: without E2EL, and without
// each request's values.
func byDefault(t *testing.T, name, of string) *Stored {
	t.Helper()
	file := *unpacked(t, of).file
	file.Loadgen, file.TTFTs, file.ITLs, file.E2ELs, file.OutputLens = nil, nil, nil, nil, nil
	*file.Latency.At(int(metrics.E2EL)) = nil
	return &Stored{Name: name, file: &file}
}

// TestResultsWithoutE2EL: how many requests decode at a time, and how many tokens a chunk has,
// follow from the other means, and the judgement is the same.
func TestResultsWithoutE2EL(t *testing.T) {
	for _, c := range []struct {
		a, b string
		void func(metric string, concurrency int) bool
	}{
		{"default_vs_max_num_seqs_8/default", "default_vs_max_num_seqs_8/max_num_seqs_8", func(string, int) bool { return true }},
		{"eager_vs_graphs/eager", "eager_vs_graphs/graphs", func(metric string, n int) bool { return metric == "itl" && n == 128 }},
	} {
		var files []*Stored
		for _, n := range []int{16, 64, 128} {
			base := fmt.Sprintf("/concurrency_%d", n)
			files = append(files, byDefault(t, "a"+base+".json", c.a+base), byDefault(t, "b"+base+".json", c.b+base))
		}
		g := Groups(files, Naming{})[0]
		if len(g.judged.Rows) < 3*9 {
			t.Fatalf("%s: %d rows", c.b, len(g.judged.Rows))
		}
		for _, r := range g.judged.Rows {
			if void, want := r.Void != "", c.void(r.Quantity.Metric, []int{16, 64, 128}[r.Load]); void != want {
				t.Errorf("%s at %s: %s: not comparable %v, want %v", c.b, g.Loads[r.Load], g.judged.Describe(&r), void, want)
			}
		}
	}
}
