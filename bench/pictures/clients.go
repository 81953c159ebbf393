package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// clients are bars, on a logarithmic axis, of how far each client's mean TTFT is from the truth.
func clients(measurement string) string {
	_, table, _ := strings.Cut(measurement, "<!-- peers -->\n")
	table, _, _ = strings.Cut(table, "<!-- /peers -->")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	const left, top, step, decade = 220.0, 70.0, 34.0, 120.0
	d := newDrawing(860, 320, "How far the mean TTFT that each client reports is from the truth, with 1,000 streams", 1, left)
	d.text(20, 28, "start", ink, "Mean TTFT, reported minus true, with 1,000 streams opened at once on two cores that client and")
	d.text(20, 46, "start", ink, "server share; logarithmic. The server knows when it wrote each token.")
	x := func(ms float64) float64 { return left + decade*(math.Log10(ms)+2) }
	for ms := 0.01; ms < 2000; ms *= 10 {
		d.line(x(ms), top+6*step-4, x(ms), top+6*step+2, grey, 1) // a tick: lines across would cross the numbers
		d.text(x(ms), top+6*step+18, "middle", ink, "%s ms", strconv.FormatFloat(math.Round(ms*100)/100, 'g', -1, 64))
	}
	for i, row := range rows[min(2, len(rows)):] {
		cells := strings.Split(row, " | ")
		off, err := strconv.ParseFloat(cells[1], 64)
		if err != nil {
			continue
		}
		name, y, colour := strings.TrimPrefix(cells[0], "| "), top+float64(i)*step, grey
		if name == "loadgen" {
			colour = blue
		}
		d.text(left-10, y+17, "end", ink, "%s", name)
		fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="24" fill="%s"/>`+"\n", left, y, x(off)-left, colour)
		d.text(x(off)+8, y+17, "start", ink, "%s ms", cells[1])
	}
	return d.end()
}
