package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/internal/pyjson"
)

// shownName is a metric's name in tables.
func shownName(f judge.Quantity) string {
	if f.Higher {
		return map[string]string{
			judge.OutputThroughput:   "Output tokens/s",
			"total_token_throughput": "Total tokens/s",
			"request_throughput":     "Requests/s",
		}[f.Metric]
	}
	statistic := map[string]string{"mean": "Mean ", "median": "Median ", "p99": "P99 "}[f.Statistic.Name]
	name := strings.ToUpper(f.Metric)
	if f.Metric == judge.FirstWaveTTFT {
		name = "first wave TTFT"
	}
	return statistic + name + " (ms)"
}

// WriteText writes files and the comparisons of them for people: the answer first, the verdict
// last.
func WriteText(w io.Writer, files []*Stored, groups []*Group, colour bool) {
	for _, g := range groups {
		if answer := g.answer(); answer != "" {
			fmt.Fprintf(w, "%s\n\n", plain.Line(answer))
		}
	}
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(w)
		}
		f.WriteText(w)
	}
	for _, g := range groups {
		fmt.Fprintln(w)
		g.write(w, colour)
	}
}

// WriteText writes the comparison for people: the answer first, and the verdict at the end,
// where it remains in view; what is not comparable is red with colour.
func (g *Group) WriteText(w io.Writer, colour bool) {
	fmt.Fprintf(w, "%s\n\n", plain.Line(g.answer()))
	g.write(w, colour)
}

// write writes the comparison's tables, then its verdict; of a server alone, the verdict.
func (g *Group) write(w io.Writer, colour bool) {
	raw := w
	w = plain.Writer{To: w}
	if len(g.Variants) < 2 {
		if g.hasCurve() {
			g.WriteCurve(w)
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "Verdict: %s\n", g.answer())
		return
	}
	fmt.Fprintf(w, "%s vs %s, %s %s\n\n", strings.Join(g.judged.Labels[1:], ", "), g.judged.Labels[0], g.load, strings.Join(g.Loads, ", "))
	for load := range g.Loads {
		g.table(w, load)
	}
	if notes := g.notes(); len(notes) > 0 {
		fmt.Fprintf(w, "%s\n\n", strings.Join(notes, "\n"))
	}
	for _, line := range slices.Concat(g.holds(), g.void("VOID")) {
		if colour && strings.HasPrefix(line, "VOID") {
			fmt.Fprintf(raw, "\x1b[31m%s\x1b[0m\n", plain.Line(line))
			continue
		}
		fmt.Fprintln(w, plain.Line(line))
	}
	for _, line := range g.certainLines() {
		fmt.Fprintln(w, plain.Line(line)+".")
	}
	if next := g.next(); len(next) > 1 {
		fmt.Fprintf(w, "Next: %s.\n", strings.Join(next, "; "))
	}
	fmt.Fprintf(w, "Verdict: %s\n", g.answer())
}

// void is what is not comparable, a line for each reason, after a word.
func (g *Group) void(word string) (lines []string) {
	for _, r := range g.judged.Reasons {
		lines = append(lines, word+g.scope(&r)+": "+g.judged.Labels[r.Variant]+": "+r.Text)
	}
	return lines
}

// holds is what is comparable: a line for each server and metric of the summary, and for
// first waves where they differ.
func (g *Group) holds() (lines []string) {
	for i := range g.judged.Rows {
		r := &g.judged.Rows[i]
		if r.Void == "" && (g.inSummary(r.Quantity) || r.Quantity.Metric == judge.FirstWaveTTFT && r.Significant) {
			lines = append(lines, fmt.Sprintf("At %s: %s.", g.Loads[r.Load], g.judged.Describe(r)))
		}
	}
	return lines
}

func (g *Group) inSummary(f judge.Quantity) bool {
	for _, row := range summaryRows {
		if row.quantity == f {
			return true
		}
	}
	return false
}

// scope is what a reason makes not comparable: " for TTFT and E2EL at 16, 64".
func (g *Group) scope(r *judge.Reasons) (text string) {
	var names []string
	for _, m := range r.Metrics {
		name := metricName(m)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		text = " for " + strings.Join(names, ", ")
	}
	if len(r.Loads) < len(g.Loads) || len(g.Loads) > 1 {
		text += " at " + g.loadNames(r.Loads)
	}
	return text
}

func (g *Group) loadNames(at []int) string {
	names := make([]string, len(at))
	for i, l := range at {
		names[i] = g.Loads[l]
	}
	return strings.Join(names, ", ")
}

