// Package analysis turns a Recording into everything that is reported of it: statistics,
// extended metrics, error budget, verdict, findings and notes, other tools' definitions.
// It is pure, without a clock, I/O or goroutines, and reads each timeline once.
package analysis

import (
	"math"
	"slices"
	"strings"
	"time"

	"loadgen/internal/breakdown"
	"loadgen/internal/definitions"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Analysis is what a recording means.
type Analysis struct {
	// Selected are the metrics to report.
	Selected []metrics.Metric
	Metadata [][2]string
	// Results are the requests that were sent, in the order of the plan; Samples and
	// Summary.OutputLens are theirs.
	Results []*client.Result
	Samples []metrics.Sample
	Summary *metrics.Summary
	// Extended and Definitions are nil where answers came whole.
	Extended    *metrics.Extended
	Definitions []definitions.Row
	// DecodingAtATime is how many requests decoded at once, the mean over the run; NaN
	// where answers came whole.
	DecodingAtATime float64
	FirstWave       *FirstWave           // nil but for closed loops that are longer than it
	Turns           []Turn               // of conversations; nil where there are none
	Server          *ServerTimes         // nil where the server gave none
	Breakdown       *breakdown.Breakdown // nil unless asked for and something is known
	Exposition      *result.Exposition   // nil where the server has no Prometheus metrics
	Energy          *Energy              // nil without two readings of its meter
	Budget          *judge.Budget
	Verdict         judge.Verdict
	Findings        []judge.Finding
	Notes           []judge.Finding
	Counts          Counts
}

// ServerTimes are the server's own times of its requests, in seconds.
type ServerTimes struct {
	Queue, Prefill, Decode metrics.Stats
}

// Energy is by how much the server's meter rose during the run.
type Energy struct {
	Joules, Seconds float64
	Whole           bool // the server wrote the joules as whole numbers
}

// CountTokens counts the tokens of a text, special ones left out. It stands in where the
// server gave no count; nil is 0.
type CountTokens func(text []byte) int

// Analyze makes the analysis of a recording. The error is that of settings that cannot be.
func Analyze(rec *recording.Recording, count CountTokens) (*Analysis, error) {
	s := &rec.Settings
	percentiles, err := s.Percentiles()
	if err != nil {
		return nil, err
	}
	goals, err := s.Goals()
	if err != nil {
		return nil, err
	}
	a := &Analysis{Notes: kept(rec.Notes)}
	a.Selected, _ = s.SelectedMetrics()
	if a.Metadata, _, err = s.Items(); err != nil {
		return nil, err
	}
	c := newCollector(rec, percentiles, count)
	for i, r := range rec.Results {
		if r != nil {
			c.add(r, rec.Planned[i])
		}
	}
	c.counts.Tokens.sumUp()
	a.Results, a.Samples, a.Counts = c.results, c.samples, c.counts
	a.Summary = metrics.Compute(c.samples, rec.Elapsed.Seconds(), metrics.Options{Percentiles: percentiles, Goodput: goals})
	a.Turns = turnsOf(rec, c.results, c.samples, percentiles)
	rate := scheduledRate(rec)
	wave := waveOf(rec, rate, len(a.Samples))
	a.FirstWave = firstWaveOf(a.Samples, wave, percentiles)
	a.DecodingAtATime = math.NaN()
	if d := a.Summary.Duration; !c.rule.Whole && d > 0 {
		a.DecodingAtATime = a.Counts.Decoding.Seconds() / d
	}
	a.Budget = c.budget.Budget(a.Summary, wave)
	a.Verdict = judge.Decide(a.Budget, &rec.Health, meanGap(rate), judge.DefaultLimits)
	findings, notes := c.findings.Findings()
	a.Findings, a.Notes = findings, append(a.Notes, notes...)
	if !c.rule.Whole {
		a.Extended = c.extended.Extended(a.Summary)
		a.Definitions = c.definitions.Rows(a.Summary)
	}
	a.server(rec, percentiles)
	a.energy(rec)
	if rec.KernelStamps && a.Counts.Events > 0 && a.Counts.KernelStamped == 0 {
		a.Notes = append(a.Notes, judge.Finding{Code: "no_kernel_stamps", Text: "the kernel did not stamp the arrivals: they are stamped when they are read, which is later when many streams run at once"})
	}
	return a, nil
}

// meanGap is the mean time between two requests of the schedule, 0 for all at once.
func meanGap(rate float64) float64 {
	if rate != 0 {
		return 1 / rate
	}
	return 0
}

// kept are a recording's notes.
func kept(notes []recording.Note) (out []judge.Finding) {
	for _, n := range notes {
		out = append(out, judge.Finding{Code: n.Code, Text: n.Text, Hint: n.Hint})
	}
	return out
}

// energy compares the meter's readings.
func (a *Analysis) energy(rec *recording.Recording) {
	before, after := rec.Before, rec.After
	switch {
	case before != nil && after != nil:
		a.Energy = &Energy{after.TotalJoules - before.TotalJoules, after.QueryTime - before.QueryTime, before.Whole && after.Whole}
	case before != nil || after != nil:
		a.Notes = slices.Insert(a.Notes, len(rec.Notes), judge.Finding{Code: "energy_incomplete", Text: "the server's energy meter answered only once: no energy is reported"})
	}
}

// collector hands each request that was sent to all that read timelines.
type collector struct {
	rule    metrics.Rule
	rec     *recording.Recording
	asked   asked
	count   CountTokens
	results []*client.Result
	samples []metrics.Sample
	// tokenizeEach is 1 where the text of every success is tokenized, 2 where that of every
	// second is, ...
	tokenizeEach int
	late         []time.Duration // of one request's events
	extended     *metrics.ExtendedReader
	definitions  *definitions.Reader
	budget       *judge.BudgetReader
	findings     *judge.FindingsReader
	counts       Counts
}

// RuleOf is how a run's timelines are read.
func RuleOf(s *recording.Settings) metrics.Rule {
	return metrics.Rule{Chat: s.Chat(), Whole: s.NonStreaming}
}

// modelsOf are the names of the models that requests ask for, none where that is not known.
func modelsOf(s *recording.Settings) (names []string) {
	if recording.Text(s.BodyPatch) != "" && strings.Contains(*s.BodyPatch, `"model"`) {
		return nil
	}
	for _, name := range []*string{s.ServedModelName, s.Model} {
		if text := recording.Text(name); text != "" {
			names = append(names, text)
			break
		}
	}
	if s.LoRAModules != nil && len(names) > 0 {
		names = append(names, *s.LoRAModules...)
	}
	return names
}

func newCollector(rec *recording.Recording, percentiles []float64, count CountTokens) *collector {
	s, sent, events := &rec.Settings, 0, 0
	for _, r := range rec.Results {
		if r != nil {
			sent, events = sent+1, events+len(r.Events)
		}
	}
	rule := RuleOf(s)
	run := judge.Run{
		Rule:        rule,
		Concurrency: s.Concurrency(),
		Rate:        scheduledRate(rec),
		Planned:     len(rec.Planned),
		Models:      modelsOf(s),
		TextPrompts: !s.TokenizeOnClient,
		Tested:      !s.NoTestInput,
		IgnoreEOS:   s.IgnoreEOS,
		Percentiles: percentiles,
	}
	asked := askedOf(s)
	run.Generated = asked.bestOf
	run.TokenizerAssumed = slices.ContainsFunc(rec.Notes, func(n recording.Note) bool { return n.Code == "tokenizer_assumed" })
	switch s.DatasetName {
	case "conversations", "prefix_repetition", "sonnet", "trace":
		run.SharedPrefixes = true
	case "random":
		run.PrefixLen = s.RandomPrefixLen
	}
	if t := rec.Template; t != nil {
		run.Template, run.TemplatePrefix = t.Added, t.Prefix
	}
	return &collector{
		rule: rule, rec: rec, asked: asked, count: count, tokenizeEach: tokenizeEach(rec),
		results:     make([]*client.Result, 0, sent),
		samples:     make([]metrics.Sample, 0, sent),
		extended:    metrics.NewExtendedReader(metrics.ExtendedOptions{Start: rec.Start, Concurrency: s.Concurrency(), Percentiles: percentiles, Events: events}),
		definitions: definitions.NewReader(rule.Chat, events),
		budget:      judge.NewBudgetReader(rule, &rec.Health, s.Concurrency() == 0 && s.Rate() == 0),
		findings:    judge.NewFindingsReader(run),
		counts:      Counts{Classes: map[string]int{}},
	}
}

// add reads a request that was sent.
func (c *collector) add(r *client.Result, p recording.Planned) {
	c.results = append(c.results, r)
	c.samples = append(c.samples, metrics.NewSample(r, p.PromptLen, c.rule))
	s := &c.samples[len(c.samples)-1]
	n, sent, tokens := 0, 0, metrics.TokenCount{}
	asked := c.asked.of(p.OutputLen)
	if s.Success {
		s.OutputTokens = s.Tokens(c.count)
		n = max(s.OutputTokens, 0)
		tokens = c.tokens(r, s)
		sent = tokens.Sent(asked * metrics.Choices(r))
	}
	c.late = judge.AppendLateness(c.late[:0], r, &c.rec.Health)
	c.budget.Add(r, c.late, n)
	c.findings.Add(judge.Request{Result: r, Sample: s, Late: c.late, Asked: asked, Got: n, Tokens: tokens})
	c.counts.add(r)
	if c.rule.Whole {
		return
	}
	c.extended.Add(r, s, sent)
	if s.Success {
		c.definitions.Add(r, s, n)
	}
}
