package judge

import (
	"fmt"
	"slices"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
	"loadgen/pkg/metrics"
)

// Run says what a run was.
type Run struct {
	Rule metrics.Rule
	// Concurrency bounds the requests under way, 0 for no bound; Rate is the
	// schedule's in requests per second, 0 for all at once; Planned is the number of
	// requests.
	Concurrency int
	Rate        float64
	Planned     int
	// TextPrompts says that prompts went as text, which the server's tokenizer
	// may begin with a BOS; PrefixLen is how many tokens all prompts have in common
	// on purpose, and Tested that a test request sent the first of them before.
	TextPrompts bool
	PrefixLen   int
	// Template is the mean number of tokens that the model's chat template adds to a
	// prompt, of which the first TemplatePrefix are the same in all; 0 where it is not known.
	Template       float64
	TemplatePrefix int
	// SharedPrefixes is set where prompts begin alike on purpose, as far as nobody knows: the
	// turns of a conversation, traces, repeated prefixes.
	SharedPrefixes bool
	Tested         bool
	IgnoreEOS      bool
	Percentiles    []float64
	// Models are the names that the server may answer with, none where they are not known.
	Models []string
	// Generated is how many choices the server generates for each answer (best_of), 0 where
	// it is those that it sends.
	Generated int
	// TokenizerAssumed says that the tokenizer is a stand-in for one that is not there.
	TokenizerAssumed bool
	// Sent is how many requests will be read, 0 where that is not known.
	Sent int
}

// Request is what the findings read of a request that was sent.
type Request struct {
	Result *client.Result
	Sample *metrics.Sample
	Spans  []metrics.Span // its latencies, which are not kept
	// Late is by how much each event may be late (AppendLateness); it is not kept.
	Late []time.Duration
	// Asked and Got are a completion's length in tokens as it was asked for, of each
	// choice, and as the original counts it.
	Asked, Got int
	// Tokens are all counts of the completion's tokens.
	Tokens metrics.TokenCount
}

// asked is how many tokens were asked for, of all choices together.
func (q *Request) asked() int { return q.Asked * metrics.Choices(q.Result) }

// FindingsReader looks for findings in a run's requests, one after the other.
type FindingsReader struct {
	run                         Run
	sent, completed             int
	failed                      failuresSeen
	due, start                  spread
	last                        time.Duration // the end of the last request
	answers                     []answered    // of more than one event
	itl                         *metrics.List // their gaps
	nextGap                     int           // the place of the next answer's
	room                        []float64     // for some of them
	gaps                        gapsSeen
	delivered                   deliverySeen
	cached                      cacheSeen
	counts                      tokensSeen
	asked, got, askedOf         int
	chunks, chunkTokens         int
	several, mostChoices        int
	choiceTPOT                  []float64
	itls                        int
	encoding, moved             string
	unended, retried            int
	nominal, counted, countedOf int // prompt tokens
	otherModels                 int
	answering                   string // the first other model
	shapes                      map[answer.Dialect]int
}

// answered is what of a success is needed once all are known.
type answered struct {
	start, first, last time.Duration
	ttft               time.Duration // from written, without what the client may have been late
	gap, gaps          int32         // the first of its gaps, and how many it has
}

// gapsOf are the gaps of an answer, in seconds; they are valid until the next.
func (f *FindingsReader) gapsOf(a answered) []float64 {
	f.room = slices.Grow(f.room[:0], int(a.gaps))[:a.gaps]
	return f.itl.Read(f.room, int(a.gap))
}

// spread is the first and the last of some instants.
type spread struct{ first, last time.Duration }

