package analysis

import (
	"maps"
	"math"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/recording"
	"loadgen/internal/result"
)

// Loadgen is loadgen's object of the result file, without a self-test and without what a
// comparison knows of the server.
func (a *Analysis) Loadgen(rec *recording.Recording) *result.Loadgen {
	c, percentiles := &a.Counts, a.Summary.Percentiles
	machine := result.Machine(rec.Machine)
	lag := c.Lag()
	o := &result.Loadgen{
		Schema:        result.SchemaVersion,
		Version:       rec.Version,
		Go:            rec.Go,
		Machine:       &machine,
		Effective:     rec.Settings.Object(),
		Requests:      &result.Requests{Asked: rec.Asked(), Planned: rec.Count(), Sent: a.Sent, Cancelled: c.Cancelled, CutAtEnd: c.CutAtEnd},
		Prompts:       rec.Prompts,
		Interrupted:   rec.Interrupted,
		Verdict:       string(a.Verdict.Level),
		Findings:      findingsSection(a.Findings),
		Notes:         findingsSection(a.Notes),
		Definitions:   definitionsSection(a.Definitions),
		ErrorBudget:   budgetSection(a.Budget, &rec.Health, a.Verdict),
		Failures:      &result.Failures{Rule: rec.Settings.Failures, Total: c.Failed, ByClass: maps.Clone(c.Classes), OriginalRuleTotal: c.OriginalFailed},
		Timestamps:    a.timestamps(&rec.Health),
		CPU:           a.cpu(rec),
		Connections:   &result.Connections{Opened: c.Opened, Reused: c.Reused, SYNRetransmit: c.Retried, Resent: c.Resent, Reactors: len(rec.Health.Reactors)},
		SentAfterSlot: &result.Summary{Mean: 1e3 * lag.Mean, Median: 1e3 * lag.Median, P99: 1e3 * lag.Percentiles[0]},
		Chunks:        c.Chunks,
		ServerTokens:  &result.ServerTokens{Requests: c.Server.Requests, Prompt: c.Server.Prompt, Completion: c.Server.Completion},
		TokenCounts:   c.Tokens.section(),
	}
	if c.Server.CachedKnown > 0 {
		o.ServerTokens.Cached = &c.Server.Cached
	}
	if !math.IsNaN(a.DecodingAtATime) {
		o.DecodingAtATime = &a.DecodingAtATime
	}
	for _, t := range a.Turns {
		o.Turns = append(o.Turns, turnSection(&t, percentiles, RuleOf(&rec.Settings).Whole))
	}
	if a.Probes != nil {
		o.Probes = probesSection(a.Probes, &rec.Settings, percentiles)
	}
	for i := range a.Servers {
		o.Servers = append(o.Servers, spreadSection(&a.Servers[i], percentiles, RuleOf(&rec.Settings).Whole))
	}
	if c := a.Cancellation; c != nil {
		o.Cancellation = cancellationSection(c, percentiles)
	}
	for i := range a.Stages {
		o.Stages = append(o.Stages, stageSection(&a.Stages[i], percentiles, RuleOf(&rec.Settings).Whole))
	}
	if w := a.FirstWave; w != nil {
		o.FirstWave = firstWaveSection(w, percentiles, RuleOf(&rec.Settings).Whole)
	}
	if a.Extended != nil {
		o.Metrics = extendedSection(a.Extended, percentiles)
		o.Metrics.ByTokenCount = c.Tokens.underSection(a.Summary)
	}
	o.ServerMetrics = a.ServerSection(rec)
	o.TimeBreakdown = a.BreakdownSection(rec)
	o.GPU = a.GPUSection(rec)
	if rec.Rank != nil {
		o.Rank = rankSection(rec.Rank)
	}
	o.Ranks = a.ranksSection()
	return o
}

// timestamps is which clock stamped the arrivals.
func (a *Analysis) timestamps(h *health.Report) *result.Timestamps {
	c := &a.Counts
	t := &result.Timestamps{ByKernel: c.KernelStamped, Events: c.Events, SharingARead: c.Shared, Source: "socket"}
	if s := h.Stamping; s != nil {
		if s.WakeDelay >= 0 {
			t.WakeDelay = new(1e3 * s.WakeDelay.Seconds())
		}
		if s.Refused != "" {
			t.PacketsRefused = &s.Refused
		}
	}
	if p := h.Captured(); p != nil {
		if p.Connections > 0 {
			t.Source = "packet"
		}
		t.Packets = &result.Packets{
			Captured: int(p.Captured), Lost: int(p.Lost), Connections: int(p.Connections), Unfollowed: int(p.Unfollowed),
			Stamped: int(p.Stamped), Unstamped: int(p.Unstamped),
			Compared: int(p.Compared), Differing: int(p.Differing), Largest: 1e3 * p.Largest.Seconds(),
		}
	}
	return t
}

// cpu is the processor time from the first start to the join, in all and per event.
func (a *Analysis) cpu(rec *recording.Recording) *result.CPU {
	h := &rec.Health
	c := &result.CPU{User: h.User.Seconds(), System: h.System.Seconds()}
	if a.Counts.Events > 0 {
		c.PerEvent = float64((h.User+h.System)/time.Nanosecond) / 1e3 / float64(a.Counts.Events)
	}
	return c
}
