package analysis

import (
	"time"

	"loadgen/internal/definitions"
	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// budgetSection is the measurement error of a run.
func budgetSection(b *judge.Budget, h *health.Report, v judge.Verdict) *result.ErrorBudget {
	out := &result.ErrorBudget{
		IdleShare:             b.Idle,
		ScheduleLateness:      delays(b.Lateness),
		SlotWait:              delays(b.SlotWait),
		StartDelay:            delays(b.StartDelay),
		SendDelay:             delays(b.SendDelay),
		Connect:               delays(b.Connect),
		PathRTT:               delays(b.RTT),
		StampToRead:           delays(h.Reads),
		LateStamps:            delays(b.Uncertainty),
		RetransmittedSegments: b.Retransmits,
		Clock:                 result.Clock{Source: h.Clock},
		GCPause:               delays(h.GCPauses),
		SchedulerDelay:        delays(h.Scheduler),
		TimerLateness:         delays(h.Ticks),
		Stalls:                stallsSection(h.Stalls),
		CPU:                   loadSection(h),
		Reactors:              reactorsSection(h),
	}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		x := b.Bounds[m]
		*out.Bounds.At(int(m)) = boundSection(x)
	}
	if b.FirstWave.Count > 0 {
		out.FirstWave = new(boundSection(b.FirstWave))
	}
	out.Reasons = reasonsSection(v)
	for _, s := range h.Steps {
		out.Clock.Steps = append(out.Clock.Steps, result.ClockStep{At: s.At.Seconds(), By: ms(s.By)})
	}
	return out
}

func reasonsSection(v judge.Verdict) (out []result.Reason) {
	for _, r := range v.Reasons {
		scale := 1e3
		if r.What == "throughput" || r.What == "clock" {
			scale = 1
		}
		out = append(out, result.Reason{What: r.What, Bound: scale * r.Bound, Limit: scale * r.Limit, Text: r.Text})
	}
	return out
}

