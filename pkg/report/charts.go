package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"loadgen/internal/chart"
	"loadgen/internal/judge"
	"loadgen/pkg/metrics"
)

// overview are the charts over all loads; none where there is one load only, of which each
// would have a dot for each server.
func (g *Group) overview() (charts []template.HTML) {
	if len(g.Loads) < 2 {
		return nil
	}
	throughput, latency := judge.Quantity{Metric: judge.OutputThroughput, Higher: true}, judge.Quantity{Metric: "e2el", Statistic: judge.MeanOf}
	curve := chart.Lines{
		Title:     "Throughput and latency" + g.voidMark(throughput, latency),
		XLabel:    "output throughput (tokens/s)",
		YLabel:    "mean E2EL (ms)",
		YFromZero: true,
		Markers:   true,
	}
	for variant, label := range g.judged.Labels {
		s := chart.Series{Name: label, Server: variant}
		if g.hasCurve() && len(g.curve().Points) == len(g.Loads) {
			for _, p := range g.curve().Points {
				s.Low, s.High = append(s.Low, 1e3*p.Latency.Low), append(s.High, 1e3*p.Latency.High)
			}
		}
		for load := range g.Loads {
			s.X = append(s.X, g.value(load, variant, throughput))
			s.Y = append(s.Y, g.value(load, variant, latency))
			s.Notes = append(s.Notes, g.load+" "+g.Loads[load])
			s.Void = append(s.Void, g.isVoid(load, variant, throughput) || g.isVoid(load, variant, latency))
		}
		curve.Series = append(curve.Series, s)
	}
	charts = append(charts, template.HTML(curve.Inline()))
	for _, row := range summaryRows {
		name, _, _ := strings.Cut(row.name, " (")
		lines := chart.Lines{
			Title:     name + g.voidMark(row.quantity),
			XLabel:    g.load,
			XNames:    g.Loads,
			YLabel:    row.name,
			YFromZero: true,
			Markers:   true,
		}
		for variant, label := range g.judged.Labels {
			s := chart.Series{Name: label, Server: variant}
			for load := range g.Loads {
				s.X, s.Y = append(s.X, float64(load)), append(s.Y, g.value(load, variant, row.quantity))
				low, high := g.interval(load, variant, row.quantity)
				s.Low, s.High, s.Void = append(s.Low, low), append(s.High, high), append(s.Void, g.isVoid(load, variant, row.quantity))
			}
			lines.Series = append(lines.Series, s)
		}
		charts = append(charts, template.HTML(lines.Inline()))
	}
	return charts
}

// voidMark is where one of some metrics is not comparable, "" for nowhere.
func (g *Group) voidMark(figures ...judge.Quantity) string {
	var at []int
	for load := range g.Loads {
		if slices.ContainsFunc(g.judged.Rows, func(r judge.Row) bool { return r.Load == load && slices.Contains(figures, r.Quantity) && r.Void != "" }) {
			at = append(at, load)
		}
	}
	switch {
	case len(at) == 0:
		return ""
	case len(at) > 6:
		return fmt.Sprintf(" (not comparable at %d of %d)", len(at), len(g.Loads))
	case len(at) == len(g.Loads):
		return " (not comparable)"
	}
	return " (not comparable" + g.at(at) + ")"
}

// quantiles are where percentile curves and distribution functions are drawn.
func quantiles(n int64) (out []float64) {
	for i := range 100 {
		out = append(out, float64(i)/100)
	}
	for rest := 0.01; rest*float64(n) >= 1; rest /= 1.3 {
		out = append(out, 1-rest)
	}
	return out
}

// distributions are the charts of latencies at a load, of the servers whose files have their
// values: of all four for a server alone, of TTFT and ITL where there is another.
func (g *Group) distributions(load int) (charts []template.HTML) {
	shown := []metrics.Metric{metrics.TTFT, metrics.ITL}
	if len(g.Variants) == 1 {
		shown = []metrics.Metric{metrics.TTFT, metrics.TPOT, metrics.ITL, metrics.E2EL}
	}
	for _, m := range shown {
		for _, l := range g.distributionsOf(load, m) {
			if slices.ContainsFunc(l.Series, func(s chart.Series) bool { return len(s.X) > 1 }) { // else a dot
				charts = append(charts, template.HTML(l.Inline()))
			}
		}
	}
	return charts
}

