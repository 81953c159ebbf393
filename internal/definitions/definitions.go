// Package definitions reads TTFT, ITL, TPOT, latency and throughput off the same
// timelines as the field's load generators define them, so that their results can be
// compared with ours. It takes the requests of a run and gives a row for each tool; it
// does no I/O. docs/definitions.md explains them by an example.
package definitions

import (
	"cmp"
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
	Tool, Version            string // as of which version; "" for the original
	TTFT, ITL, TPOT, Latency Stat
	Duration                 float64 // seconds
	Throughput               float64 // output tokens per second
}

// request is the instants of one success, since its start.
type request struct {
	chat        bool
	start       time.Duration
	events      []event
	lastByte    time.Duration // after [DONE]
	n           int           // output tokens
	lastChoices time.Duration
	gaps        []time.Duration // room
}

// event is an event that brought tokens.
type event struct {
	at     time.Duration
	is     what
	tokens int // 1 where it is not known
}

// what are the kinds that an event is of; a finish reason alone is a token and no more.
type what uint8

const (
	anyToken what = 1 << iota
	streamed      // more than a finish reason
	text
	visible // text outside of reasoning
)

// kinds are what an event is that brought tokens.
func kinds(of client.Kind) what {
	switch of {
	case client.Finish:
		return anyToken
	case client.Text:
		return anyToken | streamed | text | visible
	case client.Reasoning:
		return anyToken | streamed | text
	}
	return anyToken | streamed
}

// values are a tool's, before they are summed up, in seconds.
type values struct {
	ttft, itl, tpot, latency *metrics.List
	weighed                  []weighed // in place of itl
}

// weighed is a value that counts several times.
type weighed struct {
	value float64
	times int
}

// tool reads its values off a request.
type tool struct {
	name, version string
	read          func(v *values, q *request, s *metrics.Sample)
	// duration is the tool's own; nil is the original's.
	duration func(run *span) time.Duration
}

// span is what a duration is made of: when the first request began, when the one that was
// completed first did, and the last events with text and with choices of all.
type span struct {
	any                               bool
	first, earliest, earliestComplete time.Duration
	lastText, lastChoices             time.Duration
}

// add takes in a request.
func (x *span) add(start, lastText, lastChoices time.Duration) {
	if !x.any {
		x.any, x.first, x.earliest, x.earliestComplete = true, start, start, lastChoices
	}
	x.first = min(x.first, start)
	if lastChoices < x.earliestComplete {
		x.earliest, x.earliestComplete = start, lastChoices
	}
	x.lastText, x.lastChoices = max(x.lastText, lastText), max(x.lastChoices, lastChoices)
}

// Reader reads a run's successes, one after the other.
type Reader struct {
	chat   bool
	values []values // by tool
	run    span
	tokens int
	q      request
	counts []int
}

// NewReader returns a reader that has read nothing yet, of chat or of text completions. by
// are the original's values, to which those of a request are added before
// (metrics.SummaryReader): tools that agree take no memory.
func NewReader(chat bool, by [4]*metrics.List) *Reader {
	d := &Reader{chat: chat, values: make([]values, len(tools))}
	like := [4][]*metrics.List{}
	for m := range by {
		like[m] = append(like[m], by[m])
	}
	for i := range tools {
		v := &d.values[i]
		for m, l := range map[metrics.Metric]**metrics.List{metrics.TTFT: &v.ttft, metrics.ITL: &v.itl, metrics.TPOT: &v.tpot, metrics.E2EL: &v.latency} {
			*l = metrics.Like(like[m]...)
			like[m] = append(like[m], *l)
		}
	}
	return d
}

// Add reads a success: its timeline, its sample, and the length of its completion. Nothing of
// it is kept.
func (d *Reader) Add(r *client.Result, s *metrics.Sample, outputLen int) {
	d.tokens += outputLen
	d.read(r, outputLen)
	lastText := r.Start
	if last := d.q.last(text); last != nil {
		lastText += last.at
	}
	d.run.add(r.Start, lastText, r.Start+d.q.lastChoices)
	for i := range tools {
		tools[i].read(&d.values[i], &d.q, s)
	}
}

