package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"loadgen/internal/judge"
)

// hints are what can be done about what is not comparable, by the code of the hint, for
// callers that have no flags to name.
var hints = map[string]string{
	"own_core":       "give the client a core of its own",
	"batch_limit":    "set the same batch limit on all servers",
	"per_token":      "have the server count its tokens in every chunk (continuous usage), which allows ITL per token",
	"ignore_eos":     "have all servers generate to the full length",
	"same_load":      "send all servers the same prompts with the same settings",
	"failures":       "find out why requests failed, which each server's findings say, and repeat the runs",
	"other_prompts":  "send prompts that no server has cached",
	"across_clients": "compare across clients on purpose",
	"raise_batch":    "raise the server's batch limit, or ask for no more than it",
	repeatHint:       "repeat the runs, three times or more with the servers in turn",
}

// repeatHint is the one for comparisons of single runs.
const repeatHint = "repeat"

// hint is what can be done, "" for nothing.
func (g *Group) hint(code string) string {
	if text, ok := g.words[code]; ok {
		return text
	}
	return hints[code]
}

// next are the hints of a comparison, each once.
func (g *Group) next() (all []string) {
	add := func(code string) {
		if text := g.hint(code); text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, r := range g.weighed() {
		add(r.Hint)
	}
	if slices.ContainsFunc(g.judged.Rows, func(r judge.Row) bool { return r.OneRun && r.Void == "" }) {
		add(repeatHint)
	}
	return all
}

// mostAnswered is how many servers the answer is about, at most.
const mostAnswered = 3

// answer is the comparison in short: by how much which server is better, or why that
// cannot be said, and what to do next. Of one server it is what came of its runs.
func (g *Group) answer() string {
	switch {
	case len(g.Variants) < 2 && g.hasCurve():
		return g.curveAnswer()[0] + ". " + g.answerAlone()
	case len(g.Variants) < 2:
		return g.answerAlone()
	case len(g.judged.Rows) == 0:
		return "Nothing to compare: no " + g.load + " has results of the baseline and of another server."
	}
	var parts []string
	if g.judged.Void() {
		parts = append(parts, "No winner can be named: "+g.because())
	} else {
		for variant := 1; variant < min(len(g.Variants), mostAnswered+1); variant++ {
			parts = append(parts, g.answerOf(variant))
		}
		if more := len(g.Variants) - 1 - mostAnswered; more > 0 {
			parts = append(parts, fmt.Sprintf("%d more servers are below", more))
		}
		if names := g.voidNames(); names != "" {
			parts = append(parts, "Not comparable: "+names)
		}
	}
	if next := g.next(); len(next) > 0 {
		parts = append(parts, "Next: "+next[0])
	}
	return strings.Join(parts, ". ") + "."
}

// weighed are the reasons against comparing, first those that move the most metrics at the
// most concurrencies.
func (g *Group) weighed() []judge.Reasons {
	weight := func(r *judge.Reasons) int {
		moved := len(r.Metrics)
		if r.Metrics == nil {
			moved = len(judge.Quantities)
		}
		return moved * len(r.Loads)
	}
	all := slices.Clone(g.judged.Reasons)
	slices.SortStableFunc(all, func(a, b judge.Reasons) int { return weight(&b) - weight(&a) })
	return all
}

// because is the weightiest reason against comparing.
func (g *Group) because() string {
	all := g.weighed()
	if len(all) == 0 {
		return "nothing is comparable"
	}
	return g.judged.Labels[all[0].Variant] + " " + all[0].Short
}

// answered are the metrics of the answer: those of the summary, and of first waves.
var answered = func() (all []judge.Quantity) {
	for _, row := range summaryRows {
		all = append(all, row.quantity)
		if row.quantity.Metric == "ttft" {
			all = append(all, judge.Quantity{Metric: judge.FirstWaveTTFT, Statistic: judge.MeanOf})
		}
	}
	return all
}()

// answerOf is what is known of a server vs the baseline.
func (g *Group) answerOf(variant int) string {
	var pieces []string
	compared := false
	for _, quantity := range answered {
		better, worse := rangeOf{}, rangeOf{}
		for i := range g.judged.Rows {
			r := &g.judged.Rows[i]
			if r.Variant != variant || r.Quantity != quantity || r.Void != "" {
				continue
			}
			compared = true
			up := r.SpeedUp()
			unlikely := r.Interval != nil && (r.RatioLow > 1 || r.RatioHigh < 1)
			if math.IsNaN(up) || !r.Significant && !(r.OneRun && unlikely) {
				continue
			}
			of := &better
			if up < 1 {
				of = &worse
			}
			of.add(max(up, 1/up), r)
		}
		for k, of := range []rangeOf{better, worse} {
			if len(of.loads) > 0 {
				pieces = append(pieces, g.piece(quantity, of, k == 0))
			}
		}
	}
	label := g.judged.Labels[variant]
	switch {
	case !compared:
		return label + ": not comparable with " + g.judged.Labels[0]
	case len(pieces) == 0:
		return "No significant difference between " + label + " and " + g.judged.Labels[0]
	}
	return label + " vs " + g.judged.Labels[0] + ": " + strings.Join(pieces, ", ")
}

// rangeOf is a speed-up at the concurrencies where it is of the same direction.
type rangeOf struct {
	low, high float64
	loads     []int
	oneRun    bool
}

func (o *rangeOf) add(x float64, r *judge.Row) {
	if len(o.loads) == 0 {
		o.low, o.high = x, x
	}
	o.low, o.high, o.oneRun = min(o.low, x), max(o.high, x), o.oneRun || r.OneRun
	o.loads = append(o.loads, r.Load)
}

// piece words a range: "1.6 to 3.1x faster per output token from concurrency 64 up".
func (g *Group) piece(f judge.Quantity, of rangeOf, better bool) string {
	text := judge.Digits(of.low)
	if high := judge.Digits(of.high); high != text {
		text += " to " + high
	}
	direction := map[[2]bool]string{{false, true}: "faster", {false, false}: "slower", {true, true}: "more", {true, false}: "fewer"}[[2]bool{f.Higher, better}]
	text += "x " + direction + " " + f.What()
	text += g.at(of.loads)
	if of.oneRun {
		text += " (one run)"
	}
	return text
}

// voidNames are the metrics that are not comparable, with the concurrencies: "ITL at concurrency 128".
func (g *Group) voidNames() string {
	type place struct{ names, loads string }
	var places []place
	for _, row := range summaryRows {
		var loads []int
		for load := range g.Loads {
			if slices.ContainsFunc(g.judged.Rows, func(r judge.Row) bool { return r.Load == load && r.Quantity == row.quantity && r.Void != "" }) {
				loads = append(loads, load)
			}
		}
		if len(loads) == 0 {
			continue
		}
		name, at := metricName(row.quantity.Metric), g.at(loads)
		if k := slices.IndexFunc(places, func(p place) bool { return p.loads == at }); k >= 0 {
			places[k].names += ", " + name
		} else {
			places = append(places, place{name, at})
		}
	}
	var texts []string
	for _, p := range places {
		texts = append(texts, p.names+p.loads)
	}
	return strings.Join(texts, "; ")
}

// metricName is a metric's name in sentences; first waves go with TTFT.
func metricName(metric string) string {
	switch {
	case metric == judge.FirstWaveTTFT:
		return "TTFT"
	case strings.HasSuffix(metric, "throughput"):
		return "throughput"
	}
	return strings.ToUpper(metric)
}
