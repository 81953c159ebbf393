// Package breakdown says where the time to the first token went. It takes the timelines of
// a run's requests and what the server noted of them (its records, or the metrics object of
// its answers), joins them, and gives for each request the spans that make up its TTFT.
//
// The client's and the server's clocks are never compared: a span is the difference of two
// instants of one clock, and what remains of TTFT is the network, there and back. The
// spans of a request therefore sum up to its TTFT. What was not noted is unknown, not zero.
// The package is pure: it does no I/O, reads no clock, and judges nothing.
//
// More than twenty names are exported: nineteen are the spans and instants that a record can
// have.
package breakdown

import (
	"math"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Span is a part of TTFT.
type Span uint8

// The spans, in the order in which they pass.
const (
	Send        Span = iota // connecting, and writing the request
	Network                 // on the way there and back: kernels, wires, proxies
	Router                  // in the server before the context and generation servers
	FrontEnd                // parsing, templates, tokenizing, until the engine has it
	Queue                   // waiting for the engine's scheduler
	Prefill                 // until the engine has the first token
	Flush                   // until the first token is handed to the connection
	Relay                   // from the context to the generation server
	GenFrontEnd             // the generation server's front end
	GenQueue                // waiting there, until the KV cache's transfer if that is known
	Transfer                // of the KV cache
	GenSchedule             // from the transfer to being scheduled
	GenFlush                // until the generation server has sent its first token
	RouterBack              // back through the router
	Server                  // in the server, not itemized
	Unknown                 // not noted by anybody
	Spans                   // how many there are
)

// names are the spans' keys and labels; original is what time_breakdown calls a span, "" for
// those that it does not have.
var names = [Spans]struct{ key, label, original string }{
	{"client_send", "client send", ""},
	{"network", "network", ""},
	{"disagg_preprocessing", "router", "disagg_preprocessing"},
	{"ctx_preprocessing", "front end", "ctx_preprocessing"},
	{"ctx_queue", "queue", "ctx_queue"},
	{"ctx_processing", "prefill", "ctx_processing"},
	{"ctx_postprocessing", "first flush", "ctx_postprocessing"},
	{"disagg_relay", "relay", "disagg_relay"},
	{"gen_preprocessing", "generation front end", "gen_preprocessing"},
	{"gen_queue_wait", "generation queue", "gen_queue_wait"},
	{"gen_kv_transfer", "KV transfer", "gen_kv_transfer"},
	{"gen_post_transfer", "after transfer", "gen_post_transfer"},
	{"gen_postprocessing", "generation first flush", "gen_postprocessing"},
	{"disagg_postprocessing", "router, back", "disagg_postprocessing"},
	{"server", "server, not itemized", ""},
	{"unknown", "unknown", ""},
}

// Key is the span's name in JSON, time_breakdown's where that has one.
func (s Span) Key() string { return names[s].key }

// Label is the span's name for people.
func (s Span) Label() string { return names[s].label }

// Join is how a request found its server's record.
type Join uint8

// The ways of joining.
const (
	Unjoined Join = iota
	InAnswer      // the answer itself brought it
	ByID          // by an id that the answer and the record have in common
	ByOrder       // by the order of arrival and the fit of the first and the last token
)

// Request is where the TTFT of a request went, in seconds.
type Request struct {
	Index  int // in the plan
	TTFT   float64
	Joined Join
	// Spans sum up to TTFT plus Excess; a span that is not known is NaN.
	Spans [Spans]float64
	// Excess is by how much the server's spans are longer than the client saw from start to
	// first token: 0 unless the two contradict each other.
	Excess float64
}

// Breakdown is where the TTFT of a run's successes went.
type Breakdown struct {
	Requests []Request // in the order of the plan
	// Records is how many records there were, and Joined how the requests were joined.
	Records int
	Joined  [ByOrder + 1]int
	// Excess is the largest of the requests'.
	Excess float64
}

// Of breaks the TTFT of the successes among results down; nil results were not sent. It
// returns nil where no request has a TTFT, or nothing is known of the server's times.
func Of(results []*client.Result, rule metrics.Rule, records []Record) *Breakdown {
	if rule.Whole {
		return nil
	}
	b := &Breakdown{Records: len(records)}
	joined := join(results, records)
	for i, r := range results {
		if r == nil || r.Err != nil {
			continue
		}
		ttft, ok := firstToken(r, rule)
		if !ok {
			continue
		}
		q := Request{Index: i, TTFT: ttft}
		q.unknown()
		own, answered := inAnswer(r)
		switch {
		case joined[i].record != nil:
			q.Joined = joined[i].how
			q.fill(r, chain(joined[i].record))
		case answered:
			q.Joined = InAnswer
			q.fill(r, own)
		default:
			q.fill(r, nil)
		}
		b.Joined[q.Joined]++
		b.Excess = max(b.Excess, q.Excess)
		b.Requests = append(b.Requests, q)
	}
	if len(b.Requests) == b.Joined[Unjoined] {
		return nil
	}
	return b
}

// firstToken is a request's TTFT in seconds by the run's rule.
func firstToken(r *client.Result, rule metrics.Rule) (float64, bool) {
	for s := range rule.Of(r).Spans {
		if s.Metric == metrics.TTFT {
			return s.Length().Seconds(), true
		}
	}
	return 0, false
}

func (q *Request) unknown() {
	for i := range q.Spans {
		q.Spans[i] = math.NaN()
	}
}

// link is an instant of a server and the span that it ends; the first begins them all.
type link struct {
	span Span
	at   float64 // 0 for one that was not noted
}

// chain are the instants of a record from the request's arrival to the first token's leaving.
func chain(r *Record) (all []link) {
	routed := r.RouterArrival > 0 || r.RouterFirst > 0
	if routed {
		all = append(all, link{at: r.RouterArrival})
	}
	c := r.Context
	if c != (Instants{}) || r.Generation == nil {
		all = append(all, link{Router, c.ServerArrival}, link{FrontEnd, c.Arrival}, link{Queue, c.Scheduled}, link{Prefill, c.FirstToken}, link{Flush, c.ServerFirst})
	} else {
		all = append(all, link{}) // the context server's part is not known
	}
	if g := r.Generation; g != nil {
		all = append(all, link{Relay, g.ServerArrival}, link{GenFrontEnd, g.Arrival})
		if g.TransferStart > 0 && g.TransferEnd > 0 {
			all = append(all, link{GenQueue, g.TransferStart}, link{Transfer, g.TransferEnd}, link{GenSchedule, g.Scheduled})
		} else {
			all = append(all, link{GenQueue, g.Scheduled})
		}
		all = append(all, link{GenFlush, g.ServerFirst})
	}
	if routed {
		all = append(all, link{RouterBack, r.RouterFirst})
	}
	return all
}

// fill computes the spans from the server's instants, and what remains.
func (q *Request) fill(r *client.Result, all []link) {
	send := 0.0
	if r.Written > r.Start {
		send = min((r.Written - r.Start).Seconds(), q.TTFT)
	}
	q.Spans[Send] = send
	rest := q.TTFT - send
	known := all[:0:0]
	for _, l := range all {
		if l.at > 0 && (len(known) == 0 || l.at >= known[len(known)-1].at) {
			known = append(known, l)
		}
	}
	if len(known) < 2 {
		q.Spans[Unknown] = rest
		return
	}
	gap := 0.0 // between instants with others missing between them
	for i, j := 1, next(all, known[0], 0); i < len(known); i++ {
		at := next(all, known[i], j+1)
		d := known[i].at - known[i-1].at
		if at == j+1 {
			q.Spans[known[i].span] = d
		} else {
			gap += d
		}
		rest -= d
		j = at
	}
	whole := known[0] == all[0] && known[len(known)-1] == all[len(all)-1]
	if rest < 0 { // the server had the request before its writing was over
		taken := min(-rest, q.Spans[Send])
		q.Spans[Send] -= taken
		if rest += taken; rest < 0 {
			q.Excess, rest = -rest, 0
		}
	}
	if whole {
		q.Spans[Network] = rest
	} else {
		gap += rest
	}
	if gap > 0 || !whole {
		q.Spans[Unknown] = gap
	}
}

// next is the place of a link at or after from.
func next(all []link, l link, from int) int {
	for i := from; i < len(all); i++ {
		if all[i] == l {
			return i
		}
	}
	return len(all)
}

// P99 is the request whose TTFT is the 99th percentile, the next longer one where that lies
// between two; nil without requests.
func (b *Breakdown) P99() *Request {
	var worst *Request
	ttfts := make([]float64, len(b.Requests))
	for i := range b.Requests {
		ttfts[i] = b.Requests[i].TTFT
	}
	bar := metrics.StatsOf(ttfts, []float64{99}).Percentiles[0]
	for i := range b.Requests {
		if q := &b.Requests[i]; worst == nil || bar <= q.TTFT && (q.TTFT < worst.TTFT || worst.TTFT < bar) || q.TTFT < bar && worst.TTFT < q.TTFT {
			worst = q
		}
	}
	return worst
}

// Quantiles are the percentiles that the original prints of a span, after mean and median.
var Quantiles = []float64{75, 99}

// Stats are the statistics of a span over the requests of which it is known, and their number.
func (b *Breakdown) Stats(s Span) (metrics.Stats, int) {
	var all []float64
	for i := range b.Requests {
		if v := b.Requests[i].Spans[s]; !math.IsNaN(v) {
			all = append(all, v)
		}
	}
	return metrics.StatsOf(all, Quantiles), len(all)
}