func boundSection(x judge.Bound) result.Bound {
	return result.Bound{Mean: 1e3 * x.Mean, Median: 1e3 * x.Median, P99: 1e3 * x.P99,
		Bound: 1e3 * x.Most(), OfMedian: 1e3 * x.ReportedMedian, Count: x.Count}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func delays(d health.Dist) result.Delays {
	return result.Delays{Count: d.Count, P50: ms(d.P50), P99: ms(d.P99), Max: ms(d.Max)}
}

// stallsSection sums the stalls up: a starved process has thousands.
func stallsSection(stalls []health.Stall) result.Stalls {
	var sum, longest time.Duration
	for _, s := range stalls {
		sum, longest = sum+s.To-s.From, max(longest, s.To-s.From)
	}
	return result.Stalls{Count: len(stalls), Total: ms(sum), Longest: ms(longest)}
}

func loadSection(h *health.Report) result.Load {
	l := result.Load{Cores: h.Cores}
	if h.Wall > 0 {
		l.ProcessCores = (h.User + h.System).Seconds() / h.Wall.Seconds()
	}
	if h.Machine != nil {
		l.MachineBusy, l.MachineSteal = &h.Machine.Busy, &h.Machine.Steal
	}
	if g := h.Cgroup; g != nil {
		l.Cgroup = &result.Cgroup{Cores: g.Cores, Throttled: ms(g.Throttled), ThrottledPeriods: g.Periods}
	}
	return l
}

// reactorsSection is what each reactor's thread did.
func reactorsSection(h *health.Report) (out []result.Reactor) {
	for _, x := range h.Reactors {
		r := result.Reactor{Requests: x.Exchanges, Waited: ms(x.Waited), StampToRead: delays(x.Reads)}
		if h.Wall > 0 {
			r.CPUShare = x.CPU.Seconds() / h.Wall.Seconds()
		}
		out = append(out, r)
	}
	return out
}

func findingsSection(all []judge.Finding) (out []result.Finding) {
	for _, f := range all {
		out = append(out, result.Finding{Code: f.Code, Text: f.Text, Figures: f.Figures})
	}
	return out
}

func stats(s metrics.Stats, percentiles []float64, scale float64) result.Stats {
	return result.Stats{Mean: scale * s.Mean, Median: new(scale * s.Median), Std: new(scale * s.Std),
		Min: new(scale * s.Min), Max: new(scale * s.Max), Percentiles: percentilesOf(s, percentiles, scale)}
}

func turnSection(t *Turn, percentiles []float64, whole bool) result.Turn {
	out := result.Turn{Turn: t.Number, Requests: t.Requests, Completed: t.Completed, Prompt: t.Prompt, Cached: t.Cached}
	if t.Completed == 0 {
		return out
	}
	for m, to := range []**result.Stats{&out.TTFT, &out.TPOT, &out.ITL, &out.E2EL} {
		if !whole || metrics.Metric(m) == metrics.E2EL {
			*to = new(stats(t.Latency[m], percentiles, 1e3))
		}
	}
	return out
}

// firstWaveSection is the first wave; of whole answers E2EL alone was measured.
func firstWaveSection(w *FirstWave, percentiles []float64, whole bool) *result.FirstWave {
	out := &result.FirstWave{Requests: w.Requests, Completed: w.Completed, E2EL: stats(w.Latency[metrics.E2EL], percentiles, 1e3)}
	if !whole {
		for m, to := range map[metrics.Metric]**result.Stats{metrics.TTFT: &out.TTFT, metrics.TPOT: &out.TPOT, metrics.ITL: &out.ITL} {
			*to = new(stats(w.Latency[m], percentiles, 1e3))
		}
	}
	return out
}

func extendedSection(x *metrics.Extended, percentiles []float64) *result.Extended {
	times := func(s metrics.Stats) result.Stats { return stats(s, percentiles, 1e3) }
	counts := func(s metrics.Stats) result.Stats { return stats(s, percentiles, 1) }
	out := &result.Extended{
		FirstContent:    times(x.FirstContent),
		FirstVisible:    times(x.FirstVisible),
		TokensPerChunk:  result.Stats{Mean: x.TokensPerChunk.Mean},
		SecondToken:     times(x.SecondToken),
		UserPace:        counts(x.UserPace),
		DueTTFT:         times(x.DueTTFT),
		DueE2EL:         times(x.DueE2EL),
		Queue:           times(x.Queue),
		PeakConcurrency: x.PeakConcurrency,
		MeanConcurrency: x.MeanConcurrency,
	}
	if x.PerToken != nil {
		out.PerToken, out.TokensPerChunk = new(times(*x.PerToken)), counts(x.TokensPerChunk)
	}
	if c := x.ByChoice; c != nil {
		out.ByChoice = &result.ByChoice{Requests: c.Requests, Choices: c.Choices, TTFT: times(c.TTFT), TPOT: times(c.TPOT), ITL: times(c.ITL)}
	}
	for m := range x.Means {
		if i := x.Means[m]; i != nil {
			*out.Intervals.At(m) = []float64{1e3 * i.Low, 1e3 * i.High}
		}
	}
	if s := x.Steady; s != nil {
		out.Steady = &result.Steady{From: s.From, To: s.To, Requests: s.Requests, Dropped: s.Dropped, OutputThroughput: s.TokensPerSecond}
		for m := range s.Latency {
			*out.Steady.At(m) = times(s.Latency[m])
		}
	}
	for i, s := range x.Series {
		out.Series = append(out.Series, result.Second{Second: i, Concurrency: s.Concurrency, Peak: s.Peak, Tokens: s.Tokens, Started: s.Started, Completed: s.Completed})
	}
	return out
}

func definitionsSection(rows []definitions.Row) (out []result.Definition) {
	stat := func(s definitions.Stat) *result.Summary {
		if s.Count == 0 {
			return nil
		}
		return &result.Summary{Mean: 1e3 * s.Mean, Median: 1e3 * s.Median, P99: 1e3 * s.P99}
	}
	for _, r := range rows {
		out = append(out, result.Definition{Tool: r.Tool, TTFT: stat(r.TTFT), ITL: stat(r.ITL), TPOT: stat(r.TPOT),
			Latency: stat(r.Latency), Duration: r.Duration, OutputThroughput: r.Throughput})
	}
	return out
}
