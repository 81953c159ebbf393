package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/load"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// Run makes the run: test request, warm-up, measured requests, with the profiler and
// the energy readings around them in the original's order. An interrupted run is a
// Recording, too, once the first measured request was sent.
func (b *Bench) Run(ctx context.Context) (*recording.Recording, error) {
	if err := b.testRequest(ctx); err != nil {
		return nil, err
	}
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	return b.measure(ctx)
}

// testRequest sends prompt 0 once, outside the measurement.
func (b *Bench) testRequest(ctx context.Context) error {
	if b.s.NoTestInput {
		b.stage(TestSkipped)
		return nil
	}
	b.stage(TestStarting)
	if b.test == nil {
		return wrong("num_prompts", "the data set holds no requests, so there is nothing to test the server with")
	}
	if err := b.client.CheckEndpoint(); err != nil {
		return err
	}
	for k, c := range b.servers.all {
		r, test := client.Result{Server: k}, b.test
		if k > 0 {
			test = c.Address(test)
		}
		b.wait("waiting for the answer to the test request", 0)
		c.Do(ctx, test, &r)
		b.wait("", 0)
		if err := stopped(ctx); err != nil {
			return err
		}
		if r.Err != nil {
			return &TestFailed{b.failure(&r, recording.Planned{PromptLen: b.test.PromptLen, OutputLen: b.test.OutputLen})}
		}
	}
	b.stage(TestCompleted)
	return nil
}

