package analysis

import (
	"math"
	"testing"
	"time"

	"loadgen/internal/breakdown"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// TestProbesHoldNoSlot: what passes between a probe's slot and its start understates no throughput.
func TestProbesHoldNoSlot(t *testing.T) {
	rec := scripted(4, 5)
	rec.Settings.ProbeRate, rec.Settings.ProbeInputLen, rec.Settings.ProbeOutputLen = 5, 8, 5
	for _, r := range scripted(4, 5).Results {
		r.Permit -= 40 * time.Millisecond
		rec.Probes = append(rec.Probes, r)
	}
	a, _ := codes(t, rec)
	if a.Probes == nil || a.Probes.Budget.Idle != 0 || len(a.Probes.Verdict.Reasons) > 0 {
		t.Errorf("%+v", a.Probes)
	}
}

// TestACancelledRequestEndsWithItsAnswer: not with its connection.
func TestACancelledRequestEndsWithItsAnswer(t *testing.T) {
	rec := scripted(50, 5)
	rec.Settings.Cancel, rec.Settings.CancelAfter = new("99%"), new("3")
	for _, r := range rec.Results {
		r.Err = &client.Error{Class: client.Cancelled, Message: "cancelled"}
		r.Ended, r.End = r.Start+300*time.Millisecond, r.Start+400*time.Millisecond
	}
	a, _ := codes(t, rec)
	if c := a.Cancellation; c == nil || c.Cancelled < 40 || c.Begun != c.Cancelled || !(math.Abs(c.Ended.Mean-0.3) <= 1e-9) || !(math.Abs(c.TTFT.Mean-0.05) <= 1e-9) {
		t.Errorf("%+v", c)
	}
}

// TestRateOfATrace: n arrivals have n-1 times between them.
func TestRateOfATrace(t *testing.T) {
	rec := scripted(5, 2)
	rec.Settings.DatasetName = "trace"
	for i, r := range rec.Results {
		r.Due = time.Duration(i+1) * 500 * time.Millisecond
	}
	if got := scheduledRate(rec); got != 2 {
		t.Errorf("5 requests in 2 s are %v a second, want 2", got)
	}
}

// TestSomeAreTokenized: of a run with much text the first answer is tokenized to compare counts,
// and every n-th after it; where the server gave no count, each.
func TestSomeAreTokenized(t *testing.T) {
	rec := scripted(5, 2)
	c := newCollector(rec, metrics.Options{}, func(text []byte) int { return len(text) }, 5, 0)
	c.tokenizeEach = 2
	rec.Results[3].SeenUsage.Completion, rec.Results[3].Usage.Completion = -1, -1
	for i, want := range []bool{true, false, true, true, true} {
		r := rec.Results[i]
		s := metrics.NewSample(r, 0, c.rule)
		s.OutputTokens = s.Tokens(c.count)
		if got := c.tokens(r, &s).Of[metrics.ByTokenizer] >= 0; got != want {
			t.Errorf("answer %d is tokenized: %v, want %v", i, got, want)
		}
	}
}

// TestThroughputUnderACount: answers that a source did not count are taken to be as long as the
// others.
func TestThroughputUnderACount(t *testing.T) {
	var counts TokenCounts
	for i := range counts.Under {
		counts.Under[i].tpot = new(metrics.List)
	}
	counts.Under[metrics.ByTokenizer].Requests, counts.Under[metrics.ByTokenizer].Tokens = 5, 50
	out := counts.underSection(&metrics.Summary{Completed: 10, Duration: 2})
	if c := out.Tokenizer; c == nil || c.OutputThroughput != 50 || c.TPOT != nil || out.Server != nil || out.Events != nil {
		t.Errorf("%+v", out)
	}
}

// TestAStaggeredRunHasNoFirstWave: its first requests do not start at once.
func TestAStaggeredRunHasNoFirstWave(t *testing.T) {
	rec := scripted(10, 3)
	rec.Settings.MaxConcurrency = new(4)
	if waveOf(rec, 0, 10) != 4 {
		t.Error("no first wave without")
	}
	if rec.Settings.Stagger = 1; waveOf(rec, 0, 10) != 0 {
		t.Error("a first wave")
	}
}

// TestServersStampsMayBeOff: half a millisecond more than the client waited contradicts nothing.
func TestServersStampsMayBeOff(t *testing.T) {
	for first, want := range map[float64]bool{5.0505: false, 5.0520: true} {
		rec := scripted(1, 10)
		rec.Settings.TimeBreakdown.Asked = true
		at := breakdown.Instants{ServerArrival: 5, Arrival: 5.001, Scheduled: 5.002, FirstToken: 5.04, ServerFirst: first, LastToken: 5.15}
		rec.Server = &recording.Server{Source: "/perf_metrics", Requests: []breakdown.Record{{Context: at}}}
		if _, found := codes(t, rec); found["server_times_contradict"] != want {
			t.Errorf("%.1f ms of 50: %v, want %v", 1e3*(first-5), found["server_times_contradict"], want)
		}
	}
}
