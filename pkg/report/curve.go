package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/internal/pyjson"
	"loadgen/internal/sweep"
)

// hasCurve reports whether the report has a curve: that of one server at enough loads to look
// for a knee.
func (g *Group) hasCurve() bool {
	c := g.curve()
	return c != nil && c.Knee != nil
}

// curve is that of one server, nil for anything else.
func (g *Group) curve() *sweep.Curve {
	if len(g.Variants) != 1 {
		return nil
	}
	if g.measured != nil {
		return g.measured
	}
	var loads []sweep.Load
	var runs [][]*sweep.Run
	byRate := g.Variants[0].Runs[0].rate() > 0
	for load := range g.Loads {
		at := g.Runs[load][0]
		l := sweep.Load{Concurrency: at[0].load().concurrency}
		if byRate {
			l = sweep.Load{Rate: at[0].rate()}
		}
		if l.Value() <= 0 || (at[0].rate() > 0) != byRate {
			return nil
		}
		var of []*sweep.Run
		for _, s := range at {
			of = append(of, sweep.FromFile(s.file))
		}
		loads, runs = append(loads, l), append(runs, of)
	}
	if c := sweep.CurveOf(loads, runs); len(c.Points) > 0 {
		g.measured = c
	}
	return g.measured
}

// curveNote explains the table of loads.
const curveNote = "Loads: latencies in ms; ± is half of the 95 % interval; throughput and mean E2EL are those of the steady state."

// curveMetrics are the metrics of the table besides throughput and mean E2EL.
var curveMetrics = []judge.Quantity{{Metric: "ttft", Statistic: judge.MeanOf}, {Metric: "ttft", Statistic: judge.P99Of}, {Metric: "itl", Statistic: judge.MeanOf}, {Metric: "itl", Statistic: judge.P99Of}}

// curveHead are the heads of the table of loads.
func (g *Group) curveHead() []string {
	head := []string{"concurrency", "runs", "requests", "failed", "tokens/s", "±"}
	if g.curve().Points[0].Load.Concurrency == 0 {
		head[0] = "requests/s"
	}
	for _, f := range curveMetrics {
		head = append(head, strings.TrimSuffix(shownName(f), " (ms)"))
	}
	return append(head, "Mean E2EL", "±")
}

// curveRows are the loads. Latencies are in ms.
func (g *Group) curveRows() (rows [][]string) {
	c := g.curve()
	for i := range c.Points {
		p := &c.Points[i]
		load := g.loadIndex(p.Load)
		row := []string{strings.TrimSuffix(p.Load.String(), "/s"), strconv.Itoa(p.Runs), strconv.Itoa(p.Requests), strconv.Itoa(p.Failed), decimals(p.Throughput.Value), share(p.Throughput)}
		for _, f := range curveMetrics {
			row = append(row, decimals(g.value(load, 0, f)))
		}
		rows = append(rows, append(row, decimals(1e3*p.Latency.Value), share(p.Latency)))
	}
	return rows
}

func (g *Group) loadIndex(l sweep.Load) int {
	for load := range g.Loads {
		if at := g.Runs[load][0][0].load(); l.Concurrency > 0 && at.concurrency == l.Concurrency || l.Concurrency == 0 && at.rate == l.Rate {
			return load
		}
	}
	return 0
}

// share is half of an interval relative to its value, in percent.
func share(p judge.Precision) string {
	if r := p.Relative(); !math.IsInf(r, 0) {
		return judge.Digits(100*r) + " %"
	}
	return "n/a"
}

// kneeBetween says between which loads the knee lies, and where nothing was measured that could
// tell.
func kneeBetween(c *sweep.Curve) string {
	low, high := c.KneeBounds()
	last := len(c.Points) - 1
	switch zero := (sweep.Load{}); {
	case low == zero && high == zero:
		return "not located: any of these loads may be it"
	case low == zero && c.Knee.At > 0:
		return fmt.Sprintf("below %s, perhaps below %s: lower loads were not measured", high, c.Points[0].Load)
	case low == zero:
		return fmt.Sprintf("below %s: lower loads were not measured", high)
	case high == zero && c.Knee.At < last:
		return fmt.Sprintf("above %s, perhaps beyond %s: higher loads were not measured", low, c.Points[last].Load)
	case high == zero:
		return fmt.Sprintf("above %s: higher loads were not measured", low)
	}
	return fmt.Sprintf("between %s and %s", low, high)
}

