// Package analysis turns a Recording into everything that is reported of it: statistics,
// extended metrics, error budget, verdict, findings and notes, other tools' definitions.
// It is pure, without a clock or I/O of its own, and keeps no timeline.
package analysis

import (
	"bytes"
	"fmt"
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
	// Sent is how many requests were sent. Samples and Summary.OutputLens are theirs, in the
	// order of the plan; Samples is nil unless the details are asked for.
	Sent    int
	Samples []metrics.Sample
	Summary *metrics.Summary
	// Extended and Definitions are nil where answers came whole.
	Extended    *metrics.Extended
	Definitions []definitions.Row
	// DecodingAtATime is how many requests decoded at once, the mean over the run; NaN
	// where answers came whole.
	DecodingAtATime float64
	FirstWave       *FirstWave           // nil but for closed loops that are longer than it
	Probes          *Probes              // nil unless some were sent beside the load
	Servers         []SpreadServer       // that requests were spread over; nil for one
	Cancellation    *Cancellation        // nil where no requests were to be cancelled
	Stages          []Stage              // of a run whose load was not the same all along; nil of another
	Turns           []Turn               // of conversations; nil where there are none
	Server          *ServerTimes         // nil where the server gave none
	Breakdown       *breakdown.Breakdown // nil unless asked for and something is known
	Exposition      *result.Exposition   // nil where the server has no Prometheus metrics
	Energy          *Energy              // nil without two readings of its meter
	Budget          *judge.Budget
	Verdict         judge.Verdict // of several ranks the worst of theirs
	Ranks           []RankSummary // of a merged recording; nil where one process made it
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

// Analyze makes the analysis of a recording, with Samples if its settings save the details.
// The error is that of settings that cannot be.
func Analyze(rec *recording.Recording, count CountTokens) (*Analysis, error) {
	return analyze(rec, count, rec.Settings.SaveDetailed)
}

// Detailed is the same with Samples.
func Detailed(rec *recording.Recording, count CountTokens) (*Analysis, error) {
	return analyze(rec, count, true)
}

func analyze(rec *recording.Recording, count CountTokens, details bool) (*Analysis, error) {
	s := &rec.Settings
	percentiles, err := s.Percentiles()
	if err != nil {
		return nil, err
	}
	goals, err := s.Goals()
	if err != nil {
		return nil, err
	}
	a := &Analysis{Notes: kept(rec.Notes), Sent: rec.Sent()}
	a.Selected, _ = s.SelectedMetrics()
	if a.Metadata, _, err = s.Items(); err != nil {
		return nil, err
	}
	rate := scheduledRate(rec)
	options := metrics.Options{Percentiles: percentiles, Goodput: goals}
	wave := waveOf(rec, rate, a.Sent)
	findings, notes, sent := a.read(rec, count, options, wave, details)
	a.again(rec, wave, sent)
	a.DecodingAtATime = math.NaN()
	if d := a.Summary.Duration; !RuleOf(s).Whole && d > 0 {
		a.DecodingAtATime = a.Counts.Decoding.Seconds() / d
	}
	if a.Ranks, err = ranksOf(rec, count); err != nil {
		return nil, err
	}
	if len(a.Ranks) > 0 {
		a.Verdict = worstVerdict(a.Ranks)
	} else {
		a.Verdict = judge.Decide(a.Budget, &rec.Health, meanGap(rate), judge.DefaultLimits)
	}
	a.Findings, a.Notes = append(findings, judge.StampFindings(&rec.Health)...), append(a.Notes, notes...)
	a.stages(rec, options, count, sent)
	a.probes(rec, options, count)
	a.server(rec, percentiles)
	a.energy(rec)
	if rec.KernelStamps && a.Counts.Events > 0 && a.Counts.KernelStamped == 0 {
		a.Notes = append(a.Notes, judge.Finding{Code: "no_kernel_stamps", Text: "the kernel did not stamp the arrivals: they are stamped when they are read, which is later when many streams run at once"})
	}
	if rec.Spool != nil {
		if n, err := rec.Spool.Unread(); n > 0 {
			a.Notes = append(a.Notes, judge.Finding{Code: "results_unread", Text: fmt.Sprintf("results could not be read back from the disk, so that they are missing here: %v", err)})
		}
	}
	return a, nil
}

// read reads all timelines for what is known of any answer, and returns findings, notes and
// how many tokens each answer sent.
func (a *Analysis) read(rec *recording.Recording, count CountTokens, o metrics.Options, wave int, details bool) (findings, notes []judge.Finding, sent []int32) {
	c := newCollector(rec, o, count, a.Sent, wave)
	if details {
		a.Samples = make([]metrics.Sample, 0, a.Sent)
	}
	cancelled, spread := newCancelReader(&rec.Settings), newSpreadReader(&rec.Settings, o)
	rec.Prepared(c.prepare)(func(slot, i int, r *client.Result) bool {
		s := &c.slots[slot]
		c.add(r, &s.sample, s.late, rec.Planned[i])
		cancelled.add(i, r)
		spread.add(r, &s.sample)
		if details {
			s.sample.Text = bytes.Clone(s.sample.Text)
			a.Samples = append(a.Samples, s.sample)
			s.sample.ITL = nil // which is theirs now
		}
		return true
	})
	c.counts.Tokens.sumUp()
	a.Counts = c.counts
	together(func() { a.Summary = c.summary.Summary(rec.Elapsed.Seconds()) }, func() { findings, notes = c.findings.Findings() })
	a.Servers = spread.servers(rec.Elapsed.Seconds())
	a.Turns, a.Cancellation = c.turns.turns(), cancelled.cancellation(o.Percentiles)
	a.FirstWave = firstWaveOf(c.wave)
	return findings, notes, c.sent
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
	case rec.Rank != nil: // the server's joules went into all ranks' tokens
	case before != nil && after != nil:
		a.Energy = &Energy{after.TotalJoules - before.TotalJoules, after.QueryTime - before.QueryTime, before.Whole && after.Whole}
	case before != nil || after != nil:
		a.Notes = slices.Insert(a.Notes, len(rec.Notes), judge.Finding{Code: "energy_incomplete", Text: "the server's energy meter answered only once: no energy is reported"})
	}
}

