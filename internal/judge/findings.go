package judge

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"loadgen/internal/health"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Run is a run as it was made, request by request.
type Run struct {
	Results []*client.Result
	Samples []metrics.Sample
	// Asked and Got are the completions' lengths in tokens, by request.
	Asked, Got []int
	// Duration is the run's in seconds.
	Duration float64
	// Concurrency bounds the requests under way, 0 for no bound; Rate is the
	// schedule's in requests per second, 0 for all at once.
	Concurrency int
	Rate        float64
	Chat        bool
	// TextPrompts tells that prompts went as text, which the server's tokenizer
	// may begin with a BOS; PrefixLen is how many tokens all prompts have in common
	// on purpose, and Tested that a test request sent the first of them before.
	TextPrompts bool
	PrefixLen   int
	Tested      bool
	IgnoreEOS   bool
	Streaming   bool
	Percentiles []float64
	// Health is what the process was like, nil where it is not known.
	Health *health.Report
}

// Judge returns what a reader must know of the server's side, and notes.
func (r *Run) Judge() (findings, notes []Finding) {
	for _, f := range []func() *Finding{r.failures, r.batchLimited, r.coalesced, r.cacheHits, r.shortOutputs, r.multiTokenChunks,
		r.rateNotReached, r.coldStart, r.compressed, r.endMarkMissing, r.synRetransmit} {
		if found := f(); found != nil {
			findings = append(findings, *found)
		}
	}
	finding, note := r.promptLengths()
	if finding != nil {
		findings = append(findings, *finding)
	}
	if note != nil {
		notes = append(notes, *note)
	}
	completed, gaps := 0, 0
	for _, s := range r.Samples {
		if s.Success {
			completed++
			gaps += len(s.ITL)
		}
	}
	return findings, append(notes, tooFew(completed, gaps, r.Percentiles)...)
}

func some(f Finding) *Finding { return &f }

func (r *Run) failures() *Finding {
	count := map[string]int{}
	total := 0
	for _, x := range r.Results {
		if x.Err != nil {
			count[string(x.Err.Class)]++
			total++
		}
	}
	if total == 0 {
		return nil
	}
	var classes []string
	figures := []any{"failed", total, "sent", len(r.Results)}
	for class := range count {
		classes = append(classes, class)
	}
	sort.Strings(classes)
	words := make([]string, len(classes))
	for i, class := range classes {
		words[i] = fmt.Sprintf("%d %s", count[class], class)
		figures = append(figures, class, count[class])
	}
	return some(find("failures", fmt.Sprintf("%d of %d requests failed: %s. Latencies are those of the others", total, len(r.Results), strings.Join(words, ", ")), figures...))
}

// smallGap is a gap that no decoding step makes.
const smallGap = 200 * time.Microsecond

// coalesced tells that tokens came in bursts: at least a third of the gaps are
// next to nothing while the pace is that of decoding steps.
func (r *Run) coalesced() *Finding {
	small, all, doubtful := 0, 0, 0
	var span time.Duration
	h := cmp.Or(r.Health, &health.Report{})
	for _, x := range r.Results {
		if x.Err != nil {
			continue
		}
		last := -1
		lates := metrics.Latenesses(x, h)
		for i, e := range x.Events {
			if !e.Choices || e.Kind == client.Role {
				continue
			}
			if last >= 0 {
				gap := e.At - x.Events[last].At
				all++
				span += gap
				if gap < smallGap {
					small++
					// The one before may have come early enough to stand apart.
					if lates[last] >= time.Millisecond {
						doubtful++
					}
				}
			}
			last = i
		}
	}
	if all == 0 || 3*small < all || span/time.Duration(all) < 5*smallGap {
		return nil
	}
	where := "the kernel's stamps say that the server, or the way from it, sends them so"
	by := "server"
	if 2*doubtful > small {
		where, by = "they may have piled up here: see the verdict", "client"
	}
	return some(find("coalesced", fmt.Sprintf("tokens come in bursts: %s of the gaps are under 0.2 ms at a mean of %s; %s. Read TPOT, not ITL", percent(float64(small)/float64(all)), short((span/time.Duration(all)).Seconds()), where),
		"small_gaps", small, "gaps", all, "mean_gap_s", (span / time.Duration(all)).Seconds(), "where", by))
}

// cacheHits tells that the server took prompt tokens from its cache that were not
// meant to be there.
// cacheBlock is how many tokens servers keep together in their caches.
const cacheBlock = 32

