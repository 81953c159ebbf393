package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/analysis"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/gpu"
	"loadgen/internal/health"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/internal/trtsim"
	"loadgen/pkg/client"
)

const ms = time.Millisecond

// recorded is a run with failures, queues and shared reads, of one process.
func recorded(t *testing.T, args ...string) (rec *recording.Recording) {
	t.Helper()
	p, err := trtsim.FindProfile("origin-trt")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		out, err := benchtest.Simulated(t, trtsim.Options{Profile: p, Seed: 3, Faults: []trtsim.FaultRate{{Fault: trtsim.FaultCut, Probability: 0.1}, {Fault: trtsim.FaultNoUsage, Probability: 0.1}}},
			append([]string{"--num-prompts", "60", "--random-input-len", "200", "--random-output-len", "20", "--no-test-input"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		rec = out.Recording
	})
	rec.Health = health.Report{Wall: 4, User: 8, System: 4, Cores: 2, Machine: &health.Machine{Busy: 0.5}, Clock: "tsc",
		Scheduler: health.Dist{Count: 3, P99: 2 * ms}, Reads: health.Dist{Count: 3, P99: ms}, Stalls: []health.Stall{{Since: rec.Start + 40*ms, From: rec.Start + 45*ms, To: rec.Start + 60*ms}}}
	rec.Notes = append(rec.Notes, recording.Note{Code: "c", Text: "of all"})
	return rec
}

// copied is a recording as it is read from its file.
func copied(t *testing.T, rec *recording.Recording) *recording.Recording {
	t.Helper()
	name := filepath.Join(t.TempDir(), "r.timeline")
	if err := recording.Save(name, rec); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := recording.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// split makes of a run what so many ranks would have recorded of it, each on a clock of its
// own, in any order.
func split(t *testing.T, rec *recording.Recording, size int) (out []Source) {
	t.Helper()
	for k := range size {
		i := (k + 1) % size
		part := *rec
		part.Rank = &recording.Rank{Rank: ranks.Rank{Index: i, Size: size}, Host: "h" + string(rune('a'+i)), Run: "run", Start: rec.Began, At: rec.Start,
			Clock: ranks.Clock{Source: "barrier", Uncertainty: ms}}
		part.Results, part.Spool = make([]*client.Result, len(rec.Planned)), nil
		for place, r := range rec.All() {
			if part.Owns(place) {
				part.Results[place] = r
			}
		}
		part.Probes, part.ProbeSpool = nil, nil
		for k, q := range rec.KeptProbes() {
			if k%size == i {
				part.Probes = append(part.Probes, q)
			}
		}
		p := copied(t, &part)
		by := time.Duration(i*i) * time.Hour
		for _, r := range p.All() {
			shift(r, by)
		}
		for _, r := range p.Probes {
			shift(r, by)
		}
		p.Start, p.Rank.At, p.Health = p.Start+by, p.Start+by, shiftHealth(p.Health, by)
		out = append(out, Source{p.Rank.Host, p})
	}
	return out
}

// statistics are what an analysis says of a run's requests.
func statistics(t *testing.T, rec *recording.Recording) (file map[string]any, a *analysis.Analysis) {
	t.Helper()
	a, err := analysis.Detailed(rec, func(text []byte) int { return len(text) })
	if err != nil {
		t.Fatal(err)
	}
	f := a.File(rec, true)
	f.Loadgen = a.Loadgen(rec)
	if err := json.Unmarshal(f.Append(nil), &file); err != nil {
		t.Fatal(err)
	}
	own := file["loadgen"].(map[string]any)
	delete(own, "ranks")
	delete(own, "verdict")
	delete(own, "cpu")
	for _, of := range []string{"reasons", "cpu", "stalls", "stamp_to_read_ms", "scheduler_delay_ms"} {
		delete(own["error_budget"].(map[string]any), of)
	}
	stages, _ := own["stages"].([]any)
	for _, of := range append(stages, own["probes"]) {
		if judged, is := of.(map[string]any); is {
			delete(judged, "reasons")
		}
	}
	return file, a
}

// TestSplitAndMerged: the recording of one process, split by rank and merged, has the same
// result, bit for bit: what is not in it is only what several processes have of their own.
func TestSplitAndMerged(t *testing.T) {
	stages := func(text string) string {
		name := filepath.Join(t.TempDir(), "stages.yaml")
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	beside := []string{"--cancel", "20%", "--cancel-after", "5", "--probe-request-rate", "9", "--base-url", "http://10.0.0.1:80,http://10.0.0.2:80,http://10.0.0.3:80"}
	for name, args := range map[string][]string{
		"rates":         append(beside, "--num-prompts", "0", "--stages", stages("[{rate: 20, duration: 2s}, {rate: 60, duration: 2s, ramp: 500ms}]"), "--drain", "0.2"),
		"concurrencies": append(beside, "--num-prompts", "0", "--stages", stages("[{concurrency: 5, duration: 2s}, {concurrency: 9, duration: 2s, settle: 300ms}]"), "--balance", "least-in-flight"),
		"ramp":          append(beside, "--max-concurrency", "7", "--ramp-up", "1"),
		"closed loop":   {"--max-concurrency", "8"},
		"open loop":     {"--request-rate", "30", "--goodput", "ttft:50", "--backend", "openai-chat"},
		"whole":         {"--max-concurrency", "5", "--non-streaming"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := recorded(t, args...)
			for _, size := range []int{2, 4, 7} {
				merged, err := Merge(split(t, rec, size), false)
				if err != nil {
					t.Fatal(err)
				}
				want, alone := statistics(t, rec)
				for range 2 { // as it is, and from its own file
					got, a := statistics(t, merged)
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%d ranks: %s", size, d)
					}
					if len(a.Ranks) != size || a.Verdict.Level == "" || alone.Ranks != nil {
						t.Errorf("%d ranks: %d ranks, verdict %+v", size, len(a.Ranks), a.Verdict)
					}
					completed := 0
					for _, r := range a.Ranks {
						completed += r.Summary.Completed
					}
					if completed != a.Summary.Completed {
						t.Errorf("the ranks completed %d, all %d", completed, a.Summary.Completed)
					}
					merged = copied(t, merged)
				}
			}
		})
	}
}

// TestMergeOfTheSurroundings: what processes used is added up, of what went wrong it is the
// worst, each request is judged by its own rank's health, and the verdict is the worst rank's.
func TestMergeOfTheSurroundings(t *testing.T) {
	rec := recorded(t, "--max-concurrency", "8")
	rec.Health = health.Report{}
	for i := range rec.Results {
		rec.Results[i].KernelStamps = true // by the clock that steps
	}
	parts := split(t, rec, 4)
	for i := range parts {
		p := parts[i].Recording
		p.Health = health.Report{Wall: time.Second, User: time.Duration(p.Rank.Index) * ms, Cores: 2, GCPauses: health.Dist{Count: 1, Max: time.Duration(p.Rank.Index)},
			Clock: "tsc", Machine: &health.Machine{Busy: 0.1 * float64(p.Rank.Index)}}
		p.Notes = []recording.Note{{Code: "a", Text: "all"}, {Code: "b", Text: "rank " + p.Rank.Host}}
		if p.Before, p.After = nil, nil; p.Rank.Index > 1 {
			p.Before, p.After = &client.EnergyReading{TotalJoules: 1, QueryTime: float64(p.Rank.Index)}, &client.EnergyReading{TotalJoules: 2, QueryTime: 10 + float64(p.Rank.Index)}
		}
		if p.Rank.Index == 2 {
			p.Health.Steps = []health.Step{{At: p.Start + ms, By: time.Second}}
			p.Health.Cgroup = &health.Cgroup{Throttled: 5}
			p.GPU = &gpu.Report{Samples: []gpu.Sample{{At: p.Start}}}
		}
	}
	merged, err := Merge(parts, false)
	if err != nil {
		t.Fatal(err)
	}
	h := merged.Health
	if h.User != 6*ms || h.Cores != 8 || h.GCPauses.Max != 3 || h.GCPauses.Count != 4 || h.Machine.Busy < 0.29 || h.Cgroup.Throttled != 5 || len(h.Steps) != 1 || h.Steps[0].At != merged.Start+ms || h.Clock != "tsc" || h.Wall != time.Second {
		t.Errorf("%+v", h)
	}
	if merged.Before.QueryTime != 2 || merged.After.QueryTime != 13 || merged.GPU.Samples[0].At != merged.Start || merged.Rank != nil || merged.Interrupted {
		t.Errorf("%+v", merged)
	}
	if len(merged.Notes) != 5 || merged.Notes[0].Text != "all" || merged.Notes[1].Text != "rank 0: rank ha" {
		t.Errorf("%+v", merged.Notes)
	}
	if merged.HealthOf(6).Steps == nil || merged.HealthOf(5).Steps != nil {
		t.Error("a request has another rank's health")
	}
	_, a := statistics(t, merged)
	if a.Verdict.Level != "degraded" || len(a.Verdict.Reasons) != 1 || !strings.HasPrefix(a.Verdict.Reasons[0].Text, "rank 2 on hc: the wall clock stepped") || a.Ranks[1].Verdict.Level != "clean" {
		t.Errorf("%+v", a.Verdict)
	}
}

// TestProbesOfRanks: each probe is judged by the health of the rank that sent it, a rank's own part has its own probes,
// and what ranks sent after the load of the last of them was over is left out.
func TestProbesOfRanks(t *testing.T) {
	rec := recorded(t, "--max-concurrency", "8", "--probe-request-rate", "20")
	want := len(rec.KeptProbes())
	parts := split(t, rec, 3)
	for i := range parts {
		p := parts[i].Recording
		p.Health.User = time.Duration(p.Rank.Index) * ms
		p.Probes = append(p.Probes, &client.Result{Due: p.Start + p.Elapsed}) // an instant too late
	}
	merged, err := Merge(parts, false)
	if err != nil {
		t.Fatal(err)
	}
	for k, q := range merged.KeptProbes() {
		if h := merged.HealthOfProbe(q); h.User != time.Duration(k%3)*ms || q.Due-merged.Start != time.Duration(k)*50*ms {
			t.Errorf("probe %d is due at %v, and judged by rank %v", k, q.Due-merged.Start, h.User)
		}
	}
	of := 0
	for k := range merged.Parts {
		part := merged.Part(k)
		of += len(part.Probes)
		if part.ProbeRate() != 20.0/3 {
			t.Errorf("%v probes/s", part.ProbeRate())
		}
	}
	if n := len(merged.KeptProbes()); n != want || want < 6 || of != want {
		t.Errorf("%d probes, %d by rank, want %d", n, of, want)
	}
}

// TestElapsedOfRanks: a run lasts as long as the rank that takes longest.
func TestElapsedOfRanks(t *testing.T) {
	parts := split(t, recorded(t, "--max-concurrency", "8"), 3)
	longest := parts[0].Elapsed + time.Hour
	parts[0].Elapsed = longest // rank 1 of 3
	parts[0].Ended = parts[0].Ended.Add(time.Hour)
	ended := parts[0].Ended
	merged, err := Merge(parts, false)
	if err != nil || merged.Elapsed != longest || !merged.Ended.Equal(ended) {
		t.Errorf("%v, ended at %v, %v", merged.Elapsed, merged.Ended, err)
	}
}

// TestWhatIsNotOneRun: recordings that are not of one run are refused, by name.
func TestWhatIsNotOneRun(t *testing.T) {
	rec := recorded(t, "--max-concurrency", "8")
	for want, change := range map[string]func(s []Source) []Source{
		"different versions of loadgen: test in ha, other in hc":                         func(s []Source) []Source { s[1].Version = "other"; return s },
		"different seeds: 0 in ha, 5 in hb":                                              func(s []Source) []Source { s[0].Settings.Seed = 5; return s },
		`different models: "m" in ha, "n" in hb`:                                         func(s []Source) []Source { s[0].Settings.Model = new("n"); return s },
		"different schedules (max_concurrency): 8 in ha, 9 in hb":                        func(s []Source) []Source { s[0].Settings.MaxConcurrency = new(9); return s },
		"different settings (ignore_eos): false in ha, true":                             func(s []Source) []Source { s[0].Settings.IgnoreEOS = true; return s },
		"different prompts":                                                              func(s []Source) []Source { s[0].Prompts = "sha256:2"; return s },
		"different plans":                                                                func(s []Source) []Source { s[0].Planned[3].OutputLen++; return s },
		"ha and hb are of two runs with the same settings":                               func(s []Source) []Source { s[0].Rank.Run = "other"; return s },
		"they were to start at 2000-01-01T00:00:00.000Z and at 2000-01-01T00:00:30.000Z": func(s []Source) []Source { s[0].Rank.Start = s[0].Rank.Start.Add(30 * time.Second); return s },
		"rank 1 is there twice: hb and hc":                                               func(s []Source) []Source { s[1].Rank.Index = 1; return s },
		"hc is of a run of 5 ranks, and hb of one of 3":                                  func(s []Source) []Source { s[1].Rank.Size = 5; return s },
		"hb is a whole run of one process":                                               func(s []Source) []Source { s[0].Rank = nil; return s },
		"hb is a merged run already":                                                     func(s []Source) []Source { s[0].Parts = make([]recording.Part, 2); return s },
		"the clock of rank 1 on hb was -3s":                                              func(s []Source) []Source { s[0].Rank.Clock.Offset = -3 * time.Second; return s },
		"hb has request 0, which is not rank 1's":                                        func(s []Source) []Source { s[0].Results[0] = &client.Result{}; return s },
		"there are no recordings to merge":                                               func([]Source) []Source { return nil },
	} {
		_, err := Merge(change(split(t, rec, 3)), true)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestWhatIsMissing: what is missing of a run is named, and the rest is merged only on
// purpose, and marked.
func TestWhatIsMissing(t *testing.T) {
	rec := recorded(t, "--max-concurrency", "8")
	for want, change := range map[string]func(s []Source) []Source{
		"there is no recording of rank 1":           func(s []Source) []Source { return s[1:] },
		"there is no recording of ranks 0, 1 and 3": func(s []Source) []Source { return s[2:3] },
		"rank 2 was killed during the run: hc has 14 of its 15 requests": func(s []Source) []Source {
			s[2].Killed, s[2].Results[2] = true, nil
			return s
		},
		"rank 2: 7 bytes at the end of hc are no whole record": func(s []Source) []Source { s[2].Lost = 7; return s },
		"rank 2 was interrupted: it sent 15 of its 15":         func(s []Source) []Source { s[2].Interrupted = true; return s },
	} {
		parts := func() []Source {
			return change(byRank(split(t, rec, 4)))
		}
		_, err := Merge(parts(), false)
		if partial := new(Partial); !errors.As(err, &partial) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		merged, err := Merge(parts(), true)
		if err != nil || !merged.Interrupted || merged.Killed || !strings.Contains(merged.Notes[len(merged.Notes)-1].Text, want) {
			t.Errorf("%s: not so: %v", want, err)
			continue
		}
		if _, a := statistics(t, merged); a.Sent != merged.Sent() || a.Sent == 0 {
			t.Errorf("%s: %d sent", want, a.Sent)
		}
	}
}

// byRank puts ranks 1, 0, 2, 3 in this order.
func byRank(s []Source) []Source {
	out := make([]Source, len(s))
	for _, one := range s {
		out[[]int{1, 0, 2, 3}[one.Rank.Index]] = one
	}
	return out
}

// TestClocksOfRanks: how well the common start is known is said where it is not well.
func TestClocksOfRanks(t *testing.T) {
	rec := recorded(t, "--max-concurrency", "8")
	for want, change := range map[string]func(s []Source){
		"":                                func([]Source) {},
		"may have started up to 1s apart": func(s []Source) { s[1].Rank.Clock.Uncertainty = 500 * ms },
		"the clock of ranks 0, 1 and 2 was neither measured nor kept": func(s []Source) {
			for i := range s {
				s[i].Rank.Run = ""
			}
		},
		"the clock of rank 1 was neither": func(s []Source) {
			for i := range s {
				if s[i].Rank.Run = ""; i > 0 {
					s[i].Rank.UTC = ranks.Clock{Source: "chrony", Uncertainty: ms}
				}
			}
		},
	} {
		s := split(t, rec, 3)
		change(s)
		merged, err := Merge(s, false)
		if err != nil {
			t.Fatal(err)
		}
		last := merged.Notes[len(merged.Notes)-1]
		if (last.Code == "ranks_clocks") != (want != "") || want != "" && !strings.Contains(last.Text, want) {
			t.Errorf("%+v, want %q", last, want)
		}
	}
}
