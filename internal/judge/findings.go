package judge

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Run says what a run was.
type Run struct {
	Rule metrics.Rule
	// Concurrency bounds the requests under way, 0 for no bound; Rate is the
	// schedule's in requests per second, 0 for all at once.
	Concurrency int
	Rate        float64
	// TextPrompts says that prompts went as text, which the server's tokenizer
	// may begin with a BOS; PrefixLen is how many tokens all prompts have in common
	// on purpose, and Tested that a test request sent the first of them before.
	TextPrompts bool
	PrefixLen   int
	// SharedPrefixes is set where prompts begin alike on purpose, as far as nobody knows: the
	// turns of a conversation, traces, repeated prefixes.
	SharedPrefixes bool
	Tested         bool
	IgnoreEOS      bool
	Percentiles    []float64
}

// Request is what the findings read of a request that was sent.
type Request struct {
	Result *client.Result
	Sample *metrics.Sample
	// Late is by how much each event may be late (AppendLateness); it is not kept.
	Late []time.Duration
	// Asked and Got are the completion's lengths in tokens.
	Asked, Got int
}

// FindingsReader looks for findings in a run's requests, one after the other.
type FindingsReader struct {
	run                      Run
	sent, failed, completed  int
	classes                  map[string]int // of failures
	due, start               spread
	answers                  []answer // of more than one event
	gaps, smallGaps, late    int      // between tokens
	gapSum                   time.Duration
	cached, cacheHits        int
	prompts                  int // tokens, but for what was tested
	asked, got, askedOf      int
	chunks, chunkTokens      int
	itls                     int
	encoding                 string
	unended, retried         int
	nominal, counted, counts int // prompt tokens
}

