package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/lazy"
	"loadgen/internal/pyjson"
)

// Gate is a bound on a metric: absolute for every server, or relative to the baseline.
type Gate struct {
	Text string
	// Relative is that of a bound relative to the baseline.
	Relative bool
	figure   judge.Figure
	atMost   bool    // else at least
	limit    float64 // seconds, or per second; relative: a share of the baseline's value
}

var gateSyntax = lazy.Regexp(`^\s*([a-z0-9_.]+)\s*(<=|>=)\s*([+-]?[0-9.eE]+)\s*(%?)\s*$`)

// ParseGate reads a gate: p99_ttft_ms<=+5%, mean_tpot_ms<=12, output_throughput>=-3%.
func ParseGate(text string) (Gate, error) {
	const want = "expected METRIC<=VALUE or METRIC>=VALUE, such as p99_ttft_ms<=+5% (vs the baseline) or mean_tpot_ms<=12"
	m := gateSyntax().FindStringSubmatch(text)
	if m == nil {
		return Gate{}, fmt.Errorf("gate %q: %s", text, want)
	}
	limit, err := strconv.ParseFloat(m[3], 64)
	if err != nil || math.IsInf(limit, 0) || math.IsNaN(limit) {
		return Gate{}, fmt.Errorf("gate %q: %s is not a number; %s", text, m[3], want)
	}
	figure, err := gateFigure(m[1])
	if err != nil {
		return Gate{}, fmt.Errorf("gate %q: %w", text, err)
	}
	g := Gate{Text: strings.TrimSpace(text), figure: figure, atMost: m[2] == "<=", limit: limit, Relative: m[4] == "%"}
	switch {
	case g.Relative:
		g.limit /= 100
	default:
		g.limit /= g.scale()
	}
	return g, nil
}

// gateFigure finds a metric by its key: what comparisons have, goodput, the share of failed
// requests, and any other percentile, or the deviation, of a latency.
func gateFigure(key string) (judge.Figure, error) {
	figures := append(judge.Figures[:len(judge.Figures):len(judge.Figures)], goodputFigure, failureFigure)
	if f, found := judge.FigureOf(key); found {
		return f, nil
	}
	if at := slices.IndexFunc(figures, func(f judge.Figure) bool { return figureKey(f) == key }); at >= 0 {
		return figures[at], nil
	}
	var keys []string
	for _, f := range figures {
		keys = append(keys, figureKey(f))
	}
	return judge.Figure{}, fmt.Errorf("unknown metric %s; expected one of %s, or another percentile such as p95_ttft_ms", key, strings.Join(keys, ", "))
}

// scale is what the metric is multiplied with to be shown.
func (g *Gate) scale() float64 {
	if g.figure.Higher || g.figure == failureFigure {
		return 1
	}
	return 1e3
}

// Requests is how many requests the gate's percentile needs in all repeats of a run.
func (g *Gate) Requests() int {
	if q := g.figure.Statistic.Q; q > 0 {
		return int(math.Ceil(5/(1-q) - 1e-6))
	}
	return 1
}

// Metric is the metric that the gate bounds, by its key without the statistic.
func (g *Gate) Metric() string { return g.figure.Metric }

// figureKey is the metric's key in result files.
func figureKey(f judge.Figure) string {
	if f == failureFigure {
		return f.Metric
	}
	return f.Key()
}

// gated is what came of a gate for a server at a concurrency.
type gated struct {
	gate           *Gate
	level, variant int
	value, limit   float64 // as they are shown; NaN where there is none
	why            string  // it is missed; "" where it holds
}

// gated checks gates. What is not comparable, has too few requests or is not there counts as
// missed.
func (g *Group) gated(gates []Gate) (all []gated) {
	for i := range gates {
		gate := &gates[i]
		for level, variants := range g.judged.Facts {
			for variant := range variants {
				if gate.Relative && variant == 0 && len(variants) > 1 {
					continue
				}
				one := gated{gate: gate, level: level, variant: variant, value: math.NaN(), limit: math.NaN()}
				one.why = g.check(&one)
				all = append(all, one)
			}
		}
	}
	return all
}

