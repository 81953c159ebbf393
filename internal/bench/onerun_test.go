package bench_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/analysis"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/merge"
	"loadgen/internal/recording"
)

// statistics are all that an analysis says of a run's requests, as JSON.
func statistics(t *testing.T, rec *recording.Recording, a *analysis.Analysis) map[string]any {
	t.Helper()
	f := a.File(rec, true)
	f.Date = ""
	f.Loadgen = a.Loadgen(rec)
	var all map[string]any
	if err := json.Unmarshal(f.Append(nil), &all); err != nil {
		t.Fatal(err)
	}
	own := all["loadgen"].(map[string]any)
	for _, of := range []string{"ranks", "effective", "verdict", "notes"} { // what a process says of itself
		delete(own, of)
	}
	delete(own["error_budget"].(map[string]any), "reasons")
	return all
}

// TestRanksAreOneRun: four ranks send the requests of one process, prompt for prompt, each
// when it would be due; merged, their recordings have the same statistics to the last bit.
func TestRanksAreOneRun(t *testing.T) {
	random := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "40", "--random-range-ratio", "0.9", "--random-output-len", "5", "--seed", "7"}
	servers := "http://10.0.0.1:80,http://10.0.0.2:80,http://10.0.0.3:80"
	for name, args := range map[string][]string{
		"probes":                  append(random, "--num-prompts", "41", "--request-rate", "20", "--probe-request-rate", "7", "--no-test-input"),
		"probes of a closed loop": append(random, "--num-prompts", "38", "--max-concurrency", "38", "--probe-request-rate", "70", "--no-test-input"),
		"servers":                 append(random, "--num-prompts", "41", "--request-rate", "20", "--base-url", servers, "--warmup", "5"),
		"servers of chats":        {"--backend", "openai-chat", "--model", "m", "--tokenizer", "llama3", "--dataset-name", "conversations", "--dataset-path", file(t, "many.jsonl", strings.Repeat(chats, 3)), "--num-prompts", "15", "--request-rate", "5", "--base-url", servers, "--no-test-input"},
		"all": append(random, "--num-prompts", "0", "--stages", file(t, "all.yaml", "[{rate: 20, duration: 1s}, {rate: 40, duration: 1s, ramp: 300ms}]"), "--cancel", "30%", "--cancel-after", "25ms",
			"--probe-request-rate", "9", "--base-url", servers, "--drain", "0.1", "--no-test-input"),
		"rate":          append(random, "--num-prompts", "41", "--request-rate", "20", "--no-test-input"),
		"concurrency":   append(random, "--num-prompts", "38", "--max-concurrency", "38", "--burstiness", "0.5", "--no-test-input"),
		"duration":      append(random, "--num-prompts", "0", "--duration", "2", "--request-rate", "20", "--distinct-prompts", "7", "--no-test-input"),
		"cancel":        append(random, "--num-prompts", "41", "--request-rate", "20", "--cancel", "30%", "--cancel-after", "3", "--no-test-input"),
		"ramp":          append(random, "--num-prompts", "30", "--request-rate", "20", "--ramp-up", "1", "--no-test-input"),
		"stages":        append(random, "--num-prompts", "0", "--stages", file(t, "stages.yaml", "[{rate: 20, duration: 1s}, {rate: 40, duration: 1s}]"), "--no-test-input"),
		"conversations": {"--backend", "openai-chat", "--model", "m", "--tokenizer", "llama3", "--dataset-name", "conversations", "--dataset-path", file(t, "chats.jsonl", strings.Repeat(chats, 3)), "--num-prompts", "15", "--request-rate", "5", "--no-test-input"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { areOneRun(t, 4, args, byLength) })
		})
	}
}

