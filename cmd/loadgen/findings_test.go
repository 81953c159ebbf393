package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"loadgen/internal/trtsim"
)

// judgedFile is what these tests read of a result file.
type judgedFile struct {
	Own struct {
		Findings, Notes []struct{ Code string }
		Verdict         string
		Metrics         map[string]json.RawMessage
		Server          map[string]json.RawMessage `json:"server_metrics"`
	} `json:"loadgen"`
}

// simulated runs a benchmark against a simulator in memory and virtual time, and
// returns its result file.
func simulated(t *testing.T, o trtsim.Options, args ...string) (f judgedFile, out outcome) {
	t.Helper()
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		stop, cancel := context.WithCancel(context.Background())
		var served sync.WaitGroup
		served.Go(func() { trtsim.New(o).Serve(context.Background(), stop, p) })
		out = runPlan(t, append([]string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "512", "--random-output-len", "128",
			"--ignore-eos", "--disable-tqdm", "--metric-percentiles", "50", "--save-result", "--result-filename", "r.json"}, args...), nil, p.dial)
		cancel()
		served.Wait()
		readResultFile(t, "r.json", &f)
	})
	return f, out
}

func profile(t *testing.T, name string) trtsim.Profile {
	t.Helper()
	p, err := trtsim.FindProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
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
				f, out := simulated(t, trtsim.Options{Profile: profile(t, c.profile)}, "--backend", backend, "--max-concurrency", fmt.Sprint(c.concurrency), "--num-prompts", fmt.Sprint(3*c.concurrency))
				var got []string
				for _, found := range f.Own.Findings {
					got = append(got, found.Code)
				}
				if !slices.Equal(got, c.want) || f.Own.Verdict != "clean" {
					t.Errorf("findings %v, want %v; verdict %s\n%s", got, c.want, f.Own.Verdict, out.stderr)
				}
			})
		}
	}
}

func TestServersOwnTimes(t *testing.T) {
	f, out := simulated(t, trtsim.Options{Profile: profile(t, "origin-trt")}, "--server-metrics", "--warmup", "4", "--continuous-usage", "--extended", "--max-concurrency", "16", "--num-prompts", "48")
	var queue struct{ Mean float64 }
	if err := json.Unmarshal(f.Own.Server["queue_ms"], &queue); err != nil || string(f.Own.Server["requests"]) != "48" || queue.Mean < 100 {
		t.Errorf("%v %s %v\n%s", err, f.Own.Server, queue, out.stderr)
	}
	if string(f.Own.Metrics["peak_concurrency"]) != "16" || string(f.Own.Metrics["itl_per_token_ms"]) == "null" {
		t.Errorf("%s", f.Own.Metrics)
	}
}
