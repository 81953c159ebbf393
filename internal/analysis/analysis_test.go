package analysis

import (
	"errors"
	"math"
	"testing"
	"time"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

func codes(t *testing.T, rec *recording.Recording) (a *Analysis, found map[string]bool) {
	t.Helper()
	a, err := Analyze(rec, func(text []byte) int { return len(text) })
	if err != nil {
		t.Fatal(err)
	}
	found = map[string]bool{}
	for _, f := range append(a.Findings, a.Notes...) {
		found[f.Code] = true
	}
	return a, found
}

func TestAnalyze(t *testing.T) {
	rec := scripted(20, 10)
	rec.Results[7], rec.Planned[8].PromptLen = nil, 7 // the one was never sent
	rec.Results[9].Usage.Completion = -1              // 50 bytes of text
	rec.Results[10].Err = &client.Error{Class: "cut", Message: "cut"}
	rec.Before = &client.EnergyReading{TotalJoules: 5}
	rec.Notes = []recording.Note{{Code: "kept", Text: "a note"}}
	a, found := codes(t, rec)
	s := a.Summary
	if a.Sent != 19 || s.Completed != 18 || s.InputTokens != 17*512+7 || s.OutputTokens != 17*10+50 || s.OutputLens[8] != 50 || s.Duration != 11 {
		t.Errorf("%d results, %+v", a.Sent, s)
	}
	if !found["kept"] || !found["failures"] || !found["energy_incomplete"] || a.Notes[0].Code != "kept" || a.Energy != nil {
		t.Errorf("%v", found)
	}
	if c := a.Counts; c.Events != 190 || c.Chunks != 180 || c.Failed != 1 || c.Classes["cut"] != 1 || c.KernelStamped != 19 || c.Opened != 19 || c.Server.Requests != 18 || c.Server.Prompt != 18*512 {
		t.Errorf("%+v", c)
	}
	if a.Extended == nil || len(a.Definitions) == 0 || a.Definitions[0].TTFT.Count != 18 {
		t.Errorf("%+v", a.Definitions)
	}
}

// TestWholeAnswers have no metrics of streams.
func TestWholeAnswers(t *testing.T) {
	rec := scripted(5, 0)
	rec.Settings.NonStreaming, rec.Settings.SaveDetailed = true, true
	a, _ := codes(t, rec)
	if a.Extended != nil || a.Definitions != nil || a.Samples[0].TTFT != -1 || a.Samples[0].Latency != (50*time.Millisecond).Seconds() || a.Budget.Bounds[0].Count != 0 || a.Budget.Bounds[3].Count != 5 {
		t.Errorf("%+v %+v", a.Samples[0], a.Budget)
	}
}

// TestChunksBringChoices: usage and keep-alives are no chunks.
func TestChunksBringChoices(t *testing.T) {
	rec := scripted(3, 4)
	rec.Results[1].Events[3].Choices = false
	rec.Results[2].Err = &client.Error{Class: "cut"}
	if a, _ := codes(t, rec); a.Counts.Chunks != 7 || a.Counts.Events != 12 {
		t.Errorf("%+v", a.Counts)
	}
}

// TestEnergy: the rise of the meter is the run's; without a rise there are no tokens per joule.
func TestEnergy(t *testing.T) {
	rec := scripted(5, 3)
	rec.Before, rec.After = &client.EnergyReading{TotalJoules: 5, QueryTime: 1, Whole: true}, &client.EnergyReading{TotalJoules: 65, QueryTime: 5, Whole: true}
	a, _ := codes(t, rec)
	e := a.Energy
	if e == nil || e.Joules != 60 || e.Seconds != 4 || !e.Whole || e.Watts() != 15 || *e.PerWatt(a.Summary.OutputTokens) != 0.25 {
		t.Fatalf("%+v", e)
	}
	rec.After.TotalJoules, rec.After.QueryTime = 5, 1
	a, _ = codes(t, rec)
	if e := a.Energy; e.PerWatt(15) != nil || e.Watts() != 0 {
		t.Errorf("%+v", e)
	}
}

func TestUnstamped(t *testing.T) {
	rec := scripted(5, 3)
	for _, r := range rec.Results {
		r.KernelStamps = false
	}
	if _, found := codes(t, rec); found["no_kernel_stamps"] {
		t.Error("stamps of the kernel are missing where none were expected")
	}
	rec.KernelStamps = true
	if _, found := codes(t, rec); !found["no_kernel_stamps"] {
		t.Error("missing stamps are not noted")
	}
}

func TestImpossibleSettings(t *testing.T) {
	for _, change := range []func(*recording.Settings){
		func(s *recording.Settings) { s.MetricPercentiles = "x" },
		func(s *recording.Settings) { s.Goodput = &[]string{"ttft"} },
		func(s *recording.Settings) { s.Metadata = &[]string{"loadgen=1"} },
	} {
		rec := scripted(1, 1)
		change(&rec.Settings)
		var wrong *recording.SettingError
		if _, err := Analyze(rec, nil); !errors.As(err, &wrong) {
			t.Errorf("%v", err)
		}
	}
}

// TestNothing: a recording without requests has an analysis.
func TestNothing(t *testing.T) {
	a, _ := codes(t, &recording.Recording{Settings: recording.Defaults()})
	if a.Summary.Total != 0 || a.Extended == nil {
		t.Errorf("%+v", a)
	}
	if text := a.File(&recording.Recording{Settings: recording.Defaults()}, true).Append(nil); len(text) == 0 {
		t.Error("no file")
	}
}

// TestFirstWave: of a closed loop the first requests are summed up apart, and how many
// decode at once is counted, failures included.
func TestFirstWave(t *testing.T) {
	rec := scripted(10, 5)
	four := 4
	rec.Settings.MaxConcurrency = &four
	rec.Results[1].Err = &client.Error{Class: "cut", Message: "cut"}
	for i, r := range rec.Results {
		for k := range r.Events {
			r.Events[k].At = r.Start + 50*time.Millisecond + time.Duration(k)*10*time.Millisecond
			if i < 4 {
				r.Events[k].At += 100 * time.Millisecond
			}
		}
	}
	rec.Results[2].Events[0].Uncertainty = uint32(30 * time.Millisecond)
	a, _ := codes(t, rec)
	w := a.FirstWave
	if w == nil || w.Requests != 4 || w.Completed != 3 || !(math.Abs(w.Latency[metrics.TTFT].Mean-0.150) <= 1e-12) || !(math.Abs(a.Summary.Latency[metrics.TTFT].Mean-0.75/9) <= 1e-12) {
		t.Fatalf("%+v", w)
	}
	if want := 10 * 0.040 / 11; !(math.Abs(a.DecodingAtATime-want) <= 1e-12) {
		t.Errorf("%v decode at a time, want %v", a.DecodingAtATime, want)
	}
	if first, all := a.Budget.FirstWave, a.Budget.Bounds[metrics.TTFT]; first.Count != 3 || !(math.Abs(first.Mean-0.010) <= 2e-6) || all.Mean > 0.004 {
		t.Errorf("first wave %+v, all %+v", first, all)
	}
	f := a.Loadgen(rec)
	if f.FirstWave == nil || f.FirstWave.Completed != 3 || !(math.Abs(f.FirstWave.TTFT.Mean-150) <= 1e-9) || f.DecodingAtATime == nil || f.ErrorBudget.FirstWave == nil || f.ErrorBudget.FirstWave.Count != 3 {
		t.Errorf("%+v", f)
	}
	rec.Settings.NonStreaming, rec.Settings.SaveDetailed = true, true
	a, _ = codes(t, rec)
	if f := a.Loadgen(rec); f.DecodingAtATime != nil || f.FirstWave == nil || f.FirstWave.TTFT != nil || f.FirstWave.E2EL.Mean <= 0 || f.ErrorBudget.FirstWave != nil {
		t.Errorf("whole answers: %+v", f)
	}
	rec.Settings.NonStreaming, rec.Settings.RequestRate = false, 5
	if a, _ = codes(t, rec); a.FirstWave != nil || a.Budget.FirstWave.Count != 0 {
		t.Error("an open loop has a first wave")
	}
	ten := 10
	rec.Settings.RequestRate, rec.Settings.MaxConcurrency = math.Inf(1), &ten
	if a, _ = codes(t, rec); a.FirstWave != nil {
		t.Error("a run of one wave has a first wave apart")
	}
}

// TestOddRecordings: a file may hold any instants and counts; their analysis takes time and
// memory for what is in the file, not for what the numbers say.
func TestOddRecordings(t *testing.T) {
	const far = 1<<60 - 1
	for name, change := range map[string]func(rec *recording.Recording, r *client.Result){
		"ends far in the future":    func(_ *recording.Recording, r *client.Result) { r.End, r.LastByte = far, far; r.Events[2].At = far },
		"starts far in the past":    func(_ *recording.Recording, r *client.Result) { r.Start, r.Due, r.Permit = -far, -far, -far },
		"events back and forth":     func(_ *recording.Recording, r *client.Result) { r.Events[0].At, r.Events[1].At = far, -far },
		"a run that began far away": func(rec *recording.Recording, _ *client.Result) { rec.Start = -far },
		"no time at all":            func(rec *recording.Recording, _ *client.Result) { rec.Elapsed = 0 },
		"less than none":            func(rec *recording.Recording, _ *client.Result) { rec.Elapsed = -far },
		"billions of tokens": func(_ *recording.Recording, r *client.Result) {
			r.Usage.Completion, r.Events[1].Tokens, r.Events[2].Tokens = 1<<31-1, 1<<30, 1<<31-1
		},
		"fewer than none": func(_ *recording.Recording, r *client.Result) {
			r.Usage.Completion, r.Usage.Prompt, r.Events[1].Tokens = -1<<40, -1<<40, -1<<31
		},
		"texts that end elsewhere": func(_ *recording.Recording, r *client.Result) {
			r.Events[1].TextEnd = -5
			r.Events[2].TextEnd = 1 << 30
		},
		"lengths of another planet": func(rec *recording.Recording, _ *client.Result) {
			rec.Planned[1] = recording.Planned{PromptLen: 1 << 62, OutputLen: -1 << 62}
		},
	} {
		rec := scripted(3, 3)
		change(rec, rec.Results[1])
		a, err := Analyze(rec, func([]byte) int { return 3 })
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a.File(rec, true).Loadgen = a.Loadgen(rec)
	}
}
