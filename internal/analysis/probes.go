package analysis

import (
	"fmt"
	"time"

	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// Probes are what was measured of the small requests that were sent beside the load.
type Probes struct {
	Rate    float64 // per second
	Failed  int
	Summary *metrics.Summary
	Budget  *judge.Budget
	Verdict judge.Verdict
}

// probes reads the probes' timelines.
func (a *Analysis) probes(rec *recording.Recording, o metrics.Options, count CountTokens) {
	s := &rec.Settings
	if s.ProbeRate == 0 {
		return
	}
	rule := RuleOf(s)
	summary := metrics.NewSummaryReader(metrics.Options{Percentiles: o.Percentiles})
	values := summary.Values()
	budget := judge.NewBudgetReader(rule, &rec.Health, false, &values)
	var read metrics.Reading
	var late []time.Duration
	failed := 0
	for _, r := range rec.AllProbes() {
		read.Read(r, s.ProbeInputLen, rule)
		sample, n := &read.Sample, 0
		if sample.Success {
			sample.OutputTokens = sample.Tokens(count)
			n = max(sample.OutputTokens, 0)
		} else if !r.Err.Class.OnPurpose() {
			failed++
		}
		summary.Add(sample)
		h := rec.HealthOfProbe(r)
		late = judge.AppendLateness(late[:0], r, h)
		budget.Under(h)
		budget.Add(r, read.Spans, late, n)
	}
	p := &Probes{Rate: rec.ProbeRate(), Failed: failed, Summary: summary.Summary(rec.Elapsed.Seconds())}
	p.Budget = budget.Budget(p.Summary, 0)
	p.Budget.Idle = 0 // they hold no slot, and are no throughput
	p.Verdict = judge.Decide(p.Budget, &rec.Health, meanGap(p.Rate), judge.DefaultLimits)
	a.Probes = p
	if failed > 0 {
		a.Findings = append(a.Findings, judge.Finding{Code: "probes_failed", Text: fmt.Sprintf("%d of %d probes failed", failed, p.Summary.Total),
			Figures: pyjson.Object{{Key: "failed", Value: failed}, {Key: "sent", Value: p.Summary.Total}}})
	}
}

// probesSection is the same as the result has it.
func probesSection(p *Probes, s *recording.Settings, percentiles []float64) *result.Probes {
	out := &result.Probes{Rate: p.Rate, InputLen: s.ProbeInputLen, OutputLen: s.ProbeOutputLen, Sent: p.Summary.Total, Completed: p.Summary.Completed, Failed: p.Failed,
		Verdict: string(p.Verdict.Level), Reasons: reasonsSection(p.Verdict)}
	for m, to := range []**result.Stats{&out.TTFT, &out.TPOT, &out.ITL, &out.E2EL} {
		if p.Summary.Completed > 0 && (!RuleOf(s).Whole || metrics.Metric(m) == metrics.E2EL) {
			*to = new(stats(p.Summary.Latency[m], percentiles, 1e3))
		}
		*out.Bounds.At(m) = boundSection(p.Budget.Bounds[m])
	}
	return out
}
