package analysis

import (
	"loadgen/internal/definitions"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// eventsTogether is how many events a run has at most whose timelines are read once. Those of a
// longer run are read three times, so that what is kept of each reading is gone before the next.
const eventsTogether = 8 << 20

// reader reads the requests that were sent, one after the other, and makes a part of the
// analysis of them.
type reader interface {
	add(i int, q *reading)
	finish(a *Analysis)
}

// read reads the timelines, once or each reader after the other.
func (a *Analysis) read(c *collector, values []TakeValues, once bool) {
	valued := func(prepare prepare) prepare { return c.valued(prepare, values) }
	if once {
		streams, budget := newStreams(c), newBudget(c)
		c.pass(valued(c.prepareJudged), c, streams, budget)
		c.finish(a)
		streams.finish(a)
		budget.finish(a)
		return
	}
	c.pass(c.prepareJudged, c)
	c.finish(a)
	if !c.rule.Whole {
		streams := newStreams(c)
		c.pass(c.again(a.Summary), streams)
		streams.finish(a)
	}
	budget := newBudget(c)
	c.pass(valued(c.again(a.Summary)), budget)
	budget.finish(a)
}

// prepare reads what is needed of a request, i in the plan, into a slot.
type prepare func(slot, i int, r *client.Result)

// pass hands all requests to some readers.
func (c *collector) pass(prepare prepare, readers ...reader) {
	c.rec.Prepared(prepare)(func(slot, i int, _ *client.Result) bool {
		for _, x := range readers {
			x.add(i, &c.slots[slot])
		}
		return true
	})
}

// again prepares requests whose tokens are known.
func (c *collector) again(s *metrics.Summary) prepare {
	k := 0
	return func(slot, i int, r *client.Result) {
		q := &c.slots[slot]
		q.read(c.rec, c.rule, i, r)
		q.length, q.sent = s.OutputLens[k], int(c.sent[k])
		k++
	}
}

// valued gives the values of the successes to those who take them, too.
func (c *collector) valued(prepare prepare, to []TakeValues) prepare {
	if len(to) == 0 {
		return prepare
	}
	var values []metrics.Value
	return func(slot, i int, r *client.Result) {
		prepare(slot, i, r)
		if r.Err != nil {
			return
		}
		q := &c.slots[slot]
		values = metrics.AppendValues(values[:0], q.Spans, q.length, c.rec.Start)
		for _, take := range to {
			take(values)
		}
	}
}

// streamsReader reads what is known of streams alone.
type streamsReader struct {
	rec         *recording.Recording
	whole       bool // there is nothing to read
	extended    *metrics.ExtendedReader
	definitions *definitions.Reader
	places      []int32 // in the plan
}

func newStreams(c *collector) *streamsReader {
	if c.rule.Whole {
		return &streamsReader{whole: true}
	}
	return &streamsReader{
		rec: c.rec, places: make([]int32, 0, c.run.Sent),
		extended: metrics.NewExtendedReader(metrics.ExtendedOptions{Start: c.rec.Start, Concurrency: c.rec.Concurrency(), Percentiles: c.run.Percentiles,
			Requests: c.run.Sent, Values: c.reported}),
		definitions: definitions.NewReader(c.rule.Chat, c.reported),
	}
}

func (x *streamsReader) add(i int, q *reading) {
	if x.whole {
		return
	}
	x.places = append(x.places, int32(i))
	x.extended.Add(q.result, &q.Sample, q.sent)
	if q.Sample.Success {
		x.definitions.Add(q.result, &q.Sample, q.length)
	}
}

func (x *streamsReader) finish(a *Analysis) {
	if !x.whole {
		a.Extended = x.extended.Extended(a.Summary, func(k int) *client.Result { return x.rec.Result(int(x.places[k])) })
		a.Definitions = x.definitions.Rows(a.Summary)
	}
}

// budgetReader reads the error budget.
type budgetReader struct {
	rec    *recording.Recording
	wave   int
	budget *judge.BudgetReader
}

func newBudget(c *collector) *budgetReader {
	s := &c.rec.Settings
	burst := s.Concurrency() == 0 && s.Rate() == 0 && c.rec.Stages == nil
	return &budgetReader{rec: c.rec, wave: c.first, budget: judge.NewBudgetReader(c.rule, &c.rec.Health, burst, &c.reported)}
}

func (x *budgetReader) add(i int, q *reading) {
	x.budget.Under(x.rec.HealthOf(i))
	x.budget.Add(q.result, q.Spans, q.late, q.length)
}

func (x *budgetReader) finish(a *Analysis) { a.Budget = x.budget.Budget(a.Summary, x.wave) }
