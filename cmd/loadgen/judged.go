package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"loadgen/internal/definitions"
	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/wire"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// judged is what a run's figures are worth, and what its reader must know.
type judged struct {
	budget          *metrics.Budget
	verdict         judge.Verdict
	findings, notes []judge.Finding
	selftest        *report.SelfTest    // nil where none was made
	extended        *metrics.Extended   // nil where answers came whole
	definitions     []definitions.Row   // as extended
	server          *report.ServerTimes // nil without any
}

// remark tells something before or beside the run, and keeps it as a note.
func (p *plan) remark(code, format string, args ...any) {
	f := judge.Finding{Code: code, Text: fmt.Sprintf(format, args...)}
	p.notes = append(p.notes, f)
	p.note("%s", f.Text)
}

// judge derives the error budget and the verdict, and looks for findings.
func (p *plan) judge(m *measured, r *report.Run) *judged {
	results := m.sent()
	j := &judged{budget: metrics.NewBudget(results, r.Summary.OutputLens, p.cfg.chat(), &m.health)}
	rate, gap := 0.0, 0.0
	if !math.IsInf(p.cfg.RequestRate, 1) {
		rate, gap = p.cfg.RequestRate, 1/p.cfg.RequestRate
	}
	j.verdict = judge.Decide(j.budget, &m.health, gap, judge.DefaultLimits)
	run := judge.Run{
		Results:     results,
		Samples:     r.Samples,
		Got:         r.Summary.OutputLens,
		Duration:    r.Summary.Duration,
		Concurrency: p.cfg.concurrency(),
		Rate:        rate,
		Chat:        p.cfg.chat(),
		TextPrompts: !p.cfg.TokenizeOnClient,
		Tested:      !p.cfg.NoTestInput,
		IgnoreEOS:   p.cfg.IgnoreEOS,
		Streaming:   !p.cfg.NonStreaming,
		Percentiles: r.Summary.Percentiles,
		Health:      &m.health,
	}
	if p.cfg.DatasetName == "random" {
		run.PrefixLen = p.cfg.RandomPrefixLen
	}
	for i := range m.Results {
		if m.Sent[i] {
			run.Asked = append(run.Asked, p.requests[i].OutputLen)
		}
	}
	j.findings, j.notes = run.Judge()
	percentiles := r.Summary.Percentiles
	if !p.cfg.NonStreaming {
		j.extended = metrics.NewExtended(results, metrics.ExtendedOptions{
			Start:       m.Start,
			Concurrency: run.Concurrency,
			Chat:        run.Chat,
			OutputLens:  run.Got,
			Percentiles: percentiles,
		})
		j.definitions = definitions.Rows(definitions.Run{Results: results, OutputLens: run.Got, Chat: run.Chat, Duration: run.Duration})
	}
	if m.server != nil && len(m.server.Requests) > 0 {
		j.server = &report.ServerTimes{}
		j.server.Queue, j.server.Prefill, j.server.Decode = metrics.ServerTimes(m.server, percentiles)
	}
	if p.cfg.Timestamps == "auto" && wire.KernelStampsSupported && p.dial == nil && !strings.HasPrefix(p.baseURL, "https:") && unstamped(results) {
		j.notes = append(j.notes, judge.Finding{Code: "no_kernel_stamps", Text: "the kernel did not stamp the arrivals: they are stamped when they are read, which is later when many streams run at once"})
	}
	return j
}

// tell tells findings, notes and verdict on stderr.
func (p *plan) tell(j *judged) {
	report.WriteFindings(p.s.err, "loadgen: ", shownFindings(j.findings), shownFindings(j.notes))
	report.WriteVerdict(p.s.err, "loadgen: ", shownVerdict(j.verdict, j.budget))
}

// selfTest makes the self-test that belongs to a run. A run without one is whole.
func (p *plan) selfTest(ctx context.Context, j *judged) {
	p.note("self-test: the same load against a simulated server")
	cfg := *p.cfg
	cfg.RandomInputLen, cfg.RandomOutputLen, cfg.NumPrompts = p.meanLengths()
	t, err := (&selftest{cfg: &cfg, profile: "ideal", quick: true, maxError: math.NaN()}).measure(ctx, p.s)
	if err != nil {
		p.remark("selftest_failed", "the self-test failed: %v", err)
		return
	}
	j.selftest = t
	t.WriteText(p.s.err)
}

// meanLengths are the mean lengths of prompts and completions, and the number of requests.
func (p *plan) meanLengths() (in, out, n int) {
	for _, r := range p.requests {
		in, out, n = in+r.PromptLen, out+r.OutputLen, n+1
	}
	if n == 0 {
		return 1, 1, 1
	}
	return max(in/n, 1), max(out/n, 1), n
}

// gateMissed is a gate that a finished run did not pass.
type gateMissed struct{ text string }

func (g gateMissed) Error() string { return g.text }

// gates are those that the flags ask for.
func (p *plan) gates(j *judged) error {
	if p.cfg.Require != nil && j.verdict.Level != judge.Clean {
		return gateMissed{fmt.Sprintf("--require clean: the verdict is %s", j.verdict.Level)}
	}
	return nil
}

// readDelays sums up the client's times from stamp to read.
func readDelays(c *client.Client) health.Dist {
	h := c.ReadDelays()
	at := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) }
	if h.TotalCount() == 0 {
		return health.Dist{}
	}
	return health.Dist{Count: int(h.TotalCount()), P50: at(50), P99: at(99), Max: time.Duration(h.Max())}
}

// shownFindings are findings as they are shown.
func shownFindings(all []judge.Finding) (out []report.Finding) {
	for _, f := range all {
		out = append(out, report.Finding{Code: f.Code, Text: f.Text})
	}
	return out
}

// shownVerdict is a verdict as it is shown.
func shownVerdict(v judge.Verdict, b *metrics.Budget) report.Verdict {
	out := report.Verdict{Level: string(v.Level)}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if x := b.Bounds[m]; x.Count > 0 {
			out.Measured = append(out.Measured, m)
			out.Bounds[m] = x.Most()
		}
	}
	for _, r := range v.Reasons {
		out.Reasons = append(out.Reasons, r.Text)
	}
	return out
}
