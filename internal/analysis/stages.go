package analysis

import (
	"fmt"
	"math"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Stage is what was measured of one stage of a run, transitions left out: of requests that
// began after the last one from before the stage had ended, and after the stage's ramp, and
// that ended within the stage. Times are in seconds from the run's start.
type Stage struct {
	Rate        float64 // requests per second that were asked for, 0 for none
	Concurrency int     // requests at a time that were asked for, 0 for none
	From, To    float64
	// MeasuredFrom is when the transition was over; To where it never was.
	MeasuredFrom float64
	// Started is how many requests began in the stage, ramp included, Dropped how many of them
	// belong to a transition.
	Started, Dropped int
	// Cancelled is how many of the others loadgen itself ended, which are no failures.
	Cancelled int
	// SentPerSecond, MeanConcurrency and TokensPerSecond are over the time that is measured.
	SentPerSecond, MeanConcurrency, TokensPerSecond float64
	Summary                                         *metrics.Summary // of those that count
	Budget                                          *judge.Budget
	Verdict                                         judge.Verdict
	Findings                                        []judge.Finding
}

// stageReader reads one stage off a run's timelines.
type stageReader struct {
	recording.Stage
	settled  time.Duration // when the last request from before had ended, on the run's clock
	from, to time.Duration // what is measured, on the run's clock
	out      Stage
	sent     int           // in the time that is measured
	underWay time.Duration // the sum of all requests' times in it
	tokens   float64
	summary  *metrics.SummaryReader
	budget   *judge.BudgetReader
	findings *judge.FindingsReader
}

// stages reads the timelines once for when each stage has settled, and once more for what was
// measured then. sent are the output tokens that each answer sent.
func (a *Analysis) stages(rec *recording.Recording, o metrics.Options, count CountTokens, sent []int32) {
	if len(rec.Stages) == 0 {
		return
	}
	c := newCollector(rec, o, count, 0, 0)
	readers := settled(rec)
	for i := range readers {
		readers[i].begin(rec, c, o)
	}
	k := 0
	for i, r := range rec.All() {
		for j := range readers {
			readers[j].add(c, i, r, sent[k])
		}
		k++
	}
	for i := range readers {
		a.Stages = append(a.Stages, readers[i].end(&rec.Health))
	}
	for i := range a.Stages {
		if f := a.Stages[i].notKept(i+1, rec.Settings.Burstiness); f != nil && !rec.Interrupted {
			a.Findings = append(a.Findings, *f)
		}
	}
}

// settled finds out when the transition to each stage was over: the last request that began
// before it had ended.
func settled(rec *recording.Recording) []stageReader {
	readers := make([]stageReader, len(rec.Stages))
	for i, g := range rec.Loads() {
		if g.To == 0 || rec.Interrupted && g.To > rec.Elapsed {
			g.To = max(rec.Elapsed, g.From)
		}
		readers[i] = stageReader{Stage: g, from: rec.Start + g.Steady, to: rec.Start + g.To}
	}
	for _, r := range rec.All() {
		for i := range readers {
			if x := &readers[i]; r.Start < rec.Start+x.From {
				x.settled = max(x.settled, over(r))
			}
		}
	}
	for i := range readers {
		x := &readers[i]
		x.from = min(max(x.from, x.settled), x.to)
		x.out = Stage{Rate: x.Rate, Concurrency: x.Concurrency, From: x.From.Seconds(), To: x.To.Seconds(), MeasuredFrom: (x.from - rec.Start).Seconds()}
	}
	return readers
}

// over is when a server was done with a request.
func over(r *client.Result) time.Duration {
	if r.Ended > 0 {
		return r.Ended
	}
	return r.End
}

// begin makes the readers of what counts.
func (x *stageReader) begin(rec *recording.Recording, c *collector, o metrics.Options) {
	x.summary = metrics.NewSummaryReader(o)
	values := x.summary.Values()
	x.budget = judge.NewBudgetReader(c.rule, &rec.Health, false, &values)
	run := c.run
	run.Concurrency, run.Rate, run.Sent = x.Concurrency, x.Rate, 0
	x.findings = judge.NewFindingsReader(run, values[metrics.ITL])
}

// add reads request i, which was sent; n are the output tokens that it sent.
func (x *stageReader) add(c *collector, i int, r *client.Result, n int32) {
	begin, end := max(r.Start, x.from), min(over(r), x.to)
	x.underWay += max(end-begin, 0)
	if x.from <= r.Start && r.Start < x.to {
		x.sent++
	}
	if r.Err == nil && end > begin {
		x.tokens += metrics.TokensWithin(r, int(n), x.from, x.to)
	}
	if r.Start < c.rec.Start+x.From || r.Start >= x.to {
		return
	}
	if x.out.Started++; r.Start < x.from || over(r) > x.to {
		x.out.Dropped++
		return
	}
	if r.Err != nil && r.Err.Class.OnPurpose() {
		x.out.Cancelled++
	}
	c.prepare(0, i, r)
	q := &c.slots[0]
	x.summary.Add(&q.Sample)
	x.budget.Under(c.rec.HealthOf(i))
	x.budget.Add(r, q.Spans, q.late, q.length)
	x.findings.Add(q.judged())
}

// end sums up the stage.
func (x *stageReader) end(h *health.Report) Stage {
	out := x.out
	length := (x.to - x.from).Seconds()
	out.Summary = x.summary.Summary(length)
	out.Budget = x.budget.Budget(out.Summary, 0)
	out.Verdict = judge.Decide(out.Budget, h, meanGap(x.Rate), judge.DefaultLimits)
	if out.Summary.Total > 0 {
		out.Findings, _ = x.findings.Findings()
	}
	if length > 0 {
		out.SentPerSecond, out.MeanConcurrency, out.TokensPerSecond = float64(x.sent)/length, x.underWay.Seconds()/length, x.tokens/length
	}
	return out
}

// keptShare is the share of a stage's load that must have been there.
const keptShare = 0.95

// notKept finds a stage whose load was not the one asked for, or that has nothing to measure.
// burstiness is that of a rate.
func (g *Stage) notKept(number int, burstiness float64) *judge.Finding {
	length := g.To - g.MeasuredFrom
	figures := pyjson.Object{{Key: "stage", Value: number}, {Key: "measured", Value: g.Summary.Total}, {Key: "started", Value: g.Started}}
	switch {
	case g.Started == 0:
		return &judge.Finding{Code: "stage_not_measured", Figures: figures,
			Text: fmt.Sprintf("stage %d has no metrics: no request began in it; give the run more requests, or make the stage longer", number)}
	case g.Summary.Total == 0:
		return &judge.Finding{Code: "stage_not_measured", Figures: figures,
			Text: fmt.Sprintf("stage %d has no metrics: of %d requests that began in it none lies between its transition, which ended %.3g s after the stage began, and its end after %.3g s; make it longer", number, g.Started, g.MeasuredFrom-g.From, g.To-g.From)}
	case g.Rate > 0:
		// The number of requests in a window has a standard deviation of about sqrt(n/burstiness);
		// constant spacing is off by at most one.
		want := g.Rate * length
		if got := g.SentPerSecond * length; got < keptShare*want && got < want-1-3*math.Sqrt(want/burstiness) {
			figures = append(figures, pyjson.Member{Key: "sent_per_s", Value: g.SentPerSecond}, pyjson.Member{Key: "asked_per_s", Value: g.Rate})
			return &judge.Finding{Code: "stage_not_kept", Figures: figures, Text: fmt.Sprintf("stage %d asks for %.4g requests/s, and %.4g were sent", number, g.Rate, g.SentPerSecond)}
		}
	case g.MeanConcurrency < keptShare*float64(g.Concurrency):
		figures = append(figures, pyjson.Member{Key: "mean_concurrency", Value: g.MeanConcurrency}, pyjson.Member{Key: "asked", Value: g.Concurrency})
		return &judge.Finding{Code: "stage_not_kept", Figures: figures, Text: fmt.Sprintf("stage %d asks for %d requests at a time, and %.4g were under way on average", number, g.Concurrency, g.MeanConcurrency)}
	}
	return nil
}

// stageSection is a stage as the result has it.
func stageSection(g *Stage, percentiles []float64, whole bool) result.Stage {
	s := g.Summary
	out := result.Stage{From: g.From, To: g.To, MeasuredFrom: g.MeasuredFrom, Started: g.Started, Dropped: g.Dropped, Requests: s.Total, Cancelled: g.Cancelled, Completed: s.Completed,
		Sent: g.SentPerSecond, MeanConcurrency: g.MeanConcurrency, OutputThroughput: g.TokensPerSecond,
		Verdict: string(g.Verdict.Level), Reasons: reasonsSection(g.Verdict), Findings: findingsSection(g.Findings)}
	if g.Rate > 0 {
		out.Rate = &g.Rate
	} else {
		out.Concurrency = &g.Concurrency
	}
	for m, to := range []**result.Stats{&out.TTFT, &out.TPOT, &out.ITL, &out.E2EL} {
		if s.Completed > 0 && (!whole || metrics.Metric(m) == metrics.E2EL) {
			*to = new(stats(s.Latency[m], percentiles, 1e3))
		}
		*out.Bounds.At(m) = boundSection(g.Budget.Bounds[m])
	}
	return out
}
