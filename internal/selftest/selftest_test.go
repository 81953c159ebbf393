package selftest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/recording"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

// served is a run whose client saw everything at the very instant at which the server
// wrote it: the recording, and what the server knows.
func served(chat bool, requests int) (*recording.Recording, []Served) {
	rng := rand.New(rand.NewPCG(1, 2))
	rec := &recording.Recording{Settings: recording.Defaults(), Start: 1, Elapsed: time.Minute}
	if chat {
		rec.Settings.Backend = "openai-chat"
	}
	var truth []Served
	for i := range requests {
		start := time.Duration(i+1) * 100 * ms
		n := 4 + rng.IntN(60)
		r := &client.Result{Due: start, Handed: start, Permit: start, Start: start, Connect: start, Written: start, KernelStamps: true}
		q := Served{Read: start, Tokens: n}
		at := start + 20*ms + time.Duration(rng.Int64N(int64(30*ms)))
		event := func(kind client.Kind, choices bool) {
			r.Events = append(r.Events, client.Event{At: at, Kind: kind, Choices: choices, Tokens: -1})
		}
		if chat {
			event(client.Role, true)
		}
		for k := range n {
			if k > 0 {
				at += 5*ms + time.Duration(rng.Int64N(int64(5*ms)))
			}
			event(client.Text, true)
			q.Events = append(q.Events, at)
		}
		event(stream.Usage, false)
		r.Usage = stream.UsageCounts{Prompt: 512, Completion: n, Cached: -1}
		r.SeenUsage, r.LastByte, r.End, r.Done = r.Usage, at, at, true
		rec.Planned = append(rec.Planned, recording.Planned{PromptLen: 512, OutputLen: n})
		rec.Results = append(rec.Results, r)
		truth = append(truth, q)
	}
	return rec, truth
}

