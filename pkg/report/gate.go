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
	"loadgen/internal/suggest"
)

// Gate is a bound on a metric: absolute for every server, or relative to the baseline.
type Gate struct {
	Text string
	// Relative is that of a bound relative to the baseline.
	Relative bool
	quantity judge.Quantity
	path     string  // of another number of the file than a quantity's, else ""
	atMost   bool    // else at least
	limit    float64 // seconds, or per second, or as in the file; relative: a share of the baseline's value
}

var gateSyntax = lazy.Regexp(`^\s*([A-Za-z0-9_.-]+)\s*(<=|>=)\s*([+-]?[0-9.eE]+)\s*(%?)\s*$`)

// ParseGate reads a gate: p99_ttft_ms<=+5%, mean_tpot_ms<=12, output_throughput>=-3%,
// loadgen.metrics.queue_ms.p99<=20. Percentages are relative to the baseline, but for a share of
// failed requests without a sign: failure_share<=1%. A bound that no result can meet is an error.
func ParseGate(text string) (Gate, error) {
	const want = "expected METRIC<=VALUE or METRIC>=VALUE, such as p99_ttft_ms<=+5% (vs the baseline) or mean_tpot_ms<=12"
	m := gateSyntax.Get().FindStringSubmatch(text)
	if m == nil {
		return Gate{}, fmt.Errorf("gate %q: %s", text, want)
	}
	limit, err := strconv.ParseFloat(m[3], 64)
	if err != nil || math.IsInf(limit, 0) || math.IsNaN(limit) {
		return Gate{}, fmt.Errorf("gate %q: %s is not a number; %s", text, m[3], want)
	}
	g := Gate{Text: strings.TrimSpace(text), atMost: m[2] == "<=", limit: limit, Relative: m[4] == "%"}
	if err := g.name(m[1]); err != nil {
		return Gate{}, fmt.Errorf("gate %q: %w", text, err)
	}
	percent := g.Relative
	if g.quantity == failureQuantity && !strings.ContainsAny(m[3][:1], "+-") { // 1% of the requests, not of the baseline's share
		g.Relative = false
	}
	switch {
	case percent:
		g.limit /= 100
	default:
		g.limit /= g.scale()
	}
	if why := g.impossible(); why != "" {
		return Gate{}, fmt.Errorf("gate %q can never hold: %s", text, why)
	}
	return g, nil
}

// impossible is why no result can meet the bound, "" where one can.
func (g *Gate) impossible() string {
	switch {
	case g.path != "": // some of the other numbers are differences
	case g.Relative && g.atMost && g.limit <= -1:
		return "nothing is less than the baseline by 100 % or more"
	case !g.Relative && g.atMost && g.limit < 0:
		return "the metric is never below 0"
	case !g.Relative && !g.atMost && g.limit > 1 && g.quantity == failureQuantity:
		return "a share is at most 1"
	}
	return ""
}

// name finds the metric by its key: what comparisons have, goodput, the share of failed
// requests, any other percentile, or the deviation, of a latency, or the path of another number
// of the file.
func (g *Gate) name(key string) error {
	if f, found := judge.QuantityOf(key); found {
		g.quantity = f
		return nil
	}
	figures := append(judge.Quantities[:len(judge.Quantities):len(judge.Quantities)], goodputQuantity, failureQuantity)
	if at := slices.IndexFunc(figures, func(f judge.Quantity) bool { return quantityKey(f) == key }); at >= 0 {
		g.quantity = figures[at]
		return nil
	}
	if pathOf(key) {
		g.path = key
		g.quantity = judge.Quantity{Metric: pathMetric(key), Statistic: statisticOf(key[strings.LastIndex(key, ".p")+1:])}
		return nil
	}
	var keys []string
	for _, f := range figures {
		keys = append(keys, quantityKey(f))
	}
	if near := suggest.Nearest(key, append(keys, paths()...)); near != "" {
		return fmt.Errorf("unknown metric %s; did you mean %s?", key, near)
	}
	return fmt.Errorf("unknown metric %s; expected one of %s, another percentile such as p95_ttft_ms, or the path of another number of the result, such as loadgen.metrics.queue_ms.p99", key, strings.Join(keys, ", "))
}

// statisticOf is a statistic by its name: a percentile, or any other.
func statisticOf(name string) judge.Statistic {
	p, err := strconv.ParseFloat(strings.TrimPrefix(name, "p"), 64)
	if err != nil || !strings.HasPrefix(name, "p") {
		p = 0
	}
	return judge.Statistic{Name: name, Q: p / 100}
}