// collector hands each request that was sent to all that read timelines.
type collector struct {
	rule  metrics.Rule
	run   judge.Run
	rec   *recording.Recording
	asked asked
	count CountTokens
	sent  []int32 // output tokens, of each request
	slots [recording.Slots]struct {
		sample metrics.Sample
		late   []time.Duration // the request's events
	}
	summary *metrics.SummaryReader
	wave    *metrics.SummaryReader // of the first requests
	first   int                    // how many
	turns   turnsReader
	// tokenizeEach is 1 where the text of every success is tokenized, 2 where that of every
	// second is, ...
	tokenizeEach int
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

func newCollector(rec *recording.Recording, o metrics.Options, count CountTokens, sent, wave int) *collector {
	s := &rec.Settings
	rule := RuleOf(s)
	run := judge.Run{
		Rule:        rule,
		Concurrency: rec.Concurrency(),
		Rate:        scheduledRate(rec),
		Planned:     rec.Count(),
		Models:      modelsOf(s),
		TextPrompts: !s.TokenizeOnClient,
		Tested:      !s.NoTestInput,
		IgnoreEOS:   s.IgnoreEOS,
		Percentiles: o.Percentiles,
		Sent:        sent,
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
	summary := metrics.NewSummaryReader(o)
	reported := summary.Values()
	return &collector{
		rule: rule, run: run, rec: rec, asked: asked, count: count, tokenizeEach: tokenizeEach(rec),
		sent:     make([]int32, 0, sent),
		summary:  summary,
		wave:     metrics.NewSummaryReader(metrics.Options{Percentiles: o.Percentiles}),
		first:    wave,
		turns:    turnsReader{percentiles: o.Percentiles},
		findings: judge.NewFindingsReader(run, reported[metrics.ITL]),
		counts:   Counts{Classes: map[string]int{}, Lags: new(metrics.List), Tokens: newTokenCounts(reported[metrics.TPOT])},
	}
}

// prepare makes a request's sample, and finds out by how much its events may be late.
func (c *collector) prepare(slot, i int, r *client.Result) {
	s := &c.slots[slot]
	s.sample = metrics.SampleIn(s.sample.ITL, r, c.rec.Planned[i].PromptLen, c.rule)
	s.late = judge.AppendLateness(s.late[:0], r, c.rec.HealthOf(i))
}

// add reads a request that was sent.
func (c *collector) add(r *client.Result, s *metrics.Sample, late []time.Duration, p recording.Planned) {
	n, sent, tokens := 0, 0, metrics.TokenCount{}
	asked := c.asked.of(p.OutputLen)
	if s.Success {
		s.OutputTokens = s.Tokens(c.count)
		n = max(s.OutputTokens, 0)
	}
	c.summary.Add(s)
	if s.Success {
		tokens = c.tokens(r, s)
		sent = tokens.Sent(asked * metrics.Choices(r))
	}
	if len(c.sent) < c.first {
		c.wave.Add(s)
	}
	c.sent = append(c.sent, int32(min(sent, math.MaxInt32)))
	c.turns.add(r, s, p)
	c.findings.Add(judge.Request{Result: r, Sample: s, Late: late, Asked: asked, Got: n, Tokens: tokens})
	c.counts.add(r)
}
