package bench_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
	"loadgen/internal/trtsim"
)

// simulated prepares a benchmark against a simulator in memory that keeps so many bytes there.
func simulated(t *testing.T, memory int, args ...string) *bench.Bench {
	t.Helper()
	s := benchtest.Settings(t, append([]string{"--dataset-name", "random", "--random-ids", "--tokenizer", "llama3", "--model", "m",
		"--random-input-len", "5", "--random-output-len", "8", "--num-prompts", "300", "--max-concurrency", "4", "--ignore-eos"}, args...))
	profile, err := trtsim.FindProfile("ideal")
	if err != nil {
		t.Fatal(err)
	}
	l := benchtest.Listen()
	stop, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { trtsim.New(trtsim.Options{Profile: profile}).Serve(context.Background(), stop, l) })
	b := bench.New(bench.Options{Settings: s, Version: "test", Dial: l.Dial, Memory: memory})
	t.Cleanup(func() { b.Close(); cancel(); served.Wait() })
	for _, step := range []func(context.Context) error{b.Connect, b.Prepare} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestBeyondMemory: what waits on the disk is sent as what is in memory, and its results are
// analyzed as those are, to the last byte.
func TestBeyondMemory(t *testing.T) {
	for _, args := range [][]string{nil, {"--backend", "openai-chat", "--keep-alive", "--header", "X-A:b"}, {"--tokenize-on-client", "--body-patch", `{"max_tokens": 9}`, "--random-range-ratio", "0.5"}} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		synctest.Test(t, func(t *testing.T) {
			inMemory, spooled := simulated(t, 0, args...), simulated(t, 50_000, args...)
			if inMemory.Requests() != 300 || spooled.Requests() != 300 {
				t.Fatalf("%d and %d requests", inMemory.Requests(), spooled.Requests())
			}
			for i := range inMemory.Requests() {
				want, _ := inMemory.Request(i)
				got, err := spooled.Request(i)
				if err != nil || !bytes.Equal(got.Body, want.Body) || !slices.Equal(got.Header(), want.Header()) || got.Target != want.Target || got.PromptLen != want.PromptLen || got.OutputLen != want.OutputLen {
					t.Fatalf("request %d: %+v, %v, want %+v", i, got, err, want)
				}
			}
			rec, err := spooled.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			kept := 0
			for _, r := range rec.Results {
				if r != nil {
					kept++
				}
			}
			if rec.Spool == nil || kept == 0 || kept+rec.Spool.Len() != 300 || rec.Sent() != 300 {
				t.Fatalf("%d results are in memory, %d were sent", kept, rec.Sent())
			}
			all := *rec
			all.Results, all.Spool = rec.Sliced(), nil
			if got, want := resultOf(t, rec, spooled), resultOf(t, &all, spooled); !bytes.Equal(got, want) {
				t.Errorf("from the disk\n%s\nfrom memory\n%s", got, want)
			}
		})
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left are %v, %v", left, err)
		}
	}
}

func resultOf(t *testing.T, rec *recording.Recording, b *bench.Bench) []byte {
	t.Helper()
	a, err := analysis.Detailed(rec, b.CountTokens)
	if err != nil || a.Summary.Completed != 300 {
		t.Fatal(err, a.Summary.Completed)
	}
	f := a.File(rec, true)
	f.Loadgen = a.Loadgen(rec)
	return f.Append(nil)
}

// TestNoDiskForRequests: requests that need a file where none can be made are an error before
// the run; results are kept in memory then.
func TestNoDiskForRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := simulated(t, 200_000, "--num-prompts", "200", "--random-output-len", "50") // which the requests fit into
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
		rec, err := b.Run(t.Context())
		if err != nil || rec.Spool == nil || rec.Sent() != 200 || !slices.ContainsFunc(rec.Notes, func(n recording.Note) bool { return n.Code == "results_in_memory" }) {
			t.Errorf("%v, %+v", err, rec)
		}
		s := *b.Settings()
		more := bench.New(bench.Options{Settings: s, BaseURL: "http://127.0.0.1:1", Memory: 1})
		defer more.Close()
		err = more.Connect(t.Context())
		if err == nil {
			err = more.Prepare(t.Context())
		}
		if err == nil {
			t.Error("requests in a directory that is not there")
		}
	})
}
