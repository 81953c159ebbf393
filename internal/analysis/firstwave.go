package analysis

import (
	"loadgen/internal/recording"
	"loadgen/pkg/metrics"
)

// FirstWave is the first requests of a closed loop, as many as its concurrency, which all
// start at once and queue for each other.
type FirstWave struct {
	Requests, Completed int
	Latency             [4]metrics.Stats // in seconds, by Metric; of the successes
}

// waveOf is how many requests a run's first wave has, 0 where it has none: with a rate, or
// without a bound, with a ramp, or where the run is not longer than its first wave. Conversations
// have none, as the plan's first requests are not the first to be sent.
func waveOf(rec *recording.Recording, rate float64, sent int) int {
	if c := rec.Concurrency(); rate == 0 && 0 < c && c < sent && !conversing(rec) && rec.Stages == nil && rec.Settings.Stagger == 0 {
		return c
	}
	return 0
}

// firstWaveOf sums up the first requests of a run; nil where none of them succeeded.
func firstWaveOf(read *metrics.SummaryReader) *FirstWave {
	s := read.Summary(0)
	if s.Completed == 0 {
		return nil
	}
	return &FirstWave{s.Total, s.Completed, s.Latency}
}
