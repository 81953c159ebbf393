package live

import (
	"math/rand/v2"
	"time"

	"loadgen/internal/judge"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// A sample holds at most so many requests, and fewer of long answers: as many events, but
// for the last few requests.
const (
	mostSampled = 256
	mostEvents  = 1 << 14
	fewSampled  = 8
)

// sample is a uniform one of the requests that have ended: each has the same chance to be
// in it, however long the run.
type sample struct {
	of     []*client.Result
	events int
	most   int // 0 for mostSampled
	seen   int
	draw   *rand.Rand
}

// add takes in the next request, by its timeline only.
func (s *sample) add(r *client.Result) {
	if s.draw == nil {
		s.draw, s.most = rand.New(rand.NewPCG(1, 2)), mostSampled
	}
	s.seen++
	if len(s.of) >= s.most {
		i := s.draw.IntN(s.seen)
		if i >= len(s.of) {
			return
		}
		s.remove(i)
	}
	kept := *r
	kept.Text, kept.Body, kept.Details = nil, nil, nil
	s.of = append(s.of, &kept)
	s.events += len(kept.Events)
	for s.events > mostEvents && len(s.of) > fewSampled {
		s.remove(s.draw.IntN(len(s.of)))
		s.most = len(s.of)
	}
}

func (s *sample) remove(i int) {
	s.events -= len(s.of[i].Events)
	last := len(s.of) - 1
	s.of[i], s.of[last] = s.of[last], nil
	s.of = s.of[:last]
}

// Judging is due every few seconds, and so much later for each event that it stays below a
// hundredth of a processor's time.
const (
	judgeEvery = 2 * time.Second
	perEvent   = 20 * time.Microsecond
)

// judge renews what is known of the client, where that is due. Look is held.
func (t *Tally) judge(at time.Duration) {
	j := &t.judged
	if t.o.Health == nil || at < j.next {
		return
	}
	h := t.o.Health()
	if h.Cores == 0 { // the observation has not begun
		return
	}
	if j.health != nil && at > j.at {
		j.cpu = (h.User + h.System - j.health.User - j.health.System).Seconds() / (at - j.at).Seconds()
	} else if h.Wall > 0 {
		j.cpu = (h.User + h.System).Seconds() / h.Wall.Seconds()
	}
	j.health, j.at = &h, at
	t.mu.Lock()
	of, events := append([]*client.Result(nil), t.sample.of...), t.sample.events
	t.mu.Unlock()
	j.next = at + max(judgeEvery, time.Duration(events)*perEvent)
	if len(of) == 0 {
		return
	}
	summary := metrics.NewSummaryReader(metrics.Options{})
	budget := judge.NewBudgetReader(t.o.Rule, &h, t.o.Burst, nil)
	var read metrics.Reading
	var late []time.Duration
	for _, r := range of {
		read.Read(r, 0, t.o.Rule)
		s := &read.Sample
		s.OutputTokens = tokens(r, t.o.Rule.Whole)
		summary.Add(s)
		late = judge.AppendLateness(late[:0], r, &h)
		budget.Add(r, read.Spans, late, s.OutputTokens)
	}
	gap := 0.0
	if t.o.End > 0 && t.o.Planned > 0 {
		gap = t.o.End.Seconds() / float64(t.o.Planned)
	}
	j.budget = budget.Budget(summary.Summary(at.Seconds()), 0)
	verdict := judge.Decide(j.budget, &h, gap, judge.DefaultLimits)
	j.verdict, j.of = &verdict, len(of)
}