// Key is the metric's key, or its path in the file.
func (g *Gate) Key() string { return cmp.Or(g.path, quantityKey(g.quantity)) }

// scale is what the metric is multiplied with to be shown.
func (g *Gate) scale() float64 {
	if g.path != "" || g.quantity.Higher || g.quantity == failureQuantity {
		return 1
	}
	return 1e3
}

// Requests is how many requests the gate's percentile needs in all repeats of a run.
func (g *Gate) Requests() int {
	if q := g.quantity.Statistic.Q; q > 0 {
		return int(math.Ceil(5/(1-q) - 1e-6))
	}
	return 1
}

// Metric is the metric that the gate bounds, by its key without the statistic; "" for a number
// that is none of a latency.
func (g *Gate) Metric() string { return g.quantity.Metric }

// quantityKey is the metric's key in result files.
func quantityKey(f judge.Quantity) string {
	if f == failureQuantity {
		return f.Metric
	}
	return f.Key()
}

// gated is what came of a gate for a server at a concurrency.
type gated struct {
	gate          *Gate
	load, variant int
	value, limit  float64 // as they are shown; NaN where there is none
	why           string  // it is missed; "" where it holds
}

// gated checks gates. What is not comparable, has too few requests or is not there counts as
// missed.
func (g *Group) gated(gates []Gate) (all []gated) {
	for i := range gates {
		gate := &gates[i]
		for load, variants := range g.judged.Summaries {
			for variant := range variants {
				if gate.Relative && variant == 0 && len(variants) > 1 {
					continue
				}
				one := gated{gate: gate, load: load, variant: variant, value: math.NaN(), limit: math.NaN()}
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
			missed = append(missed, fmt.Sprintf("%s: %s at %s: %s", r.gate.Text, g.judged.Labels[r.variant], g.judged.Loads[r.load], r.why))
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
func (g *Group) gateValue(of *Gate, load, variant int) float64 {
	if of.path != "" {
		return pathValue(g.Runs[load][variant], of.path)
	}
	f := of.quantity
	summary := g.judged.Summaries[load][variant]
	if summary == nil {
		return math.NaN()
	}
	if summary.Series[f] == nil {
		for _, run := range g.Runs[load][variant] {
			summary.Series[f] = append(summary.Series[f], run.series(f))
		}
	}
	return summary.Value(f)
}

// check finds the value and the limit of a gate, and why it is missed, "" where it is not.
func (g *Group) check(r *gated) string {
	c, of := g.judged, r.gate
	f := c.Summaries[r.load][r.variant]
	if f == nil {
		return "no result"
	}
	if of.Relative && len(g.Variants) == 1 {
		return "it is relative to a baseline, and there is one server: give the results of two, or a bound without %"
	}
	value := g.gateValue(of, r.load, r.variant)
	if math.IsNaN(value) {
		return "the result does not have this metric"
	}
	r.value = of.scale() * value
	if f.TooFew(of.quantity.Statistic) || ofFirstWave(of.path) && f.Concurrency*len(g.Runs[r.load][r.variant]) < of.Requests() {
		return fmt.Sprintf("too few requests for this percentile, which needs %d", of.Requests())
	}
	void := ""
	switch {
	case of.Relative:
		void = cmp.Or(c.VoidOf(r.load, r.variant, of.quantity.Metric), c.VoidOf(r.load, 0, of.quantity.Metric))
	case of.quantity != failureQuantity: // a count, which stands whatever the latencies are worth
		void = c.OwnVoidOf(r.load, r.variant, of.quantity.Metric)
	}
	if void != "" {
		return "not comparable (" + words(void) + ")"
	}
	limit := of.limit
	if of.Relative {
		base := g.gateValue(of, r.load, 0)
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
		rows = append(rows, []string{r.gate.Text, g.judged.Labels[r.variant], g.judged.Loads[r.load], outcome, number(r.value), number(r.limit)})
	}
	return rows
}

// gatesJSON are the outcomes of the gates for programs.
func (g *Group) gatesJSON() []pyjson.Object {
	all := []pyjson.Object{}
	for _, r := range g.gated(g.gates) {
		o := pyjson.Object{{Key: "gate", Value: r.gate.Text}, {Key: "side", Value: g.judged.Labels[r.variant]}, {Key: "level", Value: g.judged.Loads[r.load]},
			{Key: "value", Value: r.value}, {Key: "bound", Value: r.limit}, {Key: "holds", Value: r.why == ""}}
		if r.why != "" {
			o = append(o, pyjson.Member{Key: "reason", Value: r.why})
		}
		all = append(all, o)
	}
	return all
}
