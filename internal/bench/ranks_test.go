package bench_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/barrier"
	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/merge"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// together runs a benchmark in one process for each rank, in virtual time against one server,
// and returns what each of them brought.
func together(t *testing.T, size int, args []string, m *benchtest.Memory, change func(index int, s *recording.Settings)) ([]*benchtest.Outcome, []error) {
	t.Helper()
	return meetingIn(t, t.TempDir(), size, args, m, change)
}

// meetingIn does so with ranks that meet in a directory.
func meetingIn(t *testing.T, dir string, size int, args []string, m *benchtest.Memory, change func(index int, s *recording.Settings)) ([]*benchtest.Outcome, []error) {
	t.Helper()
	outs, errs := make([]*benchtest.Outcome, size), make([]error, size)
	var all sync.WaitGroup
	for i := range size {
		all.Go(func() {
			time.Sleep(time.Duration(size-i) * 300 * time.Millisecond)
			s := benchtest.Settings(t, args)
			if change != nil {
				change(i, &s)
			}
			r := bench.Ranks{Rank: ranks.Rank{Index: i, Size: size}, Host: fmt.Sprintf("h%d", i)}
			var err error
			r.Barrier, _, err = barrier.Join(t.Context(), barrier.Options{Dir: dir, Rank: r.Rank, Host: r.Host, Now: time.Now, Limit: time.Minute}, nil)
			if err == nil {
				outs[i], err = benchtest.RunRank(t, s, r, nil, m.Dial)
			}
			if err != nil && r.Barrier != nil {
				r.Barrier.Leave(err)
			}
			errs[i] = err
		})
	}
	all.Wait()
	m.Wait()
	return outs, errs
}

// steady is a server that takes as long for each request whatever else it does; the text
// tells requests apart.
func steady(answer func(x *benchtest.Exchange) time.Duration) *benchtest.Memory {
	m := &benchtest.Memory{}
	m.Handle = func(x *benchtest.Exchange) {
		if x.Method != "POST" {
			x.Reply("404 Not Found", "text/plain", "")
			return
		}
		time.Sleep(answer(x))
		fmt.Fprint(x.Conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
		for _, event := range strings.SplitAfter(benchtest.SSE(strings.Contains(string(x.Body), `"messages"`), 5), "\n\n") {
			time.Sleep(10 * ms)
			fmt.Fprint(x.Conn, event)
		}
	}
	return m
}

// byLength takes longer for longer bodies.
func byLength(x *benchtest.Exchange) time.Duration {
	return time.Duration(20+len(x.Body)%37) * ms
}

// bodies are the measured requests' bodies, sorted.
func bodies(m *benchtest.Memory) (all []string) {
	for _, x := range posts(m) {
		all = append(all, string(x.Body))
	}
	slices.Sort(all)
	return all
}

// TestProbesOfRanksThatEndEarly: where a rank's run ends early the others' probes do not wait
// for it, and say so.
func TestProbesOfRanksThatEndEarly(t *testing.T) {
	args := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--random-output-len", "5", "--num-prompts", "60",
		"--max-concurrency", "6", "--probe-request-rate", "10", "--max-failures", "1", "--no-test-input"}
	synctest.Test(t, func(t *testing.T) {
		var failed atomic.Bool
		m := steady(func(x *benchtest.Exchange) time.Duration { return 50 * ms })
		answer := m.Handle
		m.Handle = func(x *benchtest.Exchange) {
			if strings.Contains(string(x.Body), `"max_tokens": 5`) && failed.CompareAndSwap(false, true) { // no probe
				x.Reply("500 Internal Server Error", "text/plain", "")
				return
			}
			answer(x)
		}
		outs, errs := together(t, 3, args, m, nil)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		early := 0
		for i, out := range outs {
			rec := out.Recording
			noted := slices.ContainsFunc(rec.Notes, func(n recording.Note) bool {
				return n.Code == "probes_ended_early" && strings.Contains(n.Text, "ended early")
			})
			if rec.Interrupted {
				early++
			}
			if noted == rec.Interrupted || time.Since(rec.Ended) > 10*time.Second {
				t.Errorf("rank %d: %+v", i, rec.Notes)
			}
		}
		if early != 1 {
			t.Errorf("%d ranks ended early", early)
		}
	})
}

