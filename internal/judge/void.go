package judge

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// reason is why metrics of a variant are not comparable at a load.
type reason struct {
	code          string
	load, variant int
	metrics       []string // nil for all
	text          string   // holds a %s for each of the values
	values        [2]float64
}

// Reasons are those of one kind for one side.
type Reasons struct {
	Code    string
	Variant int
	Loads   []int
	Metrics []string // nil for all
	Text    string
	Short   string // in a few words, after the server's name
	Hint    string // what can be done about it, as a Finding's
}

// findReasons finds what keeps the variants from being comparable.
func (c *Comparison) findReasons() (all []reason) {
	for load, variants := range c.Summaries {
		for variant, f := range variants {
			if f == nil {
				continue
			}
			at := finder{load: load, variant: variant}
			at.lost(f)
			at.late(f)
			at.held(f)
			at.changed(c.before(load, variant), f)
			at.repeats(f, len(variants) == 1)
			at.findings(f)
			if variant > 0 && variants[0] != nil {
				if base := variants[0]; base.Client != f.Client && !c.options.AcrossClients {
					at.add("clients_differ", differing("client", base.Client, f.Client))
				}
				for _, text := range differences(variants[0], f, c.options.AcrossClients) {
					at.add("workloads_differ", text)
				}
				at.compared(variants[0], f)
				if c.options.AcrossClients {
					at.definitions(c, variants[0], f)
				}
			}
			all = append(all, at.found...)
		}
	}
	return all
}

// finder collects the reasons of a variant at a load.
type finder struct {
	load, variant int
	found         []reason
}

// add adds a reason with all metrics that its cause moves.
func (at *finder) add(code, text string, values ...float64) {
	at.addFor(code, text, causeOf(code).Moves, values...)
}

func (at *finder) addFor(code, text string, metrics []string, values ...float64) {
	r := reason{code: code, load: at.load, variant: at.variant, metrics: metrics, text: text}
	copy(r.values[:], values)
	at.found = append(at.found, r)
}

// lost finds requests that brought nothing.
func (at *finder) lost(f *Summary) {
	failed, unsent := 0, 0
	for _, run := range f.runs() {
		failed, unsent = max(failed, run.Failed), max(unsent, run.Unsent)
	}
	lost := *f
	lost.Failed, lost.Unsent = failed, unsent
	switch share := float64(failed+unsent) / float64(max(f.Requests, 1)); {
	case share > manyFailures:
		at.add("failures", lost.lost())
	case share > someFailures:
		at.add("few_failures", lost.lost())
	}
}

// changed finds a server that became another from load to load or during a run.
func (at *finder) changed(before, f *Summary) {
	if before != nil && before.changed(f) {
		at.add("server_changed", fmt.Sprintf("the server was %s, and %s before", described(f), described(before)))
	}
	if f.Became != "" {
		at.add("server_changed", fmt.Sprintf("the server was %s before the run, and %s after it", described(f), f.Became))
	}
}

// repeats finds repeats that are not of the same. Those of a server alone, which is compared with
// none, may be of different lengths: a sweep's are as long as its precision needs.
func (at *finder) repeats(f *Summary, alone bool) {
	for i, later := range f.Later {
		if later.Became != "" {
			at.add("server_changed", fmt.Sprintf("the server was %s before repeat %d, and %s after it", described(later), i+2, later.Became))
		}
		if later.Client != f.Client {
			at.add("repeats_differ", fmt.Sprintf("repeat %d: %s", i+2, differing("client", f.Client, later.Client)))
		}
		like := *later
		if alone {
			like.Requests = f.Requests
		}
		for _, text := range unlike(f, &like) {
			at.add("repeats_differ", fmt.Sprintf("repeat %d: %s", i+2, text))
		}
		if f.changed(later) {
			at.add("server_changed", fmt.Sprintf("the server was %s in repeat %d, and %s before", described(later), i+2, described(f)))
		}
	}
}

