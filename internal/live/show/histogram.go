package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"loadgen/internal/live"
	"loadgen/pkg/metrics"
)

// Histograms are the distributions of TTFT, where there is any, and of E2EL, side by side.
// The last row of each is what lies above p99.
func Histograms(bars *[4][]live.Bar, width int, color bool) (out []string) {
	for _, l := range histograms(bars, width) {
		out = append(out, l.render(width, color))
	}
	return out
}

func histograms(bars *[4][]live.Bar, width int) (lines []line) {
	var shown []metrics.Metric
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.E2EL} {
		if len(bars[m]) > 0 {
			shown = append(shown, m)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	const gap = 4
	each := (width - gap*(len(shown)-1)) / len(shown)
	rows := 0
	var ends [][]string
	for _, m := range shown {
		rows = max(rows, len(bars[m]))
		ends = append(ends, upperEnds(bars[m]))
	}
	for i := range rows + 1 {
		var l line
		for k, m := range shown {
			label, bar := row(bars[m], ends[k], i-1, each)
			if i == 0 {
				label = fmt.Sprintf("%s, requests up to", strings.ToUpper(m.String()))
			}
			pad := each - len([]rune(label)) - len([]rune(bar))
			if k < len(shown)-1 {
				pad += gap
			}
			of := normal
			if i == 0 {
				of = faint
			}
			l = append(l, span{label, of}, span{bar, green}, span{strings.Repeat(" ", max(pad, 0)), normal})
		}
		lines = append(lines, l)
	}
	return lines
}

// upperEnds are the upper ends of bars, with as many digits as tell each from the next.
func upperEnds(bars []live.Bar) (ends []string) {
	const most = 6
	for decimals := -1; decimals <= most; decimals++ {
		ends = ends[:0]
		for _, b := range bars {
			ends = append(ends, upperEnd(b.To, decimals, bars[len(bars)-1].To < time.Second))
		}
		if len(slices.Compact(slices.Clone(ends))) == len(bars) {
			break
		}
	}
	return ends
}

// upperEnd is a time with so many decimals, in milliseconds or seconds; decimals -1 means the
// format of short.
func upperEnd(d time.Duration, decimals int, millis bool) string {
	switch {
	case decimals < 0:
		return short(d)
	case millis:
		return fmt.Sprintf("%.*fms", decimals, d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.*fs", decimals, d.Seconds())
}

// row is one bar of a distribution: its upper end and count, and the bar itself.
func row(bars []live.Bar, ends []string, i, width int) (label, bar string) {
	if i < 0 || i >= len(bars) {
		return "", ""
	}
	top := int64(1)
	for _, b := range bars {
		top = max(top, b.Count)
	}
	b := bars[i]
	label = fmt.Sprintf("%8s %8d ", ends[i], b.Count)
	room := max(width-len(label), 0)
	n := int(float64(b.Count) / float64(top) * float64(room))
	if n == 0 && b.Count > 0 {
		n = min(1, room)
	}
	return label, strings.Repeat("■", n)
}