// TestClosedLoopsOfRanksAreOneRun: slots that the ranks can divide, and answers that take equally
// long, make the requests of a closed loop due at the instants at which one process has them due,
// whatever the number of slots does over time.
func TestClosedLoopsOfRanksAreOneRun(t *testing.T) {
	random := []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "40", "--random-output-len", "5", "--seed", "7", "--no-test-input"}
	for name, args := range map[string][]string{
		"concurrency": append(random, "--num-prompts", "80", "--max-concurrency", "8"),
		"duration":    append(random, "--num-prompts", "0", "--max-concurrency", "8", "--duration", "1", "--distinct-prompts", "31"),
		"ramp":        append(random, "--num-prompts", "80", "--max-concurrency", "8", "--ramp-up", "0.07"),
		"exponential": append(random, "--num-prompts", "80", "--max-concurrency", "8", "--ramp-up", "0.07", "--ramp-up-strategy", "exponential"),
		"stagger":     append(random, "--num-prompts", "80", "--max-concurrency", "8", "--stagger", "0.07"),
		"stages":      append(random, "--num-prompts", "0", "--stages", file(t, "slots.yaml", "[{concurrency: 8, duration: 1s}, {concurrency: 4, duration: 1s}, {concurrency: 12, duration: 1s}]")),
		"all": append(random, "--num-prompts", "0", "--stages", file(t, "slots.yaml", "[{concurrency: 8, duration: 1s}, {concurrency: 4, duration: 1s}]"),
			"--probe-request-rate", "9", "--base-url", "http://10.0.0.1:80,http://10.0.0.2:80", "--drain", "0.01"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { areOneRun(t, 4, args, func(*benchtest.Exchange) time.Duration { return 47 * ms }) })
		})
	}
}

// areOneRun checks that so many ranks make the run that one process makes.
func areOneRun(t *testing.T, size int, args []string, answer func(x *benchtest.Exchange) time.Duration) {
	t.Helper()
	one := steady(answer)
	want, err := benchtest.Run(t, benchtest.Settings(t, args), nil, one.Dial)
	if err != nil {
		t.Fatal(err)
	}
	one.Wait()
	many := steady(answer)
	outs, errs := together(t, size, args, many, nil)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var sources []merge.Source
	for i, out := range outs {
		if out.Recording.Sent() != out.Recording.Count() || out.Recording.Rank.Clock.Uncertainty > 10*ms {
			t.Errorf("rank %d: %+v", i, out.Recording.Rank)
		}
		sources = append(sources, merge.Source{Name: fmt.Sprint(i), Recording: out.Recording})
	}
	rec, err := merge.Merge(sources, false)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Settings.ProbeRate == 0 && rec.Settings.BaseURL == nil { // of which ranks may send a few more, and each tests the server
		if d := cmp.Diff(bodies(one), bodies(many)); d != "" {
			t.Errorf("other requests: %s", d)
		}
	}
	for i, r := range rec.All() {
		q := want.Recording.Result(i)
		if q == nil {
			t.Fatalf("request %d of %d was sent, of %d", i, rec.Sent(), want.Recording.Sent())
		}
		if due := q.Due - want.Recording.Start; r.Due-rec.Start != due || r.Server != q.Server {
			t.Errorf("request %d is due at %v on server %d, want %v on %d", i, r.Due-rec.Start, r.Server, due, q.Server)
		}
	}
	all, alone := rec.KeptProbes(), want.Recording.KeptProbes()
	if len(all) != len(alone) {
		t.Errorf("%d probes, want %d", len(all), len(alone))
	}
	for i := range min(len(all), len(alone)) {
		if r, q := all[i], alone[i]; r.Due-rec.Start != q.Due-want.Recording.Start || r.Server != q.Server {
			t.Errorf("probe %d is due at %v on server %d, want %v on %d", i, r.Due-rec.Start, r.Server, q.Due-want.Recording.Start, q.Server)
		}
	}
	a, err := analysis.Detailed(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := analysis.Detailed(want.Recording, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(statistics(t, want.Recording, whole), statistics(t, rec, a)); d != "" {
		t.Error(d)
	}
	if len(a.Ranks) != size || a.Ranks[size-1].Index != size-1 || a.Ranks[1].Sent == 0 || a.Verdict.Level != "clean" {
		t.Errorf("%+v, %+v", a.Ranks, a.Verdict)
	}
}
