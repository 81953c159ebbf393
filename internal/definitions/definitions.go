// Package definitions reads TTFT, ITL, TPOT, latency and throughput off the same
// timelines as the field's load generators define them, so that a figure of
// theirs can be told from one of ours. docs/definitions.md explains them by an example.
package definitions

import (
	"slices"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Stat sums up a metric; Count 0 is a metric that the tool does not have.
type Stat struct {
	Count             int
	Mean, Median, P99 float64 // seconds
}

// Row is what a tool would report.
type Row struct {
	Tool                     string
	TTFT, ITL, TPOT, Latency Stat
	Duration                 float64 // seconds
	Throughput               float64 // output tokens per second
}

// Run is a run's timelines.
type Run struct {
	Results    []*client.Result
	OutputLens []int // by result
	Chat       bool
	Duration   float64 // the original's, in seconds
}

// request is the instants of one success, since its start, in seconds.
type request struct {
	start       time.Duration
	events      []event
	lastByte    float64 // after [DONE]
	n           int     // output tokens
	lastChoices float64
}

// event is an event that brought tokens; visible tells of text outside of
// reasoning, text of any text.
type event struct {
	at            float64
	text, visible bool
	tokens        int // 1 where it is not known
}

// values are a tool's, before they are summed up.
type values struct{ ttft, itl, tpot, latency []float64 }

// tool reads its values off a request.
type tool struct {
	name string
	read func(v *values, q *request, chat bool, r *client.Result)
	// duration is the tool's own; nil is the original's.
	duration func(all []request) float64
}

// Rows are what each tool would report of a run, in a fixed order.
func Rows(run Run) (rows []Row) {
	var all []request
	var results []*client.Result
	tokens := 0
	for i, r := range run.Results {
		if r.Err != nil {
			continue
		}
		all, results = append(all, newRequest(r, run.OutputLens[i])), append(results, r)
		tokens += run.OutputLens[i]
	}
	for _, t := range tools {
		var v values
		for i := range all {
			t.read(&v, &all[i], run.Chat, results[i])
		}
		row := Row{Tool: t.name, TTFT: stat(v.ttft), ITL: stat(v.itl), TPOT: stat(v.tpot), Latency: stat(v.latency), Duration: run.Duration}
		if t.duration != nil && len(all) > 0 {
			row.Duration = t.duration(all)
		}
		if row.Duration > 0 {
			row.Throughput = float64(tokens) / row.Duration
		}
		rows = append(rows, row)
	}
	return rows
}

func stat(x []float64) Stat {
	slices.Sort(x)
	return Stat{len(x), metrics.Mean(x), metrics.Median(x), metrics.Percentile(x, 99)}
}

func newRequest(r *client.Result, n int) (q request) {
	since := func(at time.Duration) float64 { return (at - r.Start).Seconds() }
	q = request{start: r.Start, n: n, lastByte: since(r.LastByte)}
	counts := metrics.ChunkTokens(r, n)
	for _, e := range r.Events {
		if !e.Choices {
			continue
		}
		q.lastChoices = since(e.At)
		if e.Kind == client.Role {
			continue
		}
		tokens := 1
		if counts != nil {
			tokens = counts[len(q.events)]
		}
		q.events = append(q.events, event{since(e.At), e.Kind == client.Text || e.Kind == client.Reasoning, e.Kind == client.Text, tokens})
	}
	return q
}

// first and last are the first and last event that a condition holds for, nil
// without one.
func (q *request) first(of func(e *event) bool) *event {
	for i := range q.events {
		if of(&q.events[i]) {
			return &q.events[i]
		}
	}
	return nil
}

func (q *request) last(of func(e *event) bool) *event {
	for i := len(q.events) - 1; i >= 0; i-- {
		if of(&q.events[i]) {
			return &q.events[i]
		}
	}
	return nil
}

func anyToken(*event) bool  { return true }
func text(e *event) bool    { return e.text }
func visible(e *event) bool { return e.visible }

// addTPOT adds (latency - ttft) / (n - 1), which one token alone does not have.
func (v *values) addTPOT(to *[]float64, latency, ttft float64, n int) {
	if n > 1 {
		*to = append(*to, (latency-ttft)/float64(n-1))
	}
}

// sinceStart is from the first request's start to the last instant that end gives.
func sinceStart(all []request, end func(q *request) float64) float64 {
	first, last := all[0].start.Seconds(), 0.0
	for i := range all {
		first = min(first, all[i].start.Seconds())
		last = max(last, all[i].start.Seconds()+end(&all[i]))
	}
	return last - first
}
