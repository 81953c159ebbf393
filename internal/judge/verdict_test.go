package judge

import (
	"slices"
	"testing"
	"time"

	"loadgen/internal/health"
	"loadgen/pkg/metrics"
)

// TestCausesOnce: metrics that are off for the same cause are named with it once, and what to
// do about it is not among the causes.
func TestCausesOnce(t *testing.T) {
	b := &Budget{Idle: 0.1}
	for m := metrics.TTFT; m <= metrics.ITL; m++ {
		b.Bounds[m] = Bound{Count: 9, P99: 0.05, ReportedMedian: 0.1, ReportedMean: 0.1}
	}
	b.Slack.Count, b.Slack.P99 = 7, 3*time.Millisecond
	h := &health.Report{Stalls: []health.Stall{{From: 0, To: 30 * time.Millisecond}}}
	v := Decide(b, h, 0, DefaultLimits)
	want := []string{
		"may be off: TTFT by up to 50ms (50 % of its median), TPOT by up to 50ms (50 % of its median), ITL by up to 50ms (50 % of its median): 7 arrivals were read together with later ones, up to 3ms late (p99)",
		"slots were idle for 10 % of their time because loadgen started requests late: throughput may be understated by as much",
		"the process did not get to run for 30ms in 1 stalls, 30ms the longest",
	}
	if got := v.Causes(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(v.Reasons) != 4 {
		t.Errorf("%d reasons, want one for each metric and the throughput", len(v.Reasons))
	}
}
