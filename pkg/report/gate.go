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
	figures := append(judge.Figures[:len(judge.Figures):len(judge.Figures)], goodputFigure)
	at := slices.IndexFunc(figures, func(f judge.Figure) bool { return figureKey(f) == m[1] })
	if at < 0 {
		var keys []string
		for _, f := range figures {
			keys = append(keys, figureKey(f))
		}
		return Gate{}, fmt.Errorf("gate %q: unknown metric %s; expected one of %s", text, m[1], strings.Join(keys, ", "))
	}
	g := Gate{Text: strings.TrimSpace(text), figure: figures[at], atMost: m[2] == "<=", limit: limit, Relative: m[4] == "%"}
	switch {
	case g.Relative:
		g.limit /= 100
	case !g.figure.Higher:
		g.limit /= 1e3
	}
	return g, nil
}

// figureKey is the metric's key in result files.
func figureKey(f judge.Figure) string {
	if f.Higher {
		return f.Metric
	}
	return f.Statistic.Name + "_" + f.Metric + "_ms"
}

// Missed returns the gates that the group misses, each with the reason.
func (g *Group) Missed(gates []Gate) []string { return missed(g.judged, gates) }

// missed returns the gates that are missed, each with the reason. What is not comparable,
// has too few requests or is not there counts as missed.
func missed(c *judge.Comparison, gates []Gate) (missed []string) {
	for _, g := range gates {
		before := len(missed)
		held := 0
		for level, sides := range c.Facts {
			for side := range sides {
				if g.Relative && side == 0 && len(sides) > 1 {
					continue
				}
				if why := g.misses(c, level, side); why != "" {
					missed = append(missed, fmt.Sprintf("%s: %s at %s: %s", g.Text, c.Labels[side], c.Levels[level], why))
				} else {
					held++
				}
			}
		}
		if len(missed) == before && held == 0 {
			missed = append(missed, g.Text+": nothing to compare")
		}
	}
	return missed
}

// misses is why a server misses a gate at a concurrency, "" where it does not.
func (g *Gate) misses(c *judge.Comparison, level, side int) string {
	f := c.Facts[level][side]
	if f == nil {
		return "no result"
	}
	value := f.Value(g.figure)
	if math.IsNaN(value) {
		return "the result does not have this metric"
	}
	if f.TooFew(g.figure.Statistic) {
		return "too few requests for this percentile"
	}
	void := c.OwnVoidOf(level, side, g.figure.Metric)
	if g.Relative {
		void = cmp.Or(c.VoidOf(level, side, g.figure.Metric), c.VoidOf(level, 0, g.figure.Metric))
	}
	if void != "" {
		return "not comparable (" + strings.ReplaceAll(void, "_", " ") + ")"
	}
	limit := g.limit
	if g.Relative {
		base := c.Facts[level][0]
		if side == 0 || base == nil || math.IsNaN(base.Value(g.figure)) {
			return "nothing to compare with"
		}
		limit = base.Value(g.figure) * (1 + g.limit)
	}
	if g.atMost && value <= limit || !g.atMost && value >= limit {
		return ""
	}
	scale := 1e3
	if g.figure.Higher {
		scale = 1
	}
	return fmt.Sprintf("%.6g, the bound is %.6g", scale*value, scale*limit)
}