// TestProbesOfARankThatIsInterrupted: a rank that is interrupted while it waits for the other's
// load says so, and the other does not wait for it.
func TestProbesOfARankThatIsInterrupted(t *testing.T) {
	args := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--random-output-len", "5", "--num-prompts", "2",
		"--max-concurrency", "2", "--probe-request-rate", "1", "--no-test-input"}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		var all sync.WaitGroup
		for i, takes := range []time.Duration{50 * ms, 20 * time.Second} {
			all.Go(func() {
				m := steady(func(*benchtest.Exchange) time.Duration { return takes })
				defer m.Wait()
				r := bench.Ranks{Rank: ranks.Rank{Index: i, Size: 2}, Host: fmt.Sprintf("h%d", i)}
				var err error
				if r.Barrier, _, err = barrier.Join(t.Context(), barrier.Options{Dir: dir, Rank: r.Rank, Host: r.Host, Now: time.Now, Limit: time.Hour}, nil); err != nil {
					t.Error(err)
					return
				}
				b := bench.New(bench.Options{Settings: benchtest.Settings(t, args), Dial: m.Dial, Ranks: r, Now: time.Now})
				defer b.Close()
				until := []context.Context{ctx, t.Context()}[i]
				if err := errors.Join(b.Connect(until), b.Prepare(until)); err != nil {
					t.Error(err)
					return
				}
				began := time.Now()
				rec, err := b.Run(until)
				if err != nil {
					t.Error(err)
					return
				}
				least := []time.Duration{8 * time.Second, 20 * time.Second}[i]
				want := []string{"missing: interrupted while waiting", "missing: rank 0 on h0: interrupted while waiting"}[i]
				if took := time.Since(began); took < least || took > least+25*time.Second || len(rec.Notes) != 1 || !strings.Contains(rec.Notes[0].Text, want) {
					t.Errorf("rank %d after %v: %+v", i, took, rec.Notes)
				}
			})
		}
		all.Wait()
	})
}

// TestRanksWithProbesBeat: ranks whose probes wait for each other show that they run, and others
// write nothing during the load.
func TestRanksWithProbesBeat(t *testing.T) {
	args := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--random-output-len", "5", "--num-prompts", "8",
		"--max-concurrency", "2", "--no-test-input"}
	for _, probes := range [][]string{nil, {"--probe-request-rate", "10"}} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			_, errs := meetingIn(t, dir, 2, append(slices.Clone(args), probes...), steady(byLength), nil)
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
		})
		beating, err := filepath.Glob(filepath.Join(dir, "barrier-alive-*"))
		if probes == nil && len(beating) > 0 || probes != nil && len(beating) != 2 || err != nil {
			t.Errorf("%q with %q, %v", beating, probes, err)
		}
		for _, file := range beating { // who only looks for it makes an empty one
			if text, err := os.ReadFile(file); err != nil || len(text) == 0 {
				t.Errorf("%s: %q, %v", file, text, err)
			}
		}
	}
}

