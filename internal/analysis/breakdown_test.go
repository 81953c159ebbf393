package analysis_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/result"
	"loadgen/internal/trtsim"
)

// TestWhereTTFTWent: in virtual time there is no network, so the spans of the server's record
// must be all of each request's TTFT, whichever way the records come and are joined. A record
// of another request would leave some, or exceed it.
func TestWhereTTFTWent(t *testing.T) {
	const requests = 64
	profile, err := trtsim.FindProfile("origin-trt") // requests queue
	if err != nil {
		t.Fatal(err)
	}
	for _, dialect := range []string{"1.2", "latest"} {
		for _, source := range []string{"route", "files", "files of disaggregated serving"} {
			for _, backend := range []string{"openai", "openai-chat"} {
				if dialect == "1.2" && source != "route" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", dialect, source, backend), func(t *testing.T) {
					d, err := trtsim.FindDialect(dialect)
					if err != nil {
						t.Fatal(err)
					}
					o := trtsim.Options{Profile: profile, Dialect: d, Disaggregated: source == "files of disaggregated serving"}
					args := []string{"--backend", backend, "--random-input-len", "64", "--random-output-len", "16", "--random-range-ratio", "0.5", "--ignore-eos",
						"--max-concurrency", "16", "--num-prompts", fmt.Sprint(requests), "--save-request-time-breakdown"}
					if source != "route" {
						dir := t.TempDir()
						f, err := os.Create(filepath.Join(dir, trtsim.PerfFileName("h", 1, time.Unix(0, 0))))
						if err != nil {
							t.Fatal(err)
						}
						defer f.Close()
						fmt.Fprintln(f, `{"request_id": 1, "perf_metrics": {"timing_metrics": {"arrival_time": 0.001, "first_token_time": 0.002}}}`) // of before
						o.PerfLog, args = f, append(args, dir)
					}
					var b *result.TimeBreakdown
					synctest.Test(t, func(t *testing.T) {
						out, err := benchtest.Simulated(t, o, args...)
						if err != nil {
							t.Fatal(err)
						}
						b = out.Parsed(t).Loadgen.TimeBreakdown
					})
					if b == nil || b.Requests != requests || b.Records != requests || b.ByID+b.ByOrder != requests || (b.ByID > 0) != o.Disaggregated || b.Excess > 1e-6 {
						t.Fatalf("%+v", b)
					}
					queued := 0.0
					for i := range b.TTFT {
						sum := 0.0
						for _, s := range b.Spans {
							v := s.Each[i]
							if v == nil {
								continue
							}
							sum += *v
							switch {
							case s.Key == "unknown":
								t.Errorf("request %d: %v ms are unknown", i, *v)
							case s.Key == "network" && *v > 1e-6:
								t.Errorf("request %d: %v ms of network", i, *v)
							case s.Key == "ctx_queue":
								queued += *v
							}
						}
						if !(math.Abs(sum-b.TTFT[i]) <= 1e-6) {
							t.Errorf("request %d: spans of %v ms, TTFT %v ms", i, sum, b.TTFT[i])
						}
					}
					if queued == 0 || len(b.Original) != 4 {
						t.Errorf("queued %v ms, %d spans of the original", queued, len(b.Original))
					}
				})
			}
		}
	}
}
