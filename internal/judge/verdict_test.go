package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/health"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// TestCausesOnce: metrics that are off for the same cause are named with it once, and what to
// do about it is not among the causes.
func TestCausesOnce(t *testing.T) {
	b := &Budget{Idle: 0.1}
	for m := metrics.TTFT; m <= metrics.ITL; m++ {
		b.Bounds[m] = Bound{Count: 9, P99: 0.05, ReportedMedian: 0.1, ReportedMean: 0.1}
	}
	b.Uncertainty.Count, b.Uncertainty.P99 = 7, 3*time.Millisecond
	h := &health.Report{Stalls: []health.Stall{{From: 0, To: 30 * time.Millisecond}}}
	v := Decide(b, h, 0, DefaultLimits)
	want := []string{
		"may be off: TTFT by up to 50 ms (50 % of its median), TPOT by up to 50 ms (50 % of its median), ITL by up to 50 ms (50 % of its median): 7 arrivals were read together with later ones, up to 3 ms late (p99)",
		"slots were idle for 10 % of their time because loadgen started requests late: throughput may be understated by as much",
		"the process did not get to run for 30 ms",
	}
	if got := v.Causes(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(v.Reasons) != 4 {
		t.Errorf("%d reasons, want one for each metric and the throughput", len(v.Reasons))
	}
}

func TestVerdicts(t *testing.T) {
	stalls := &health.Report{Stalls: []health.Stall{{Since: 100 * ms, From: 100 * ms, To: 400 * ms}}}
	for name, c := range map[string]struct {
		plant func(s *server)
		h     *health.Report
		want  Level
		what  []string
		text  string
	}{
		"a slow reader": {func(s *server) {
			s.change = func(_ int, r *client.Result) {
				for k := 0; k+1 < len(r.Events); k += 2 { // two at a time, up to a step late
					r.Events[k].At, r.Events[k].Shared, r.Events[k].Uncertainty = r.Events[k+1].At, true, uint32(10*ms)
				}
			}
		}, nil, ClientLimited, []string{"itl"}, "read together"},
		"a blocked scheduler": {func(s *server) {
			s.change = func(_ int, r *client.Result) { r.Connect += 8 * ms; r.Written += 10 * ms }
		}, nil, Degraded, []string{"ttft"}, "sending a request took"},
		"a stopped process": {func(s *server) {
			s.change = func(_ int, r *client.Result) {
				for k := range r.Events {
					if e := &r.Events[k]; 100*ms < e.At && e.At < 400*ms {
						e.At, e.Shared, e.Uncertainty = 400*ms, true, 1
					}
				}
			}
		}, stalls, ClientLimited, []string{"itl"}, "did not get to run"},
		"slots that stand empty": {func(s *server) { s.change = func(_ int, r *client.Result) { r.Permit -= 50 * ms } }, nil, Degraded, []string{"throughput"}, "were idle"},
		"a clock step":           {func(s *server) {}, &health.Report{Steps: []health.Step{{At: ms, By: time.Second}}}, Degraded, []string{"clock"}, "stepped"},
		"a clock step, and stamps of the program's own clock": {func(s *server) {
			s.change = func(_ int, r *client.Result) { r.KernelStamps = false }
		}, &health.Report{Steps: []health.Step{{At: ms, By: time.Second}}}, Clean, nil, ""},
		"a processor limit": {func(s *server) {
			s.change = func(_ int, r *client.Result) { r.Permit -= 50 * ms }
		}, &health.Report{Cgroup: &health.Cgroup{Cores: 0.5, Throttled: time.Second, Periods: 9}}, Degraded, []string{"throughput"}, "processor limit of 0.5 cores"},
	} {
		t.Run(name, func(t *testing.T) {
			s := clean(4)
			c.plant(&s)
			if c.h == nil {
				c.h = &health.Report{}
			}
			v := s.judged(c.h)
			var what, text []string
			for _, r := range v.Reasons {
				what, text = append(what, r.What), append(text, r.Text)
			}
			missing := slices.ContainsFunc(c.what, func(w string) bool { return !slices.Contains(what, w) })
			if v.Level != c.want || missing || !strings.Contains(strings.Join(text, "\n"), c.text) {
				t.Errorf("%s %v\n%s", v.Level, what, strings.Join(text, "\n"))
			}
		})
	}
}

// TestSurroundings: what the process and its machine suffered from is named from where it can
// have made the client late.
func TestSurroundings(t *testing.T) {
	used := func(cores int, cpu time.Duration) health.Report {
		return health.Report{Cores: cores, Wall: time.Second, User: cpu / 2, System: cpu - cpu/2}
	}
	for _, c := range []struct {
		h    health.Report
		want string
	}{
		{used(4, 3700*ms), "loadgen used 3.7 of its 4 processors"},
		{used(4, 3600*ms), ""},
		{health.Report{Machine: &health.Machine{Busy: 0.91}}, "the machine was 91 % busy"},
		{health.Report{Machine: &health.Machine{Busy: 0.9, Steal: 0.02}}, ""},
		{health.Report{Machine: &health.Machine{Steal: 0.03}}, "the hypervisor took 3 % of the processors' time"},
		{health.Report{GCPauses: health.Dist{Max: 2 * ms}}, "the garbage collector stopped it for up to 2 ms"},
		{health.Report{GCPauses: health.Dist{Max: ms}}, ""},
		{health.Report{Stalls: []health.Stall{{To: 5 * ms}, {From: 10 * ms, To: 30 * ms}}}, "the process did not get to run for 25 ms in 2 stalls, 20 ms the longest"},
		{health.Report{Cgroup: &health.Cgroup{Cores: 2, Throttled: 0}}, ""},
	} {
		if got := surroundings(&c.h); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestLimits: from which measurement error on a metric is no longer clean, and the client
// could not keep up.
func TestLimits(t *testing.T) {
	const µs = 1e-6
	for _, c := range []struct {
		name   string
		bounds [4]Bound
		want   Level
	}{
		{"below the floor", [4]Bound{{P99: 190 * µs}}, Clean},
		{"above the floor of next to nothing", [4]Bound{{Mean: 210 * µs, ReportedMedian: 2000 * µs}}, Degraded},
		{"below 2 % of the median", [4]Bound{{Median: 1900 * µs, ReportedMedian: 100000 * µs}}, Clean},
		{"above 2 % of the median in its p99", [4]Bound{{P99: 2100 * µs, ReportedMedian: 100000 * µs}}, Degraded},
		{"over 20 % of the median", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 10000 * µs}}, ClientLimited},
		{"over 20 % of the median, not of the mean", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 100 * µs, ReportedMean: 20000 * µs}}, Degraded},
		{"a TPOT of whole answers", [4]Bound{{}, {Mean: 2100 * µs, Count: 10}, {Count: 310}, {Count: 10, ReportedMean: 400000 * µs}}, Degraded},
		{"an ITL of whole answers", [4]Bound{{}, {}, {Mean: 2100 * µs, Count: 310}, {Count: 10, ReportedMean: 400000 * µs}}, Degraded},
		{"a TPOT of whole answers, by a fifth of an event's time", [4]Bound{{}, {Mean: 2600 * µs, Count: 10}, {Count: 310}, {Count: 10, ReportedMean: 400000 * µs}}, ClientLimited},
		{"the worst of two, second", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 100000 * µs}, {Mean: 2100 * µs, ReportedMedian: 1000 * µs}}, ClientLimited},
		{"the worst of two, first", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 1000 * µs}, {Mean: 2100 * µs, ReportedMedian: 100000 * µs}}, ClientLimited},
	} {
		if v := Decide(&Budget{Bounds: c.bounds}, &health.Report{}, 0, DefaultLimits); v.Level != c.want {
			t.Errorf("%s: %s, want %s", c.name, v.Level, c.want)
		}
	}
}

