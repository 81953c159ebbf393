package bench_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
)

// found reports whether a finding was made.
func found(a *analysis.Analysis, code string) bool {
	return slices.ContainsFunc(a.Findings, func(f judge.Finding) bool { return f.Code == code })
}

// TestStages: each stage is measured on its own, from when the requests of the stage before
// have ended; and the timeline file gives the same.
func TestStages(t *testing.T) {
	path := file(t, "stages.yaml", "- {concurrency: 2, duration: 1s}\n- {concurrency: 4, duration: 2, ramp: 500ms}\n- concurrency: 1\n  duration: 1050ms\n")
	timeline := filepath.Join(t.TempDir(), "t")
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{after: 200 * ms}, "--stages", path, "--save-timeline", timeline)
		stages := o.Analysis.Stages
		if len(stages) != 3 {
			t.Fatalf("%d stages", len(stages))
		}
		// The ramp opens the third slot after 250 ms and the fourth after 500 ms. Of the second
		// stage 1.5 s are measured: slots 1 and 2 begin each 200 ms from 1 s on, the third from
		// 1.25 s, the fourth from 1.5 s.
		for i, want := range []struct {
			from, to, measured float64
			started, dropped   int
			sent, mean         float64
		}{
			{0, 1, 0, 10, 0, 10, 2},
			{1, 3, 1.5, 10 + 10 + 9 + 8, 3 + 3 + 3 + 1, 29 / 1.5, 4},
			{3, 4.05, 3.1, 6, 2, 5 / 0.95, 1},
		} {
			g := stages[i]
			if g.From != want.from || g.To != want.to || !(math.Abs(g.MeasuredFrom-want.measured) <= 1e-9) || g.Verdict.Level != judge.Clean ||
				g.Started != want.started || g.Dropped != want.dropped || g.Summary.Total != want.started-want.dropped || g.Summary.Latency[0].Median != 0.2 ||
				!(math.Abs(g.SentPerSecond-want.sent) <= 1e-9) || !(math.Abs(g.MeanConcurrency-want.mean) <= 1e-9) || !(math.Abs(g.TokensPerSecond-3*want.sent) <= 3) {
				t.Errorf("stage %d: %+v, %d measured", i+1, g, g.Summary.Total)
			}
		}
		if found(o.Analysis, "stage_not_kept") || len(o.Parsed(t).Loadgen.Stages) != 3 {
			t.Errorf("%+v", o.Analysis.Findings)
		}
		f, err := os.Open(timeline)
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
		// Of a run that was interrupted the stages end with it, and that is no finding.
		rec.Interrupted, rec.Elapsed = true, 2500*ms
		if a, err = analysis.Analyze(rec, nil); err != nil {
			t.Fatal(err)
		}
		if g := a.Stages; g[1].To != 2.5 || g[2].To != 3 || g[2].MeasuredFrom != 3 || len(a.Findings) != 0 {
			t.Errorf("%+v, %+v", g, a.Findings)
		}
	})
}