// byFinding are the causes that a finding of either side is enough for, with their texts.
var byFinding = map[string]string{
	"batch_limited":         "about %s requests were served at a time: the others waited for the batch, not for the engine",
	"coalesced":             "tokens arrived in bursts, so ITL is that of the network or of the server's output loop; that does not move TPOT",
	"whole_answers":         "answers arrived in one piece, so TTFT and TPOT were not measured",
	"token_count_disagrees": "the server's token count is not that of what came, so how long its answers are is not known",
	"hidden_reasoning":      "the server counts tokens of reasoning that it does not send, and TPOT is divided by them",
	"several_choices":       "answers have several choices, which TPOT and ITL mix",
}

// findings finds what the variant's own findings say, each once.
func (at *finder) findings(f *Summary) {
	added := map[string]bool{}
	for _, run := range f.runs() {
		for _, found := range run.Findings {
			code := found.Code
			if whole, _ := number(found, "whole_answers"); code == "coalesced" && whole > 0 {
				code = "whole_answers" // tokens come in bursts, each of a whole answer
			}
			if text, ok := byFinding[code]; ok && !added[code] {
				served, _ := number(found, "served")
				at.add(code, text, served)
				added[code] = true
			}
		}
	}
}

// compared finds what of the variant is not like the baseline.
func (at *finder) compared(base, f *Summary) {
	if decodesUnlike(base, f) {
		at.add("decoding_differs", "%s requests were decoding at a time, vs %s of the baseline", f.decoding(), base.decoding())
	}
	if chunked(base, f) && !perToken(base, f) {
		at.add("multi_token_chunks", "chunks had %s tokens on average, vs %s of the baseline, so ITL is the time between chunks; that does not move TPOT", f.tokensPerChunk(), base.tokensPerChunk())
	}
	if x, y := f.mean(f.Output), base.mean(base.Output); math.Abs(x-y) > lengthShare*max(x, y) {
		at.add("output_lengths_differ", differing("completion tokens a request", rounded(y), rounded(x)))
	}
	if x, y := f.cached(), base.cached(); math.Abs(x-y) > cacheShare {
		at.add("prefix_cache_hits", "%s %% of the prompt tokens came from the server's prefix cache, vs %s %% of the baseline", 100*x, 100*y)
	}
	if x, y := f.rate(), base.rate(); x > 0 && y > 0 && math.Abs(x-y) > rateShare*max(x, y) {
		at.add("rate_not_reached", "%s requests/s were sent, vs %s of the baseline", x, y)
	}
}

// tokensPerChunk is the largest of the repeats, 0 where it is not known.
func (f *Summary) tokensPerChunk() (most float64) {
	for _, run := range f.runs() {
		most = max(most, run.TokensPerChunk)
		if v, ok := run.figure("multi_token_chunks", "tokens_per_chunk"); ok {
			most = max(most, v)
		}
	}
	return most
}

// chunked reports whether the times between chunks do not compare as those between tokens.
func chunked(a, b *Summary) bool {
	x, y := a.tokensPerChunk(), b.tokensPerChunk()
	return max(x, y) >= tokensAChunk || x > 0 && y > 0 && max(x, y) > (1+chunkShare)*min(x, y)
}

// perToken reports whether both have the times of tokens, and not only of chunks.
func perToken(a, b *Summary) bool {
	f := Quantity{Metric: PerTokenITL, Statistic: MeanOf}
	return !math.IsNaN(a.Value(f)) && !math.IsNaN(b.Value(f))
}

// cached is the share of the prompt tokens that came from a prefix cache unasked.
func (f *Summary) cached() float64 {
	cached, _ := f.figure("prefix_cache_hits", "cached_tokens")
	prompts, _ := f.figure("prefix_cache_hits", "prompt_tokens")
	if prompts <= 0 {
		return 0
	}
	return cached / prompts
}

// rate is at how many requests a second they were sent, 0 without a schedule.
func (f *Summary) rate() float64 {
	if sent, ok := f.figure("rate_not_reached", "sent_per_s"); ok {
		return sent
	}
	rate, _ := strconv.ParseFloat(f.Settings["request_rate"], 64)
	if math.IsInf(rate, 0) {
		return 0
	}
	return rate
}

