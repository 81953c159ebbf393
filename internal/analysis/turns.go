package analysis

import (
	"time"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Turn is what was measured of one turn of all conversations: the first turns, the second
// ones, and so on.
type Turn struct {
	Number              int // from 1
	Requests, Completed int
	// Prompt and Cached are the mean numbers of tokens that the server counted in prompts
	// and found in its prefix cache; nil where it says neither.
	Prompt, Cached *float64
	Latency        [4]metrics.Stats // in seconds, by Metric; of the successes
}

// turnsReader sums up the requests of conversations by turn.
type turnsReader struct {
	percentiles []float64
	byTurn      []*turnReader
}

type turnReader struct {
	summary        *metrics.SummaryReader
	prompt, cached mean
}

// add reads a request that was sent.
func (t *turnsReader) add(r *client.Result, s *metrics.Sample, p recording.Planned) {
	if p.Conversation == 0 {
		return
	}
	for len(t.byTurn) <= p.Turn {
		t.byTurn = append(t.byTurn, &turnReader{summary: metrics.NewSummaryReader(metrics.Options{Percentiles: t.percentiles})})
	}
	of := t.byTurn[p.Turn]
	if of.summary.Add(s); s.Success {
		of.prompt.add(r.SeenUsage.Prompt)
		of.cached.add(r.SeenUsage.Cached)
	}
}

// turns are what was read, nil where there are none.
func (t *turnsReader) turns() (out []Turn) {
	for number, of := range t.byTurn {
		s := of.summary.Summary(0)
		out = append(out, Turn{Number: number + 1, Requests: s.Total, Completed: s.Completed, Prompt: of.prompt.value(), Cached: of.cached.value(), Latency: s.Latency})
	}
	return out
}

// mean is that of counts, of which negative ones are not known.
type mean struct{ sum, n int }

func (m *mean) add(count int) {
	if count >= 0 {
		m.sum, m.n = m.sum+count, m.n+1
	}
}

func (m *mean) value() *float64 {
	if m.n == 0 {
		return nil
	}
	return new(float64(m.sum) / float64(m.n))
}

// conversing reports whether the run's requests are turns of conversations.
func conversing(rec *recording.Recording) bool {
	return len(rec.Planned) > 0 && rec.Planned[0].Conversation > 0
}

// scheduledRate is the schedule's requests per second, 0 where all are due at once: the
// rate that was set, the highest of several, or that of a trace's arrival times.
func scheduledRate(rec *recording.Recording) float64 {
	s := &rec.Settings
	if len(rec.Stages) > 0 { // the highest
		most := 0.0
		for _, g := range rec.Loads() {
			most = max(most, g.Rate)
		}
		return most
	}
	if s.Rate() != 0 || s.DatasetName != "trace" {
		return rec.Rate()
	}
	var first, last time.Duration
	n := 0
	for _, r := range rec.All() {
		if n++; n == 1 {
			first = r.Due
		}
		first, last = min(first, r.Due), max(last, r.Due)
	}
	if span := (last - first).Seconds(); span > 0 {
		return float64(n-1) / span
	}
	return 0
}
