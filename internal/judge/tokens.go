package judge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"loadgen/pkg/metrics"
)

// tokensSeen is what the successes say of whose count their tokens rest on.
type tokensSeen struct {
	answers  int
	by       [metrics.NotCounted + 1]int // answers by the source of their best count
	best     [metrics.NotCounted + 1]int // tokens of those
	original [metrics.NotCounted + 1]int // the same by the original's rule
	beside   counted                     // those whose usage stands where the original does not look
	wrong    counted                     // those whose server's count is not that of what came
	hidden   hiddenSeen
	odd      []oddCount
	oddIn    int // answers
}

// counted are answers, with the server's and other counts of their tokens.
type counted struct{ answers, server, tokenizer, events, original int }

func (c *counted) add(q *Request) {
	of := &q.Tokens.Of
	c.answers++
	c.server += of[metrics.ByServer]
	c.tokenizer += max(of[metrics.ByTokenizer], 0)
	c.events += max(of[metrics.ByEvents], 0)
	c.original += q.Got
}

// oddCount is an invalid count, and in how many answers it stands.
type oddCount struct {
	key, what, value string // the value is the first
	n                int
}

// hiddenSeen are the answers with tokens that the server counts and does not send.
type hiddenSeen struct {
	answers, tokens int
	tpot            []float64 // over the others, in seconds
}

func (t *tokensSeen) add(q *Request, whole bool) {
	n, by := q.Tokens.Best()
	t.answers++
	t.by[by]++
	t.best[by] += n
	t.original[by] += q.Got
	if by == metrics.ByServer && q.Result.Usage.Completion <= 0 && n > 0 {
		t.beside.add(q)
	}
	if q.Tokens.Disagrees(q.asked()) {
		t.wrong.add(q)
	}
	if h := q.Tokens.Hidden; h > 0 && by == metrics.ByServer && !whole {
		t.hidden.answers, t.hidden.tokens = t.hidden.answers+1, t.hidden.tokens+h
		if tpot, ok := metrics.PerToken(q.Sample.TTFT, q.Sample.Latency, n-h); ok {
			t.hidden.tpot = append(t.hidden.tpot, tpot)
		}
	}
	t.addOdd(q)
}

// addOdd takes in invalid counts. A count that is null, and stands somewhere else as a
// number, is not missed. No more tokens of a prompt than it has can come from a cache.
func (t *tokensSeen) addOdd(q *Request) {
	seen, found := q.Result.SeenUsage, false
	if d := q.Result.Details; d != nil {
		for _, o := range d.OddCounts {
			if o.What != "null" || o.Key == "completion_tokens" && seen.Completion < 0 || o.Key == "prompt_tokens" && seen.Prompt < 0 {
				t.addCount(o.Key, o.What, o.Value)
				found = true
			}
		}
	}
	if seen.Cached > seen.Prompt && seen.Prompt >= 0 {
		t.addCount("cached_tokens", "more than prompt_tokens", strconv.Itoa(seen.Cached))
		found = true
	}
	if found {
		t.oddIn++
	}
}

// addCount takes in one invalid count.
func (t *tokensSeen) addCount(key, what, value string) {
	at := slices.IndexFunc(t.odd, func(x oddCount) bool { return x.key == key && x.what == what })
	if at < 0 {
		at = len(t.odd)
		t.odd = append(t.odd, oddCount{key, what, value, 0})
	}
	t.odd[at].n++
}

// resting names what rests on the original's count.
const resting = "total_output_tokens, output throughput and TPOT rest on"

// tokenSource reports metrics that rest on something else than the server's count.
func (f *FindingsReader) tokenSource() *Finding {
	t := &f.counts
	var texts []string
	if b := t.beside; b.answers > 0 {
		texts = append(texts, fmt.Sprintf("the server's token count stands beside choices in %d of %d answers, where benchmark_serving does not look: %s a tokenizer's count of the text, %d tokens, and the server counts %d",
			b.answers, t.answers, resting, b.original, b.server))
	}
	if n := t.by[metrics.ByTokenizer]; n > 0 {
		text := fmt.Sprintf("%d of %d answers have no usable token count of the server's: loadgen's tokenizer counts %d tokens in their text, reasoning and tool calls", n, t.answers, t.best[metrics.ByTokenizer])
		text += textAlone(t.original[metrics.ByTokenizer], t.best[metrics.ByTokenizer])
		if f.run.TokenizerAssumed {
			text += "; that tokenizer was only assumed, not named"
		}
		texts = append(texts, text)
	}
	if n := t.by[metrics.ByEvents]; n > 0 {
		text := fmt.Sprintf("%d of %d answers have neither a usable token count of the server's nor text to tokenize: their %d events are counted", n, t.answers, t.best[metrics.ByEvents])
		texts = append(texts, text+textAlone(t.original[metrics.ByEvents], t.best[metrics.ByEvents]))
	}
	if len(texts) == 0 {
		return nil
	}
	return some(find("token_source", strings.Join(texts, ". "), "answers", t.answers, "server", t.by[metrics.ByServer], "beside_choices", t.beside.answers,
		"tokenizer", t.by[metrics.ByTokenizer], "events", t.by[metrics.ByEvents], "tokens", sum(t.best[:]), "original_tokens", sum(t.original[:])))
}

// textAlone says that the original's rule counts something else.
func textAlone(original, best int) string {
	if original == best {
		return ""
	}
	return fmt.Sprintf("; %s the text alone, %d tokens", resting, original)
}

func sum(all []int) (n int) {
	for _, x := range all {
		n += x
	}
	return n
}