// answer is what of a success is needed once all are known.
type answer struct {
	start, first, last time.Duration
	ttft               time.Duration // from written, without what the client may have been late
	gaps               []float64
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

// NewFindingsReader returns a reader that has read nothing yet.
func NewFindingsReader(run Run) *FindingsReader {
	return &FindingsReader{run: run, classes: map[string]int{}}
}

// Add reads a request; what it points to is kept.
func (f *FindingsReader) Add(q Request) {
	r, first := q.Result, f.sent == 0
	f.due.add(r.Due, first)
	f.start.add(r.Start, first)
	f.sent++
	f.retried += min(r.SYNRetransmits, 1)
	if e := r.ContentEncoding; f.encoding == "" && e != "identity" {
		f.encoding = e
	}
	if r.Err != nil {
		f.classes[string(r.Err.Class)]++
		f.failed++
		return
	}
	f.completed++
	f.itls += len(q.Sample.ITL)
	f.tokens(&q, first)
	if !f.run.Rule.Whole {
		if !r.Done {
			f.unended++
		}
		f.events(&q)
	}
}

// tokens takes in what was counted of a success.
func (f *FindingsReader) tokens(q *Request, first bool) {
	seen, nominal := q.Result.SeenUsage, q.Sample.PromptLen
	if !first || !f.run.Tested { // the test request has sent this prompt before
		f.prompts += nominal
		if n := seen.Cached - f.prefix(); n > 0 {
			f.cached += n
			f.cacheHits++
		}
	}
	if q.Asked > 0 {
		f.asked, f.got, f.askedOf = f.asked+q.Asked, f.got+q.Got, f.askedOf+1
	}
	if seen.Prompt > 0 {
		f.nominal, f.counted, f.counts = f.nominal+nominal, f.counted+seen.Prompt, f.counts+1
	}
}

// events takes in the timeline of a success.
func (f *FindingsReader) events(q *Request) {
	events := q.Result.Events
	f.chunkTokens += q.Got
	for i := range events {
		if metrics.BringsTokens(&events[i]) {
			f.chunks++
		}
	}
	for s := range f.run.Rule.Of(q.Result).Spans {
		if s.Metric != metrics.ITL || !metrics.BringsTokens(&events[s.From]) || !metrics.BringsTokens(&events[s.To]) {
			continue
		}
		f.gaps++
		f.gapSum += s.Length()
		if s.Length() < smallGap {
			f.smallGaps++
			// The one before may have come early enough to stand apart.
			if q.Late[s.From] >= time.Millisecond {
				f.late++
			}
		}
	}
	if n := len(events); n > 1 {
		f.answers = append(f.answers, answer{q.Result.Start, events[0].At, events[n-1].At, events[0].At - q.Late[0] - q.Result.Written, q.Sample.ITL})
	}
}

// Findings returns what a reader must know of the server's side, and notes.
func (f *FindingsReader) Findings() (findings, notes []Finding) {
	for _, look := range []func() *Finding{f.failures, f.batchLimited, f.coalesced, f.cacheHitsFound, f.shortOutputs, f.multiTokenChunks,
		f.rateNotReached, f.coldStart, f.compressed, f.endMarkMissing, f.synRetransmit} {
		if found := look(); found != nil {
			findings = append(findings, *found)
		}
	}
	finding, note := f.promptLengths()
	if finding != nil {
		findings = append(findings, *finding)
	}
	if note != nil {
		notes = append(notes, *note)
	}
	return findings, append(notes, tooFew(f.completed, f.itls, f.run.Percentiles)...)
}

func some(f Finding) *Finding { return &f }

func (f *FindingsReader) failures() *Finding {
	if f.failed == 0 {
		return nil
	}
	var classes []string
	for class := range f.classes {
		classes = append(classes, class)
	}
	sort.Strings(classes)
	figures := []any{"failed", f.failed, "sent", f.sent}
	texts := make([]string, len(classes))
	for i, class := range classes {
		texts[i] = fmt.Sprintf("%d %s", f.classes[class], class)
		figures = append(figures, class, f.classes[class])
	}
	return some(find("failures", fmt.Sprintf("%d of %d requests failed: %s. Latencies cover successful requests only", f.failed, f.sent, strings.Join(texts, ", ")), figures...))
}

// cacheBlock is how many tokens servers keep together in their caches.
const cacheBlock = 32

// prefix is how many tokens of a prompt may be in the server's cache on purpose: as
// text they are encoded anew, a little longer, and cached in whole blocks.
func (f *FindingsReader) prefix() int {
	n := f.run.PrefixLen
	if n > 0 && f.run.TextPrompts {
		n += n/20 + cacheBlock
	}
	return n
}

// cacheHitsFound reports prompt tokens that came from the server's cache unasked.
func (f *FindingsReader) cacheHitsFound() *Finding {
	if f.run.SharedPrefixes || f.prompts <= 0 || 100*f.cached < f.prompts {
		return nil
	}
	text := fmt.Sprintf("%s of the prompt tokens came from the server's prefix cache, in %d requests", percent(float64(f.cached)/float64(f.prompts)), f.cacheHits)
	if f.run.Tested {
		text += " (not counting the first, whose prompt the test request sends)"
	}
	text += ": prefill, and so TTFT, is cheaper by as much"
	return some(find("prefix_cache_hits", text, "cached_tokens", f.cached, "prompt_tokens", f.prompts, "requests", f.cacheHits).withHint("other_prompts"))
}

func (f *FindingsReader) shortOutputs() *Finding {
	if f.askedOf == 0 || 10*f.got >= 9*f.asked {
		return nil
	}
	got, asked := float64(f.got)/float64(f.askedOf), float64(f.asked)/float64(f.askedOf)
	text, hint := fmt.Sprintf("completions have %.4g tokens on average, and %.4g were requested", got, asked), "ignore_eos"
	if f.run.IgnoreEOS {
		text, hint = text+": the server ignores ignore_eos, or has a limit of its own", ""
	}
	return some(find("short_outputs", text, "mean_tokens", got, "mean_asked", asked).withHint(hint))
}

func (f *FindingsReader) multiTokenChunks() *Finding {
	if f.chunks == 0 || float64(f.chunkTokens) < 1.05*float64(f.chunks) {
		return nil
	}
	mean := float64(f.chunkTokens) / float64(f.chunks)
	return some(find("multi_token_chunks", fmt.Sprintf("a chunk has %.3g tokens on average, so ITL is the time between chunks, not tokens: read TPOT", mean),
		"tokens", f.chunkTokens, "chunks", f.chunks, "tokens_per_chunk", mean).withHint("per_token"))
}

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
	bosTokens      = 1
	templateTokens = 40
)

// promptLengths compares the server's counts with the nominal ones.
func (f *FindingsReader) promptLengths() (finding, note *Finding) {
	if f.counts == 0 || f.nominal == 0 {
		return nil, nil
	}
	want, got := float64(f.nominal)/float64(f.counts), float64(f.counted)/float64(f.counts)
	most := want
	switch {
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