func analyzed(t *testing.T, rec *recording.Recording) *analysis.Analysis {
	t.Helper()
	a, err := analysis.Analyze(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func compared(t *testing.T, a *analysis.Analysis, truth []Served, chat bool) Errors {
	t.Helper()
	e, err := Compare(a, Truth(truth, chat))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestReportIsTheTruth: of a run without any delay, what is reported is what happened.
// A change of the rule by which timelines are read fails here.
func TestReportIsTheTruth(t *testing.T) {
	for _, chat := range []bool{false, true} {
		rec, truth := served(chat, 200)
		e := compared(t, analyzed(t, rec), truth, chat)
		if most := e.Most(); most > 1e-12 || math.IsNaN(most) {
			t.Errorf("chat %v: reported and true differ by %v s: %+v", chat, most, e.Minus)
		}
		if beyond := e.Beyond(); len(beyond) > 0 {
			t.Errorf("chat %v: beyond the bounds: %v", chat, beyond)
		}
	}
}

// detailed is an analysis with samples, in which errors can be planted.
func detailed(t *testing.T, rec *recording.Recording) *analysis.Analysis {
	t.Helper()
	a, err := analysis.Detailed(rec, nil)
	if err != nil || len(a.Samples) != rec.Count() {
		t.Fatalf("%d samples of %d requests: %v", len(a.Samples), rec.Count(), err)
	}
	return a
}

// sumUp makes the summary of an analysis of its samples.
func sumUp(a *analysis.Analysis) {
	a.Summary = metrics.Compute(a.Samples, a.Summary.Duration, metrics.Options{Percentiles: a.Summary.Percentiles})
}

// TestPlantedErrors: a report with an error in it is not the truth, and exceeds its bound.
func TestPlantedErrors(t *testing.T) {
	all := func(plant func(s *metrics.Sample)) func(a *analysis.Analysis) {
		return func(a *analysis.Analysis) {
			for i := range a.Samples {
				plant(&a.Samples[i])
			}
			sumUp(a)
		}
	}
	for name, c := range map[string]struct {
		metric metrics.Metric
		plant  func(a *analysis.Analysis)
	}{
		"TTFT + 50 ms":                 {metrics.TTFT, all(func(s *metrics.Sample) { s.TTFT += 0.050 })},
		"a gap of two, and one of 0":   {metrics.ITL, all(func(s *metrics.Sample) { n := len(s.ITL) - 1; s.ITL[1], s.ITL[n] = s.ITL[1]+s.ITL[n], 0 })},
		"TPOT divided by n":            {metrics.TPOT, all(func(s *metrics.Sample) { s.OutputTokens++ })},
		"E2EL without its last event":  {metrics.E2EL, all(func(s *metrics.Sample) { s.Latency -= s.ITL[len(s.ITL)-1] })},
		"E2EL from the first token on": {metrics.E2EL, all(func(s *metrics.Sample) { s.Latency -= s.TTFT })},
		"mean of ITL alone":            {metrics.ITL, func(a *analysis.Analysis) { a.Summary.Latency[metrics.ITL].Mean *= 1.1 }},
		"median of E2EL alone":         {metrics.E2EL, func(a *analysis.Analysis) { a.Summary.Latency[metrics.E2EL].Median *= 0.9 }},
		"p99 of TTFT alone":            {metrics.TTFT, func(a *analysis.Analysis) { a.Summary.Latency[metrics.TTFT].Percentiles[0] -= 0.002 }},
	} {
		for _, chat := range []bool{false, true} {
			rec, truth := served(chat, 200)
			a := detailed(t, rec)
			sumUp(a)
			if e := compared(t, a, truth, chat); e.Most() > 1e-12 {
				t.Fatalf("chat %v: off by %v s without an error", chat, e.Most())
			}
			c.plant(a)
			e := compared(t, a, truth, chat)
			if off := e.Minus[c.metric].Most(); off < 1e-6 {
				t.Errorf("%s, chat %v: %s is off by %v s", name, chat, c.metric, off)
			}
			if !slices.Contains(e.Beyond(), c.metric) {
				t.Errorf("%s, chat %v: %v is within %v", name, chat, e.Minus[c.metric], e.Bounds[c.metric])
			}
		}
	}
}

// TestMissingValues: a gap that is missing among others of its length moves no statistic, and
// is an error all the same.
func TestMissingValues(t *testing.T) {
	rec, truth := served(false, 100)
	a := detailed(t, rec)
	s := &a.Samples[7]
	s.ITL = s.ITL[1:]
	sumUp(a)
	n := a.Summary.Values[metrics.ITL].Len()
	want := fmt.Sprintf("the run reports %d values of ITL, and the server made %d", n, n+1)
	if _, err := Compare(a, Truth(truth, false)); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestDelaysAreInTheBound: what the client knows to have cost it time is an error within its
// bound, and what it does not know of is one beyond.
func TestDelaysAreInTheBound(t *testing.T) {
	rec, truth := served(false, 100)
	for _, r := range rec.Results {
		r.Start, r.ConnectLate = r.Start-50*ms, 50*ms // which the bound knows of
	}
	e := compared(t, analyzed(t, rec), truth, false)
	if off := e.Minus[metrics.TTFT].Mean; !(math.Abs(off-0.050) <= 1e-9) || len(e.Beyond()) > 0 {
		t.Errorf("50 ms of sending: TTFT off by %v, beyond the bounds: %v", off, e.Beyond())
	}
	for _, r := range rec.Results {
		r.ConnectLate = 0 // which it does not
	}
	if e := compared(t, analyzed(t, rec), truth, false); len(e.Beyond()) != 2 {
		t.Errorf("50 ms that no bound knows of: beyond the bounds: %v", e.Beyond())
	}
}

// TestPath: of a path of 0.1 ms TPOT has a part with each gap, TTFT and E2EL the whole.
func TestPath(t *testing.T) {
	e := Errors{Gaps: 127}
	e.Minus[metrics.TTFT].P99, e.Minus[metrics.TPOT].Mean, e.Minus[metrics.E2EL].Mean = 0.04e-3, -0.04e-3, 0.11e-3
	if b := e.Beyond(); !slices.Equal(b, []metrics.Metric{metrics.TPOT, metrics.E2EL}) {
		t.Errorf("beyond the bounds: %v", b)
	}
}

// TestLoadIsAllThatIsTaken: the self-test takes the load of settings and no more.
func TestLoadIsAllThatIsTaken(t *testing.T) {
	from := recording.Defaults()
	text, list := "x", []string{"a:b"}
	from.SaveResult, from.SaveDetailed, from.DryRun, from.Profile, from.NonStreaming, from.SelfTest, from.ServerMetrics.Asked = true, true, true, true, true, true, true
	from.BodyPatch, from.Header, from.LoRAModules, from.SaveTimeline, from.Sim, from.Model = &text, &list, &list, &text, &text, &text
	from.Backend, from.RequestRate, from.RandomInputLen = "openai-chat", 7, 33
	want := recording.Defaults()
	llama := "llama3"
	want.Tokenizer, want.DatasetName, want.RandomIDs, want.IgnoreEOS = &llama, "random", true, true
	want.Backend, want.RequestRate, want.RandomInputLen = "openai-chat", 7, 33
	got := new(recording.Settings)
	*got = Load(&from)
	a, _ := got.MarshalJSON()
	b, _ := want.MarshalJSON()
	if string(a) != string(b) {
		t.Errorf("%s\nwant\n%s", a, b)
	}
}

func TestTable(t *testing.T) {
	table := Table{Concurrency: 8, Requests: 32, Input: 5, Output: 6, Verdict: "clean", CPUPerEvent: 12e-6, Streams: 8000, Capped: true, EventsPerSecond: 1234566.6, RequestsPerSecond: 999}
	table.Minus[metrics.TTFT], table.Bounds[metrics.TTFT].P99 = Statistics{Mean: 0.001, P50: -0.002, P99: 0.0005}, 0.0001
	table.Bounds[metrics.ITL].Mean = 0.003
	table.Minus[metrics.E2EL].Mean = 0.00005
	var out strings.Builder
	table.WriteText(&out)
	const want = `reported minus true, in ms: 32 requests, concurrency 8, 5 tokens in, 6 out
             mean        p50        p99      bound   larger
TTFT        1.000     -2.000      0.500      0.100   error
TPOT        0.000      0.000      0.000      0.000   bound
ITL         0.000      0.000      0.000      3.000   bound
E2EL        0.050      0.000      0.000      0.000   bound + path
verdict clean; 12.0 us of CPU time per event
this machine, shared with the simulator: 8,000 or more streams at once, 1,234,567 events/s, 999 requests/s
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	table.Streams, table.Capped, table.Verdict, table.Causes = 0, false, "degraded", []string{"slots were idle"}
	out.Reset()
	if table.WriteText(&out); !strings.Contains(out.String(), "per event\n  - slots were idle\nthis machine, shared with the simulator: fewer than 250 streams at once, 1,234,567 events/s") {
		t.Error(out.String())
	}
	if b := table.Beyond(); len(b) != 1 || b[0] != metrics.TTFT {
		t.Errorf("beyond the bounds: %v", b)
	}
}