// distributionsOf are a metric by percentile, as a distribution function, and over time.
func (g *Group) distributionsOf(load int, m metrics.Metric) []chart.Lines {
	name := strings.ToUpper(m.String())
	quantity := judge.Quantity{Metric: m.String(), Statistic: judge.MeanOf}
	mark := ""
	if slices.ContainsFunc(g.judged.Rows, func(r judge.Row) bool { return r.Load == load && r.Quantity == quantity && r.Void != "" }) {
		mark = " (not comparable)"
	}
	curve := chart.Lines{Title: name + " by percentile" + mark, XLabel: "percentile", YLabel: name + " (ms)", XScale: chart.Percentile, YFromZero: true}
	cdf := chart.Lines{Title: name + ", share of values up to" + mark, XLabel: name + " (ms)", YLabel: "share of values (%)", XScale: chart.Log, YFromZero: true, Step: true}
	time := chart.Lines{
		Title:     name + " over time, median of each second" + mark,
		XLabel:    "time since the first (s)",
		YLabel:    name + " (ms)",
		YFromZero: true,
		Markers:   true,
	}
	for variant, label := range g.judged.Labels {
		if len(g.Runs[load][variant]) == 0 {
			continue
		}
		run := g.Runs[load][variant][0]
		a, b, c := chart.Series{Name: label, Server: variant}, chart.Series{Name: label, Server: variant}, chart.Series{Name: label, Server: variant}
		if h := run.distribution(m); h != nil && h.TotalCount() > 1 {
			for _, q := range quantiles(h.TotalCount()) {
				ms := float64(h.ValueAtQuantile(100*q)) / 1e6
				a.X, a.Y = append(a.X, q), append(a.Y, ms)
				b.X, b.Y = append(b.X, ms), append(b.Y, 100*q)
			}
			b.X, b.Y = append(b.X, float64(h.Max())/1e6), append(b.Y, 100)
		}
		for _, s := range run.hdrLogs()[m.String()] {
			c.X, c.Y = append(c.X, s.at.Seconds()), append(c.Y, float64(s.hist.ValueAtQuantile(50))/1e6)
		}
		for of, s := range map[*chart.Lines]chart.Series{&curve: a, &cdf: b, &time: c} {
			if len(s.X) > 0 {
				s.Void = slices.Repeat([]bool{g.isVoid(load, variant, quantity)}, len(s.X))
				of.Series = append(of.Series, s)
			}
		}
	}
	curve.YLog, time.YLog = wide(curve.Series), wide(time.Series)
	return []chart.Lines{curve, cdf, time}
}

// wide reports whether the positive values are so far apart that on a linear scale most of
// them would be at its beginning: by three powers of ten.
func wide(series []chart.Series) bool {
	low, high := math.Inf(1), 0.0
	for i := range series {
		for _, v := range series[i].Y {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	return high > 1000*low
}

// WritePNG writes the chart of the comparison, benchmark_comparison.png.
func (g *Group) WritePNG(w io.Writer) error { return g.bars().PNG(w) }

// WriteSVG writes the chart of the comparison, benchmark_comparison.svg.
func (g *Group) WriteSVG(w io.Writer) error { return g.bars().SVG(w) }

// bars is the chart of the comparison.
func (g *Group) bars() *chart.Comparison {
	c := &chart.Comparison{Title: g.heading(), Servers: g.judged.Labels, Loads: g.Loads, XLabel: g.load}
	for _, row := range summaryRows {
		name, unit, _ := strings.Cut(row.name, " (")
		p := chart.Panel{Title: name, Unit: strings.TrimSuffix(unit, ")"), HigherIsBetter: row.quantity.Higher}
		for variant := range g.judged.Labels {
			values, void := make([]float64, len(g.Loads)), make([]string, len(g.Loads))
			low, high := make([]float64, len(g.Loads)), make([]float64, len(g.Loads))
			for load := range g.Loads {
				values[load] = g.value(load, variant, row.quantity)
				low[load], high[load] = g.interval(load, variant, row.quantity)
				if r := g.row(load, variant, row.quantity); r != nil && r.Void != "" {
					void[load] = words(r.Void)
				}
				if math.IsInf(values[load], 0) {
					values[load] = math.NaN()
				}
			}
			p.Values, p.Void = append(p.Values, values), append(p.Void, void)
			p.Low, p.High = append(p.Low, low), append(p.High, high)
		}
		c.Panels = append(c.Panels, p)
	}
	return c
}
