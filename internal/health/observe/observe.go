// Package observe watches a process and its machine during a run and gives a
// health.Report. It reads the clock, runtime/metrics and Linux's /proc and /sys; it
// judges nothing.
package observe

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"loadgen/internal/health"
)

const (
	period    = 10 * time.Millisecond
	stallFrom = 5 * time.Millisecond
	stepFrom  = time.Millisecond
)

// Recorder observes a run.
type Recorder struct {
	now           func() time.Duration
	before        counters
	stop, stopped chan struct{}

	mu     sync.Mutex
	ticks  []time.Duration
	stalls []health.Stall
	steps  []health.Step
	offset time.Duration // of the wall clock, seen last
}

// Start begins to observe; now reads the run's clock. Stop must be called.
func Start(now func() time.Duration) *Recorder {
	r := &Recorder{now: now, stop: make(chan struct{}), stopped: make(chan struct{})}
	r.before = readCounters()
	r.offset = wallOffset()
	go r.run()
	return r
}

func (r *Recorder) run() {
	defer close(r.stopped)
	timer := time.NewTimer(period)
	defer timer.Stop()
	for due := r.now() + period; ; {
		over := false
		select {
		case <-timer.C:
		case <-r.stop:
			over = true
		}
		at := r.now()
		if over && at < due {
			return
		}
		r.mu.Lock()
		r.tick(due, at)
		r.observe(at, wallOffset)
		r.mu.Unlock()
		if over {
			return
		}
		due = r.now() + period
		timer.Reset(period)
	}
}

// tick notes a timer that was due and came at the given time.
func (r *Recorder) tick(due, at time.Duration) {
	late := max(at-due, 0)
	r.ticks = append(r.ticks, late)
	if late >= stallFrom {
		r.stalls = append(r.stalls, health.Stall{Since: due - period, From: due, To: at})
	}
}

// observe notes a step of the wall clock. One reading can be torn by a pause
// between its two clocks, so that a step must show more than once.
func (r *Recorder) observe(at time.Duration, offset func() time.Duration) {
	now := offset()
	for range 3 {
		if (now - r.offset).Abs() < stepFrom {
			break
		}
		if again := offset(); (again - r.offset).Abs() < (now - r.offset).Abs() {
			now = again
		}
	}
	if by := now - r.offset; by.Abs() >= stepFrom {
		r.steps = append(r.steps, health.Step{At: at, By: by})
	}
	r.offset = now
}

var origin = time.Now()

// wallOffset is the wall clock's reading minus the monotonic clock's.
func wallOffset() time.Duration {
	now := time.Now()
	return time.Duration(now.UnixNano()) - now.Sub(origin)
}

// SoFar is what has been observed, without the lateness of timers. It is safe to call while
// the observation goes on.
func (r *Recorder) SoFar() health.Report {
	now := readCounters()
	out := now.since(&r.before)
	r.mu.Lock()
	defer r.mu.Unlock()
	out.Stalls, out.Steps = slices.Clone(r.stalls), slices.Clone(r.steps)
	return out
}

// Stop ends the observation.
func (r *Recorder) Stop() health.Report {
	close(r.stop)
	<-r.stopped
	after := readCounters()
	out := after.since(&r.before)
	out.Ticks, out.Stalls, out.Steps = health.NewDist(r.ticks), r.stalls, r.steps
	return out
}

// counters are readings whose differences make a report.
type counters struct {
	at             time.Time
	user, system   time.Duration
	machine        machineTime
	throttled      throttling
	gc, scheduling *metrics.Float64Histogram
}

func readCounters() counters {
	c := counters{at: time.Now(), machine: readMachine(), throttled: readThrottling()}
	c.user, c.system = cpuTime()
	samples := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}, {Name: "/sched/latencies:seconds"}}
	metrics.Read(samples)
	c.gc, c.scheduling = histogram(samples[0]), histogram(samples[1])
	return c
}

func histogram(s metrics.Sample) *metrics.Float64Histogram {
	if s.Value.Kind() != metrics.KindFloat64Histogram {
		return &metrics.Float64Histogram{}
	}
	h := s.Value.Float64Histogram()
	return &metrics.Float64Histogram{Counts: slices.Clone(h.Counts), Buckets: h.Buckets}
}

func (c *counters) since(before *counters) health.Report {
	r := health.Report{
		Wall: c.at.Sub(before.at), User: c.user - before.user, System: c.system - before.system, Cores: runtime.GOMAXPROCS(0),
		GCPauses: difference(before.gc, c.gc), Scheduler: difference(before.scheduling, c.scheduling), Clock: clockSource(),
	}
	if all := c.machine.all - before.machine.all; all > 0 {
		r.Machine = &health.Machine{Busy: 1 - float64(c.machine.idle-before.machine.idle)/float64(all), Steal: float64(c.machine.steal-before.machine.steal) / float64(all)}
	}
	if c.throttled.cores > 0 {
		r.Cgroup = &health.Cgroup{
			Cores:     c.throttled.cores,
			Throttled: c.throttled.stopped - before.throttled.stopped,
			Periods:   c.throttled.periods - before.throttled.periods,
		}
	}
	return r
}

// difference sums up what a histogram has gained; values are the upper ends of
// their buckets.
func difference(before, after *metrics.Float64Histogram) (d health.Dist) {
	counts := slices.Clone(after.Counts)
	for i := range min(len(counts), len(before.Counts)) {
		counts[i] -= before.Counts[i]
	}
	var n uint64
	for _, c := range counts {
		n += c
	}
	upper := func(i int) time.Duration {
		end := after.Buckets[i+1]
		if math.IsInf(end, 1) {
			end = after.Buckets[i]
		}
		return time.Duration(end * 1e9)
	}
	d.Count = int(n)
	var seen uint64
	for i, c := range counts {
		if c == 0 {
			continue
		}
		if before := seen; before*2 < n && (before+c)*2 >= n {
			d.P50 = upper(i)
		}
		if before := seen; before*100 < n*99 && (before+c)*100 >= n*99 {
			d.P99 = upper(i)
		}
		seen += c
		d.Max = upper(i)
	}
	return d
}
