package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/load"
	"loadgen/pkg/client"
	"loadgen/pkg/report"
)

// runBenchmark is the main job: plan, test request, measured run, report. It
// returns the exit code.
func runBenchmark(ctx context.Context, cfg *config, s streams) int {
	ctx, stop := withSignals(ctx, s.err)
	defer stop()
	err := (&plan{cfg: cfg, s: s, now: time.Now}).run(ctx)
	if code := interruptCode(ctx); code != 0 {
		if err != nil && !errors.Is(err, errTold) && !errors.As(err, new(interrupted)) {
			exitCode(err, s.err)
		}
		return code
	}
	return exitCode(err, s.err)
}

// errTold is the error of a run whose failure has been told in full already.
var errTold = errors.New("failed")

func (p *plan) run(ctx context.Context) error {
	defer p.close()
	defer debug.SetGCPercent(debug.SetGCPercent(thrift))
	if err := p.settle(ctx); err != nil || p.cfg.DryRun {
		return err
	}
	if err := p.testRequest(ctx); err != nil {
		return err
	}
	if err := p.warmUp(ctx); err != nil {
		return err
	}
	if p.cfg.ServerMetrics {
		_, _ = p.client.ServerMetrics(ctx, 0) // what is there is not the run's
	}
	m, err := p.measure(ctx)
	if err != nil {
		return err
	}
	return p.report(ctx, m)
}

// thrift has the collector run more often than usual before and after the measured
// run, so that neither takes much more memory than the run itself.
const thrift = 25

// testRequest sends prompt 0 once, outside the measurement.
func (p *plan) testRequest(ctx context.Context) error {
	if p.cfg.NoTestInput {
		fmt.Fprintln(p.s.out, report.SkippingTest)
		return nil
	}
	fmt.Fprintln(p.s.out, report.StartingTest)
	if p.test == nil {
		return errors.New("the data set holds no requests, so there is nothing to test the server with (--num-prompts)")
	}
	if err := p.client.CheckEndpoint(); err != nil {
		return err
	}
	var r client.Result
	p.client.Do(ctx, p.test, &r)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.Err != nil {
		return p.testFailed(&r)
	}
	fmt.Fprintln(p.s.out, report.TestCompleted)
	return nil
}

// testFailed words the failure of the test request as the original does, with
// the server's own words and what to do about them.
func (p *plan) testFailed(r *client.Result) error {
	text := "Initial test run failed - Please make sure benchmark arguments are correctly specified. Error: " + printable(r.Err.Message)
	if len(r.Body) > 0 {
		text += fmt.Sprintf("\nthe server says (%d): %s", r.Status, printable(strings.TrimSpace(string(r.Body[:min(len(r.Body), 2000)]))))
	}
	switch {
	case r.Status == 401 || r.Status == 403:
		text += "\nhint: the environment's OPENAI_API_KEY is sent as the bearer token, --header sends another; --body-patch changes the body"
	case 400 <= r.Status && r.Status < 500:
		text += "\nhint: a server other than trtllm-serve may reject a field of the body: --body-patch '{\"FIELD\": null}' leaves FIELD out"
	case r.Status == 0:
		text += fmt.Sprintf("\nhint: the server was asked at %s: --host, --port or --base-url name another, --wait-ready SECONDS waits for one that is loading", withoutPassword(p.baseURL))
	}
	return errors.New(text)
}

// printable replaces what a terminal cannot show.
func printable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// atOnce is the number of connections that may be open together, where that is
// known: with a request rate it depends on the server.
func (p *plan) atOnce() int {
	n := len(p.requests)
	if c := p.cfg.concurrency(); c > 0 {
		n = min(n, c)
	} else if !math.IsInf(p.cfg.RequestRate, 1) {
		return 0
	}
	return n
}

// gcPercent collects the garbage of the preparation, and returns the setting that
// keeps the collector away from the run: until the heap is eleven times what is
// alive, or 128 MiB more than that.
func gcPercent() int {
	const most, growth = 1000, 128 << 20
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(max(thrift, min(most, growth*100/max(m.HeapAlloc, 1))))
}

// watch observes the process until it is called again. In virtual time, where
// connections are in memory, there is nothing to observe.
func (p *plan) watch() func() health.Report {
	if p.dial != nil {
		return func() health.Report { return health.Report{} }
	}
	return health.Start(p.client.Now).Stop
}

// measured is what a run brought.
type measured struct {
	load.Outcome
	began         time.Time // when the run began, on the calendar
	ended         time.Time // and when it was over
	elapsed       time.Duration
	health        health.Report // from the first start to the join
	before, after *client.EnergyReading
	server        *client.ServerMetrics // nil unless asked for and given
}

// sent are the results of the requests that were sent.
func (m *measured) sent() (out []*client.Result) {
	for i := range m.Results {
		if m.Sent[i] {
			out = append(out, &m.Results[i])
		}
	}
	return out
}

// measure sends the requests, with the profiler and the energy readings around
// them in the original's order.
func (p *plan) measure(ctx context.Context) (*measured, error) {
	// Without a test request the original dies of the missing prompt.
	profiling := p.cfg.Profile && p.test != nil
	if profiling {
		fmt.Fprintln(p.s.out, report.StartingProfiler)
		if p.client.StartProfile(ctx, p.test) {
			fmt.Fprintln(p.s.out, report.ProfilerStarted)
		}
	}
	report.Traffic(p.s.out, p.cfg.RequestRate, p.cfg.Burstiness, p.cfg.MaxConcurrency)
	if err := p.cfg.checkAfterTest(); err != nil {
		return nil, err
	}
	if err := p.client.CheckEndpoint(); err != nil {
		return nil, err
	}
	p.schedule()
	m := &measured{before: p.client.Energy(ctx)}
	o := load.Options{Due: p.due, End: p.end, Concurrency: p.cfg.concurrency()}
	if p.dial == nil {
		if err := checkConnections(p.atOnce()); err != nil {
			return nil, err
		}
	}
	if err := p.beginTimeline(); err != nil {
		return nil, err
	}
	count, finish := func(int, *client.Result) {}, func() {}
	if !p.cfg.DisableTqdm {
		bar := startProgress(p.s.err, len(p.requests))
		count, finish = bar.count, bar.finish
	}
	o.OnDone = func(i int, r *client.Result) {
		p.requests[i].Release() // its timeline takes about as much
		p.keepTimeline(i, r)
		count(i, r)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent()))
	m.began = p.now()
	watch := p.watch()
	m.Outcome = load.Run(ctx, p.client, p.requests, o)
	m.health = watch()
	m.health.Reads = readDelays(p.client)
	finish()
	// What was begun on the server is ended even after an interrupt.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	if m.Interrupted {
		after, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	}
	defer cancel()
	if profiling {
		fmt.Fprintln(p.s.out, report.StoppingProfiler)
		if p.client.StopProfile(after, p.test) {
			fmt.Fprintln(p.s.out, report.ProfilerStopped)
		}
	}
	m.elapsed = p.client.Now() - m.Start
	if m.before != nil || !m.Interrupted { // one that had no meter is not worth a wait
		m.after = p.client.Energy(after)
	}
	m.ended = p.now()
	if p.cfg.ServerMetrics {
		var err error
		if m.server, err = p.client.ServerMetrics(after, len(p.requests)); err != nil {
			p.remark("no_server_metrics", "the server's own times cannot be read: %v", err)
		} else if len(m.server.Requests) == 0 {
			p.remark("no_server_metrics", "the server keeps no times of its requests: return_perf_metrics and perf_metrics_max_requests in its YAML turn them on")
		}
	}
	return m, nil
}
