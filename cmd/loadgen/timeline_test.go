package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/trtsim"
)

// simulated runs a benchmark against a simulator in memory and virtual time, with its result
// in r.json of a directory of its own.
func simulated(t *testing.T, o trtsim.Options, args ...string) (out outcome) {
	t.Helper()
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		l := benchtest.Listen()
		stop, cancel := context.WithCancel(context.Background())
		var served sync.WaitGroup
		served.Go(func() { trtsim.New(o).Serve(context.Background(), stop, l) })
		out = runPlan(t, append([]string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "512", "--random-output-len", "128",
			"--ignore-eos", "--disable-tqdm", "--metric-percentiles", "50", "--save-result", "--result-filename", "r.json"}, args...), nil, l.Dial)
		cancel()
		served.Wait()
	})
	return out
}

func profile(t *testing.T, name string) trtsim.Profile {
	t.Helper()
	p, err := trtsim.FindProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestReportOfATimelineIsTheRuns: the result file, but for the self-test, and the distributions
// of the HDR log, can be had from the timelines alone.
func TestReportOfATimelineIsTheRuns(t *testing.T) {
	for name, c := range map[string]struct {
		o    trtsim.Options
		args []string
	}{
		"plain":     {o: trtsim.Options{Profile: profile(t, "origin-trt")}},
		"chat":      {o: trtsim.Options{Profile: profile(t, "origin-pytorch")}, args: []string{"--backend", "openai-chat", "--goodput", "ttft:500", "--percentile-metrics", "ttft,e2el", "--metric-percentiles", "50,99.9", "--save-detailed", "--metadata", "a=b,c=d"}},
		"rate":      {o: trtsim.Options{Profile: profile(t, "ideal"), Watts: 700}, args: []string{"--request-rate", "20", "--warmup", "2", "--server-metrics", "--continuous-usage", "--compat", "1.2"}},
		"failures":  {o: trtsim.Options{Profile: profile(t, "ideal"), Seed: 3, Faults: []trtsim.FaultRate{{Fault: trtsim.FaultCut, Probability: 0.3}, {Fault: trtsim.FaultNoUsage, Probability: 0.3}}}, args: []string{"--no-test-input", "--failures", "original"}},
		"whole":     {o: trtsim.Options{Profile: profile(t, "ideal")}, args: []string{"--non-streaming", "--percentile-metrics", "e2el"}},
		"cancelled": {o: trtsim.Options{Profile: profile(t, "ideal")}, args: []string{"--cancel", "40%", "--cancel-after", "3", "--percentile-metrics", "ttft,e2el"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := simulated(t, c.o, append([]string{"--max-concurrency", "8", "--num-prompts", "24", "--timestamps", "user", "--save-timeline", "r.timeline"}, c.args...)...)
			text, err := os.ReadFile("r.json")
			if err != nil {
				t.Fatal(err, out.stderr)
			}
			stdout, _ := reportOf(t, 0, "--format", "json", "r.timeline")
			var want, got map[string]any
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatal(err)
			}
			for _, more := range []string{"file", "findings", "notes", "verdict"} {
				if got[more] == nil {
					t.Errorf("there is no %s", more)
				}
				delete(got, more)
			}
			for key, value := range got {
				if !reflect.DeepEqual(value, want[key]) {
					t.Errorf("%s is %v, and in the run's own result %v", key, value, want[key])
				}
				delete(want, key)
			}
			if len(want) > 0 {
				t.Errorf("there is no %v", want)
			}
			logged, _ := reportOf(t, 0, "--format", "hgrm", "r.json")
			if read, _ := reportOf(t, 0, "--format", "hgrm", "r.timeline"); read != strings.ReplaceAll(logged, "r.json", "r.timeline") {
				t.Errorf("distributions of the timelines:\n%s\nof the HDR log:\n%s", read, logged)
			}
		})
	}
}

// TestReportOfATornTimeline: what was written of a run that was killed is reported.
func TestReportOfATornTimeline(t *testing.T) {
	simulated(t, trtsim.Options{Profile: profile(t, "ideal")}, "--max-concurrency", "4", "--num-prompts", "16", "--save-timeline", "r.timeline")
	whole, err := os.ReadFile("r.timeline")
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []float64{0.4, 0.7, 0.99} {
		if err := os.WriteFile("torn", whole[:int(share*float64(len(whole)))], 0o666); err != nil {
			t.Fatal(err)
		}
		stdout, _ := reportOf(t, 0, "--format", "json", "torn")
		var got struct {
			Date      string
			Completed int
			Duration  float64
			Own       struct {
				Interrupted bool
				Requests    struct{ Planned, Sent int }
				Notes       []struct{ Code, Text string }
			} `json:"loadgen"`
		}
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if n := got.Completed; n < 1 || n > 16 || share < 0.9 && n == 16 || got.Own.Requests.Sent != n || got.Own.Requests.Planned != 16 || !got.Own.Interrupted || got.Duration <= 0 {
			t.Errorf("%v of the file: %+v", share, got)
		}
		if !strings.HasPrefix(got.Date, "2") { // the test's own time, or the calendar's
			t.Errorf("%v of the file: made at %s", share, got.Date)
		}
		if notes := fmt.Sprint(got.Own.Notes); !strings.Contains(notes, "timeline_torn") {
			t.Errorf("%v of the file: notes %s", share, notes)
		}
	}
	if err := os.WriteFile("header", whole[:40], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, stderr := reportOf(t, 1, "header"); !strings.Contains(stderr, "header: it ends before its header does: nothing of the run is in it") {
		t.Error(stderr)
	}
}
