package report

import (
	"slices"
	"testing"
)

// TestUndecided: what is not comparable is not what more repeats decide.
func TestUndecided(t *testing.T) {
	const limited = `, "loadgen": {"schema": 1, "version": "1", "verdict": "client-limited"}`
	certain := &Certain{Metrics: []string{"mean_ttft_ms", "output_throughput"}, Margin: 0.02}
	for more, want := range map[string][2][]string{
		"":      {{"mean_ttft_ms of b at 1", "output_throughput of b at 1"}, nil},
		limited: {nil, {"mean_ttft_ms of b at 1 (client limited)", "output_throughput of b at 1 (client limited)"}},
	} {
		groups := Groups(writtenResults(t, map[string]string{"a/concurrency_1.json": made(1, ""), "b/concurrency_1.json": made(1, more)}), Naming{Certain: certain})
		if len(groups) != 1 {
			t.Fatalf("%d comparisons", len(groups))
		}
		open, void := groups[0].Undecided()
		if !slices.Equal(open, want[0]) || !slices.Equal(void, want[1]) {
			t.Errorf("%q: open %q, void %q", more, open, void)
		}
	}
}
