package benchtest

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/internal/result/resulttest"
	"loadgen/internal/trtsim"
)

// Outcome is what a benchmark brought.
type Outcome struct {
	Recording *recording.Recording
	Analysis  *analysis.Analysis
	// File is the result file, valid against the schema.
	File []byte
	// Notes are what the user would have been told during the run.
	Notes []recording.Note
}

// Failed reports whether no request of a run succeeded, which ends the program with an error.
func (o *Outcome) Failed() bool {
	return o.Analysis.Sent > 0 && o.Analysis.Summary.Completed == 0
}

// Run runs a benchmark and analyzes it. The error is that of a run that could not be made.
func Run(t testing.TB, s recording.Settings, env map[string]string, dial func(context.Context, string, string) (net.Conn, error)) (*Outcome, error) {
	t.Helper()
	return RunRank(t, s, bench.Ranks{}, env, dial)
}

// RunRank runs one rank of a benchmark.
func RunRank(t testing.TB, s recording.Settings, r bench.Ranks, env map[string]string, dial func(context.Context, string, string) (net.Conn, error)) (*Outcome, error) {
	t.Helper()
	out := &Outcome{}
	b := bench.New(bench.Options{Settings: s, Version: "test", Dial: dial, Ranks: r,
		Env:    func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		OnNote: func(n recording.Note) { out.Notes = append(out.Notes, n) }})
	defer b.Close()
	for _, step := range []func(context.Context) error{b.Connect, b.Prepare} {
		if err := step(t.Context()); err != nil {
			return nil, err
		}
	}
	var err error
	if out.Recording, err = b.Run(t.Context()); err != nil {
		return nil, err
	}
	if out.Analysis, err = analysis.Analyze(out.Recording, b.CountTokens); err != nil {
		return nil, err
	}
	file := out.Analysis.File(out.Recording, s.SaveDetailed)
	if !s.StrictJSON {
		file.Loadgen = out.Analysis.Loadgen(out.Recording)
	}
	out.File = file.Append(nil)
	resulttest.Validate(t, out.File)
	return out, nil
}

// Simulated runs a benchmark against a simulator in memory, of random token ids unless the
// arguments name another data set; the test is best one in virtual time.
func Simulated(t testing.TB, o trtsim.Options, args ...string) (*Outcome, error) {
	t.Helper()
	s := Settings(t, args)
	s.Model, s.Tokenizer, s.RandomIDs = new("m"), new("llama3"), true
	if !slices.Contains(args, "--dataset-name") {
		s.DatasetName = "random"
	}
	l := Listen()
	stop, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { trtsim.New(o).Serve(context.Background(), stop, l) })
	defer served.Wait()
	defer cancel()
	return Run(t, s, nil, l.Dial)
}

// Parsed is the result file as package result reads it.
func (o *Outcome) Parsed(t testing.TB) *result.File {
	t.Helper()
	f, err := result.Parse(o.File)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