// Rows are what each tool would report, in a fixed order; s is the original's summary of
// the same requests.
func (d *Reader) Rows(s *metrics.Summary) (rows []Row) {
	known := map[*metrics.List]Stat{}
	stat := func(l *metrics.List) Stat {
		l = l.Origin()
		of, ok := known[l]
		if !ok {
			at := l.Percentiles(50, 99)
			of = Stat{l.Len(), l.Mean(), at[0], at[1]}
			known[l] = of
		}
		return of
	}
	for i, t := range tools {
		v := &d.values[i]
		row := Row{Tool: t.name, Version: t.version, TTFT: stat(v.ttft), ITL: stat(v.itl), TPOT: stat(v.tpot), Latency: stat(v.latency), Duration: s.Duration}
		if len(v.weighed) > 0 {
			row.ITL = statOf(v.weighed)
		}
		if t.duration != nil && d.run.any {
			row.Duration = seconds(t.duration(&d.run))
		}
		if row.Duration > 0 {
			row.Throughput = float64(d.tokens) / row.Duration
		}
		rows = append(rows, row)
	}
	return rows
}

// statOf sums weighed values up.
func statOf(all []weighed) Stat {
	slices.SortFunc(all, func(a, b weighed) int { return cmp.Compare(a.value, b.value) })
	ends, n, sum := make([]int, len(all)), 0, 0.0
	for i, w := range all {
		n, sum = n+w.times, sum+w.value*float64(w.times)
		ends[i] = n
	}
	if n == 0 {
		return Stat{}
	}
	rank := func(i int) float64 {
		k, _ := slices.BinarySearch(ends, i+1)
		return all[k].value
	}
	return Stat{n, sum / float64(n), metrics.PercentileOf(n, 50, rank), metrics.PercentileOf(n, 99, rank)}
}

// read makes q the request of a result; its events' memory is used again.
func (d *Reader) read(r *client.Result, n int) {
	d.q = request{chat: d.chat, start: r.Start, n: n, lastByte: r.LastByte - r.Start, events: d.q.events[:0], gaps: d.q.gaps}
	counts, known := metrics.ChunkTokens(d.counts[:0], r, n)
	d.counts = counts
	for i := range r.Events {
		e := &r.Events[i]
		if !e.Choices {
			continue
		}
		d.q.lastChoices = e.At - r.Start
		if !metrics.BringsTokens(e) {
			continue
		}
		tokens := 1
		if known {
			tokens = counts[len(d.q.events)]
		}
		d.q.events = append(d.q.events, event{d.q.lastChoices, kinds(e.Kind), tokens})
	}
}

// first and last are the first and last event of a kind, nil without one.
func (q *request) first(of what) *event {
	for i := range q.events {
		if q.events[i].is&of != 0 {
			return &q.events[i]
		}
	}
	return nil
}

func (q *request) last(of what) *event {
	for i := len(q.events) - 1; i >= 0; i-- {
		if q.events[i].is&of != 0 {
			return &q.events[i]
		}
	}
	return nil
}

// seconds is exact, as the original's values are.
func seconds(d time.Duration) float64 { return float64(d) / 1e9 }

// addPerToken adds (latency - ttft) / (n - 1), which one token alone does not have.
func addPerToken(to *metrics.List, latency, ttft float64, n int) {
	if n > 1 {
		to.Add((latency - ttft) / float64(n-1))
	}
}

// addGaps adds TTFT to the first event of a kind and the gaps between such events, and
// returns the first and the last of them, nil without one.
func (v *values) addGaps(q *request, of what) (first, last *event) {
	gaps := q.gaps[:0]
	for i := range q.events {
		e := &q.events[i]
		switch {
		case e.is&of == 0:
			continue
		case first == nil:
			first = e
			v.ttft.AddDuration(e.at)
		default:
			gaps = append(gaps, e.at-last.at)
		}
		last = e
	}
	v.itl.AddDurations(gaps)
	q.gaps = gaps
	return first, last
}
