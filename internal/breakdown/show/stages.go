package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"loadgen/internal/result"
)

// Stages writes a table of a run's stages, of which transitions are left out, each line after
// a prefix; nothing for a run without any. Latencies are medians in milliseconds.
func Stages(w io.Writer, prefix string, all []result.Stage) {
	if len(all) == 0 {
		return
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	none := !slices.ContainsFunc(all, func(g result.Stage) bool { return g.Cancelled > 0 })
	fmt.Fprintf(table, "stage\tload\tseconds\tdone\t%sreq/s\ttok/s\tTTFT\tITL\tE2EL\tverdict\t\n", column(none, "cancelled"))
	for i, g := range all {
		load := ""
		switch {
		case g.Rate != nil:
			load = fmt.Sprintf("%.4g/s", *g.Rate)
		case g.Concurrency != nil:
			load = fmt.Sprint(*g.Concurrency)
		}
		verdict := g.Verdict
		if g.Requests == 0 {
			verdict = "-"
		}
		fmt.Fprintf(table, "%d\t%s\t%.4g-%.4g\t%d/%d\t%s%.4g\t%.4g\t%s\t%s\t%s\t%s\t\n", i+1, load, g.MeasuredFrom, g.To, g.Completed, g.Requests-g.Cancelled,
			column(none, g.Cancelled), g.Sent, g.OutputThroughput, medianOf(g.TTFT), medianOf(g.ITL), medianOf(g.E2EL), verdict)
	}
	_ = table.Flush() // to memory
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(w, prefix, strings.TrimRight(line, " \n"), "\n")
	}
}

// column is a cell of a column that a table may be without.
func column(without bool, cell any) string {
	if without {
		return ""
	}
	return fmt.Sprintf("%v\t", cell)
}

// medianOf is a median in milliseconds.
func medianOf(s *result.Stats) string {
	if s == nil || s.Median == nil {
		return "-"
	}
	return fmt.Sprintf("%.4g", *s.Median)
}
