package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/gpu"
	gpuobserve "loadgen/internal/gpu/observe"
	"loadgen/internal/health"
	"loadgen/internal/health/observe"
	"loadgen/internal/plain"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/internal/wire"
	"loadgen/pkg/dataset"
	"loadgen/pkg/report"
)

// system is what a benchmark uses of the machine that it runs on.
type system struct {
	now              func() time.Time // the calendar's, for dates and names
	dial             wire.DialFunc    // nil for the system's
	hub              time.Duration    // see bench.Options
	kernelStamps     bool
	utc              func(ctx context.Context) ranks.Clock // what keeps this host's clock; nil asks nothing
	observe          func(now func() time.Duration) observer
	observeGPU       func(ctx context.Context, source string, now func() time.Duration) (stop func() (*gpu.Report, error))
	checkConnections func(atOnce int) error
}

// thisSystem is the real one.
func thisSystem() system {
	return system{
		now:              time.Now,
		hub:              5 * time.Second, // a machine without a network is to know soon
		kernelStamps:     wire.KernelStampsSupported,
		utc:              askUTC,
		observe:          func(now func() time.Duration) observer { return observe.Start(now) },
		observeGPU:       gpuobserve.Start,
		checkConnections: checkConnections,
	}
}

// options are a benchmark's on this system, without its settings and callbacks.
func (y system) options(s streams) bench.Options {
	o := bench.Options{Env: s.lookup, Version: versionText(), Machine: machine(), Now: y.now, Dial: y.dial, KernelStamps: y.kernelStamps,
		Hub: y.hub, ObserveGPU: y.observeGPU, CheckConnections: y.checkConnections}
	if y.observe != nil {
		o.Observe = func(now func() time.Duration) func() health.Report { return y.observe(now).Stop }
	}
	return o
}

// benchmark is a command line that is carried out.
type benchmark struct {
	cfg     *config
	s       streams
	system  system
	server  func() *result.Server // what is known of the server after the run, nil where it is not asked
	held    []func()              // to be released when all is over
	ranks   bench.Ranks           // which part of a run this is
	object  io.Writer             // standard output, where it gets the result and not the text
	model   string                // its name, once it is known
	metrics *metricsServer        // nil where Prometheus is not served
	hdr     *report.HDR           // of a run that is over
	saved   string                // the result's file, once it is written

	prepared  atomic.Bool                         // the run begins
	measuring atomic.Bool                         // its requests are sent, those of the test and of the warm-up before
	finished  atomic.Pointer[recording.Recording] // of a run that is over, its result not yet saved
	saving    atomic.Bool                         // the result is being written
	timeline  atomic.Pointer[string]              // the whole timeline file, once there is one
	rescues   sync.WaitGroup                      // of keepTimelines
}

// runBenchmark is the main job. It returns the exit code.
func runBenchmark(ctx context.Context, cfg *config, s streams) int {
	limitMemory(s.env)
	m := &benchmark{cfg: cfg, s: s, system: thisSystem()}
	ctx, stop := withSignals(ctx, s.err, m)
	defer m.rescues.Wait()
	defer stop()
	defer jobControl(statusOf(s.err))()
	over := make(chan struct{})
	defer close(over)
	defer context.AfterFunc(ctx, func() { m.leave(ctx, over) })()
	err := m.run(ctx)
	if code := interruptCode(ctx); code != 0 {
		if err != nil && !errors.Is(err, errReported) && !errors.As(err, new(interrupted)) {
			exitCode(err, s.err)
		}
		return code
	}
	return exitCode(err, s.err)
}

// prepareGrace is how long preparations have to react to a signal.
const prepareGrace = time.Second

// leave ends the process if a signal came before the run, and what reads a file or computes
// does not react to it: there is nothing to save yet.
func (m *benchmark) leave(ctx context.Context, over <-chan struct{}) {
	select {
	case <-over:
	case <-time.After(prepareGrace):
		if code := interruptCode(ctx); code != 0 && !m.prepared.Load() {
			exit(m.s.err, code)
		}
	}
}

// errReported is the error of a run whose failure has been reported in full already.
var errReported = errors.New("failed")

// log writes a line on stderr, where that is a terminal in lines that fit it.
func (m *benchmark) log(format string, args ...any) {
	text := "loadgen: " + plain.Line(fmt.Sprintf(format, args...))
	if st := statusOf(m.s.err); st != nil && st.width != nil {
		text = strings.Join(m.lines(text), "\n")
	}
	fmt.Fprintln(m.s.err, text)
}

// computeGC is the garbage collector's setting while the result of a run is computed that has
// more results than are kept in memory: it collects when there are 16 MiB of garbage, or a
// twentieth of what is alive then.
func computeGC(requests int) int {
	const least, garbage, each = 5, 16 << 20, 256 // bytes that are kept of a request, or more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return max(least, garbage*100/(int(m.HeapAlloc)+each*requests))
}

