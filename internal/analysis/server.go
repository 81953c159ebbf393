package analysis

import (
	"fmt"
	"math"

	"loadgen/internal/breakdown"
	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// server computes what is known from the server's side.
func (a *Analysis) server(rec *recording.Recording, percentiles []float64) {
	var records []breakdown.Record
	if rec.Server != nil {
		records = rec.Server.Requests
	}
	if len(records) > 0 {
		queue, prefill, decode := breakdown.Stages(records)
		a.Server = &ServerTimes{metrics.StatsOf(queue, percentiles), metrics.StatsOf(prefill, percentiles), metrics.StatsOf(decode, percentiles)}
	}
	a.exposition(rec)
	if !rec.Settings.TimeBreakdown.Asked {
		return
	}
	a.Breakdown = breakdown.Of(rec.Sliced(), RuleOf(&rec.Settings), records)
	a.contradiction()
}

// contradiction finds that the server's records say more than the client can have seen.
func (a *Analysis) contradiction() {
	if a.Breakdown == nil {
		return
	}
	bound := a.Budget.Bounds[metrics.TTFT].Most() + excessAllowed
	if n := a.Breakdown.Excessive(bound); n > 0 {
		a.Findings = append(a.Findings, judge.Finding{Code: "server_times_contradict",
			Text:    fmt.Sprintf("of %d requests the server's times from arrival to first token are longer than the client waited, by up to %.3g ms: its records are of other requests, or its clock is off, so the time breakdown does not stand", n, 1e3*a.Breakdown.Excess),
			Figures: pyjson.Object{{Key: "requests", Value: n}, {Key: "excess", Value: a.Breakdown.Excess}, {Key: "bound", Value: bound}}})
	}
}

// excessAllowed is what a server's own stamps may be off: its record of the first token is
// written around the time when the kernel gets it.
const excessAllowed = 0.001

// ServerSection is the server's own records as the result has them, nil without any.
func (a *Analysis) ServerSection(rec *recording.Recording) *result.ServerMetrics {
	s := rec.Server
	if s == nil || a.Server == nil && s.Exposition == nil {
		return nil
	}
	out := &result.ServerMetrics{Requests: len(s.Requests), Iterations: s.Iterations, PeakActiveRequests: s.PeakActive, Exposition: a.Exposition}
	if t := a.Server; t != nil {
		times := func(of metrics.Stats) *result.Stats { return new(stats(of, a.Summary.Percentiles, 1e3)) }
		out.Queue, out.Prefill, out.Decode = times(t.Queue), times(t.Prefill), times(t.Decode)
	}
	out.ReusedBlocks, out.MissedBlocks = breakdown.Blocks(s.Requests)
	return out
}

// BreakdownSection is where TTFT went as the result has it, nil where that is not known.
func (a *Analysis) BreakdownSection(rec *recording.Recording) *result.TimeBreakdown {
	b := a.Breakdown
	if b == nil {
		return nil
	}
	out := &result.TimeBreakdown{
		Records: b.Records, Requests: len(b.Requests),
		InAnswer: b.Joined[breakdown.InAnswer], ByID: b.Joined[breakdown.ByID], ByOrder: b.Joined[breakdown.ByOrder], Unjoined: b.Joined[breakdown.Unjoined],
		Excess: 1e3 * b.Excess, TTFTBound: 1e3 * a.Budget.Bounds[metrics.TTFT].Most(),
	}
	if out.Source = "answers"; rec.Server != nil && len(rec.Server.Requests) > 0 {
		out.Source = rec.Server.Source
	}
	worst := b.P99()
	out.P99Request, out.P99TTFT = worst.Index, 1e3*worst.TTFT
	for _, q := range b.Requests {
		out.Index, out.TTFT = append(out.Index, q.Index), append(out.TTFT, 1e3*q.TTFT)
	}
	for s := range breakdown.Spans {
		of, n := b.Stats(s)
		if n == 0 {
			continue
		}
		one := result.TimeSpan{Key: s.Key(), Label: s.Label(), Requests: n, Mean: 1e3 * of.Mean, Median: 1e3 * of.Median,
			P75: 1e3 * of.Percentiles[0], P99: 1e3 * of.Percentiles[1], OfP99: spanOf(worst.Spans[s])}
		for _, q := range b.Requests {
			one.Each = append(one.Each, spanOf(q.Spans[s]))
		}
		out.Spans = append(out.Spans, one)
	}
	if rec.Server != nil {
		for _, o := range breakdown.Original(rec.Server.Requests) {
			out.Original = append(out.Original, result.OriginalSpan{Name: o.Name, Records: o.Count, Mean: 1e3 * o.Stats.Mean,
				Median: 1e3 * o.Stats.Median, P75: 1e3 * o.Stats.Percentiles[0], P99: 1e3 * o.Stats.Percentiles[1]})
		}
	}
	return out
}

// spanOf is a span in ms, nil where it is not known.
func spanOf(seconds float64) *float64 {
	if math.IsNaN(seconds) {
		return nil
	}
	return new(1e3 * seconds)
}