func (s *spread) add(at time.Duration, begin bool) {
	if begin {
		s.first, s.last = at, at
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
}

func (s spread) seconds() float64 { return (s.last - s.first).Seconds() }

// NewFindingsReader returns a reader that has read nothing yet. reported are the original's
// gaps, to which a request's are added before, nil for none: those that agree take no memory.
func NewFindingsReader(run Run, reported *metrics.List) *FindingsReader {
	f := &FindingsReader{run: run, itl: new(metrics.List), shapes: map[answer.Dialect]int{}}
	if !run.Rule.Whole {
		f.answers = make([]answered, 0, run.Sent)
	}
	if reported != nil {
		f.itl = metrics.Like(reported)
	}
	return f
}

// Add reads a request. Nothing of it is kept.
func (f *FindingsReader) Add(q Request) {
	f.Read(q)
	f.AddGaps(q)
}

// Read reads all of a request but its gaps, which AddGaps takes in. Of requests in the same order,
// both may be called on goroutines of their own.
func (f *FindingsReader) Read(q Request) {
	r, first := q.Result, f.sent == 0
	f.due.add(r.Due, first)
	f.start.add(r.Start, first)
	f.last = max(f.last, r.End, r.LastByte)
	f.sent++
	f.retried += min(r.SYNRetransmits, 1)
	if f.moved == "" {
		f.moved = r.Location
	}
	if e := r.ContentEncoding; f.encoding == "" && e != "identity" {
		f.encoding = e
	}
	if r.Err != nil {
		f.failed.add(r)
		return
	}
	f.completed++
	f.itls += len(q.Sample.ITL)
	f.tokens(&q)
	f.cache(&q, first && f.run.Tested)
	f.written(r)
	if !f.run.Rule.Whole {
		if !r.Done {
			f.unended++
		}
		f.events(&q)
	}
}

// tokens takes in what was counted of a success.
func (f *FindingsReader) tokens(q *Request) {
	choices, asked := metrics.Choices(q.Result), q.asked()
	f.counts.add(q, f.run.Rule.Whole)
	if choices > 1 {
		f.several, f.mostChoices = f.several+1, max(f.mostChoices, choices)
	}
	if best, by := q.Tokens.Best(); asked > 0 && by != metrics.NotCounted && !q.Tokens.Contradicted(asked) {
		if best > asked && best <= q.Asked*f.run.Generated { // the server counts what it does not send, too
			best = asked
		}
		f.asked, f.got, f.askedOf = f.asked+asked, f.got+best, f.askedOf+1
	}
	if n := q.Result.SeenUsage.Prompt; n > 0 {
		f.nominal, f.counted, f.countedOf = f.nominal+q.Sample.PromptLen, f.counted+n, f.countedOf+1
	}
}

// written takes in how a success was written, and by which model.
func (f *FindingsReader) written(r *client.Result) {
	f.shapes[r.Dialect.Shape()]++
	if r.Model == "" || len(f.run.Models) == 0 || slices.ContainsFunc(f.run.Models, func(asked string) bool { return sameModel(r.Model, asked) }) {
		return
	}
	if f.otherModels++; f.answering == "" {
		f.answering = r.Model
	}
}

// events takes in the timeline of a success.
func (f *FindingsReader) events(q *Request) {
	events := q.Result.Events
	_, by := q.Tokens.Best()
	sent := q.Tokens.Sent(q.asked())
	gaps := len(q.Sample.ITL)
	if several := metrics.ByChoice(q.Result, sent); several != nil {
		gaps = f.byChoice(q, several)
	} else {
		f.oneChoice(q)
		if (by == metrics.ByServer || by == metrics.ByTokenizer) && !q.Tokens.Contradicted(q.asked()) {
			f.chunkTokens += sent
			for i := range events {
				if metrics.BringsTokens(&events[i]) {
					f.chunks++
				}
			}
		}
	}
	if n := len(events); n > 1 {
		f.answers = append(f.answers, answered{q.Result.Start, events[0].At, events[n-1].At, events[0].At - q.Late[0] - q.Result.Written, int32(f.nextGap), int32(gaps)})
		f.nextGap += gaps
	}
}

// AddGaps takes in the gaps of a request.
func (f *FindingsReader) AddGaps(q Request) {
	r := q.Result
	switch {
	case f.run.Rule.Whole || r.Err != nil || len(r.Events) < 2:
	case metrics.Choices(r) == 1:
		f.itl.AddGaps(q.Sample)
	default:
		for _, one := range r.Details.Choices {
			for s := range (metrics.ChoiceEvents{Events: one.Events}).Spans(r) {
				if s.Metric == metrics.ITL {
					f.itl.AddDuration(s.Length())
				}
			}
		}
	}
}

// Findings returns what a reader must know of the server's variant, and notes.
func (f *FindingsReader) Findings() (findings, notes []Finding) {
	for _, look := range []func() *Finding{f.failures, f.tokenSource, f.tokenCountDisagrees, f.noTokensCounted, f.oddTokenCounts, f.hiddenReasoning, f.severalChoices,
		f.wholeAnswers, f.batchLimited, f.coalesced, f.heldFirstRead, f.stalls, f.cacheHits, f.shortOutputs, f.longOutputs, f.multiTokenChunks,
		f.otherModel, f.mixedDialects, f.rateNotReached, f.coldStart, f.redirected, f.compressed, f.endMarkMissing, f.synRetransmit} {
		if found := look(); found != nil {
			findings = append(findings, *found)
		}
	}
	finding, note := f.promptLengths()
	if finding != nil {
		findings = append(findings, *finding)
	}
	for _, note := range []*Finding{note, f.belowConcurrency(), f.cachedUnknown()} {
		if note != nil {
			notes = append(notes, *note)
		}
	}
	return findings, append(notes, tooFew(f.completed, f.itls, f.run.Percentiles)...)
}

func some(f Finding) *Finding { return &f }

func (f *FindingsReader) rateNotReached() *Finding {
	if f.run.Rate <= 0 || f.sent < 10 {
		return nil
	}
	due, started := f.due.seconds(), f.start.seconds()
	if due <= 0 || started <= 0 || due >= 0.95*started {
		return nil
	}
	asked, got := float64(f.sent-1)/due, float64(f.sent-1)/started
	why := "requests were sent late"
	if f.run.Concurrency > 0 {
		why = fmt.Sprintf("the concurrency limit of %d held requests back", f.run.Concurrency)
	}
	return some(find("rate_not_reached", fmt.Sprintf("%.4g requests/s were sent, and the schedule has %.4g: %s", got, asked, why), "sent_per_s", got, "scheduled_per_s", asked))
}

func (f *FindingsReader) redirected() *Finding {
	if f.moved == "" {
		return nil
	}
	to := client.Redact(f.moved)
	x := find("redirected", fmt.Sprintf("the server redirects requests (one of them to %s), so TTFT and E2EL contain that answer and a second connection", to), "location", to)
	x.Hint = "redirected"
	return &x
}

func (f *FindingsReader) compressed() *Finding {
	if f.encoding == "" {
		return nil
	}
	return some(find("compressed_stream", fmt.Sprintf("answers are compressed (%s), which was not requested: the compressor may hold tokens back", f.encoding), "content_encoding", f.encoding))
}

func (f *FindingsReader) endMarkMissing() *Finding {
	if f.unended == 0 {
		return nil
	}
	return some(find("end_mark_missing", fmt.Sprintf("%d streams ended without [DONE]: the server or a proxy may be truncating streams", f.unended), "streams", f.unended))
}

func (f *FindingsReader) synRetransmit() *Finding {
	if f.retried == 0 {
		return nil
	}
	return some(find("syn_retransmit", fmt.Sprintf("%d connections took a second attempt or more, each a second or more of TTFT: the server's backlog was full", f.retried), "connections", f.retried))
}

// What a server may add to a prompt: BOS, or a chat template.
const (
	bosTokens         = 1
	templateTokens    = 40
	templateTolerance = 8 // dates, switches such as that for thinking
)

// promptLengths compares the server's counts with the nominal ones.
func (f *FindingsReader) promptLengths() (finding, note *Finding) {
	if f.countedOf == 0 || f.nominal == 0 {
		return nil, nil
	}
	want, got := float64(f.nominal)/float64(f.countedOf), float64(f.counted)/float64(f.countedOf)
	most := want
	switch {
	case f.run.Rule.Chat && f.run.Template > 0:
		most += f.run.Template + templateTolerance
	case f.run.Rule.Chat:
		most += templateTokens
	case f.run.TextPrompts:
		most += bosTokens
	}
	off := 0.0
	if got > most {
		off = got - most
	} else if got < want {
		off = got - want
	}
	figures := []any{"nominal", want, "counted", got, "share", off / want}
	text := fmt.Sprintf("the server counts %.5g prompt tokens on average, and %.5g are nominal", got, want)
	if f.run.Template > 0 {
		figures = append(figures, "template", f.run.Template)
		text += fmt.Sprintf(" (%.5g with the model's chat template)", want+f.run.Template)
	}
	if !f.run.TextPrompts {
		text += ": it was sent ids, and adds to them or leaves some out"
	}
	of := func(code, why, hint string) *Finding {
		if !f.run.TextPrompts {
			why, hint = "", ""
		}
		return some(find(code, text+why, figures...).withHint(hint))
	}
	switch {
	case off == 0:
	case max(off, -off) > 0.1*want && max(off, -off) > 2:
		finding = of("prompt_length_mismatch", ": its tokenizer is another, or it changes prompts", "tokenizer")
	default:
		note = of("prompt_length_drift", ": decoded random ids do not encode to themselves", "send_ids")
	}
	return finding, note
}

// tooFew notes percentiles for which there are too few values: quantile q needs 5/(1-q).
func tooFew(requests, gaps int, percentiles []float64) (notes []Finding) {
	for _, p := range percentiles {
		if p <= 50 || p >= 100 {
			continue
		}
		want := 500 / (100 - p)
		if 0 < requests && float64(requests) < want-1e-9 {
			notes = append(notes, find("too_few_samples", fmt.Sprintf("p%g needs %.0f or more requests (this run has %d), so a few outliers determine it", p, want, requests), "percentile", p, "wanted", want, "requests", requests))
		} else if 0 < gaps && float64(gaps) < want-1e-9 {
			notes = append(notes, find("too_few_samples", fmt.Sprintf("p%g of ITL needs %.0f or more gaps (this run has %d)", p, want, gaps), "percentile", p, "wanted", want, "gaps", gaps))
		}
	}
	return notes
}