// notes say how the intervals were made.
func (g *Group) notes() (notes []string) {
	methods := map[string]bool{}
	tooFew, oneRun, assumed := false, false, false
	for _, r := range g.judged.Rows {
		if r.Interval != nil && r.Void == "" {
			methods[r.Method] = true
		}
		tooFew, oneRun = tooFew || r.TooFew, oneRun || r.OneRun && r.Void == ""
		assumed = assumed || r.Interval != nil && r.RunToRun > 0 && r.Void == ""
	}
	for method, text := range map[string]string{
		judge.FromSummary: "Intervals are made from mean, deviation and count alone, as if requests did not depend on each other. Results with each request's values allow better ones.",
		judge.FromBlocks:  "Intervals are bootstrapped in blocks of consecutive requests.",
		judge.FromRepeats: "Intervals are made from the repeats, each one an observation.",
	} {
		if methods[method] {
			notes = append(notes, text)
		}
	}
	slices.Sort(notes)
	if len(methods) > 0 {
		notes = append(notes, "An asterisk marks what is significant at 5 % after correction for all comparisons (Holm).")
	}
	if oneRun {
		notes = append(notes, "With one run of a server E2EL and throughput have no asterisk: they vary more from run to run than within one. Repeated runs say whether they differ.")
	}
	if assumed {
		notes = append(notes, "Intervals from one run assume the variation from run to run that was measured with a server on two H200.")
	}
	for _, d := range g.judged.Drifts {
		notes = append(notes, d.Text+".")
	}
	for _, text := range g.judged.Definitions {
		notes = append(notes, text+".")
	}
	if g.isOrigins() {
		notes = append(notes, "benchmark_summary.txt has the text that was published with these runs. Its speed-ups do not stand, nor does that of TPOT at 64 and 128: one server decoded 8 requests at a time at most.")
	}
	if tooFew {
		notes = append(notes, "A percentile p needs 500/(100-p) requests; with fewer it shows \"too few\".")
	}
	return notes
}

// table writes the metrics at a concurrency.
func (g *Group) table(w io.Writer, load int) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%s\t%s\t", g.Loads[load], strings.Join(g.judged.Labels, "\t"))
	for _, head := range g.heads() {
		fmt.Fprintf(out, "%s\t", head)
	}
	fmt.Fprintln(out)
	for _, row := range g.tableRows(load) {
		fmt.Fprintln(out, strings.Join(row, "\t")+"\t")
	}
	out.Flush()
	fmt.Fprintln(w)
}

// heads are those of the columns after the values.
func (g *Group) heads() []string {
	if len(g.judged.Labels) == 2 {
		return []string{"vs " + g.judged.Labels[0], "95 % interval"}
	}
	var out []string
	for _, label := range g.judged.Labels[1:] {
		out = append(out, label+" vs "+g.judged.Labels[0], "95 % interval")
	}
	return out
}

// tableRows are the metrics at a load: name, values, then ratio and interval of each server
// vs the baseline.
func (g *Group) tableRows(load int) (rows [][]string) {
	decoding := []string{"Decoding at a time"}
	for variant := range g.judged.Labels {
		decoding = append(decoding, decimals(g.judged.DecodingAtATime(load, variant)))
	}
	for range g.judged.Labels[1:] {
		decoding = append(decoding, "", "")
	}
	rows = append(rows, decoding)
	for _, f := range judge.Quantities {
		row := []string{shownName(f)}
		seen := false
		for variant := range g.judged.Labels {
			x := g.value(load, variant, f)
			seen = seen || !math.IsNaN(x)
			row = append(row, decimals(x))
		}
		for variant := 1; variant < len(g.judged.Labels); variant++ {
			row = append(row, g.compared(load, variant, f)...)
		}
		if seen {
			rows = append(rows, row)
		}
	}
	return rows
}

// compared is the ratio, as sentences have it, and its interval, or why there is none.
func (g *Group) compared(load, variant int, f judge.Quantity) []string {
	r := g.row(load, variant, f)
	switch {
	case r == nil:
		return []string{"n/a", ""}
	case r.Void != "":
		return []string{"void", words(r.Void)}
	case r.TooFew:
		return []string{"too few", ""}
	}
	ratio, interval := r.TimesText()
	if ratio != "" && r.Significant {
		ratio += " *"
	}
	if ratio == "" {
		return []string{"n/a", ""}
	}
	return []string{ratio, cmp.Or(interval, "n/a")}
}

