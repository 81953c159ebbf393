package judge

import (
	"math"
	"slices"
	"testing"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// budgetOf is the budget of one request with a completion of n tokens.
func budgetOf(r *client.Result, rule metrics.Rule, n int, h *health.Report) *Budget {
	r.Usage.Completion = n
	b := NewBudgetReader(rule, h, false, nil)
	b.Add(r, rule.Of(r).AppendSpans(nil), AppendLateness(nil, r, h), n)
	return b.Budget(metrics.Compute([]metrics.Sample{metrics.NewSample(r, 1, rule)}, 1, metrics.Options{}), 0)
}

// TestBudget computes the bounds of one request by hand.
func TestBudget(t *testing.T) {
	const ms = time.Millisecond
	r := &client.Result{Due: 1 * ms, Handed: 2 * ms, Permit: 4 * ms, Start: 5 * ms, ConnectLate: 1 * ms, Connect: 7 * ms, Written: 8 * ms, End: 60 * ms,
		MinRTT: 1 * ms, Retransmits: 2}
	r.Events = []client.Event{
		{At: 20 * ms, Choices: true, Kind: stream.Text},
		{At: 40 * ms, Choices: true, Kind: stream.Text, Shared: true, Uncertainty: uint32(6 * ms)},
		{At: 40 * ms, Choices: true, Kind: stream.Text},
		{At: 50 * ms, Choices: true, Kind: stream.Text, Uncertainty: uint32(90 * ms)}, // not before the read before
	}
	r.LastByte, r.Ended = 51*ms, 52*ms // the connection's end was waited for
	b := budgetOf(r, metrics.Rule{}, 4, &health.Report{})
	near := func(name string, got float64, want time.Duration) {
		t.Helper()
		if !(math.Abs(got-want.Seconds()) <= 1e-9) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	// Sent 2 ms late: noticing the connection, and writing.
	near("TTFT", b.Bounds[metrics.TTFT].Mean, 2*ms)
	near("TTFT's median", b.Bounds[metrics.TTFT].ReportedMedian, 15*ms)
	// Gaps 20, 0 and 10 ms; at least 14, 0 and 0; at most 20, 6 and 10.
	// Their sum is that from the first event to the last, which may be 10 ms late.
	near("mean ITL", b.Bounds[metrics.ITL].Mean, 10*ms/3)
	near("median ITL", b.Bounds[metrics.ITL].Median, 10*ms)
	// The last event may have come with the one before: 10 ms, and 2 ms of sending.
	near("E2EL", b.Bounds[metrics.E2EL].Mean, 12*ms)
	near("TPOT", b.Bounds[metrics.TPOT].Mean, 10*ms/3)
	if b.Retransmits != 2 || b.Uncertainty.Count != 2 || b.Uncertainty.Max != 10*ms || b.Lateness.Max != ms || b.SlotWait.Max != 2*ms || b.StartDelay.Max != ms ||
		b.SendDelay.Max != 3*ms || b.Connect.Max != 2*ms || b.RTT.Max != ms {
		t.Errorf("%+v", b)
	}
	// 1 ms before the start and 8 ms after the last byte, of 56 ms.
	if want := 9.0 / 56; !(math.Abs(b.Idle-want) <= 1e-12) {
		t.Errorf("idle for %v, want %v", b.Idle, want)
	}
}

// TestMistakesAreNoDelays: values that are reported wrongly, beyond the most or below the least
// that they can be, are off by no more than the delays: a self-test sees the rest as an error.
func TestMistakesAreNoDelays(t *testing.T) {
	list := func(x float64) *metrics.List {
		l := new(metrics.List)
		l.Add(x)
		return l
	}
	for reported, want := range map[float64]float64{1: 0.5, 1.5: 0.5, 1.25: 0.25, 50: 0.5, 0.25: 0.5} {
		b := bound(list(reported), list(1), list(1.5))
		if b.Mean != want || b.Median != want || b.P99 != want || b.ReportedMean != reported {
			t.Errorf("of 1 to 1.5, reported as %v: %+v, want %v", reported, b, want)
		}
	}
}

// TestALateEventLengthensTheNextGap: where only a gap's first event may be late, the gap may
// have been longer than it looks.
func TestALateEventLengthensTheNextGap(t *testing.T) {
	const ms = time.Millisecond
	r := &client.Result{Start: 5 * ms, Connect: 7 * ms, Written: 8 * ms, End: 40 * ms}
	r.Events = []client.Event{
		{At: 20 * ms, Choices: true, Kind: stream.Text, Uncertainty: uint32(6 * ms)},
		{At: 40 * ms, Choices: true, Kind: stream.Text},
	}
	r.LastByte = 40 * ms
	if b := budgetOf(r, metrics.Rule{}, 2, &health.Report{}).Bounds[metrics.ITL]; !(math.Abs(b.Mean-0.006) <= 1e-9) || b.ReportedMean != 0.02 {
		t.Errorf("%+v", b)
	}
}

// TestIdleIsOurs: a stream that failed, or of which it is not known when it ended, does not
// make slots idle by its end.
func TestIdleIsOurs(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		ended time.Duration
		err   *client.Error
		want  float64
	}{{50 * ms, nil, 0.5}, {100 * ms, nil, 0}, {0, nil, 0}, {50 * ms, &client.Error{Class: "timeout"}, 0}, {50 * ms, &client.Error{Class: "interrupted"}, 0}} {
		r := &client.Result{Start: 0, Written: 1, Ended: c.ended, End: 100 * ms}
		r.LastByte, r.Err = 20*ms, c.err
		b := NewBudgetReader(metrics.Rule{}, &health.Report{}, false, nil)
		b.Add(r, nil, nil, 1)
		b.Add(&client.Result{End: 0, Written: 1, Ended: 0}, nil, nil, 1) // where all failed none is idle
		if got := b.Budget(metrics.Compute(nil, 2, metrics.Options{}), 0).Idle; got != c.want {
			t.Errorf("%+v: idle for %v", c, got)
		}
	}
}

// TestUnknownConnect takes what goroutines wait, and the stalls while it connected,
// where a transport cannot tell how late it came to its connection.
func TestUnknownConnect(t *testing.T) {
	const ms = time.Millisecond
	h := &health.Report{Scheduler: health.Dist{P99: 3 * ms}, Stalls: []health.Stall{{Since: 22 * ms, From: 30 * ms, To: 40 * ms}, {Since: 90 * ms, From: 95 * ms, To: 200 * ms}}}
	for _, c := range []struct{ connect, late, want time.Duration }{
		{2 * ms, client.UnknownLate, 2 * ms}, // no more than it took
		{15 * ms, client.UnknownLate, 3 * ms},
		{50 * ms, client.UnknownLate, 3*ms + 18*ms},
		{15 * ms, 0, 0},
		{15 * ms, 14 * ms, 14 * ms},
	} {
		r := &client.Result{Start: 5 * ms, Connect: 5*ms + c.connect, Written: 5*ms + c.connect, ConnectLate: c.late}
		if got := sending(r, h); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestStalls holds events that were read at once after a stall to be as late as the
// process may have been stopped; one with a stamp of its own is not.
func TestStalls(t *testing.T) {
	const ms = time.Millisecond
	h := &health.Report{Stalls: []health.Stall{{Since: 1 * ms, From: 2 * ms, To: 8 * ms}, {Since: 50 * ms, From: 60 * ms, To: 90 * ms}, {Since: 95 * ms, From: 99 * ms, To: 105 * ms}}}
	r := &client.Result{Start: 1, Connect: 1, Written: 1}
	r.Events = []client.Event{{At: 40 * ms, Shared: true}, {At: 70 * ms, Shared: true}, {At: 70 * ms}, {At: 92 * ms, Shared: true, Uncertainty: uint32(ms)}, {At: 200 * ms, Shared: true}}
	if got, want := AppendLateness(nil, r, h), []time.Duration{0, 20 * ms, 0, 22 * ms, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestMaxUncertainty: a stamp that may be late by more than can be written is bounded by the read
// before it, which may be late itself.
func TestMaxUncertainty(t *testing.T) {
	const s = time.Second
	r := &client.Result{Start: 1, Connect: 1, Written: 1}
	r.Events = []client.Event{{At: 2 * s}, {At: 9 * s, Uncertainty: client.MaxUncertainty}, {At: 10 * s, Uncertainty: client.MaxUncertainty}}
	if got, want := AppendLateness(nil, r, &health.Report{}), []time.Duration{0, 7 * s, 8 * s}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestUnknownUncertainty takes what goroutines wait where a transport cannot tell.
func TestUnknownUncertainty(t *testing.T) {
	r := &client.Result{Start: 1, Connect: 1, Written: 1}
	r.Events = []client.Event{{At: 20e6, Choices: true, Uncertainty: stream.UnknownUncertainty}, {At: 30e6, Choices: true, Uncertainty: stream.UnknownUncertainty}}
	b := budgetOf(r, metrics.Rule{}, 2, &health.Report{Scheduler: health.Dist{P99: 3 * time.Millisecond}})
	if got := b.Bounds[metrics.ITL].Mean; !(math.Abs(got-0.003) <= 1e-12) {
		t.Errorf("%v, want 3 ms", got)
	}
}

// TestWholeAnswers: of an answer that came whole, E2EL alone is known, and its end may
// have been noticed late.
func TestWholeAnswers(t *testing.T) {
	const ms = time.Millisecond
	h := &health.Report{Scheduler: health.Dist{P99: 3 * ms}, Stalls: []health.Stall{{Since: 70 * ms, From: 80 * ms, To: 95 * ms}}}
	for _, c := range []struct {
		name   string
		end    time.Duration
		kernel bool
		want   time.Duration
	}{
		{"the kernel's stamp", 98 * ms, true, 2 * ms}, // of sending
		{"a goroutine's", 60 * ms, false, 5 * ms},
		{"after a stall", 98 * ms, false, 30 * ms},
		{"not before it was sent", 8 * ms, false, 3 * ms},
	} {
		r := &client.Result{Start: 5 * ms, Connect: 5 * ms, Written: 7 * ms, End: c.end, KernelStamps: c.kernel}
		r.LastByte = c.end
		b := budgetOf(r, metrics.Rule{Whole: true}, 4, h)
		if got := b.Bounds[metrics.E2EL]; got.Count != 1 || !(math.Abs(got.Mean-c.want.Seconds()) <= 1e-9) || b.Bounds[metrics.TTFT].Count != 0 {
			t.Errorf("%s: %+v, want %v", c.name, got, c.want)
		}
	}
}

// TestIdle is the time in which a slot had no request: before its start, and after its
// answer's end; of a burst the opening is its ramp.
func TestIdle(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		burst        bool
		start, ended time.Duration
		want         float64
	}{
		"a closed loop":                {false, 10 * ms, 80 * ms, 0.3},
		"a burst":                      {true, 10 * ms, 80 * ms, 0.2},
		"the server closed late":       {false, 0, 100 * ms, 0},
		"a recording without that end": {false, 0, 0, 0},
	} {
		b := NewBudgetReader(metrics.Rule{}, &health.Report{}, c.burst, nil)
		r := &client.Result{Start: c.start, Ended: c.ended, End: 100 * ms}
		r.LastByte = 50 * ms
		b.Add(r, nil, nil, 0)
		if got := b.Budget(metrics.Compute(nil, 1, metrics.Options{}), 0).Idle; !(math.Abs(got-c.want) <= 1e-12) {
			t.Errorf("%s: idle for %v, want %v", name, got, c.want)
		}
	}
	b := NewBudgetReader(metrics.Rule{}, &health.Report{}, true, nil)
	for _, ended := range []time.Duration{190 * ms, 110 * ms} { // two that end together, and are noticed so
		r := &client.Result{Permit: 100 * ms, Start: 105 * ms, Ended: ended, End: 200 * ms}
		r.LastByte = 150 * ms
		b.Add(r, nil, nil, 0)
	}
	if got := b.Budget(metrics.Compute(nil, 2, metrics.Options{}), 0).Idle; !(math.Abs(got-0.1) <= 1e-12) {
		t.Errorf("a burst that ended 10 of 100 ms before it was noticed: idle for %v", got)
	}
	b = NewBudgetReader(metrics.Rule{}, &health.Report{}, false, nil)
	b.Add(&client.Result{Start: 10 * ms, End: 20 * ms, Answer: stream.Answer{Err: &stream.Error{Class: "refused"}}}, nil, nil, 0)
	if got := b.Budget(metrics.Compute(nil, 1, metrics.Options{}), 0).Idle; got != 0 {
		t.Errorf("without any success: idle for %v", got)
	}
}