// Missed returns the gates that the group misses, each with the reason.
func (g *Group) Missed(gates []Gate) (missed []string) {
	found := map[*Gate]bool{}
	for _, r := range g.gated(gates) {
		if found[r.gate] = true; r.why != "" {
			missed = append(missed, fmt.Sprintf("%s: %s at %s: %s", r.gate.Text, g.judged.Labels[r.variant], g.judged.Levels[r.level], r.why))
		}
	}
	for i := range gates {
		if !found[&gates[i]] {
			missed = append(missed, gates[i].Text+": nothing to compare")
		}
	}
	return missed
}

// gateValue is a metric's value of a server at a concurrency, the mean of the repeats.
func (g *Group) gateValue(f judge.Figure, level, variant int) float64 {
	facts := g.judged.Facts[level][variant]
	if facts == nil {
		return math.NaN()
	}
	if facts.Series[f] == nil {
		for _, run := range g.Runs[level][variant] {
			facts.Series[f] = append(facts.Series[f], run.series(f))
		}
	}
	return facts.Value(f)
}

// check finds the value and the limit of a gate, and why it is missed, "" where it is not.
func (g *Group) check(r *gated) string {
	c, of := g.judged, r.gate
	f := c.Facts[r.level][r.variant]
	if f == nil {
		return "no result"
	}
	value := g.gateValue(of.figure, r.level, r.variant)
	if math.IsNaN(value) {
		return "the result does not have this metric"
	}
	r.value = of.scale() * value
	if f.TooFew(of.figure.Statistic) {
		return "too few requests for this percentile"
	}
	void := ""
	switch {
	case of.Relative:
		void = cmp.Or(c.VoidOf(r.level, r.variant, of.figure.Metric), c.VoidOf(r.level, 0, of.figure.Metric))
	case of.figure != failureFigure: // a count, which stands whatever the latencies are worth
		void = c.OwnVoidOf(r.level, r.variant, of.figure.Metric)
	}
	if void != "" {
		return "not comparable (" + strings.ReplaceAll(void, "_", " ") + ")"
	}
	limit := of.limit
	if of.Relative {
		base := g.gateValue(of.figure, r.level, 0)
		if r.variant == 0 || math.IsNaN(base) {
			return "nothing to compare with"
		}
		limit = base * (1 + of.limit)
	}
	r.limit = of.scale() * limit
	if of.atMost && value <= limit || !of.atMost && value >= limit {
		return ""
	}
	return fmt.Sprintf("%.6g, the bound is %.6g", r.value, r.limit)
}

// gateHead are the heads of the table of gates, the outcome before what it was made of.
func (g *Group) gateHead() []string {
	return []string{"gate", "server", g.load, "outcome", "value", "bound"}
}

// gateRows are its rows; nil without gates.
func (g *Group) gateRows() (rows [][]string) {
	number := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return fmt.Sprintf("%.6g", x)
	}
	for _, r := range g.gated(g.gates) {
		outcome := "holds"
		if r.why != "" {
			outcome = "MISSED: " + r.why
		}
		rows = append(rows, []string{r.gate.Text, g.judged.Labels[r.variant], g.judged.Levels[r.level], outcome, number(r.value), number(r.limit)})
	}
	return rows
}

// gatesJSON are the outcomes of the gates for programs.
func (g *Group) gatesJSON() []pyjson.Object {
	all := []pyjson.Object{}
	for _, r := range g.gated(g.gates) {
		o := pyjson.Object{{Key: "gate", Value: r.gate.Text}, {Key: "side", Value: g.judged.Labels[r.variant]}, {Key: "level", Value: g.judged.Levels[r.level]},
			{Key: "value", Value: finiteOrNil(r.value)}, {Key: "bound", Value: finiteOrNil(r.limit)}, {Key: "holds", Value: r.why == ""}}
		if r.why != "" {
			o = append(o, pyjson.Member{Key: "reason", Value: r.why})
		}
		all = append(all, o)
	}
	return all
}