// measure sends the requests.
func (b *Bench) measure(ctx context.Context) (*recording.Recording, error) {
	// Without a test request the original dies of the missing prompt.
	profiling := b.s.Profile && b.test != nil
	if profiling {
		b.stage(ProfilerStarting)
		b.wait("waiting for the server's profiler to start", 0)
		started := b.client.StartProfile(ctx, b.test)
		if b.wait("", 0); started {
			b.stage(ProfilerStarted)
		}
	}
	b.stage(TrafficStarting)
	arrivals, err := b.Arrivals()
	if err != nil {
		return nil, err
	}
	if err := b.client.CheckEndpoint(); err != nil {
		return nil, err
	}
	rec := b.newRecording()
	server := b.newServerReader(ctx)
	rec.Before = b.energy(ctx)
	if b.o.CheckConnections != nil {
		if err := b.o.CheckConnections(b.atOnce()); err != nil {
			return nil, err
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent()))
	b.client.Stamping(ctx) // before the first connection is opened
	start, file, err := b.begin(ctx, rec)
	if err != nil {
		return nil, err
	}
	limit, err := b.s.FailureLimit()
	if err != nil {
		return nil, err
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	failures := &giveUp{limit: limit, planned: b.Requests(), stop: stop}
	k := &keeper{rec: rec, most: int64(b.o.Memory)}
	o := b.schedule(arrivals)
	o.OnDone = b.onDone(k, file, failures)
	if b.turns == nil { // later turns need the results of the earlier ones
		o.Result, k.spool = func(int) *client.Result { return new(client.Result) }, recording.NewSpool()
	}
	o = b.take(o)
	o.Start = start
	probing := b.send(sending, o, k, file)
	if err := errors.Join(k.done(), b.probesKept); err != nil {
		b.keep(recording.Note{Code: "results_in_memory", Text: fmt.Sprintf("results could not be written to a temporary file and were kept in memory: %v", err)})
	}
	b.noteFailures(ctx, failures)
	b.afterwards(ctx, rec, server, profiling, probing)
	if file != nil {
		if err := file.Close(rec); err != nil { // the result is not lost for it
			b.say(recording.Note{Code: "timeline_failed", Text: err.Error(), Hint: "save_timeline"})
		} else {
			b.say(recording.Note{Code: "timeline_written", Text: "wrote " + *b.s.SaveTimeline})
		}
	}
	return rec, nil
}

// begin waits until shortly before the start that all ranks have in common, where there is
// one, and begins the recording and its file, which is nil where none was asked for.
func (b *Bench) begin(ctx context.Context, rec *recording.Recording) (start time.Duration, file *recording.Writer, err error) {
	if start, rec.Rank, err = b.settleStart(ctx); err != nil {
		return 0, nil, err
	}
	if err := b.awaitStart(ctx, start); err != nil {
		return 0, nil, err
	}
	rec.Began, rec.Notes = b.o.Now(), b.notes
	if rec.Rank != nil {
		rec.Began = rec.Rank.Start // which is the same for all
	}
	if path := recording.Text(b.s.SaveTimeline); path != "" {
		if file, err = recording.Create(path, rec, b.s.Overwrite); err != nil {
			return 0, nil, wrong("save_timeline", err.Error())
		}
	}
	return start, file, nil
}

// newRecording is the recording of a run that has not begun.
func (b *Bench) newRecording() *recording.Recording {
	rec := &recording.Recording{
		Version: b.o.Version, Go: runtime.Version(), Machine: b.o.Machine,
		Settings:     b.Effective(),
		TokenizerID:  b.model,
		Prompts:      b.prompts,
		KernelStamps: b.o.KernelStamps && b.s.Timestamps == "auto" && strings.HasPrefix(b.o.BaseURL, "http:"),
		Planned:      b.planned,
		Notes:        b.notes,
		Template:     b.chat,
		Repeats:      cycles(b.s),
	}
	if b.shape != nil {
		rec.Stages = b.shape.stages
	}
	if !rec.Repeats {
		rec.Planned = b.planned[:b.total()]
		rec.Results = make([]*client.Result, len(rec.Planned))
	}
	if b.s.Tokenizer != nil {
		rec.TokenizerID = *b.s.Tokenizer
	}
	return rec
}

// onDone is what happens when a request is done, on its own goroutine.
func (b *Bench) onDone(k *keeper, file *recording.Writer, failures *giveUp) func(int, *client.Result) {
	return func(i int, r *client.Result) {
		if !cycles(b.s) {
			b.requests.release(i) // its timeline takes about as much
		}
		place := b.Place(i)
		k.keep(place, r)
		if file != nil {
			file.Add(place, r)
		}
		failures.count(r)
		if b.o.OnDone != nil {
			b.o.OnDone(i, r)
		}
	}
}

// send runs the load, and probes beside it, and observes the process meanwhile. It returns how
// long the last probes took after the load.
func (b *Bench) send(ctx context.Context, o load.Options, k *keeper, file *recording.Writer) (probing time.Duration) {
	rec := k.rec
	stop := func() health.Report { return health.Report{} }
	total := b.own()
	if b.o.OnStart != nil {
		b.o.OnStart(b.watch(&o))
	}
	if b.o.Observe != nil {
		stop = b.o.Observe(b.client.Now)
	}
	threads := b.client.Threads()
	stopGPU := b.observeGPU(ctx)
	stopProbes := b.sendProbes(ctx, o.Start, rec, file)
	var unread atomic.Pointer[error]
	out := load.Run(ctx, b.servers, total, func(i int) *client.Prepared {
		p, err := b.Request(i)
		if err != nil {
			unread.CompareAndSwap(nil, &err)
		}
		return b.cancelled(b.Place(i), p)
	}, o)
	rec.Start, rec.Interrupted = out.Start, out.Interrupted
	if rec.Repeats {
		rec.Repeat(b.extent(out.Planned))
	}
	before := b.client.Now()
	b.answered(k, before)
	b.awaitLoads(ctx, rec)
	b.probesKept = stopProbes()
	probing = b.client.Now() - before
	rec.Health = stop()
	rec.GPU = stopGPU()
	rec.Health.Reads, rec.Health.Reactors = delays(b.client.ReadDelays()), reactors(threads, b.client.Threads())
	rec.Health.Stamping = stampingOf(context.WithoutCancel(ctx), b.client)
	if b.o.OnEnd != nil {
		b.o.OnEnd()
	}
	if err := unread.Load(); err != nil {
		b.keep(recording.Note{Code: "requests_not_sent", Text: fmt.Sprintf("%d requests were not sent: %v", out.Planned-out.Sent, *err)})
		return probing
	}
	b.noteUnsent(&out)
	return probing
}

// watch is what can be seen of a load.
func (b *Bench) watch(o *load.Options) Watch {
	w := Watch{Planned: b.own(), Most: o.Until, End: o.End}
	if w.Planned == load.Unlimited {
		w.Planned = 0
	}
	_, before := b.servers.counts()
	w.UnderWay = func() (requests, chunks int64) {
		requests, chunks = b.servers.counts()
		return requests, chunks - before
	}
	var queue atomic.Pointer[func() int] // of the run, once it has one
	o.OnQueue = func(waiting func() int) { queue.Store(&waiting) }
	w.Queued = func() int {
		if waiting := queue.Load(); waiting != nil {
			return (*waiting)()
		}
		return 0
	}
	return w
}

// noteUnsent notes requests that were planned and not sent, and prompts that were sent again.
func (b *Bench) noteUnsent(out *load.Outcome) {
	missing, prompts := out.Planned-out.Sent, b.requests.len()
	switch {
	case missing == 0 || out.Interrupted:
	case b.turns == nil:
		b.keep(recording.Note{Code: "requests_not_sent", Text: fmt.Sprintf("%d requests were due and were not sent: no slot was free for them before the end of the run", missing)})
	case b.s.Timed():
		b.keep(recording.Note{Code: "turns_not_sent", Text: fmt.Sprintf("%d turns were not sent, since the run was over or an earlier turn of their conversation failed", missing)})
	default:
		b.keep(recording.Note{Code: "turns_not_sent", Text: fmt.Sprintf("%d turns were not sent, since an earlier turn of their conversation failed", missing)})
	}
	sent := out.Sent
	if !b.o.Ranks.Alone() { // by all ranks, at least
		sent = b.extent(out.Planned)
	}
	if cycles(b.s) && sent > prompts {
		b.keep(recording.Note{Code: "prompts_repeated", Hint: "distinct_prompts",
			Text: fmt.Sprintf("%d requests were sent with %d prompts, each again after the last: a server may have had them in its prefix cache", out.Sent, prompts)})
	}
}

// afterwards ends what was begun on the server, even after an interrupt, and asks it for
// what it knows.
func (b *Bench) afterwards(ctx context.Context, rec *recording.Recording, server *serverReader, profiling bool, probing time.Duration) {
	limit := time.Hour
	if rec.Interrupted {
		limit = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if profiling {
		b.stage(ProfilerStopping)
		b.wait("waiting for the server's profiler to stop", 0)
		ended := b.client.StopProfile(ctx, b.test)
		if b.wait("", 0); ended {
			b.stage(ProfilerStopped)
		}
	}
	rec.Elapsed = b.client.Now() - rec.Start - probing
	if rec.Before != nil || !rec.Interrupted { // one that had no meter is not worth a wait
		rec.After = b.energy(ctx)
	}
	rec.Ended = b.o.Now()
	server.read(ctx, rec)
	rec.Notes = b.notes
}

// energy reads the server's meter. Of several servers one meter is not all.
func (b *Bench) energy(ctx context.Context) *client.EnergyReading {
	if len(b.servers.all) > 1 {
		return nil
	}
	return b.client.Energy(ctx)
}

// atOnce is the number of connections that may be open together, where that is
// known: with a request rate it depends on the server.
func (b *Bench) atOnce() int {
	n := b.own()
	if b.shape != nil && b.shape.Slots != nil {
		most := 0
		for _, step := range b.shape.Slots {
			most = max(most, b.o.Ranks.Share(step.Slots))
		}
		return min(n, most)
	}
	for i := 0; b.turns != nil && i < n; i++ {
		if b.Turn(i).Number > 0 { // it waits for another
			n--
		}
	}
	if c := b.o.Ranks.Share(b.s.Concurrency()); c > 0 {
		n = min(n, c)
	} else if b.openLoop() || b.recorded != nil || b.shape != nil {
		return 0
	}
	return n
}

// LeanGC is the garbage collector's setting before and after the measured run, so that
// neither takes much more memory than the run itself.
const LeanGC = 25

// gcPercent collects the garbage of the preparation, and returns the setting that
// keeps the collector away from the run: until the heap is eleven times what is
// alive, or 128 MiB more than that.
func gcPercent() int {
	const most, growth = 1000, 128 << 20
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(max(LeanGC, min(most, growth*100/max(m.HeapAlloc, 1))))
}

// stampingOf is how the client came to its stamps, nil where there was nothing to choose.
func stampingOf(ctx context.Context, c *client.Client) *health.Stamping {
	s := c.Stamping(ctx)
	if !s.Captured && !s.Measured {
		return nil
	}
	out := &health.Stamping{WakeDelay: -1}
	if s.Measured {
		out.WakeDelay = s.WakeDelay
	}
	if s.Refused != nil {
		out.Refused = s.Refused.Error()
	}
	if n := s.Packets; s.Captured {
		out.Packets = &health.Packets{
			Captured: n.Captured, Lost: n.Lost, Connections: n.Connections, Unfollowed: n.Unfollowed,
			Stamped: n.Stamped, Unstamped: n.Unstamped, Compared: n.Compared, Differing: n.Differing, Largest: n.Largest,
		}
	}
	return out
}
