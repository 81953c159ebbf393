package report

import (
	"fmt"
	"io"
	"strings"

	"loadgen/internal/plain"
	"loadgen/internal/result"
)

// writeRanks writes a row for each rank of a merged run: what it did, and how far its metrics
// can be trusted. Latencies are means and 99th percentiles, in ms.
func writeRanks(w io.Writer, indent string, all []result.RankResult) {
	if len(all) == 0 {
		return
	}
	head := []string{"rank", "host", "requests", "completed", "tokens/s"}
	for _, name := range names {
		head = append(head, name, "p99")
	}
	rows := [][]string{append(head, "late p99", "clock", "verdict")}
	for i := range all {
		r := &all[i]
		row := []string{fmt.Sprint(r.Rank.Rank), plain.Line(r.Rank.Host), fmt.Sprint(r.Planned), fmt.Sprint(r.Completed), fixed(r.OutputThroughput, 1)}
		for m := range names {
			if l := *r.Latency.At(m); l != nil {
				row = append(row, fixed(l.Mean, 2), fixed(l.P99, 2))
			} else {
				row = append(row, "-", "-")
			}
		}
		verdict := r.Verdict
		if r.Sent < r.Planned {
			verdict += fmt.Sprintf(" (PARTIAL: %d sent)", r.Sent)
		}
		rows = append(rows, append(row, fixed(r.ScheduleLateness.P99, 2), clockCell(r.Rank), plain.Line(verdict)))
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for k, cell := range row {
			widths[k] = max(widths[k], len(cell))
		}
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for k, cell := range row {
			if cells[k] = fmt.Sprintf("%*s", widths[k], cell); k == 1 || k == len(row)-1 {
				cells[k] = fmt.Sprintf("%-*s", widths[k], cell)
			}
		}
		fmt.Fprintf(w, "%s%s\n", indent, strings.TrimRight(strings.Join(cells, "  "), " "))
	}
}

// clockCell is how far a rank's clock was from rank 0's, or else how well it was kept.
func clockCell(r result.Rank) string {
	c := r.Clock
	if c.Source == "" {
		c = r.UTC
	}
	if c.Offset == nil || c.Uncertainty == nil {
		return "?"
	}
	return fmt.Sprintf("%+.2f+-%.2f", *c.Offset, *c.Uncertainty)
}