func TestLateSchedule(t *testing.T) {
	var results []*client.Result
	for i := range 100 {
		due := time.Duration(i) * 10 * ms
		results = append(results, &client.Result{Due: due, Handed: due + 15*ms, Permit: due + 15*ms, Start: due + 15*ms})
	}
	late := NewBudgetReader(metrics.Rule{}, &health.Report{}, false, nil)
	for _, r := range results {
		late.Add(r, nil, nil, 0)
	}
	b := late.Budget(metrics.Compute(nil, 1, metrics.Options{}), 0)
	if v := Decide(b, &health.Report{}, 0.01, DefaultLimits); v.Level != ClientLimited || v.Reasons[0].What != "schedule" {
		t.Errorf("%+v", v)
	}
	if v := Decide(b, &health.Report{}, 0.1, DefaultLimits); v.Level != Clean {
		t.Errorf("%+v", v)
	}
}

func TestOfMedian(t *testing.T) {
	for want, bound := range map[string]float64{"2.5 % of its median": 0.025, "200 % of its median": 2, "16.1 times its median": 16.1} {
		if got := ofMedian(bound, 1); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := ofMedian(1, 0); got != "its median is 0" {
		t.Errorf("%q", got)
	}
}

// TestWorst: of several processes the verdict is the worst one's, with its reasons by name.
func TestWorst(t *testing.T) {
	clean, slow := Verdict{Level: Clean}, Verdict{Level: Degraded, Reasons: []Reason{{What: "clock", Text: "it stepped; do so"}}}
	bad := Verdict{Level: ClientLimited, around: "busy", Reasons: []Reason{{What: "itl", Text: "ITL may be off" + ownCore + "; busy", off: "ITL by 1ms", cause: ": why"}}}
	if v := Worst([]string{"a", "b"}, []Verdict{clean, clean}); v.Level != Clean || v.Reasons != nil {
		t.Errorf("%+v", v)
	}
	v := Worst([]string{"a", "b", "c"}, []Verdict{slow, clean, bad})
	if v.Level != ClientLimited || len(v.Reasons) != 2 || v.Reasons[0].Text != "c: ITL may be off"+ownCore+"; busy" || v.Reasons[1].Text != "a: it stepped; do so" {
		t.Errorf("%+v", v)
	}
	if lines := v.Causes(); len(lines) != 3 || lines[0] != "c: may be off: ITL by 1ms: why" || lines[2] != "c: busy" {
		t.Errorf("%q", lines)
	}
	if v := Worst(make([]string, 9), []Verdict{slow, slow, slow, slow, slow, slow, slow, slow, bad}); len(v.Reasons) != mostNamed || v.Reasons[0].What != "itl" {
		t.Errorf("%+v", v.Reasons)
	}
}