// run prepares the benchmark, runs it and reports it.
func (m *benchmark) run(ctx context.Context) (err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(bench.LeanGC))
	if m.cfg.objectWanted() {
		m.object, m.s.out = m.s.out, m.s.err
	}
	defer func() { m.leaveBarrier(err) }()
	defer func() {
		for _, release := range m.held {
			release()
		}
	}()
	if err := m.settle(ctx); err != nil {
		return err
	}
	if err := m.serveMetrics(); err != nil {
		return err
	}
	o, stop, err := m.options(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err := stop(); err != nil {
			m.log("the simulator did not stop cleanly: %v", err)
		}
	}()
	b := bench.New(o)
	defer b.Close()
	err = beforeSending(b.Connect(ctx))
	if m.cfg.DryRun { // before anything else can fail
		m.printSettings(b)
	}
	if err != nil {
		return err
	}
	if err := m.prepare(ctx, b); err != nil {
		return err
	}
	if m.cfg.DryRun {
		return m.printRequests(b)
	}
	if m.cfg.Model == nil { // the result's name has it
		if err := m.proveResult(b.Model()); err != nil {
			return err
		}
	}
	m.model = b.Model()
	defer m.openTerminal()()
	m.prepared.Store(true)
	rec, err := b.Run(ctx)
	if err != nil {
		return err
	}
	defer m.finishing(rec)()
	a, err := m.analyze(rec, b)
	if err != nil {
		return err
	}
	return m.report(ctx, b, rec, a)
}

// prepare makes the requests.
func (m *benchmark) prepare(ctx context.Context, b *bench.Bench) error {
	defer awaitPipe(m.s.err, recording.Text(m.cfg.DatasetPath))()
	return beforeSending(b.Prepare(ctx))
}

// beforeSending is an error of what is done before anything is sent: where a setting or a data
// set is wrong, it is one of usage.
func beforeSending(err error) error {
	bad := (*dataset.Error)(nil)
	if errors.As(err, &bad) && bad.Kind != dataset.Unreadable && bad.Kind != dataset.TooSlow || errors.As(err, new(*recording.SettingError)) {
		return usageError{err}
	}
	return err
}

// settle settles what is to be done, before anything is started or sent, with the other ranks
// of the run, where there are any.
func (m *benchmark) settle(ctx context.Context) error {
	note, err := m.cfg.findRank(m.s)
	if err != nil {
		return usageError{err}
	}
	assumed := m.cfg.assume()
	for _, note := range strayVariables(m.s.environ, newApp(ctx, m.s).Commands) {
		m.log("%s", note)
	}
	if err := cmp.Or(m.cfg.checkValues(m.s), m.cfg.checkRank(), m.cfg.checkStart(m.system.now())); err != nil {
		return usageError{err}
	}
	m.cfg.rankFiles()
	if err := m.checkResult(); err != nil {
		return usageError{err}
	}
	for _, line := range assumed {
		for _, part := range m.lines("loadgen: " + plain.Line(line)) {
			fmt.Fprintln(m.s.err, part)
		}
	}
	if line := m.cfg.noEffect(); line != "" && m.cfg.part.Index == 0 {
		m.log("%s", line)
	}
	for _, line := range m.cfg.rankLines(note) {
		m.log("%s", line)
	}
	return m.join(ctx)
}

// analyze computes the result, and says so where that takes long.
func (m *benchmark) analyze(rec *recording.Recording, b *bench.Bench) (*analysis.Analysis, error) {
	debug.FreeOSMemory() // the run's garbage is room for what is computed, and less is enough
	if rec.Spool != nil {
		debug.SetGCPercent(computeGC(rec.Sent()))
	}
	computed := waiting(m.s, fmt.Sprintf("computing the result of %d requests", len(rec.Planned)))
	var values []analysis.TakeValues
	if m.cfg.fileWanted() {
		m.hdr = report.NewHDR(rec.Began)
		values = append(values, m.hdr.Add)
	}
	a, err := analysis.Analyze(rec, b.CountTokens, values...)
	computed()
	if err == nil {
		withHints(a)
	}
	return a, err
}

// options are the benchmark's; the simulator is started if asked for.
func (m *benchmark) options(ctx context.Context) (o bench.Options, stop func() error, err error) {
	o, stop = m.system.options(m.s), func() error { return nil }
	o.Settings, o.Ranks = m.cfg.Settings, m.ranks
	switch {
	case m.cfg.Sim != nil && m.cfg.DryRun:
		o.BaseURL = "http://127.0.0.1:8000" // nothing is started in a dry run
	case m.cfg.Sim != nil:
		if o.BaseURL, stop, err = startSim(ctx, *m.cfg.Sim, m.s.err); err != nil {
			return o, nil, err
		}
	}
	o.OnNote = func(n recording.Note) {
		m.noteTimeline(n)
		if j := asJSONLog(m.s.err); j != nil {
			j.note(n.Code, n.Text+hints[n.Hint])
			return
		}
		m.log("%s%s", n.Text, hints[n.Hint])
	}
	o.OnStage, o.OnAnswered = m.stage, m.answered
	w := &waits{to: m.s.status()}
	o.OnWait = w.on
	o.OnDownload = (&downloads{log: m.log, waits: w}).show
	m.watch(&o)
	return o, stop, nil
}

// stage prints what the original prints at a stage of the run.
func (m *benchmark) stage(s bench.Stage) {
	switch s {
	case bench.TestSkipped:
		fmt.Fprintln(m.s.out, report.SkippingTest)
	case bench.TestStarting:
		fmt.Fprintln(m.s.out, report.StartingTest)
	case bench.TestCompleted:
		fmt.Fprintln(m.s.out, report.TestCompleted)
	case bench.ProfilerStarting:
		fmt.Fprintln(m.s.out, report.StartingProfiler)
	case bench.ProfilerStarted:
		fmt.Fprintln(m.s.out, report.ProfilerStarted)
	case bench.TrafficStarting:
		m.measuring.Store(true)
		report.Traffic(m.s.out, m.cfg.RequestRate, m.cfg.Burstiness, m.cfg.MaxConcurrency)
	case bench.ProfilerStopping:
		fmt.Fprintln(m.s.out, report.StoppingProfiler)
	case bench.ProfilerStopped:
		fmt.Fprintln(m.s.out, report.ProfilerStopped)
	}
}