// curveAnswer says where the knee is and what the server can do, a sentence each.
func (g *Group) curveAnswer() (lines []string) {
	c := g.curve()
	k := c.Knee
	if k == nil {
		return nil
	}
	at := func(i int) string {
		p := &c.Points[i]
		return fmt.Sprintf("%s tokens/s (95 %% interval %s to %s), mean E2EL %s ms", judge.Digits(p.Throughput.Value), judge.Digits(p.Throughput.Low), judge.Digits(p.Throughput.High), judge.Digits(1e3*p.Latency.Value))
	}
	lines = append(lines, fmt.Sprintf("Knee: %s (%s): %s", c.Points[k.At].Load.Words(), kneeBetween(c), at(k.At)))
	if k.Highest != k.At {
		lines = append(lines, fmt.Sprintf("Highest throughput: %s: %s", c.Points[k.Highest].Load.Words(), at(k.Highest)))
	}
	if k.Saturated >= 0 {
		lines = append(lines, fmt.Sprintf("Saturated at %s: less than %g %% more throughput than at %s, at a higher latency", c.Points[k.Saturated].Load.Words(), 100*judge.SaturationGain, c.Points[max(k.Saturated-1, 0)].Load))
	} else {
		lines = append(lines, "Not saturated: throughput still rises at the highest load")
	}
	return lines
}

// WriteCurve writes the loads of a single server for people.
func (g *Group) WriteCurve(w io.Writer) {
	if g.curve() == nil {
		return
	}
	w = plain.Writer{To: w}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, strings.Join(g.curveHead(), "\t")+"\t")
	for _, row := range g.curveRows() {
		fmt.Fprintln(out, strings.Join(row, "\t")+"\t")
	}
	out.Flush()
	fmt.Fprintln(w, curveNote)
	if !g.hasCurve() {
		fmt.Fprintln(w, "No knee: that takes three loads or more.")
	}
	for _, line := range g.curveAnswer() {
		fmt.Fprintln(w, line+".")
	}
}

// markdownCurve writes the same as Markdown.
func (g *Group) markdownCurve(w io.Writer) {
	if !g.hasCurve() {
		return
	}
	for _, line := range g.curveAnswer() {
		fmt.Fprintf(w, "* %s\n", markdownText(line))
	}
	fmt.Fprint(w, "\n## Loads\n\n")
	head := g.curveHead()
	markdownRow(w, head)
	fmt.Fprintf(w, "|%s\n", strings.Repeat(" ---: |", len(head)))
	for _, row := range g.curveRows() {
		markdownRow(w, row)
	}
	fmt.Fprintf(w, "\n%s\n", markdownText(curveNote))
}

// curveJSON is the curve for programs: milliseconds, and tokens per second.
func (g *Group) curveJSON() pyjson.Object {
	c := g.curve()
	interval := func(p judge.Precision, scale float64) pyjson.Object {
		return pyjson.Object{{Key: "value", Value: scale * p.Value}, {Key: "low", Value: scale * p.Low}, {Key: "high", Value: scale * p.High}}
	}
	loads := []pyjson.Object{}
	for i := range c.Points {
		p := &c.Points[i]
		loads = append(loads, pyjson.Object{{Key: "load", Value: p.Load.Number()}, {Key: "runs", Value: p.Runs}, {Key: "requests", Value: p.Requests}, {Key: "failed", Value: p.Failed},
			{Key: "client_limited_runs", Value: p.Limited}, {Key: "output_throughput", Value: interval(p.Throughput, 1)}, {Key: "mean_e2el_ms", Value: interval(p.Latency, 1e3)}})
	}
	by := "concurrency"
	if c.Points[0].Load.Concurrency == 0 {
		by = "request_rate"
	}
	o := pyjson.Object{{Key: "by", Value: by}, {Key: "loads", Value: loads}, {Key: "knee", Value: nil}}
	if k := c.Knee; k != nil {
		low, high := c.KneeBounds()
		knee := pyjson.Object{{Key: "load", Value: c.Points[k.At].Load.Number()}, {Key: "low", Value: low.Number()}, {Key: "high", Value: high.Number()}, {Key: "saturated_at", Value: nil}, {Key: "highest_throughput_at", Value: c.Points[k.Highest].Load.Number()}}
		if k.Saturated >= 0 {
			knee.Set("saturated_at", c.Points[k.Saturated].Load.Number())
		}
		o.Set("knee", knee)
	}
	return o
}
