package main

import (
	"runtime"
	"slices"
	"sort"
	"time"

	"loadgen/internal/pyjson"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// own is loadgen's own object at the end of the result file.
func (p *plan) own(m *measured, r *report.Run, j *judged) pyjson.Object {
	results := m.sent()
	o := pyjson.Object{
		{Key: "schema", Value: 1},
		{Key: "version", Value: versionText()},
		{Key: "go", Value: runtime.Version()},
		{Key: "machine", Value: machine()},
		{Key: "effective", Value: p.effective()},
		{Key: "requests", Value: pyjson.Object{
			{Key: "asked", Value: p.cfg.NumPrompts}, {Key: "planned", Value: len(p.requests)}, {Key: "sent", Value: len(results)}}},
		{Key: "prompts", Value: p.prompts},
		{Key: "interrupted", Value: m.Interrupted},
		{Key: "selftest", Value: j.selfTestJSON()},
		{Key: "verdict", Value: string(j.verdict.Level)},
		{Key: "findings", Value: report.FindingsJSON(j.findings)},
		{Key: "notes", Value: report.FindingsJSON(append(p.notes, j.notes...))},
		{Key: "metrics", Value: j.extendedJSON(r.Summary.Percentiles)},
		{Key: "definitions", Value: report.DefinitionsJSON(j.definitions)},
		{Key: "server_metrics", Value: orNull(j.server)},
		{Key: "error_budget", Value: report.ErrorBudget(j.budget, &m.health, j.verdict)},
		{Key: "failures", Value: p.failures(results)},
		{Key: "timestamps", Value: stamps(results)},
		{Key: "cpu", Value: m.cpu(results)},
		{Key: "connections", Value: connections(results)},
		{Key: "sent_after_slot_ms", Value: milliseconds(sendLags(results))},
		{Key: "chunks", Value: chunks(results)},
		{Key: "server_tokens", Value: serverTokens(results)},
	}
	if p.server != nil {
		o.Set("server", p.server())
	}
	return o
}

// extendedJSON is null where answers came whole.
func (j *judged) extendedJSON(percentiles []float64) any {
	if j.extended == nil {
		return nil
	}
	return report.ExtendedJSON(j.extended, percentiles)
}

// orNull is an object, or null where there is none.
func orNull(o pyjson.Object) any {
	if o == nil {
		return nil
	}
	return o
}

// selfTestJSON is null where no self-test was made.
func (j *judged) selfTestJSON() any {
	if j.selftest == nil {
		return nil
	}
	return j.selftest.JSON()
}

// failures counts by class, and says how many the original would have counted.
func (p *plan) failures(results []*client.Result) pyjson.Object {
	count := map[string]int{}
	total, original := 0, 0
	for _, r := range results {
		if r.Err != nil {
			count[string(r.Err.Class)]++
			total++
		}
		if r.OriginalFailed {
			original++
		}
	}
	classes := make([]string, 0, len(count))
	for c := range count {
		classes = append(classes, c)
	}
	sort.Strings(classes)
	byClass := pyjson.Object{}
	for _, c := range classes {
		byClass = append(byClass, pyjson.Member{Key: c, Value: count[c]})
	}
	return pyjson.Object{{Key: "rule", Value: p.cfg.Failures}, {Key: "total", Value: total},
		{Key: "by_class", Value: byClass}, {Key: "original_rule_total", Value: original}}
}

// stamps says which clock stamped the arrivals, and how many events shared a
// read with a later one, so that their stamps may be late.
func stamps(results []*client.Result) pyjson.Object {
	kernel, events, shared := 0, 0, 0
	for _, r := range results {
		if r.KernelStamps {
			kernel++
		}
		events += len(r.Events)
		for _, e := range r.Events {
			if e.Shared {
				shared++
			}
		}
	}
	return pyjson.Object{
		{Key: "requests_stamped_by_kernel", Value: kernel},
		{Key: "events", Value: events},
		{Key: "events_sharing_a_read", Value: shared},
	}
}

// cpu is the processor time from the first start to the join, in all and for each event.
func (m *measured) cpu(results []*client.Result) pyjson.Object {
	events := 0
	for _, r := range results {
		events += len(r.Events)
	}
	perEvent := 0.0
	if events > 0 {
		perEvent = float64((m.health.User+m.health.System)/time.Nanosecond) / 1e3 / float64(events)
	}
	return pyjson.Object{
		{Key: "user_s", Value: m.health.User.Seconds()},
		{Key: "system_s", Value: m.health.System.Seconds()},
		{Key: "us_per_event", Value: perEvent},
	}
}

// connections counts those opened and reused, and those whose opening needed a
// second attempt: the server's backlog was full, or a packet was lost.
func connections(results []*client.Result) pyjson.Object {
	opened, reused, again := 0, 0, 0
	for _, r := range results {
		switch {
		case r.Reused:
			reused++
		case r.Connect > 0:
			opened++
		}
		if r.SYNRetransmits > 0 {
			again++
		}
	}
	return pyjson.Object{{Key: "opened", Value: opened}, {Key: "reused", Value: reused}, {Key: "syn_retransmit", Value: again}}
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

func milliseconds(seconds []float64) pyjson.Object {
	sorted := slices.Sorted(slices.Values(seconds))
	return pyjson.Object{{Key: "mean", Value: 1e3 * metrics.Mean(seconds)}, {Key: "median", Value: 1e3 * metrics.Median(sorted)},
		{Key: "p99", Value: 1e3 * metrics.Percentile(sorted, 99)}}
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
func serverTokens(results []*client.Result) pyjson.Object {
	prompt, completion, cached, counted := 0, 0, 0, 0
	for _, r := range results {
		if r.Err == nil && r.SeenUsage.Prompt >= 0 {
			counted++
			prompt += r.SeenUsage.Prompt
			completion += max(r.SeenUsage.Completion, 0)
			cached += max(r.SeenUsage.Cached, 0)
		}
	}
	return pyjson.Object{{Key: "requests", Value: counted}, {Key: "prompt", Value: prompt},
		{Key: "completion", Value: completion}, {Key: "cached", Value: cached}}
}
