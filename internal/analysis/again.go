package analysis

import (
	"time"

	"loadgen/internal/definitions"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// eventsTogether is how many events a run has at most whose second reading serves everything that
// is left: what that keeps takes about 100 MB then. The events of a longer run are read three times.
const eventsTogether = 8 << 20

// again reads the timelines again, when what the first reading kept of them is gone, for what
// is known of streams alone, and for the budget.
func (a *Analysis) again(rec *recording.Recording, wave int, sent []int32) {
	budget := newBudget(rec, a.Summary, wave)
	if RuleOf(&rec.Settings).Whole {
		a.Budget = budget.alone()
		return
	}
	streams := newStreams(rec, a, sent)
	if a.Counts.Events <= eventsTogether {
		rec.Both(streams.add, budget.add)
		together(func() { streams.finish(a) }, func() { a.Budget = budget.finish() })
		return
	}
	for i, r := range rec.All() {
		streams.add(i, r)
	}
	streams.finish(a)
	a.Budget = budget.alone()
}

// together does two things at the same time.
func together(first, second func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		second()
	}()
	first()
	<-done
}

// streamsReader reads what is known of streams alone.
type streamsReader struct {
	rec         *recording.Recording
	rule        metrics.Rule
	summary     *metrics.Summary
	sent        []int32
	extended    *metrics.ExtendedReader
	definitions *definitions.Reader
	places      []int32 // in the plan
	sample      metrics.Sample
}

func newStreams(rec *recording.Recording, a *Analysis, sent []int32) *streamsReader {
	s, rule := a.Summary, RuleOf(&rec.Settings)
	return &streamsReader{
		rec: rec, rule: rule, summary: s, sent: sent, places: make([]int32, 0, a.Sent),
		extended: metrics.NewExtendedReader(metrics.ExtendedOptions{Start: rec.Start, Concurrency: rec.Concurrency(), Percentiles: s.Percentiles,
			Requests: a.Sent, Values: s.Values}),
		definitions: definitions.NewReader(rule.Chat, s.Values),
	}
}

func (x *streamsReader) add(i int, r *client.Result) {
	k := len(x.places)
	x.places = append(x.places, int32(i))
	x.sample = metrics.SampleIn(x.sample.ITL, r, x.rec.Planned[i].PromptLen, x.rule)
	x.extended.Add(r, &x.sample, int(x.sent[k]))
	if x.sample.Success {
		x.definitions.Add(r, &x.sample, x.summary.OutputLens[k])
	}
}

func (x *streamsReader) finish(a *Analysis) {
	a.Definitions = x.definitions.Rows(x.summary)
	a.Extended = x.extended.Extended(x.summary, func(k int) *client.Result { return x.rec.Result(int(x.places[k])) })
}

// budgetReader reads the error budget.
type budgetReader struct {
	rec     *recording.Recording
	summary *metrics.Summary
	wave, k int
	late    []time.Duration
	budget  *judge.BudgetReader
}

func newBudget(rec *recording.Recording, s *metrics.Summary, wave int) *budgetReader {
	burst := rec.Settings.Concurrency() == 0 && rec.Settings.Rate() == 0 && rec.Stages == nil
	return &budgetReader{rec: rec, summary: s, wave: wave, budget: judge.NewBudgetReader(RuleOf(&rec.Settings), &rec.Health, burst, &s.Values)}
}

func (x *budgetReader) add(i int, r *client.Result) {
	h := x.rec.HealthOf(i)
	x.late = judge.AppendLateness(x.late[:0], r, h)
	x.budget.Under(h)
	x.budget.Add(r, x.late, x.summary.OutputLens[x.k])
	x.k++
}

func (x *budgetReader) finish() *judge.Budget { return x.budget.Budget(x.summary, x.wave) }

// alone reads all timelines.
func (x *budgetReader) alone() *judge.Budget {
	for i, r := range x.rec.All() {
		x.add(i, r)
	}
	return x.finish()
}
