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

// turnsOf sums up the requests of conversations by turn, nil where there are none. results
// and samples are those of the requests that were sent.
func turnsOf(rec *recording.Recording, results []*client.Result, samples []metrics.Sample, percentiles []float64) (out []Turn) {
	var byTurn [][]int
	k := 0
	for i, r := range rec.Results {
		if r == nil {
			continue
		}
		if p := rec.Planned[i]; p.Conversation > 0 {
			for len(byTurn) <= p.Turn {
				byTurn = append(byTurn, nil)
			}
			byTurn[p.Turn] = append(byTurn[p.Turn], k)
		}
		k++
	}
	for number, all := range byTurn {
		chosen := make([]metrics.Sample, len(all))
		var prompt, cached mean
		for j, k := range all {
			chosen[j] = samples[k]
			if u := results[k].SeenUsage; results[k].Err == nil {
				prompt.add(u.Prompt)
				cached.add(u.Cached)
			}
		}
		s := metrics.Compute(chosen, 0, metrics.Options{Percentiles: percentiles})
		out = append(out, Turn{Number: number + 1, Requests: len(all), Completed: s.Completed, Prompt: prompt.value(), Cached: cached.value(), Latency: s.Latency})
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
// rate that was set, or that of a trace's arrival times.
func scheduledRate(rec *recording.Recording) float64 {
	s := &rec.Settings
	if s.Rate() != 0 || s.DatasetName != "trace" {
		return s.Rate()
	}
	var first, last time.Duration
	n := 0
	for _, r := range rec.Results {
		if r == nil {
			continue
		}
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
