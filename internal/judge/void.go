package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// reason is why figures of a side mean nothing at a level.
type reason struct {
	code        string
	level, side int
	metrics     []string // nil for all
	text        string   // may hold one %s, for the value
	value       float64
}

// Reasons are those of one kind for one side.
type Reasons struct {
	Code    string
	Side    int
	Levels  []int
	Metrics []string // nil for all
	Text    string
}

// What a finding of a side makes void.
var voiding = map[string][]string{
	"batch_limited": {"ttft", "e2el", OutputThroughput, "total_token_throughput", "request_throughput"},
	"coalesced":     {"itl"},
}

// findReasons finds what keeps the sides from being comparable.
func (c *Comparison) findReasons() (all []reason) {
	for level, sides := range c.Facts {
		for side, f := range sides {
			if f == nil {
				continue
			}
			add := func(code, text string, metrics ...string) {
				all = append(all, reason{code, level, side, metrics, text, math.NaN()})
			}
			if side > 0 && sides[0] != nil {
				for _, text := range differences(sides[0], f) {
					add("workloads_differ", text)
				}
			}
			if text := f.lost(); text != "" {
				add("failures", text)
			}
			if f.Verdict == string(ClientLimited) {
				add("client_limited", "the client could not keep up")
			}
			if before := c.before(level, side); before != nil && before.changed(f) {
				add("server_changed", fmt.Sprintf("the server was %s, and %s before", described(f), described(before)))
			}
			if f.Became != "" {
				add("server_changed", fmt.Sprintf("the server was %s before the run, and %s after it", described(f), f.Became))
			}
			for i, later := range f.Later {
				if later.Became != "" {
					add("server_changed", fmt.Sprintf("the server was %s before repeat %d, and %s after it", described(later), i+2, later.Became))
				}
				for _, text := range unlike(f, later) {
					add("repeats_differ", fmt.Sprintf("repeat %d: %s", i+2, text))
				}
				if f.changed(later) {
					add("server_changed", fmt.Sprintf("the server was %s in repeat %d, and %s before", described(later), i+2, described(f)))
				}
			}
			for _, found := range f.Findings {
				if metrics := voiding[found.Code]; metrics != nil {
					add(found.Code, found.void(), metrics...)
					all[len(all)-1].value, _ = found.Figures.Get("served").(float64)
				}
			}
		}
	}
	return all
}

// void says of a finding what makes its figures mean nothing; %s stands for the value.
func (f *Finding) void() string {
	if f.Code == "batch_limited" {
		return "about %s requests were served at a time: the others waited for the batch, not for the engine"
	}
	return "delivery was coalesced, so that ITL is the network's or the server's output loop, not decoding; TPOT stands"
}

// before is the side at the level before.
func (c *Comparison) before(level, side int) *Facts {
	for level--; level >= 0; level-- {
		if f := c.Facts[level][side]; f != nil {
			return f
		}
	}
	return nil
}

func (f *Facts) changed(later *Facts) bool { return f.Model != later.Model || f.Server != later.Server }

func described(f *Facts) string { return Described(f.Model, f.Server) }

// Described is a server by its model and its version, if it says one.
func Described(model, version string) string {
	if version != "" {
		model += " (version " + version + ")"
	}
	return model
}

// lost says which requests brought nothing, "" where all did.
func (f *Facts) lost() string {
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

// Lengths may differ by this share, and prompts as the servers count them by the marks
// of begin and end, too, which some do not see.
const (
	lengthShare = 0.01
	promptMarks = 2
)

// differences are what the workloads of two sides do not have in common.
func differences(a, b *Facts) (texts []string) {
	differ := func(what string, x, y any) { texts = append(texts, differing(what, x, y)) }
	texts = unlike(a, b)
	perRequest := func(tokens int, f *Facts) float64 { return float64(tokens) / float64(max(1, f.completed())) }
	if x, y := perRequest(a.Input, a), perRequest(b.Input, b); x != y && a.completed() == a.Requests && b.completed() == b.Requests {
		differ("prompt tokens a request", rounded(x), rounded(y))
	}
	if x, y := a.Prompt, b.Prompt; x > 0 && y > 0 && math.Abs(x-y) > promptMarks+lengthShare*max(x, y) {
		differ("prompt tokens a request, as the server counts them", rounded(x), rounded(y))
	}
	if x, y := perRequest(a.Output, a), perRequest(b.Output, b); math.Abs(x-y) > lengthShare*max(x, y) {
		differ("completion tokens a request", rounded(x), rounded(y))
	}
	for _, key := range ownToRepeats {
		if x, y := a.Settings[key], b.Settings[key]; x != "" && y != "" && x != y {
			differ(key, x, y)
		}
	}
	return texts
}

// ownToRepeats are the settings that repeats do not have in common, since each has prompts
// of its own.
var ownToRepeats = []string{"seed", "prompts"}

// unlike are the settings that two runs should have in common, repeats as well as
// sides, and have not.
func unlike(a, b *Facts) (texts []string) {
	differ := func(what string, x, y any) { texts = append(texts, differing(what, x, y)) }
	if a.Client != b.Client {
		differ("client", a.Client, b.Client)
	}
	if a.Requests != b.Requests {
		differ("requests", a.Requests, b.Requests)
	}
	if a.Concurrency != b.Concurrency {
		differ("concurrency", a.Concurrency, b.Concurrency)
	}
	for _, key := range slices.Sorted(maps.Keys(a.Settings)) {
		if y, both := b.Settings[key]; both && y != a.Settings[key] && !slices.Contains(ownToRepeats, key) {
			differ(key, a.Settings[key], y)
		}
	}
	return texts
}

func differing(what string, here, there any) string {
	for _, value := range []*any{&here, &there} {
		if *value == "<nil>" {
			*value = "none"
		}
	}
	return fmt.Sprintf("%s: %v here, %v there", what, there, here)
}

func rounded(x float64) string { return fmt.Sprintf("%.5g", x) }

// VoidOf is why a metric of a side means nothing at a level, for reasons of its own or
// because it is not like the first; "" where nothing is known against it.
func (c *Comparison) VoidOf(level, side int, metric string) string {
	for _, r := range c.reasons {
		if r.level == level && r.side == side && (r.metrics == nil || slices.Contains(r.metrics, metric)) {
			return r.code
		}
	}
	return ""
}

// grouped puts the reasons of a kind and side together.
func grouped(all []reason) (out []Reasons) {
	values := map[int][]float64{}
	for _, r := range all {
		at := slices.IndexFunc(out, func(o Reasons) bool { return o.Code == r.code && o.Side == r.side && o.Text == r.text })
		if at < 0 {
			at = len(out)
			out = append(out, Reasons{Code: r.code, Side: r.side, Metrics: r.metrics, Text: r.text})
		}
		out[at].Levels = append(out[at].Levels, r.level)
		values[at] = append(values[at], r.value)
	}
	for i := range out {
		if out[i].Code == "batch_limited" {
			out[i].Text = fmt.Sprintf(out[i].Text, span(values[i]))
		}
	}
	return out
}

// span words the least and the most of the values.
func span(x []float64) string {
	low, high := fmt.Sprintf("%.1f", slices.Min(x)), fmt.Sprintf("%.1f", slices.Max(x))
	if low == high {
		return low
	}
	return low + " to " + high
}
