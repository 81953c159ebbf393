package observe

import (
	"math"
	"reflect"
	"runtime/metrics"
	"testing"
	"time"

	"loadgen/internal/health"
)

const ms = time.Millisecond

func TestTicksAndStalls(t *testing.T) {
	r := &Recorder{}
	r.tick(20*ms, 20*ms+50*time.Microsecond)
	r.tick(40*ms, 39*ms)
	r.tick(60*ms, 160*ms)
	if want := []health.Stall{{Since: 60*ms - period, From: 60 * ms, To: 160 * ms}}; !reflect.DeepEqual(r.stalls, want) {
		t.Errorf("%v, want %v", r.stalls, want)
	}
	if d := health.NewDist(r.ticks); d != (health.Dist{Count: 3, P50: 50 * time.Microsecond, P99: 100 * ms, Max: 100 * ms}) {
		t.Errorf("%+v", d)
	}
}

func TestClockSteps(t *testing.T) {
	readings := func(all ...time.Duration) func() time.Duration {
		return func() time.Duration {
			first := all[0]
			if len(all) > 1 {
				all = all[1:]
			}
			return first
		}
	}
	r := &Recorder{offset: time.Hour}
	r.observe(1, readings(time.Hour+10*time.Microsecond))           // the clock is slewed
	r.observe(2, readings(time.Hour+5*ms, time.Hour))               // a reading was torn
	r.observe(3, readings(time.Hour-2*time.Second))                 // set back
	r.observe(4, readings(time.Hour-2*time.Second-time.Nanosecond)) // and slewed again
	if want := []health.Step{{At: 3, By: -2 * time.Second}}; len(r.steps) != 1 || r.steps[0].At != 3 || (r.steps[0].By-want[0].By).Abs() > ms {
		t.Errorf("%v, want %v", r.steps, want)
	}
}

func TestDifference(t *testing.T) {
	buckets := []float64{math.Inf(-1), 0, 1e-3, 2e-3, 4e-3, math.Inf(1)}
	before := &metrics.Float64Histogram{Buckets: buckets, Counts: []uint64{0, 5, 7, 0, 0}}
	after := &metrics.Float64Histogram{Buckets: buckets, Counts: []uint64{0, 5 + 60, 7 + 39, 0, 1}}
	if d := difference(before, after); d != (health.Dist{Count: 100, P50: ms, P99: 2 * ms, Max: 4 * ms}) {
		t.Errorf("%+v", d)
	}
	if d := difference(after, after); d != (health.Dist{}) {
		t.Errorf("%+v", d)
	}
}

func TestParseStat(t *testing.T) {
	if m := parseStat("cpu  10 1 5 100 4 0 2 8 3 0\ncpu0 1 1\n"); m != (machineTime{130, 104, 8}) {
		t.Errorf("%+v", m)
	}
	for _, bad := range []string{"", "cpu", "intr 1 2 3 4 5 6 7 8 9", "cpu 1 2 x 4 5 6 7 8"} {
		if m := parseStat(bad); m != (machineTime{}) {
			t.Errorf("%q: %+v", bad, m)
		}
	}
}

func TestThrottling(t *testing.T) {
	if got := parseV2("150000 100000\n", "usage_usec 5\nnr_throttled 3\nthrottled_usec 2000\n"); got != (throttling{1.5, 2 * ms, 3}) {
		t.Errorf("%+v", got)
	}
	if got := parseV2("max 100000\n", ""); got.cores != 0 {
		t.Errorf("%+v", got)
	}
	if got := parseV1("50000\n", "100000\n", "nr_throttled 2\nthrottled_time 7000000\n"); got != (throttling{0.5, 7 * ms, 2}) {
		t.Errorf("%+v", got)
	}
	if got := parseV1("-1\n", "100000\n", ""); got.cores != 0 {
		t.Errorf("%+v", got)
	}
	v2, v1 := cgroupPaths("4:memory:/m\n1:cpu,cpuacct:/a/b\n0::/c\n")
	if v2 != "/c" || v1 != "/a/b" {
		t.Errorf("%q %q", v2, v1)
	}
}

func TestSince(t *testing.T) {
	began := time.Now()
	before := counters{at: began, user: 5 * ms, system: 3 * ms, machine: machineTime{100, 50, 2}, throttled: throttling{1.5, 10 * ms, 4},
		gc: &metrics.Float64Histogram{}, scheduling: &metrics.Float64Histogram{}}
	after := before
	after.at, after.user, after.system = began.Add(time.Second), 25*ms, 13*ms
	after.machine, after.throttled = machineTime{300, 90, 12}, throttling{1.5, 17 * ms, 9}
	got := after.since(&before)
	if got.Wall != time.Second || got.User != 20*ms || got.System != 10*ms {
		t.Errorf("%+v", got)
	}
	if want := (health.Machine{Busy: 0.8, Steal: 0.05}); got.Machine == nil || *got.Machine != want {
		t.Errorf("%+v, want %+v", got.Machine, want)
	}
	if want := (health.Cgroup{Cores: 1.5, Throttled: 7 * ms, Periods: 5}); got.Cgroup == nil || *got.Cgroup != want {
		t.Errorf("%+v, want %+v", got.Cgroup, want)
	}
	after.machine, after.throttled = before.machine, throttling{}
	if got := after.since(&before); got.Machine != nil || got.Cgroup != nil {
		t.Errorf("%+v %+v, want neither", got.Machine, got.Cgroup)
	}
}

// TestRecorder observes a busy moment of this process.
func TestRecorder(t *testing.T) {
	start := time.Now()
	r := Start(func() time.Duration { return time.Since(start) })
	for begun := time.Now(); time.Since(begun) < 60*ms; { // goroutines, for the scheduler to have something to be late with
		done := make(chan struct{})
		go close(done)
		<-done
	}
	r.mu.Lock()
	r.stalls = append(r.stalls, health.Stall{From: 1, To: 2})
	r.mu.Unlock()
	if so := r.SoFar(); so.Wall < 60*ms || so.User+so.System <= 0 || len(so.Stalls) == 0 {
		t.Errorf("%+v so far", so)
	}
	got := r.Stop()
	if got.Wall < 60*ms || got.User+got.System <= 0 || got.Cores < 1 || got.Scheduler.Count == 0 || len(got.Steps) > 0 {
		t.Errorf("%+v", got)
	}
}