// TestStagesOfRates: due times are exact across stages, and a stage whose rate the server does
// not let through is found.
func TestStagesOfRates(t *testing.T) {
	path := file(t, "stages.json", `[{"rate": 10, "duration": "1s"}, {"at": 1, "rate": 40, "duration": 1}, {"rate": 5, "duration": "1s"}]`)
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{}, "--stages", path, "--burstiness", "inf")
		var want []time.Duration
		for i := range 10 {
			want = append(want, time.Duration(i)*100*ms)
		}
		for i := range 40 {
			want = append(want, time.Second+time.Duration(i)*25*ms)
		}
		for i := range 5 {
			want = append(want, 2*time.Second+time.Duration(i)*200*ms)
		}
		near := func(a, b time.Duration) bool { return -1 <= a-b && a-b <= 1 } // an instant is cut to whole ns
		if got := startsOf(o.Recording); !slices.EqualFunc(got, want, near) || o.Recording.Elapsed != 3*time.Second {
			t.Errorf("%v, want %v", got, want)
		}
		if found(o.Analysis, "stage_not_kept") {
			t.Errorf("%+v", o.Analysis.Findings)
		}
		o = shaped(t, &slow{}, "--stages", path, "--burstiness", "inf", "--max-concurrency", "2")
		if !found(o.Analysis, "stage_not_kept") || found(o.Analysis, "stage_not_measured") {
			t.Errorf("%+v", o.Analysis.Findings)
		}
		// A constant rate is missed by few requests already.
		o = shaped(t, &slow{after: 150 * ms}, "--stages", path, "--burstiness", "inf", "--max-concurrency", "1")
		if f := o.Analysis.Findings; !slices.ContainsFunc(f, func(f judge.Finding) bool { return strings.HasPrefix(f.Text, "stage 1 asks for 10 requests/s, and ") }) {
			t.Errorf("%+v", f)
		}
		// Requests that are over before a stage leave it without any.
		o = shaped(t, &slow{}, "--stages", path, "--burstiness", "inf", "--num-prompts", "20")
		if f := o.Analysis.Findings; len(f) != 2 || f[1].Text != "stage 3 has no metrics: no request began in it; give the run more requests, or make the stage longer" {
			t.Errorf("%+v", f)
		}
		// Requests longer than a stage leave nothing to measure.
		o = shaped(t, &slow{after: 1500 * ms}, "--stages", path, "--burstiness", "inf")
		if !found(o.Analysis, "stage_not_measured") {
			t.Errorf("%+v", o.Analysis.Findings)
		}
	})
}

// TestRampUp: what comes before the load is there is not in the stage that follows.
func TestRampUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{}, "--max-concurrency", "3", "--ramp-up", "1", "--duration", "2")
		if got := startsOf(o.Recording); got[4] != 400*ms || got[5] != 500*ms || got[6] != 500*ms || o.Analysis.FirstWave != nil {
			t.Error(got)
		}
		if g := o.Analysis.Stages; len(g) != 1 || g[0].MeasuredFrom != 1 || g[0].To != 2 || g[0].Summary.Total != 30 || g[0].MeanConcurrency != 3 {
			t.Errorf("%+v", g)
		}
		// vLLM's flags: the ramp lasts for all requests. From 1 to 9 a second, 5 on average.
		o = shaped(t, &slow{}, "--burstiness", "inf", "--ramp-up-strategy", "linear", "--ramp-up-start-rps", "1", "--ramp-up-end-rps", "9", "--num-prompts", "50")
		last := startsOf(o.Recording)[49]
		if want := 10 * (math.Sqrt(1+2*0.8*49) - 1) / 8; !(math.Abs(last.Seconds()-want) <= 1e-6) || o.Recording.Sent() != 50 {
			t.Errorf("the last of %d began at %v, want %v", o.Recording.Sent(), last, want)
		}
	})
}

// TestSettle: what settles is left out after the ramp.
func TestSettle(t *testing.T) {
	path := file(t, "settle.yaml", "[{concurrency: 2, duration: 2s, ramp: 300ms, settle: 500ms}]")
	synctest.Test(t, func(t *testing.T) {
		if g := shaped(t, &slow{}, "--stages", path).Analysis.Stages; len(g) != 1 || g[0].MeasuredFrom != 0.8 || g[0].MeanConcurrency != 2 {
			t.Errorf("%+v", g)
		}
	})
}

// TestStagger: slots open one after the other, evenly, and the requests stay apart; all of them count, as it is no
// ramp.
func TestStagger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{}, "--max-concurrency", "5", "--stagger", "0.08", "--num-prompts", "15")
		for i, at := range startsOf(o.Recording) {
			if want := time.Duration(i%5)*20*ms + time.Duration(i/5)*100*ms; at != want {
				t.Errorf("request %d began at %v, want %v", i, at, want)
			}
		}
		if o.Recording.Stages != nil || o.Parsed(t).Loadgen.Stages != nil || o.Analysis.Summary.Total != 15 {
			t.Errorf("%+v", o.Recording.Stages)
		}
		// With an end by time it is the same, until then.
		o = shaped(t, &slow{}, "--max-concurrency", "5", "--stagger", "0.08", "--duration", "0.5")
		if got := startsOf(o.Recording); len(got) != 25 || got[24] != 480*ms || o.Recording.Stages != nil {
			t.Errorf("%v", got)
		}
	})
}

