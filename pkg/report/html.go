package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"loadgen/internal/chart"
	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/pkg/metrics"
)

//go:embed page.html
var pageText string

// page is what the template shows.
type page struct {
	Title  string
	Style  template.CSS
	Groups []pageGroup
}

type pageGroup struct {
	Heading, Model, Configuration, Hardware string
	Labels                                  []string
	Answer                                  string
	Void, Holds, Findings                   []pageItem
	Next                                    []string
	Whole                                   bool // nothing is comparable
	Compared                                bool
	Overview                                []template.HTML
	Levels                                  []pageLevel
	Head                                    []string
	SettingsHead                            []string
	Settings                                [][]string
	Remarks                                 []string
	GateHead                                []string
	Gates                                   [][]string
}

type pageLevel struct {
	Name   string
	Rows   [][]pageCell
	Charts []template.HTML
	Open   bool
}

type pageCell struct{ Text, Class string }

// pageItem is one of a list; Where, if any, stands before it in bold.
type pageItem struct{ Where, Text string }

// HTML writes report.html, one file that needs no network.
func HTML(w io.Writer, groups []*Group) error {
	most := 1
	p := page{Title: "loadgen report"}
	for i, g := range groups {
		if i == 0 {
			p.Title = g.heading()
		}
		most = max(most, len(g.Variants))
		p.Groups = append(p.Groups, g.page())
	}
	p.Style = template.CSS(chart.Stylesheet(most))
	return template.Must(template.New("page").Parse(pageText)).Execute(plain.Writer{To: w}, p)
}

func (g *Group) page() pageGroup {
	p := pageGroup{
		Heading:       g.heading(),
		Model:         g.model(),
		Configuration: g.configuration(),
		Hardware:      g.hardware(),
		Labels:        g.judged.Labels,
		Compared:      len(g.Variants) > 1,
		Whole:         len(g.judged.Rows) > 0 && g.judged.Void(),
		Remarks:       g.notes(),
		GateHead:      gateHead,
		Gates:         g.gateRows(),
	}
	if p.Compared {
		p.Answer, p.Next = g.answer(), g.next()
		for _, line := range g.holds() {
			p.Holds = append(p.Holds, pageItem{Text: line})
		}
		for _, line := range g.void("Not comparable") {
			p.Void = append(p.Void, pageItem{Text: line})
		}
		p.Head = slices.Concat(g.judged.Labels, g.heads())
	} else {
		p.Head = g.judged.Labels
	}
	p.Overview = g.overview()
	for level, name := range g.Levels {
		p.Levels = append(p.Levels, pageLevel{Name: name, Rows: g.cells(level), Charts: g.distributions(level), Open: level == 0 || len(g.Levels) <= 3})
		for variant, f := range g.judged.Facts[level] {
			if f == nil {
				continue
			}
			for _, found := range f.AllFindings() {
				p.Findings = append(p.Findings, pageItem{g.judged.Labels[variant] + ", concurrency " + name, found.Text})
			}
		}
	}
	p.SettingsHead, p.Settings = g.settingsTable()
	return p
}

