// Package selftest compares what loadgen reports with what a simulated server knows. It
// takes a load and a way to start the simulator, runs the benchmark against it, and gives
// a table: the report's own statistics minus the truth, and the stated bounds. The truth
// has formulas of its own; the package never shares those of the report.
package selftest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/fetch"
	"loadgen/internal/recording"
	"loadgen/pkg/metrics"
)

// Options say what is tested.
type Options struct {
	// Bench is what a run of this program is made with; settings and callbacks are the
	// self-test's.
	Bench bench.Options
	// Load are the settings whose load is tested; see Load.
	Load recording.Settings
	// Profile names the simulated engine's timing.
	Profile string
	// Quick leaves out the search for the machine's ceiling.
	Quick bool
	// Simulator starts a simulator whose engine runs so many times as fast.
	Simulator func(ctx context.Context, profile string, speed float64) (url string, stop func() error, err error)
}

// Load are settings with the load of others, and of nothing else: random ids of the
// built-in tokenizer, generated to their full length and streamed, with no files.
func Load(from *recording.Settings) recording.Settings {
	s := recording.Defaults()
	tokenizer := "llama3"
	s.Tokenizer, s.DatasetName, s.RandomIDs, s.IgnoreEOS = &tokenizer, "random", true, true

	s.Backend, s.MaxConcurrency, s.NumPrompts = from.Backend, from.MaxConcurrency, from.NumPrompts
	s.RequestRate, s.Burstiness, s.Seed = from.RequestRate, from.Burstiness, from.Seed
	s.RandomInputLen, s.RandomOutputLen = from.RandomInputLen, from.RandomOutputLen
	s.RandomRangeRatio, s.RandomPrefixLen = from.RandomRangeRatio, from.RandomPrefixLen
	s.TokenizeOnClient, s.ContinuousUsage = from.TokenizeOnClient, from.ContinuousUsage
	s.KeepAlive, s.Timestamps, s.Transport, s.Reactors = from.KeepAlive, from.Timestamps, from.Transport, from.Reactors
	s.Timeout, s.IdleTimeout = from.Timeout, from.IdleTimeout
	return s
}

// Run compares a run with its truth, and looks for the machine's ceiling.
func Run(ctx context.Context, o Options) (*Table, error) {
	s := Load(&o.Load)
	r, err := against(ctx, &o, o.Profile, 1, s)
	if err != nil {
		return nil, err
	}
	t := &Table{Concurrency: s.Concurrency(), Requests: len(r.rec.Planned), Input: s.RandomInputLen, Output: s.RandomOutputLen, Rate: s.Rate(),
		Errors: r.errors, Verdict: string(r.analysis.Verdict.Level), Causes: r.analysis.Verdict.Causes()}
	h := &r.rec.Health
	t.CPUPerEvent = (h.User + h.System).Seconds() / float64(max(r.analysis.Counts.Events, 1))
	if o.Quick {
		return t, nil
	}
	return t, ceiling(ctx, &o, s, t)
}

// Concurrency in the search for the machine's ceiling, and what counts as reached.
const (
	ceilingFrom  = 250
	ceilingTo    = 8000
	ceilingError = 2e-3 // of mean TTFT, and of p99 ITL, in seconds
)

// ceiling finds how many streams at once, events and requests a second there can
// be, the simulator taking its share of the machine.
func ceiling(ctx context.Context, o *Options, s recording.Settings, t *Table) error {
	probe := func(concurrency, requests, in, out int, speed float64) (*run, error) {
		s := s
		s.MaxConcurrency, s.NumPrompts, s.RandomInputLen, s.RandomOutputLen = &concurrency, requests, in, out
		s.RandomRangeRatio, s.RandomPrefixLen, s.RequestRate = 0, 0, math.Inf(1)
		return against(ctx, o, "ideal", speed, s)
	}
	flood, err := probe(64, 400, 16, 200, 1e4)
	if err != nil {
		return err
	}
	t.EventsPerSecond = float64(flood.analysis.Counts.Events) / flood.rec.Elapsed.Seconds()
	short, err := probe(64, 4000, 16, 1, 1e4)
	if err != nil {
		return err
	}
	t.RequestsPerSecond = float64(short.analysis.Sent) / short.rec.Elapsed.Seconds()
	for n := ceilingFrom; n <= ceilingTo; n *= 2 {
		r, err := probe(n, n, 16, 32, 1)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil { // out of files or ports: that is the ceiling
			break
		}
		if math.Abs(r.errors.Minus[metrics.TTFT].Mean) > ceilingError || math.Abs(r.errors.Minus[metrics.ITL].P99) > ceilingError {
			break
		}
		t.Streams, t.Capped = n, n == ceilingTo
	}
	return nil
}

// run is a run against the simulator, and how far its report is from the truth.
type run struct {
	rec      *recording.Recording
	analysis *analysis.Analysis
	errors   Errors
}

// against runs a load against a new simulator.
func against(ctx context.Context, o *Options, profile string, speed float64, s recording.Settings) (*run, error) {
	url, stop, err := o.Simulator(ctx, profile, speed)
	if err != nil {
		return nil, err
	}
	defer stop()
	options := o.Bench
	options.Settings, options.BaseURL = s, url
	options.OnStage, options.OnNote, options.OnStart, options.OnDone, options.OnEnd = nil, nil, nil, nil, nil
	b := bench.New(options)
	defer b.Close()
	for _, step := range []func(context.Context) error{b.Connect, b.Prepare} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	r := &run{}
	if r.rec, err = b.Run(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r.analysis, err = analysis.Analyze(r.rec, b.CountTokens); err != nil {
		return nil, err
	}
	for _, q := range r.rec.All() {
		if q.Err != nil {
			return nil, fmt.Errorf("a request of the self-test failed: %w", q.Err)
		}
	}
	truth, err := askTruth(ctx, url, r.analysis.Sent)
	if err != nil {
		return nil, err
	}
	r.errors, err = Compare(r.analysis, Truth(truth, s.Chat()))
	return r, err
}

// mostTruth bounds the simulator's account of a run, in bytes.
const mostTruth = 1 << 30

// askTruth asks the simulator for what really happened to the last n requests.
func askTruth(ctx context.Context, url string, n int) (all []Served, err error) {
	client := fetch.New(fetch.Options{Timeout: time.Minute})
	defer client.Close()
	answer, body, err := client.Text(ctx, fetch.Request{URL: fmt.Sprintf("%s/sim/truth?last=%d", url, n), Most: mostTruth})
	if err == nil && answer.Status != 200 {
		err = fmt.Errorf("it answers %v", answer)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask the simulator for the truth: %w", err)
	}
	var v struct {
		Each []struct {
			Read   float64   `json:"read_s"`
			Events []float64 `json:"events_s"`
			Tokens int
		}
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("the simulator's truth cannot be read: %w", err)
	}
	if len(v.Each) != n {
		return nil, fmt.Errorf("the simulator knows of %d requests, and %d were sent", len(v.Each), n)
	}
	instant := func(seconds float64) time.Duration { return time.Duration(math.Round(seconds * 1e9)) }
	for _, one := range v.Each {
		q := Served{Read: instant(one.Read), Tokens: one.Tokens}
		for _, at := range one.Events {
			q.Events = append(q.Events, instant(at))
		}
		all = append(all, q)
	}
	return all, nil
}