// TestClocksThatDiffer: ranks whose clocks are off begin together all the same, and those whose
// clocks are too far off do not begin.
func TestClocksThatDiffer(t *testing.T) {
	args := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--num-prompts", "9", "--no-test-input"}
	for _, off := range []time.Duration{700 * ms, -700 * ms, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			began, errs := [3]time.Time{}, [3]error{}
			m := steady(byLength)
			dir := t.TempDir()
			var all sync.WaitGroup
			for i := range began {
				all.Go(func() {
					now := time.Now
					if i == 1 {
						now = func() time.Time { return time.Now().Add(off) }
					}
					r := bench.Ranks{Rank: ranks.Rank{Index: i, Size: 3}, Host: fmt.Sprintf("h%d", i)}
					r.Barrier, _, errs[i] = barrier.Join(t.Context(), barrier.Options{Dir: dir, Rank: r.Rank, Host: r.Host, Now: now, Limit: time.Minute}, nil)
					b := bench.New(bench.Options{Settings: benchtest.Settings(t, args), Dial: m.Dial, Ranks: r, Now: now,
						OnStart: func(bench.Watch) { began[i] = time.Now() }})
					defer b.Close()
					for _, step := range []func() error{func() error { return b.Connect(t.Context()) }, func() error { return b.Prepare(t.Context()) },
						func() error { _, err := b.Run(t.Context()); return err }} {
						if errs[i] == nil {
							errs[i] = step()
						}
					}
				})
			}
			all.Wait()
			m.Wait()
			for i, err := range errs {
				switch apart := began[i].Sub(began[0]); {
				case off > time.Second && (err == nil || !strings.Contains(err.Error(), "the clock of rank 1 on h1 is ")):
					t.Errorf("rank %d: %v", i, err)
				case off < time.Second && (err != nil || apart.Abs() > 10*ms):
					t.Errorf("rank %d began %v after rank 0, %v", i, apart, err)
				}
			}
		})
	}
}

// TestSlotsOfRanks: the slots are divided, and no rank has more under way than its own.
func TestSlotsOfRanks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outs, errs := together(t, 3, []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--random-output-len", "5",
			"--num-prompts", "20", "--max-concurrency", "5", "--warmup", "4"}, steady(func(*benchtest.Exchange) time.Duration { return 30 * ms }), nil)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		var sources []merge.Source
		for i, want := range []int{2, 2, 1} {
			f := outs[i].Parsed(t)
			if *f.MaxConcurrency != want || f.Loadgen.Metrics.PeakConcurrency != want || f.Loadgen.Rank.Rank != i || f.Loadgen.Rank.Size != 3 || *f.NumPrompts != []int{7, 7, 6}[i] || *f.Completed != *f.NumPrompts {
				t.Errorf("rank %d: concurrency %d, peak %d, %+v", i, *f.MaxConcurrency, f.Loadgen.Metrics.PeakConcurrency, f.Loadgen.Rank)
			}
			sources = append(sources, merge.Source{Recording: outs[i].Recording})
		}
		rec, err := merge.Merge(sources, false)
		if err != nil {
			t.Fatal(err)
		}
		a, err := analysis.Analyze(rec, nil)
		if err != nil || a.Extended.PeakConcurrency != 5 || a.FirstWave.Requests != 5 || a.Summary.Completed != 20 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// TestRanksForATime: in a closed loop that ends by time each rank sends as many requests as it
// has time for, with the prompts that would be theirs, and the merged run has them all.
func TestRanksForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := steady(func(x *benchtest.Exchange) time.Duration { return 50 * ms })
		outs, errs := together(t, 3, []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--random-output-len", "5",
			"--num-prompts", "0", "--max-concurrency", "4", "--duration", "1", "--distinct-prompts", "5", "--no-test-input"}, slow, nil)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		var sources []merge.Source
		sent := 0
		for i, slots := range []int{2, 1, 1} {
			rec := outs[i].Recording
			if n := rec.Sent(); n != 9*slots && n != 10*slots || rec.Count() != n || *outs[i].Parsed(t).NumPrompts != n {
				t.Errorf("rank %d sent %d of %d", i, n, rec.Count())
			}
			sent += rec.Sent()
			name := filepath.Join(t.TempDir(), "r")
			if err := recording.Save(name, rec); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			read, err := recording.Read(f)
			f.Close()
			if err != nil || read.Sent() != rec.Sent() || read.Count() != rec.Count() {
				t.Fatalf("%v, %d of %d", err, read.Sent(), read.Count())
			}
			sources = append(sources, merge.Source{Recording: read})
		}
		rec, err := merge.Merge(sources, false)
		if err != nil {
			t.Fatal(err)
		}
		a, err := analysis.Analyze(rec, nil)
		if err != nil || a.Sent != sent || rec.Count() != sent || rec.Asked() != sent || a.Extended.PeakConcurrency != 4 || a.Ranks[0].Sent != a.Ranks[0].Planned {
			t.Errorf("%d of %d sent, %v, peak %d", a.Sent, rec.Count(), err, a.Extended.PeakConcurrency)
		}
		different := map[string]int{}
		for _, body := range bodies(slow) {
			different[body]++
		}
		if len(different) != 5 {
			t.Errorf("%d different prompts", len(different))
		}
	})
}