func (g *Group) row(load, variant int, f judge.Quantity) *judge.Row {
	for i := range g.judged.Rows {
		if r := &g.judged.Rows[i]; r.Load == load && r.Variant == variant && r.Quantity == f {
			return r
		}
	}
	return nil
}

// object is the whole comparison for programs: milliseconds, and tokens or requests per second.
func (g *Group) object() pyjson.Object {
	reasons := []pyjson.Object{}
	for _, r := range g.judged.Reasons {
		reasons = append(reasons, g.reasonJSON(&r))
	}
	rows := []pyjson.Object{}
	for i := range g.judged.Rows {
		rows = append(rows, g.rowJSON(&g.judged.Rows[i]))
	}
	decoding := []any{}
	for load := range g.Loads {
		row := []any{}
		for variant := range g.judged.Labels {
			row = append(row, g.judged.DecodingAtATime(load, variant))
		}
		decoding = append(decoding, row)
	}
	drifts := []pyjson.Object{}
	for _, d := range g.judged.Drifts {
		drifts = append(drifts, pyjson.Object{{Key: "metric", Value: d.Metric}, {Key: "change", Value: d.Change}, {Key: "p", Value: d.P}, {Key: "text", Value: d.Text}})
	}
	out := pyjson.Object{
		{Key: "sides", Value: g.judged.Labels},
		{Key: "levels", Value: g.Loads},
		{Key: "decoding_at_a_time", Value: decoding}, // by load and variant
		{Key: "drifts", Value: drifts},
		{Key: "answer", Value: g.answer()},
		{Key: "next", Value: append([]string{}, g.next()...)},
		{Key: "void", Value: g.judged.Void()},
		{Key: "reasons", Value: reasons},
		{Key: "rows", Value: rows},
	}
	if g.certain != nil {
		out = append(out, pyjson.Member{Key: "certain", Value: g.certainJSON()})
	}
	if g.hasCurve() {
		out = append(out, pyjson.Member{Key: "curve", Value: g.curveJSON()})
	}
	if len(g.gates) > 0 {
		out = append(out, pyjson.Member{Key: "gates", Value: g.gatesJSON()})
	}
	return out
}

func (g *Group) reasonJSON(r *judge.Reasons) pyjson.Object {
	var loads []string
	for _, l := range r.Loads {
		loads = append(loads, g.Loads[l])
	}
	metrics := any("all")
	if r.Metrics != nil {
		metrics = r.Metrics
	}
	return pyjson.Object{
		{Key: "code", Value: r.Code},
		{Key: "side", Value: g.judged.Labels[r.Variant]},
		{Key: "levels", Value: loads},
		{Key: "metrics", Value: metrics},
		{Key: "text", Value: r.Text},
		{Key: "hint", Value: g.hint(r.Hint)},
	}
}

func (g *Group) rowJSON(r *judge.Row) pyjson.Object {
	scale := 1e3
	if r.Quantity.Higher {
		scale = 1
	}
	o := pyjson.Object{
		{Key: "level", Value: g.Loads[r.Load]},
		{Key: "side", Value: g.judged.Labels[r.Variant]},
		{Key: "baseline", Value: g.judged.Labels[0]},
		{Key: "figure", Value: quantityKey(r.Quantity)},
		{Key: "base", Value: scale * r.Base},
		{Key: "other", Value: scale * r.Other},
		{Key: "speed_up", Value: r.SpeedUp()},
	}
	if v := r.Interval; v != nil {
		o = append(o, pyjson.Object{
			{Key: "difference", Value: scale * v.Diff},
			{Key: "difference_low", Value: scale * v.DiffLow},
			{Key: "difference_high", Value: scale * v.DiffHigh},
			{Key: "ratio", Value: v.Ratio},
			{Key: "ratio_low", Value: v.RatioLow},
			{Key: "ratio_high", Value: v.RatioHigh},
			{Key: "p", Value: v.P},
			{Key: "p_adjusted", Value: r.Adjusted},
			{Key: "significant", Value: r.Significant},
			{Key: "from", Value: v.Method},
			{Key: "run_to_run", Value: v.RunToRun},
		}...)
	}
	void := any(nil)
	if r.Void != "" {
		void = r.Void
	}
	return append(o, pyjson.Object{{Key: "void", Value: void}, {Key: "too_few", Value: r.TooFew}, {Key: "one_run", Value: r.OneRun}, {Key: "words", Value: g.judged.Describe(r)}}...)
}