// AllFindings are those of all runs, the first of each code.
func (f *Summary) AllFindings() (all []Finding) {
	for _, run := range f.runs() {
		for _, x := range run.Findings {
			if !slices.ContainsFunc(all, func(o Finding) bool { return o.Code == x.Code }) {
				all = append(all, x)
			}
		}
	}
	return all
}

func (f *Summary) has(finding string) bool {
	return slices.ContainsFunc(f.AllFindings(), func(x Finding) bool { return x.Code == finding })
}

// quantity is a number of a finding.
func (f *Summary) figure(finding, key string) (value float64, ok bool) {
	for _, x := range f.AllFindings() {
		if x.Code == finding {
			return number(x, key)
		}
	}
	return 0, false
}

// number is a number of a finding.
func number(x Finding, key string) (value float64, ok bool) {
	switch v := x.Figures.Get(key).(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// before is the variant at the load before.
func (c *Comparison) before(load, variant int) *Summary {
	for load--; load >= 0; load-- {
		if f := c.Summaries[load][variant]; f != nil {
			return f
		}
	}
	return nil
}

func (f *Summary) changed(later *Summary) bool {
	return f.Model != later.Model || f.Server != later.Server
}

func described(f *Summary) string { return Described(f.Model, f.Server) }

// Described is a server by its model and its version, if it says one.
func Described(model, version string) string {
	if version != "" {
		model += " (version " + version + ")"
	}
	return model
}

// lost says which requests brought nothing, "" where all did.
func (f *Summary) lost() string {
	switch sent := f.Requests - f.Unsent; {
	case f.Failed > 0 && f.Unsent > 0:
		return fmt.Sprintf("%d of %d requests failed, and %d more were not sent", f.Failed, sent, f.Unsent)
	case f.Failed > 0:
		return fmt.Sprintf("%d of %d requests failed", f.Failed, sent)
	case f.Unsent > 0:
		return fmt.Sprintf("%d of %d requests were not sent: the run ended before", f.Unsent, f.Requests)
	}
	return ""
}

// VoidOf is the code of the cause by which a metric of a variant is not comparable at a
// load, its own or that it is not like the first; "" where nothing is known against it.
func (c *Comparison) VoidOf(load, variant int, metric string) string {
	return c.voidOf(load, variant, metric, true)
}

// OwnVoidOf is the code of the cause by which a metric's value of a variant means nothing at a
// load, whatever it is compared with; "" where nothing is known against it.
func (c *Comparison) OwnVoidOf(load, variant int, metric string) string {
	return c.voidOf(load, variant, metric, false)
}

func (c *Comparison) voidOf(load, variant int, metric string, relative bool) string {
	for _, r := range c.reasons {
		if !relative && causeOf(r.code).Relative {
			continue
		}
		if r.load == load && r.variant == variant && (r.metrics == nil || slices.Contains(r.metrics, metric)) {
			return r.code
		}
	}
	return ""
}

// grouped puts the reasons of a kind and variant together.
func grouped(all []reason) (out []Reasons) {
	values := map[int][][2]float64{}
	for _, r := range all {
		at := slices.IndexFunc(out, func(o Reasons) bool {
			return o.Code == r.code && o.Variant == r.variant && o.Text == r.text && slices.Equal(o.Metrics, r.metrics)
		})
		if at < 0 {
			at = len(out)
			out = append(out, Reasons{Code: r.code, Variant: r.variant, Metrics: r.metrics, Text: r.text, Short: causeOf(r.code).Short, Hint: causeOf(r.code).Hint})
		}
		out[at].Loads = append(out[at].Loads, r.load)
		values[at] = append(values[at], r.values)
	}
	for i := range out {
		for _, text := range []*string{&out[i].Text, &out[i].Short} {
			switch strings.Count(*text, "%s") {
			case 1:
				*text = fmt.Sprintf(*text, listed(values[i], 0))
			case 2:
				*text = fmt.Sprintf(*text, listed(values[i], 0), listed(values[i], 1))
			}
		}
	}
	return out
}

// listed writes the values of the loads, once where all are alike.
func listed(values [][2]float64, of int) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, shortNumber(v[of]))
	}
	if len(slices.Compact(slices.Clone(texts))) == 1 {
		return texts[0]
	}
	return strings.Join(texts, ", ")
}