func (r *Run) cacheHits() *Finding {
	cached, prompts, hits := 0, 0, 0
	prefix := r.PrefixLen
	if prefix > 0 && r.TextPrompts { // as text it is encoded anew, a little longer, and cached in whole blocks
		prefix += prefix/20 + cacheBlock
	}
	for i, x := range r.Results {
		if x.Err != nil || i == 0 && r.Tested {
			continue // the test request has sent this prompt before
		}
		prompts += r.Samples[i].PromptLen
		if n := x.SeenUsage.Cached - prefix; n > 0 {
			cached += n
			hits++
		}
	}
	if prompts <= 0 || 100*cached < prompts {
		return nil
	}
	text := fmt.Sprintf("%s of the prompts' tokens came from the server's cache in %d requests, which nobody asked for: prefill, and with it TTFT, is that much cheaper. Another --seed has other prompts, a restart an empty cache", percent(float64(cached)/float64(prompts)), hits)
	if r.Tested {
		text += " (the first request is left out: the test request sends its prompt)"
	}
	return some(find("prefix_cache_hits", text, "cached_tokens", cached, "prompt_tokens", prompts, "requests", hits))
}

func (r *Run) shortOutputs() *Finding {
	asked, got, n := 0, 0, 0
	for i, x := range r.Results {
		if x.Err == nil && r.Asked[i] > 0 {
			asked, got, n = asked+r.Asked[i], got+r.Got[i], n+1
		}
	}
	if n == 0 || 10*got >= 9*asked {
		return nil
	}
	hint := "--ignore-eos generates to the full length"
	if r.IgnoreEOS {
		hint = "the server does not heed ignore_eos, or a limit of its own ends them"
	}
	return some(find("short_outputs", fmt.Sprintf("completions are %.4g tokens long in the mean, where %.4g were asked for: %s", float64(got)/float64(n), float64(asked)/float64(n), hint),
		"mean_tokens", float64(got)/float64(n), "mean_asked", float64(asked)/float64(n)))
}

func (r *Run) multiTokenChunks() *Finding {
	tokens, chunks := 0, 0
	for i, x := range r.Results {
		if x.Err != nil || !r.Streaming {
			continue
		}
		tokens += r.Got[i]
		for _, e := range x.Events {
			if e.Choices && e.Kind != client.Role {
				chunks++
			}
		}
	}
	if chunks == 0 || float64(tokens) < 1.05*float64(chunks) {
		return nil
	}
	mean := float64(tokens) / float64(chunks)
	return some(find("multi_token_chunks", fmt.Sprintf("a chunk brings %.3g tokens in the mean, so that ITL is the time between chunks, not tokens: read TPOT, or the per-token ITL of --extended", mean),
		"tokens", tokens, "chunks", chunks, "tokens_per_chunk", mean))
}

func (r *Run) rateNotReached() *Finding {
	n := len(r.Results)
	if r.Rate <= 0 || n < 10 {
		return nil
	}
	span := func(at func(x *client.Result) time.Duration) float64 {
		first, last := at(r.Results[0]), at(r.Results[0])
		for _, x := range r.Results {
			first, last = min(first, at(x)), max(last, at(x))
		}
		return (last - first).Seconds()
	}
	due, started := span(func(x *client.Result) time.Duration { return x.Due }), span(func(x *client.Result) time.Duration { return x.Start })
	if due <= 0 || started <= 0 || due >= 0.95*started {
		return nil
	}
	asked, got := float64(n-1)/due, float64(n-1)/started
	why := "requests were sent late"
	if r.Concurrency > 0 {
		why = fmt.Sprintf("--max-concurrency %d held requests back", r.Concurrency)
	}
	return some(find("rate_not_reached", fmt.Sprintf("%.4g requests/s were sent, where the schedule has %.4g: %s", got, asked, why), "sent_per_s", got, "scheduled_per_s", asked))
}

// coldStart tells that the server was slower at first: to its first answer, or in
// its first wave's pace.
func (r *Run) coldStart() *Finding {
	var order []*client.Result
	for _, x := range r.Results {
		if x.Err == nil && len(x.Events) > 1 {
			order = append(order, x)
		}
	}
	slices.SortStableFunc(order, func(a, b *client.Result) int { return cmp.Compare(a.Start, b.Start) })
	// Of those that begin together the first to be served counts, which waits for no other.
	wave := 1
	if r.Rate <= 0 {
		wave = r.Concurrency
	}
	if n := len(order); wave > 0 && n >= max(10, 3*wave) {
		first, rest := r.ttfts(order[:wave])[0], r.ttfts(order[wave:])
		if median := metrics.Median(rest); first > 5*median && first > 2*metrics.Percentile(rest, 95) {
			return some(find("cold_start", fmt.Sprintf("the first answer took %s to its first token, the others %s in the median: the server was cold. --warmup N sends requests before", short(first), short(median)),
				"first_s", first, "median_s", median))
		}
	}
	if c := r.Concurrency; c > 0 && len(order) >= 3*c {
		early, later := gaps(order[:c]), gaps(order[c:])
		if e, l := metrics.Median(early), metrics.Median(later); len(early) >= 10 && e > 2*l && e > 1e-3 && l >= smallGap.Seconds() {
			return some(find("cold_start", fmt.Sprintf("the first %d answers came at %s a chunk, the others at %s: the server was cold. --warmup N sends requests before", c, short(e), short(l)), "first_s", e, "median_s", l))
		}
	}
	return nil
}

