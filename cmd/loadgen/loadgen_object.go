package main

import (
	"runtime"
	"slices"
	"time"

	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// loadgenObject is loadgen's own object at the end of the result file.
func (p *plan) loadgenObject(m *measured, r *report.Run, j *judged) *result.Loadgen {
	results := m.sent()
	o := &result.Loadgen{
		Schema:        result.SchemaVersion,
		Version:       versionText(),
		Go:            runtime.Version(),
		Machine:       machine(),
		Effective:     p.effective(),
		Requests:      &result.Requests{Asked: p.cfg.NumPrompts, Planned: len(p.requests), Sent: len(results)},
		Prompts:       p.prompts,
		Interrupted:   m.Interrupted,
		Verdict:       string(j.verdict.Level),
		Findings:      findingsSection(j.findings),
		Notes:         findingsSection(append(p.notes, j.notes...)),
		Definitions:   definitionsSection(j.definitions),
		ErrorBudget:   budgetSection(j.budget, &m.health, j.verdict),
		Failures:      p.failures(results),
		Timestamps:    stamps(results),
		CPU:           m.cpu(results),
		Connections:   connections(results),
		SentAfterSlot: milliseconds(sendLags(results)),
		Chunks:        chunks(results),
		ServerTokens:  serverTokens(results),
	}
	if j.selftest != nil {
		o.SelfTest = selfTestSection(j.selftest)
	}
	if j.extended != nil {
		o.Metrics = extendedSection(j.extended, r.Summary.Percentiles)
	}
	if j.server != nil {
		o.ServerMetrics = serverSection(m.server, r.Summary.Percentiles)
	}
	if p.server != nil {
		o.Server = p.server()
	}
	return o
}

// failures counts by class, and says how many the original would have counted.
func (p *plan) failures(results []*client.Result) *result.Failures {
	f := &result.Failures{Rule: p.cfg.Failures, ByClass: map[string]int{}}
	for _, r := range results {
		if r.Err != nil {
			f.ByClass[string(r.Err.Class)]++
			f.Total++
		}
		if r.OriginalFailed {
			f.OriginalRuleTotal++
		}
	}
	return f
}

// stamps says which clock stamped the arrivals, and how many events shared a
// read with a later one, so that their stamps may be late.
func stamps(results []*client.Result) *result.Timestamps {
	t := &result.Timestamps{}
	for _, r := range results {
		if r.KernelStamps {
			t.ByKernel++
		}
		t.Events += len(r.Events)
		for _, e := range r.Events {
			if e.Shared {
				t.SharingARead++
			}
		}
	}
	return t
}

// cpu is the processor time from the first start to the join, in all and for each event.
func (m *measured) cpu(results []*client.Result) *result.CPU {
	events := 0
	for _, r := range results {
		events += len(r.Events)
	}
	c := &result.CPU{User: m.health.User.Seconds(), System: m.health.System.Seconds()}
	if events > 0 {
		c.PerEvent = float64((m.health.User+m.health.System)/time.Nanosecond) / 1e3 / float64(events)
	}
	return c
}

// connections counts those opened and reused, and those whose opening needed a
// second attempt: the server's backlog was full, or a packet was lost.
func connections(results []*client.Result) *result.Connections {
	c := &result.Connections{}
	for _, r := range results {
		switch {
		case r.Reused:
			c.Reused++
		case r.Connect > 0:
			c.Opened++
		}
		if r.SYNRetransmits > 0 {
			c.SYNRetransmit++
		}
	}
	return c
}

// sendLags are the times from a request's concurrency slot, or its due time if
// that is later, to its last byte, in seconds.
func sendLags(results []*client.Result) (out []float64) {
	for _, r := range results {
		if r.Written > 0 {
			out = append(out, float64(r.Written-max(r.Permit, r.Due))/float64(time.Second))
		}
	}
	return out
}

func milliseconds(seconds []float64) *result.Summary {
	sorted := slices.Sorted(slices.Values(seconds))
	return &result.Summary{Mean: 1e3 * metrics.Mean(seconds), Median: 1e3 * metrics.Median(sorted), P99: 1e3 * metrics.Percentile(sorted, 99)}
}

// chunks counts the events that brought choices: what ITL is measured between.
// It differs from the number of tokens where a server sends several at once.
func chunks(results []*client.Result) (n int) {
	for _, r := range results {
		if r.Err != nil {
			continue
		}
		for _, e := range r.Events {
			if e.Choices {
				n++
			}
		}
	}
	return n
}

// serverTokens sums up what the server counted in the successes.
func serverTokens(results []*client.Result) *result.ServerTokens {
	t := &result.ServerTokens{}
	for _, r := range results {
		if r.Err == nil && r.SeenUsage.Prompt >= 0 {
			t.Requests++
			t.Prompt += r.SeenUsage.Prompt
			t.Completion += max(r.SeenUsage.Completion, 0)
			t.Cached += max(r.SeenUsage.Cached, 0)
		}
	}
	return t
}
