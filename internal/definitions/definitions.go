// Package definitions reads TTFT, ITL, TPOT, latency and throughput off the same
// timelines as the field's load generators define them, so that their results can be
// compared with ours. It takes the requests of a run and gives a row for each tool; it
// does no I/O. docs/definitions.md explains them by an example.
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
	Tool, Version            string // as of which version; "" for the original
	TTFT, ITL, TPOT, Latency Stat
	Duration                 float64 // seconds
	Throughput               float64 // output tokens per second
}

// request is the instants of one success, since its start, in seconds.
type request struct {
	chat        bool
	start       time.Duration
	events      []event
	lastByte    float64 // after [DONE]
	n           int     // output tokens
	lastChoices float64
}

// event is an event that brought tokens; visible is text outside of
// reasoning, text any text; finish is a finish reason alone.
type event struct {
	at                    float64
	text, visible, finish bool
	tokens                int // 1 where it is not known
}

// values are a tool's, before they are summed up.
type values struct{ ttft, itl, tpot, latency []float64 }

// tool reads its values off a request.
type tool struct {
	name, version string
	read          func(v *values, q *request, s *metrics.Sample)
	// gaps says that it has a value for each gap. originalITL says that these are the
	// original's.
	gaps        bool
	originalITL whose
	// duration is the tool's own; nil is the original's.
	duration func(all []ends) float64
}

// whose gaps a tool takes from the original.
type whose int

const (
	nobodys whose = iota
	ofAll
	ofThoseWithTokens // of completions: it has no other; for chat the tool's own
)

// ends are what a duration is made of: a request's start, and the last event with text
// and the last with choices, in seconds since then.
type ends struct {
	start                 time.Duration
	lastText, lastChoices float64
}

// Reader reads a run's successes, one after the other.
type Reader struct {
	chat    bool
	values  []values // by tool
	samples []*metrics.Sample
	leftOut bool // some successes are failures to another tool
	all     []ends
	tokens  int
	q       request
	counts  []int
}

// NewReader returns a reader that has read nothing yet, of chat or of text completions;
// events is how many events there are in all, a hint for memory.
func NewReader(chat bool, events int) *Reader {
	d := &Reader{chat: chat, values: make([]values, len(tools))}
	for i, t := range tools {
		if t.gaps {
			d.values[i].itl = make([]float64, 0, events)
		}
	}
	return d
}

// Add reads a success: its timeline, its sample, and the length of its completion.
func (d *Reader) Add(r *client.Result, s *metrics.Sample, outputLen int) {
	d.tokens += outputLen
	d.read(r, outputLen)
	e := ends{start: r.Start, lastChoices: d.q.lastChoices}
	if last := d.q.last(text); last != nil {
		e.lastText = last.at
	}
	d.all = append(d.all, e)
	if len(d.q.events) > 0 {
		d.samples = append(d.samples, s)
	} else {
		d.leftOut = true
	}
	for i := range tools {
		tools[i].read(&d.values[i], &d.q, s)
	}
}

// Rows are what each tool would report, in a fixed order; s is the original's summary of
// the same requests.
func (d *Reader) Rows(s *metrics.Summary) (rows []Row) {
	scratch := make([]float64, len(s.Sorted[metrics.ITL]))
	stat := func(x []float64) Stat {
		if len(scratch) < len(x) {
			scratch = make([]float64, len(x))
		}
		metrics.Sort(x, scratch)
		return statOf(x)
	}
	twins := d.twins()
	for i, t := range tools {
		v := &d.values[i]
		row := Row{Tool: t.name, Version: t.version, TTFT: stat(v.ttft), TPOT: stat(v.tpot), Latency: stat(v.latency), Duration: s.Duration}
		switch {
		case t.originalITL == ofAll:
			row.ITL = statOf(s.Sorted[metrics.ITL])
		case t.originalITL == ofThoseWithTokens && !d.chat:
			if row.ITL = rows[0].ITL; d.leftOut {
				row.ITL = stat(d.originalITL())
			}
		default:
			if k := twins[i]; k < i {
				row.ITL = rows[k].ITL
			} else {
				row.ITL = stat(v.itl)
			}
		}
		if t.duration != nil && len(d.all) > 0 {
			row.Duration = t.duration(d.all)
		}
		if row.Duration > 0 {
			row.Throughput = float64(d.tokens) / row.Duration
		}
		rows = append(rows, row)
	}
	return rows
}

// twins is for each tool the first with the same gaps, as many agree on with one token a
// chunk: these are summed up once.
func (d *Reader) twins() (out [len(tools)]int) {
	for i := range tools {
		out[i] = i
		for k := range i {
			if tools[k].originalITL == nobodys && slices.Equal(d.values[k].itl, d.values[i].itl) {
				out[i] = k
				break
			}
		}
	}
	return out
}

// originalITL are the original's gaps of the requests that brought tokens.
func (d *Reader) originalITL() (out []float64) {
	for _, s := range d.samples {
		out = append(out, s.ITL...)
	}
	return out
}

// statOf sums sorted values up.
func statOf(x []float64) Stat {
	return Stat{len(x), metrics.Mean(x), metrics.Median(x), metrics.Percentile(x, 99)}
}

// read makes q the request of a result; its events' memory is used again.
func (d *Reader) read(r *client.Result, n int) {
	since := func(at time.Duration) float64 { return (at - r.Start).Seconds() }
	d.q = request{chat: d.chat, start: r.Start, n: n, lastByte: since(r.LastByte), events: d.q.events[:0]}
	counts, known := metrics.ChunkTokens(d.counts[:0], r, n)
	d.counts = counts
	for i := range r.Events {
		e := &r.Events[i]
		if !e.Choices {
			continue
		}
		d.q.lastChoices = since(e.At)
		if !metrics.BringsTokens(e) {
			continue
		}
		tokens := 1
		if known {
			tokens = counts[len(d.q.events)]
		}
		d.q.events = append(d.q.events, event{d.q.lastChoices, e.Kind == client.Text || e.Kind == client.Reasoning, e.Kind == client.Text, e.Kind == client.Finish, tokens})
	}
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

func anyToken(*event) bool   { return true }
func streamed(e *event) bool { return !e.finish }
func text(e *event) bool     { return e.text }
func visible(e *event) bool  { return e.visible }

// addPerToken adds (latency - ttft) / (n - 1), which one token alone does not have.
func addPerToken(to *[]float64, latency, ttft float64, n int) {
	if n > 1 {
		*to = append(*to, (latency-ttft)/float64(n-1))
	}
}

// addGaps adds TTFT to the first event that a condition holds for and the gaps between
// such events, and returns the first and the last of them, nil without one.
func (v *values) addGaps(q *request, of func(e *event) bool) (first, last *event) {
	for i := range q.events {
		e := &q.events[i]
		switch {
		case !of(e):
			continue
		case first == nil:
			first = e
			v.ttft = append(v.ttft, e.at)
		default:
			v.itl = append(v.itl, e.at-last.at)
		}
		last = e
	}
	return first, last
}

// sinceStart is from the first request's start to the last instant that end gives.
func sinceStart(all []ends, end func(e *ends) float64) float64 {
	first, last := all[0].start.Seconds(), 0.0
	for i := range all {
		first = min(first, all[i].start.Seconds())
		last = max(last, all[i].start.Seconds()+end(&all[i]))
	}
	return last - first
}