// TestARampOverTheRun: nothing follows a ramp that lasts until the end of the run, so that there is
// nothing to measure apart.
func TestARampOverTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, args := range [][]string{{"--num-prompts", "40"}, {"--duration", "2"}} {
			o := shaped(t, &slow{after: 20 * ms}, append(args, "--ramp-up-strategy", "linear", "--ramp-up-end-rps", "40")...)
			if len(o.Analysis.Stages) != 0 || found(o.Analysis, "stage_not_measured") {
				t.Errorf("%q: %d stages, %+v", args, len(o.Analysis.Stages), o.Analysis.Findings)
			}
		}
	})
}

// TestCancelledInStages: requests that loadgen cancels are counted apart in each stage, not as
// ones that were not done.
func TestCancelledInStages(t *testing.T) {
	path := file(t, "stages.yaml", "- {concurrency: 2, duration: 2s}\n- {concurrency: 4, duration: 2s}\n")
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{after: 200 * ms}, "--stages", path, "--cancel", "50%", "--cancel-after", "100ms")
		for i, g := range o.Parsed(t).Loadgen.Stages {
			if g.Cancelled == 0 || g.Completed == 0 || g.Completed+g.Cancelled != g.Requests {
				t.Errorf("stage %d: %d requests, %d completed, %d cancelled", i+1, g.Requests, g.Completed, g.Cancelled)
			}
		}
	})
}

