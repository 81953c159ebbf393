package analysis

import (
	"fmt"
	"time"

	"loadgen/internal/judge"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// RankSummary is what one rank of a merged run brought.
type RankSummary struct {
	recording.Rank
	Planned, Sent int
	Interrupted   bool
	Summary       *metrics.Summary
	Lateness      result.Delays
	Verdict       judge.Verdict
	whole         bool // answers came whole
}

// ranksOf analyzes each rank of a merged recording on its own; nil where there are none.
func ranksOf(rec *recording.Recording, count CountTokens) (out []RankSummary, err error) {
	for k := range rec.Parts {
		part := rec.Part(k)
		a, err := analyze(part, count, false, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, RankSummary{Rank: *part.Rank, Planned: part.Count(), Sent: a.Sent, Interrupted: part.Interrupted, Summary: a.Summary,
			Lateness: delays(a.Budget.Lateness), Verdict: a.Verdict, whole: RuleOf(&rec.Settings).Whole})
	}
	return out, nil
}

// worstVerdict is that of the rank that can be trusted the least.
func worstVerdict(of []RankSummary) judge.Verdict {
	names, all := make([]string, len(of)), make([]judge.Verdict, len(of))
	for i, r := range of {
		names[i], all[i] = fmt.Sprintf("rank %d on %s", r.Index, r.Host), r.Verdict
	}
	return judge.Worst(names, all)
}

// ranksSection are the ranks as the result has them.
func (a *Analysis) ranksSection() (out []result.RankResult) {
	for i := range a.Ranks {
		r := &a.Ranks[i]
		one := result.RankResult{Rank: *rankSection(&r.Rank), Planned: r.Planned, Sent: r.Sent, Completed: r.Summary.Completed, Duration: r.Summary.Duration,
			OutputThroughput: r.Summary.OutputThroughput, ScheduleLateness: r.Lateness, Verdict: string(r.Verdict.Level), Interrupted: r.Interrupted}
		for m, values := range r.Summary.Values {
			if values.Len() == 0 || r.whole && metrics.Metric(m) != metrics.E2EL {
				continue
			}
			p := values.Percentiles(50, 99)
			*one.Latency.At(m) = &result.Summary{Mean: 1e3 * values.Mean(), Median: 1e3 * p[0], P99: 1e3 * p[1]}
		}
		out = append(out, one)
	}
	return out
}

func rankSection(r *recording.Rank) *result.Rank {
	return &result.Rank{Rank: r.Index, Size: r.Size, Host: r.Host, Run: r.Run, Start: r.Start.UTC().Format(time.RFC3339Nano),
		Clock: clockSection(r.Clock), UTC: clockSection(r.UTC)}
}

func clockSection(c ranks.Clock) result.RankClock {
	if !c.Known() {
		return result.RankClock{}
	}
	return result.RankClock{Source: c.Source, Offset: new(ms(c.Offset)), Uncertainty: new(ms(c.Uncertainty))}
}
