package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"loadgen/internal/plain"
	"loadgen/internal/result"
)

// Servers writes a table of the servers that requests were spread over, each line after a
// prefix; nothing where there was one. Latencies are medians in milliseconds.
func Servers(w io.Writer, prefix string, all []result.SpreadServer) {
	if len(all) == 0 {
		return
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	none := !slices.ContainsFunc(all, func(g result.SpreadServer) bool { return g.Cancelled > 0 })
	fmt.Fprintf(table, "server\tdone\t%sat a time\ttok/s\tTTFT\tITL\tE2EL\n", column(none, "cancelled"))
	for _, g := range all {
		fmt.Fprintf(table, "%s\t%d/%d\t%s%.4g\t%.4g\t%s\t%s\t%s\n", plain.Line(g.URL), g.Completed, g.Requests-g.Cancelled, column(none, g.Cancelled), g.MeanConcurrency, g.OutputThroughput, medianOf(g.TTFT), medianOf(g.ITL), medianOf(g.E2EL))
	}
	_ = table.Flush() // to memory
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(w, prefix, strings.TrimRight(line, " \n"), "\n")
	}
}