// TestRanksThatDiffer stop before anything is sent, all of them.
func TestRanksThatDiffer(t *testing.T) {
	args := []string{"--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--num-prompts", "8"}
	few := file(t, "few.yaml", "[{concurrency: 1, duration: 1s}, {concurrency: 2, duration: 1s}]")
	texts := []string{file(t, "a.jsonl", `{"prompt": "a", "output_len": 2}`), file(t, "b.jsonl", `{"prompt": "b", "output_len": 2}`)}
	for want, change := range map[string]func(i int, s *recording.Settings){
		"the ranks have different settings (seed): rank 0 on h0 has 0, rank 2 on h2 has 1":        func(i int, s *recording.Settings) { s.Model, s.Seed = new("m"), i/2 },
		`the ranks have different settings (model): rank 0 on h0 has "m0", rank 1 on h1 has "m1"`: func(i int, s *recording.Settings) { s.Model = new(fmt.Sprintf("m%d", i)) },
		"the ranks have different prompts, as their data sets or tokenizers differ: rank 0 on h0 has 1 with the digest sha256:": func(i int, s *recording.Settings) {
			s.Model, s.DatasetName, s.DatasetPath, s.NumPrompts = new("m"), "jsonl", &texts[i/2], 1
		},
		"at most 2 requests are under way at a time, fewer than the 3 ranks": func(i int, s *recording.Settings) {
			s.Model, s.Stages, s.NumPrompts = new("m"), &few, 0
		},
		"2 requests are due, fewer than the 3 ranks, of which each needs one": func(i int, s *recording.Settings) {
			s.Model, s.RequestRate, s.Duration, s.NumPrompts, s.Burstiness = new("m"), 1, 2, 0, math.Inf(1)
		},
		"rank 1 on h1 gave up before the run": func(i int, s *recording.Settings) {
			if s.Model, s.DatasetName, s.DatasetPath, s.NumPrompts = new("m"), "jsonl", &texts[0], 1; i == 1 {
				s.DatasetPath = new(filepath.Join("no", "file"))
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := steady(byLength)
			_, errs := together(t, 3, args, m, change)
			for i, err := range errs {
				if err == nil || !strings.Contains(err.Error(), want) && !(i == 1 && strings.Contains(want, "gave up")) {
					t.Errorf("rank %d: %v", i, err)
				}
			}
			if len(m.Got) > 0 {
				t.Errorf("%d requests were sent", len(m.Got))
			}
		})
	}
}

// TestStartAt: ranks that meet nowhere begin at the time that was set, and not after it.
func TestStartAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		args := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--num-prompts", "8", "--no-test-input"}
		m := steady(byLength)
		at := time.Now().Add(time.Minute)
		r := bench.Ranks{Rank: ranks.Rank{Index: 1, Size: 2}, Start: at}
		out, err := benchtest.RunRank(t, benchtest.Settings(t, args), r, nil, m.Dial)
		if err != nil {
			t.Fatal(err)
		}
		var first *client.Result
		for _, q := range out.Recording.All() {
			first = q
			break
		}
		if !out.Recording.Began.Equal(at) || first.Due != out.Recording.Start || first.Start != first.Due || out.Recording.Rank.At != out.Recording.Start || time.Now().Before(at) {
			t.Errorf("began %v, want %v; %+v", out.Recording.Began, at, first)
		}
		if _, err = benchtest.RunRank(t, benchtest.Settings(t, args), r, nil, m.Dial); err == nil || !strings.Contains(err.Error(), "start later") {
			t.Error(err)
		}
		r.Start = time.Time{}
		if _, err = benchtest.RunRank(t, benchtest.Settings(t, args), r, nil, m.Dial); err == nil || !strings.Contains(err.Error(), "common start") {
			t.Error(err)
		}
		m.Wait()
	})
}
