package bench_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
)

// TestProbes: probes go beside the load at their own instants, no metric of the load has them,
// and the timeline file gives the same.
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "t")
		load := []string{"--max-concurrency", "2", "--duration", "1"}
		without := shaped(t, &slow{}, load...)
		o := shaped(t, &slow{}, append(load, "--probe-request-rate", "6.25", "--save-timeline", path)...)
		at := 0 * time.Second
		for k, r := range o.Recording.AllProbes() {
			if due := r.Due - o.Recording.Start; due != at || r.Start-r.Due != 0 || r.Err != nil || r.Ended-r.Start != 100*ms {
				t.Errorf("probe %d is due at %v, want %v: %+v", k, due, at, r)
			}
			at += 160 * ms
		}
		p := o.Parsed(t).Loadgen.Probes
		if at != 1120*ms || p.Sent != 7 || p.Completed != 7 || p.Failed != 0 || *p.TTFT.Median != 100 || p.InputLen != 16 || p.OutputLen != 8 {
			t.Errorf("until %v, %+v", at, p)
		}
		if a, b := o.Analysis.Summary, without.Analysis.Summary; a.Total != 20 || a.InputTokens != b.InputTokens || a.Duration != b.Duration || without.Parsed(t).Loadgen.Probes != nil {
			t.Errorf("%+v, want %+v", a, b)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rec, err := recording.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		a, err := analysis.Analyze(rec, func(text []byte) int { return len(tokenizer.Llama3().Encode(string(text), false)) })
		if err != nil {
			t.Fatal(err)
		}
		again := a.File(rec, false)
		again.Loadgen = a.Loadgen(rec)
		if !bytes.Equal(again.Append(nil), o.File) {
			t.Error("the timeline gives another result")
		}
	})
}

// TestProbesAfterTheLoad: the last probes are waited for, and the run is no longer for it.
func TestProbesAfterTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{after: 300 * ms}, "--request-rate", "10", "--burstiness", "inf", "--num-prompts", "2", "--probe-request-rate", "4")
		// The load is over at 400 ms, when the probe of 250 ms is under way.
		if p := o.Parsed(t).Loadgen.Probes; p.Sent != 2 || p.Completed != 2 || o.Recording.Elapsed != 400*ms {
			t.Errorf("%+v after %v", p, o.Recording.Elapsed)
		}
	})
}

func TestBadProbes(t *testing.T) {
	for want, args := range map[string][]string{
		"probe_request_rate must be from 0 to 1000000, not -1.0": {"--probe-request-rate=-1"},
		"probe_request_rate must be from 0 to 1000000, not nan":  {"--probe-request-rate=nan"},
		"probes have a length, but none are sent":                {"--probe-input-len", "5"},
		"probe_output_len must be from 1 to 1048576, not 0":      {"--probe-request-rate", "1", "--probe-output-len", "0"},
	} {
		s := benchtest.Settings(t, append([]string{"--dataset-name", "random", "--random-ids"}, args...))
		if err := bench.Check(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}
