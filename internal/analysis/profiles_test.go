package analysis_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/judge"
	"loadgen/internal/trtsim"
)

// simulated is a run against a simulator in memory and virtual time.
func simulated(t *testing.T, profile string, args ...string) (out *benchtest.Outcome) {
	t.Helper()
	p, err := trtsim.FindProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		out, err = benchtest.Simulated(t, trtsim.Options{Profile: p}, append([]string{"--random-input-len", "512", "--random-output-len", "128", "--ignore-eos", "--metric-percentiles", "50"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
	})
	return out
}

// TestProfilesHaveTheirFindings: the origin's two servers show what its stored
// results show, and a good server shows nothing.
func TestProfilesHaveTheirFindings(t *testing.T) {
	for _, c := range []struct {
		profile     string
		concurrency int
		want        []string
	}{
		{"ideal", 1, nil}, {"ideal", 16, nil}, {"ideal", 64, nil}, {"ideal", 128, nil},
		{"origin-trt", 16, []string{"batch_limited"}}, {"origin-trt", 64, []string{"batch_limited"}}, {"origin-trt", 128, []string{"batch_limited"}},
		{"origin-pytorch", 16, nil}, {"origin-pytorch", 64, []string{"coalesced"}}, {"origin-pytorch", 128, []string{"coalesced"}},
	} {
		for _, backend := range []string{"openai", "openai-chat"} {
			t.Run(fmt.Sprintf("%s/%d/%s", c.profile, c.concurrency, backend), func(t *testing.T) {
				if testing.Short() && c.concurrency > 16 {
					t.Skip("one concurrency is enough")
				}
				t.Parallel()
				a := simulated(t, c.profile, "--backend", backend, "--max-concurrency", fmt.Sprint(c.concurrency), "--num-prompts", fmt.Sprint(3*c.concurrency)).Analysis
				var got []string
				for _, found := range a.Findings {
					got = append(got, found.Code)
				}
				if !slices.Equal(got, c.want) || a.Verdict.Level != judge.Clean {
					t.Errorf("findings %v, want %v; verdict %v", got, c.want, a.Verdict)
				}
			})
		}
	}
}

func TestServersOwnTimes(t *testing.T) {
	r := simulated(t, "origin-trt", "--server-metrics", "--warmup", "4", "--continuous-usage", "--extended", "--max-concurrency", "16", "--num-prompts", "48").Parsed(t).Loadgen
	if s := r.ServerMetrics; s == nil || s.Requests != 48 || s.Queue.Mean < 100 {
		t.Errorf("%+v", s)
	}
	if m := r.Metrics; m == nil || m.PeakConcurrency != 16 || m.PerToken == nil {
		t.Errorf("%+v", m)
	}
}