// TestBadShapes: what cannot be is said with the setting that says it.
func TestBadShapes(t *testing.T) {
	stages := func(text string) []string { return []string{"--stages", file(t, "s.yaml", text)} }
	for want, args := range map[string][]string{
		"stage 2 (line 2): it is out of order: it begins at 30s, and the stages before it last until 1m0s": stages("- {rate: 1, duration: 60s}\n- {at: 30s, rate: 2, duration: 1s}"),
		"stage 2 (line 2): stages are out of order: it begins at 5s, and the next at 3s":                   stages("- {rate: 1, duration: 5s}\n- {rate: 2}\n- {at: 3s, rate: 2, duration: 1s}"),
		"stage 2 (line 2): it begins at 5s, and the stages before it last until 1s only":                   stages("- {rate: 1, duration: 1s}\n- {at: 5s, rate: 2, duration: 1s}"),
		"stage 1 (line 1): its length is zero":                                                             stages("- {rate: 1, duration: 0}"),
		"stage 1 (line 1): it has no duration":                                                             stages("- {rate: 1}"),
		"stage 1 (line 1): its ramp of 3s never ends: the stage lasts 2s":                                  stages("- {rate: 1, duration: 2s, ramp: 3s}"),
		"stage 1 (line 1): nothing of it is measured: it lasts 2s, of which 2s are left out":               stages("- {rate: 1, duration: 2s, ramp: 1s, settle: 1s}"),
		"stage 1 (line 1): it has a rate and a concurrency":                                                stages("- {rate: 1, concurrency: 2, duration: 2s}"),
		"stage 1 (line 1): it has neither a rate nor a concurrency":                                        stages("- {duration: 2s}"),
		"stage 2 (line 2): the stages of a run are either all rates or all concurrencies":                  stages("- {rate: 1, duration: 2s}\n- {concurrency: 1, duration: 2s}"),
		"stage 1 (line 1): a rate of 0 requests per second is out of range":                                stages("- {rate: 0, duration: 2s}"),
		"stage 1 (line 1): a concurrency of -1 is out of range (1 to 1048576)":                             stages("- {concurrency: -1, duration: 2s}"),
		`line 1: a stage has no "speed": there are rate, concurrency, duration, at, ramp and settle`:       stages("- {speed: 1, duration: 2s}"),
		`line 1: "soon" is not a time: expected seconds, or 90s, 1m30s`:                                    stages("- {rate: 1, duration: soon}"),
		"line 1: a stage is rate or concurrency with a duration":                                           stages("- 5"),
		"has no stages: expected a list":                                                                   stages(""),
		"line 2: rate: expected requests per second, a number":                                             stages("- {rate: 3, duration: 2s}\n- {rate: fast, duration: 2s}"),
		`line 1: mapping key "rate" already defined at line 1`:                                             stages("- {rate: 3, duration: 2s, rate: 3}"),
		"has no stages: expected a list such as [{concurrency: 16, duration: 60s}]":                        stages("rate: 5"),
		"cannot read the stages":                                 {"--stages", "missing.yaml"},
		"stages have their own durations":                        append(stages("- {rate: 1, duration: 2s}"), "--duration", "5"),
		"stages have their own load: leave out the request rate": append(stages("- {rate: 1, duration: 2s}"), "--request-rate", "5"),
		"stages have their own concurrency":                      append(stages("- {concurrency: 1, duration: 2s}"), "--max-concurrency", "5"),
		"stages have their own ramps":                            append(stages("- {concurrency: 1, duration: 2s}"), "--ramp-up", "5"),
		"the ramp never ends: it takes 10s, and the run 5s":      {"--ramp-up", "10", "--duration", "5", "--request-rate", "3"},
		"the ramp never ends: it takes 10s, but 14 requests last only 9.333s: give more requests or a shorter ramp": {"--ramp-up", "10", "--num-prompts", "14", "--request-rate", "3"},
		"line 1: concurrency: expected requests at a time, a whole number":                                          stages("- {concurrency: 2.5, duration: 2s}"),
		"there is nothing to ramp up":                                                        {"--ramp-up", "10"},
		"a ramp of concurrency needs a length":                                               {"--ramp-up-strategy", "linear", "--max-concurrency", "3"},
		"an exponential ramp cannot begin with no requests per second":                       {"--ramp-up-strategy", "exponential", "--request-rate", "3", "--ramp-up", "4"},
		"the ramp ends with 5.0 requests per second, and the request rate is 3.0":            {"--ramp-up-end-rps", "5", "--request-rate", "3", "--ramp-up", "4"},
		"a ramp has a rate that it begins or ends with, but neither a length nor a strategy": {"--ramp-up-end-rps", "5"},
		"there is no rate that the ramp could lead to":                                       {"--ramp-up-start-rps", "5", "--ramp-up", "4", "--max-concurrency", "3"},
		"ramp_up must be from 0 to 1000000000 seconds, not nan":                              {"--ramp-up", "nan", "--request-rate", "3"},
		"ramp_up_start_rps must be from 0 to 1000000, not -1.0":                              {"--ramp-up-start-rps", "-1", "--ramp-up", "4", "--request-rate", "3"},
		"stage 1 (line 1): it begins at 5s, and nothing is said of the time before":          stages("- {rate: 1, at: 5s, duration: 1s}"),
		"only slots of a concurrency are opened one after the other":                         {"--stagger", "1", "--max-concurrency", "3", "--request-rate", "3"},
		"one after the other: give a concurrency":                                            {"--stagger", "1"},
		"a ramp and stages say by themselves when slots open":                                append(stages("- {concurrency: 1, duration: 2s}"), "--stagger", "1"),
		"not all slots would be opened: it takes 3s, and the run 2s":                         {"--stagger", "3", "--duration", "2", "--max-concurrency", "3"},
	} {
		s := benchtest.Settings(t, append([]string{"--dataset-name", "random", "--random-ids"}, args...))
		if err := bench.Check(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}