// ttfts are the sorted times from the written request to the first event, in seconds,
// without what the client may have been late.
func (r *Run) ttfts(results []*client.Result) (out []float64) {
	h := cmp.Or(r.Health, &health.Report{})
	for _, x := range results {
		out = append(out, (x.Events[0].At - metrics.Latenesses(x, h)[0] - x.Written).Seconds())
	}
	slices.Sort(out)
	return out
}

// gaps are the sorted times between events with choices, in seconds.
func gaps(results []*client.Result) (out []float64) {
	for _, x := range results {
		last := time.Duration(0)
		for _, e := range x.Events {
			if !e.Choices {
				continue
			}
			if last > 0 {
				out = append(out, (e.At - last).Seconds())
			}
			last = e.At
		}
	}
	slices.Sort(out)
	return out
}

func (r *Run) compressed() *Finding {
	for _, x := range r.Results {
		if e := x.ContentEncoding; e != "" && e != "identity" {
			return some(find("compressed_stream", fmt.Sprintf("answers come compressed (%s) though nobody asked for it: what compresses them may hold tokens back", e), "content_encoding", e))
		}
	}
	return nil
}

func (r *Run) endMarkMissing() *Finding {
	n := 0
	for _, x := range r.Results {
		if r.Streaming && x.Err == nil && !x.Done {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return some(find("end_mark_missing", fmt.Sprintf("%d streams ended without [DONE]: what sends them may cut them short", n), "streams", n))
}

func (r *Run) synRetransmit() *Finding {
	n := 0
	for _, x := range r.Results {
		n += min(x.SYNRetransmits, 1)
	}
	if n == 0 {
		return nil
	}
	return some(find("syn_retransmit", fmt.Sprintf("%d connections took a second attempt or more, each a second or more of TTFT: the server's backlog was full", n), "connections", n))
}

// What a server may add to a prompt: BOS, or a chat template.
const (
	bosTokens      = 1
	templateTokens = 40
)

// promptLengths compares the server's counts with the nominal ones.
func (r *Run) promptLengths() (finding, note *Finding) {
	nominal, counted, n := 0, 0, 0
	for i, x := range r.Results {
		if x.Err == nil && x.SeenUsage.Prompt > 0 {
			nominal, counted, n = nominal+r.Samples[i].PromptLen, counted+x.SeenUsage.Prompt, n+1
		}
	}
	if n == 0 || nominal == 0 {
		return nil, nil
	}
	want, got := float64(nominal)/float64(n), float64(counted)/float64(n)
	most := want
	switch {
	case r.Chat:
		most += templateTokens
	case r.TextPrompts:
		most += bosTokens
	}
	off := 0.0
	if got > most {
		off = got - most
	} else if got < want {
		off = got - want
	}
	figures := []any{"nominal", want, "counted", got, "share", off / want}
	switch {
	case off == 0:
	case max(off, -off) > 0.1*want && max(off, -off) > 2:
		finding = some(find("prompt_length_mismatch", fmt.Sprintf("the server counts %.5g prompt tokens in the mean, where %.5g are nominal: %s", got, want, r.perhaps("another tokenizer, or prompts that it changes. --tokenizer names the right one, --tokenize-on-client sends ids")), figures...))
	default:
		note = some(find("prompt_length_drift", fmt.Sprintf("the server counts %.5g prompt tokens in the mean, where %.5g are nominal: %s", got, want, r.perhaps("decoded random ids do not encode to themselves (--tokenize-on-client sends ids)")), figures...))
	}
	return finding, note
}

// perhaps is why the server may count other prompts, for prompts that are text or ids.
func (r *Run) perhaps(text string) string {
	if r.TextPrompts {
		return text
	}
	return "it was sent ids, and adds to them or leaves some out"
}

// tooFew notes percentiles that the number of values does not bear: quantile q
// wants 5/(1-q) of them.
func tooFew(requests, gaps int, percentiles []float64) (notes []Finding) {
	for _, p := range percentiles {
		if p <= 50 || p >= 100 {
			continue
		}
		want := 500 / (100 - p)
		if 0 < requests && float64(requests) < want-1e-9 {
			notes = append(notes, find("too_few_samples", fmt.Sprintf("p%g wants %.0f requests or more, and there are %d: the slowest few decide it", p, want, requests), "percentile", p, "wanted", want, "requests", requests))
		} else if 0 < gaps && float64(gaps) < want-1e-9 {
			notes = append(notes, find("too_few_samples", fmt.Sprintf("p%g of ITL wants %.0f gaps or more, and there are %d", p, want, gaps), "percentile", p, "wanted", want, "gaps", gaps))
		}
	}
	return notes
}