// tokenCountDisagrees reports counts of the server's that what came contradicts.
func (f *FindingsReader) tokenCountDisagrees() *Finding {
	w := f.counts.wrong
	if w.answers == 0 {
		return nil
	}
	came := []string{}
	if w.events > 0 {
		came = append(came, fmt.Sprintf("%d events brought tokens", w.events))
	}
	if w.tokenizer > 0 {
		came = append(came, fmt.Sprintf("loadgen's tokenizer counts %d", w.tokenizer))
	}
	if len(came) == 0 {
		came = append(came, "nothing came")
	}
	return some(find("token_count_disagrees", fmt.Sprintf("in %d of %d answers the server's token count is not that of what came: it counts %d tokens, %s. TPOT and output throughput under each count are in the result",
		w.answers, f.counts.answers, w.server, strings.Join(came, ", ")),
		"answers", w.answers, "server_tokens", w.server, "events", w.events, "tokenizer_tokens", w.tokenizer))
}

// noTokensCounted reports successes without anything to count.
func (f *FindingsReader) noTokensCounted() *Finding {
	n := f.counts.by[metrics.NotCounted]
	if n == 0 {
		return nil
	}
	return some(find("no_tokens_counted", fmt.Sprintf("no tokens were counted in %d of %d answers: they have neither usage nor text nor events with tokens, so output throughput and TPOT leave them out", n, f.counts.answers), "answers", n))
}

// oddTokenCounts reports counts that are no counts.
func (f *FindingsReader) oddTokenCounts() *Finding {
	t := &f.counts
	if t.oddIn == 0 {
		return nil
	}
	var texts []string
	figures := []any{"answers", t.oddIn}
	for _, o := range t.odd {
		texts = append(texts, fmt.Sprintf("%s is %s in %d (%q)", o.key, o.what, o.n, o.value))
		figures = append(figures, o.key+" "+o.what, o.n)
	}
	return some(find("odd_token_counts", fmt.Sprintf("the server sent invalid token counts in %d of %d answers: %s", t.oddIn, t.answers, strings.Join(texts, ", ")), figures...))
}

// hiddenReasoning reports tokens that the server counts and does not send: they were generated
// before the first event, and TPOT is divided by them all the same.
func (f *FindingsReader) hiddenReasoning() *Finding {
	h := &f.counts.hidden
	if h.answers == 0 {
		return nil
	}
	text := fmt.Sprintf("in %d of %d answers the server counts %d tokens of reasoning that it does not send: TTFT has the time that they took, and TPOT is divided by them", h.answers, f.counts.answers, h.tokens)
	figures := []any{"answers", h.answers, "hidden_tokens", h.tokens}
	if len(h.tpot) > 0 {
		mean := metrics.Mean(h.tpot)
		text += fmt.Sprintf("; over the tokens that came it is %s (mean)", short(mean))
		figures = append(figures, "tpot_of_sent_s", mean)
	}
	return some(find("hidden_reasoning", text, figures...))
}

// shortOutputs and longOutputs compare the best count with what was asked for.
func (f *FindingsReader) shortOutputs() *Finding {
	if f.askedOf == 0 || 10*f.got >= 9*f.asked {
		return nil
	}
	got, asked := f.meanLengths()
	text, hint := fmt.Sprintf("completions have %.4g tokens on average, and %.4g were requested", got, asked), "ignore_eos"
	if f.run.IgnoreEOS {
		text, hint = text+": the server ignores ignore_eos, or has a limit of its own", ""
	}
	return some(find("short_outputs", text, "mean_tokens", got, "mean_asked", asked).withHint(hint))
}

func (f *FindingsReader) longOutputs() *Finding {
	got, asked := f.meanLengths()
	if f.askedOf == 0 || 10*f.got <= 11*f.asked || got-asked < 2 {
		return nil
	}
	return some(find("long_outputs", fmt.Sprintf("completions have %.4g tokens on average, and %.4g were requested: the server ignores the limit on output tokens, or counts more than it sends", got, asked), "mean_tokens", got, "mean_asked", asked))
}

func (f *FindingsReader) meanLengths() (got, asked float64) {
	n := float64(max(f.askedOf, 1))
	return float64(f.got) / n, float64(f.asked) / n
}

func (f *FindingsReader) multiTokenChunks() *Finding {
	if f.chunks == 0 || float64(f.chunkTokens) < tokensAChunk*float64(f.chunks) {
		return nil
	}
	mean := float64(f.chunkTokens) / float64(f.chunks)
	return some(find("multi_token_chunks", fmt.Sprintf("a chunk has %.3g tokens on average, so ITL is the time between chunks, not tokens: read TPOT", mean),
		"tokens", f.chunkTokens, "chunks", f.chunks, "tokens_per_chunk", mean).withHint("per_token"))
}

// severalChoices reports answers with several choices.
func (f *FindingsReader) severalChoices() *Finding {
	if f.several == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d answers have several choices, up to %d: each answer's TTFT, ITL and TPOT mix them", f.several, f.completed, f.mostChoices)
	figures := []any{"answers", f.several, "choices", f.mostChoices}
	if !f.run.Rule.Whole {
		text += "; the latencies of each choice on its own are in the result (metrics.by_choice)"
		if n := len(f.choiceTPOT); n > 0 {
			mean := metrics.Mean(f.choiceTPOT)
			text += fmt.Sprintf(": TPOT %s", short(mean))
			figures = append(figures, "tpot_by_choice_s", mean)
		}
	}
	return some(find("several_choices", text, figures...))
}
