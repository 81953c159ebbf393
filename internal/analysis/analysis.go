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

// TakeValues takes in the latencies of a success, which are not to be kept.
type TakeValues func(values []metrics.Value)

// Analyze makes the analysis of a recording, with Samples if its settings save the details.
// Those who take values get the latencies of all successes. The error is that of settings that
// cannot be.
func Analyze(rec *recording.Recording, count CountTokens, values ...TakeValues) (*Analysis, error) {
	return analyze(rec, count, rec.Settings.SaveDetailed, values)
}

// Detailed is the same with Samples.
func Detailed(rec *recording.Recording, count CountTokens, values ...TakeValues) (*Analysis, error) {
	return analyze(rec, count, true, values)
}

func analyze(rec *recording.Recording, count CountTokens, details bool, values []TakeValues) (*Analysis, error) {
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
	c := newCollector(rec, options, count, a.Sent, wave)
	if details {
		c.details, c.samples = true, make([]metrics.Sample, 0, a.Sent)
	}
	a.read(c, values, rec.Events() <= eventsTogether)
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
	a.Findings, a.Notes = append(a.Findings, judge.StampFindings(&rec.Health)...), append(a.Notes, c.notes...)
	a.stages(rec, options, count, c.sent)
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
	rule    metrics.Rule
	run     judge.Run
	rec     *recording.Recording
	asked   asked
	count   CountTokens
	sent    []int32 // output tokens, of each request
	slots   [recording.Slots]reading
	summary *metrics.SummaryReader
	// reported are the summary's values, to which a request's are added before others read it.
	reported [4]*metrics.List
	wave     *metrics.SummaryReader // of the first requests
	first    int                    // how many
	turns    turnsReader
	// tokenizeEach is 1 where the text of every success is tokenized, 2 where that of every
	// second is, ...
	tokenizeEach, counted int // and how many successes were counted
	findings              *judge.FindingsReader
	notes                 []judge.Finding
	counts                Counts
	cancelled             *cancelReader
	spread                *spreadReader
	details               bool
	samples               []metrics.Sample // nil without details
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
		sent:      make([]int32, 0, sent),
		summary:   summary,
		reported:  reported,
		wave:      metrics.NewSummaryReader(metrics.Options{Percentiles: o.Percentiles}),
		first:     wave,
		turns:     turnsReader{percentiles: o.Percentiles},
		findings:  judge.NewFindingsReader(run, reported[metrics.ITL]),
		counts:    Counts{Classes: map[string]int{}, Lags: new(metrics.List), Tokens: newTokenCounts(reported[metrics.TPOT])},
		cancelled: newCancelReader(s), spread: newSpreadReader(s, o),
	}
}

// reading is a request that was sent, and what several read of it.
type reading struct {
	metrics.Reading
	result *client.Result
	asked  int                // of each choice, in tokens
	late   []time.Duration    // by event
	tokens metrics.TokenCount // of a success
	// length and sent are its completion in tokens, as the original counts it and as it came.
	length, sent int
}

// roomMost is how many latencies a slot keeps room for: few answers of a batch can be longer,
// and any slot can have one in its turn.
const roomMost = 1 << 10

// read reads a timeline.
func (q *reading) read(rec *recording.Recording, rule metrics.Rule, i int, r *client.Result) {
	if cap(q.Spans) > roomMost && len(r.Events) < roomMost {
		*q = reading{}
	}
	q.result = r
	q.Read(r, rec.Planned[i].PromptLen, rule)
	q.late = judge.AppendLateness(q.late[:0], r, rec.HealthOf(i))
}

// judged is what the findings read of it.
func (q *reading) judged() judge.Request {
	return judge.Request{Result: q.result, Sample: &q.Sample, Spans: q.Spans, Late: q.late, Asked: q.asked, Got: q.length, Tokens: q.tokens}
}

// prepare reads a request's timeline, and counts its tokens.
func (c *collector) prepare(slot, i int, r *client.Result) {
	q := &c.slots[slot]
	q.read(c.rec, c.rule, i, r)
	q.asked, q.tokens, q.length, q.sent = c.asked.of(c.rec.Planned[i].OutputLen), metrics.TokenCount{}, 0, 0
	if s := &q.Sample; s.Success {
		s.OutputTokens = s.Tokens(c.count)
		q.length, q.tokens = max(s.OutputTokens, 0), c.tokens(r, s)
		q.sent = q.tokens.Sent(q.asked * metrics.Choices(r))
	}
}

// prepareJudged prepares a request and reads all of it that the findings do not have from add.
func (c *collector) prepareJudged(slot, i int, r *client.Result) {
	c.prepare(slot, i, r)
	c.findings.Read(c.slots[slot].judged())
}

// add reads request i, which was sent.
func (c *collector) add(i int, q *reading) {
	r, s := q.result, &q.Sample
	c.summary.Add(s)
	if s.Success {
		c.counts.Tokens.add(r, s, q.tokens)
	}
	if len(c.sent) < c.first {
		c.wave.Add(s)
	}
	c.sent = append(c.sent, int32(min(q.sent, math.MaxInt32)))
	c.turns.add(r, s, c.rec.Planned[i])
	c.findings.AddGaps(q.judged())
	c.counts.add(r)
	c.cancelled.add(i, q)
	c.spread.add(r, s)
	if c.details {
		sample := *s
		sample.ITL, sample.Gaps, sample.Text = slices.Clone(s.ITL), nil, bytes.Clone(s.Text)
		c.samples = append(c.samples, sample)
	}
}

// finish makes what was read part of the analysis, and forgets it.
func (c *collector) finish(a *Analysis) {
	c.sumUp(a)
	c.judge(a)
	c.summary, c.findings, c.wave = nil, nil, nil
}

func (c *collector) sumUp(a *Analysis) {
	duration := c.rec.Elapsed.Seconds()
	a.Summary = c.summary.Summary(duration)
	a.Samples, a.Servers = c.samples, c.spread.servers(duration)
	a.Turns, a.Cancellation = c.turns.turns(), c.cancelled.cancellation(c.run.Percentiles)
	a.FirstWave = firstWaveOf(c.wave)
}

func (c *collector) judge(a *Analysis) {
	c.counts.Tokens.sumUp()
	a.Counts = c.counts
	a.Findings, c.notes = c.findings.Findings()
}