// cells are the table at a concurrency, with what is not comparable marked.
func (g *Group) cells(level int) (rows [][]pageCell) {
	for _, row := range g.tableRows(level) {
		if len(g.Variants) < 2 {
			row = row[:2]
		}
		cells := make([]pageCell, len(row))
		for i, text := range row {
			cells[i] = pageCell{Text: text}
			switch {
			case text == "void":
				cells[i].Class = "void"
			case strings.HasSuffix(text, " *"):
				cells[i].Class = "significant"
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

// overview are the charts over all concurrencies.
func (g *Group) overview() (charts []template.HTML) {
	throughput, latency := judge.Figure{Metric: judge.OutputThroughput, Higher: true}, judge.Figure{Metric: "e2el", Statistic: judge.MeanOf}
	curve := chart.Lines{
		Title:     "Throughput and latency" + g.voidMark(throughput, latency),
		XLabel:    "output throughput (tokens/s)",
		YLabel:    "mean E2EL (ms)",
		YFromZero: true,
		Markers:   true,
	}
	for variant, label := range g.judged.Labels {
		s := chart.Series{Name: label, Server: variant}
		for level := range g.Levels {
			s.X = append(s.X, g.value(level, variant, throughput))
			s.Y = append(s.Y, g.value(level, variant, latency))
			s.Notes = append(s.Notes, "concurrency "+g.Levels[level])
			s.Void = append(s.Void, g.isVoid(level, variant, throughput) || g.isVoid(level, variant, latency))
		}
		curve.Series = append(curve.Series, s)
	}
	charts = append(charts, template.HTML(curve.Inline()))
	for _, row := range summaryRows {
		name, _, _ := strings.Cut(row.name, " (")
		lines := chart.Lines{
			Title:     name + g.voidMark(row.figure),
			XLabel:    "concurrency",
			XNames:    g.Levels,
			YLabel:    row.name,
			YFromZero: true,
			Markers:   true,
		}
		for variant, label := range g.judged.Labels {
			s := chart.Series{Name: label, Server: variant}
			for level := range g.Levels {
				s.X, s.Y = append(s.X, float64(level)), append(s.Y, g.value(level, variant, row.figure))
				low, high := g.interval(level, variant, row.figure)
				s.Low, s.High, s.Void = append(s.Low, low), append(s.High, high), append(s.Void, g.isVoid(level, variant, row.figure))
			}
			lines.Series = append(lines.Series, s)
		}
		charts = append(charts, template.HTML(lines.Inline()))
	}
	return charts
}

// voidMark is where one of some metrics is not comparable, "" for nowhere.
func (g *Group) voidMark(figures ...judge.Figure) string {
	var at []int
	for level := range g.Levels {
		if slices.ContainsFunc(g.judged.Rows, func(r judge.Row) bool { return r.Level == level && slices.Contains(figures, r.Figure) && r.Void != "" }) {
			at = append(at, level)
		}
	}
	switch {
	case len(at) == 0:
		return ""
	case len(at) > 6:
		return fmt.Sprintf(" (not comparable at %d concurrencies)", len(at))
	}
	return " (not comparable at " + g.levelNames(at) + ")"
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

// distributions are the charts of TTFT and ITL at a concurrency, of the servers whose
// files have their values.
func (g *Group) distributions(level int) (charts []template.HTML) {
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.ITL} {
		name := strings.ToUpper(m.String())
		curve := chart.Lines{Title: name + " by percentile", XLabel: "percentile", YLabel: name + " (ms)", XScale: chart.Percentile, YFromZero: true}
		cdf := chart.Lines{Title: name + ", share of values up to", XLabel: name + " (ms)", YLabel: "share of values (%)", YFromZero: true, Step: true}
		time := chart.Lines{
			Title:     name + " over time, median of each second",
			XLabel:    "time since the first (s)",
			YLabel:    name + " (ms)",
			YFromZero: true,
			Markers:   true,
		}
		for variant, label := range g.judged.Labels {
			if len(g.Runs[level][variant]) == 0 {
				continue
			}
			run := g.Runs[level][variant][0]
			a, b, c := chart.Series{Name: label, Server: variant}, chart.Series{Name: label, Server: variant}, chart.Series{Name: label, Server: variant}
			if h := run.distribution(m); h != nil {
				for _, q := range quantiles(h.TotalCount()) {
					ms := float64(h.ValueAtQuantile(100*q)) / 1e6
					a.X, a.Y = append(a.X, q), append(a.Y, ms)
					b.X, b.Y = append(b.X, ms), append(b.Y, 100*q)
				}
				b.X, b.Y = append(b.X, float64(h.Max())/1e6), append(b.Y, 100)
				curve.Series, cdf.Series = append(curve.Series, a), append(cdf.Series, b)
			}
			for _, s := range run.hdrLogs()[m.String()] {
				c.X, c.Y = append(c.X, s.at.Seconds()), append(c.Y, float64(s.hist.ValueAtQuantile(50))/1e6)
			}
			if len(c.X) > 0 {
				time.Series = append(time.Series, c)
			}
		}
		curve.YLog, time.YLog = wide(curve.Series, valuesY), wide(time.Series, valuesY)
		if wide(cdf.Series, valuesX) {
			cdf.XScale = chart.Log
		}
		for _, l := range []chart.Lines{curve, cdf, time} {
			if len(l.Series) > 0 {
				charts = append(charts, template.HTML(l.Inline()))
			}
		}
	}
	return charts
}

// wide reports whether the positive values of an axis are so far apart that on a linear
// scale most of them would be at its beginning: by three powers of ten.
func wide(series []chart.Series, values func(*chart.Series) []float64) bool {
	low, high := math.Inf(1), 0.0
	for i := range series {
		for _, v := range values(&series[i]) {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	return high > 1000*low
}

func valuesX(s *chart.Series) []float64 { return s.X }
func valuesY(s *chart.Series) []float64 { return s.Y }

// WritePNG writes the chart of the comparison, benchmark_comparison.png.
func (g *Group) WritePNG(w io.Writer) error { return g.bars().PNG(w) }

// WriteSVG writes the chart of the comparison, benchmark_comparison.svg.
func (g *Group) WriteSVG(w io.Writer) error { return g.bars().SVG(w) }

// bars is the chart of the comparison.
func (g *Group) bars() *chart.Comparison {
	c := &chart.Comparison{Title: g.heading(), Servers: g.judged.Labels, Loads: g.Levels, XLabel: "concurrency"}
	for _, row := range summaryRows {
		name, unit, _ := strings.Cut(row.name, " (")
		p := chart.Panel{Title: name, Unit: strings.TrimSuffix(unit, ")"), HigherIsBetter: row.figure.Higher}
		for variant := range g.judged.Labels {
			values, void := make([]float64, len(g.Levels)), make([]string, len(g.Levels))
			low, high := make([]float64, len(g.Levels)), make([]float64, len(g.Levels))
			for level := range g.Levels {
				values[level] = g.value(level, variant, row.figure)
				low[level], high[level] = g.interval(level, variant, row.figure)
				if r := g.row(level, variant, row.figure); r != nil && r.Void != "" {
					void[level] = strings.ReplaceAll(r.Void, "_", " ")
				}
				if math.IsInf(values[level], 0) {
					values[level] = math.NaN()
				}
			}
			p.Values, p.Void = append(p.Values, values), append(p.Void, void)
			p.Low, p.High = append(p.Low, low), append(p.High, high)
		}
		c.Panels = append(c.Panels, p)
	}
	return c
}
