// Package show draws a run that goes on as text: the progress line, and the live view as the
// lines of a screen. It takes values of package live and gives strings that fit a width, and
// changes nothing. It does no I/O and knows no terminal.
package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"loadgen/internal/live"
	"loadgen/internal/plain"
)

// Bar is progress in tqdm's layout, cut to width columns.
func Bar(p *live.Progress, width int) string {
	share := p.Share()
	head := fmt.Sprintf("Benchmarking: %3.0f%%|", 100*share)
	tail := fmt.Sprintf("| %s [%s<%s, %s]", requests(p), clock(p.Elapsed), remaining(p.Left), summary(p))
	room := width - len(head) - len(tail)
	switch {
	case room >= 4:
		full := int(share * float64(room))
		return head + strings.Repeat("█", full) + strings.Repeat(" ", room-full) + tail
	case width < len(tail)-2:
		return tail[2:max(width+2, 2)]
	default:
		return tail[2:]
	}
}

// lineColumns is how wide the plain form may be: a log is read in a terminal of 80 columns.
const lineColumns = 80

// Line is the plain form, for logs. What matters least is left out where it would not fit.
func Line(p *live.Progress) string {
	head := fmt.Sprintf("loadgen: %s requests after %s, ", requests(p), clock(p.Elapsed))
	all := parts(p)
	for len(head)+len(join(all)) > lineColumns {
		last := 0
		for i := range all {
			if all[i].rank > all[last].rank {
				last = i
			}
		}
		if all[last].rank == 0 {
			break
		}
		all = slices.Delete(all, last, last+1)
	}
	return head + join(all)
}

// requests are those that are done, of how many where that is known.
func requests(p *live.Progress) string {
	if p.Planned == 0 && p.Most > 0 {
		return fmt.Sprint(p.Done)
	}
	return fmt.Sprintf("%d/%d", p.Done, p.Planned)
}

func summary(p *live.Progress) string { return join(parts(p)) }

// part is a part of a summary. The one of the highest rank is left out first, one of rank 0 never.
type part struct {
	text string
	rank int
}

func parts(p *live.Progress) []part {
	all := []part{{fmt.Sprintf("%.2freq/s", float64(p.Done)/max(p.Elapsed.Seconds(), 1e-9)), 0}}
	add := func(is bool, rank int, format string, value any) {
		if is {
			all = append(all, part{fmt.Sprintf(format, value), rank})
		}
	}
	add(p.InFlight > 0, 1, "%d in flight", p.InFlight)
	add(p.Chunks > 0, 4, "%d token chunks", p.Chunks)
	add(p.TTFT > 0, 2, "TTFT %s", short(p.TTFT))
	add(p.ITL > 0, 3, "ITL %s", short(p.ITL))
	add(p.Failed > 0, 0, "%d failed", p.Failed)
	return all
}

func join(all []part) string {
	texts := make([]string, len(all))
	for i, part := range all {
		texts[i] = part.text
	}
	return strings.Join(texts, ", ")
}

// short writes a latency with three digits.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2fms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.0fms", d.Seconds()*1e3)
	case d < 100*time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	default:
		return fmt.Sprintf("%.0fs", d.Seconds())
	}
}

// clock is tqdm's: 01:05, or 1:01:05 from an hour on.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s < 3600 {
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// remaining is what is left of a run, as far as that is known.
func remaining(d time.Duration) string {
	if d < 0 {
		return "?"
	}
	return clock(d)
}

// style is how a part of a line is drawn: parameters of the SGR control sequence, which
// every terminal in use knows.
type style string

const (
	normal style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// span is a part of a line.
type span struct {
	text string
	style
}

type line []span

// render is a line of at most width columns.
func (l line) render(width int, color bool) string {
	var out strings.Builder
	for _, s := range l {
		text := plain.Cut(plain.Line(s.text), width)
		if width -= uniseg.StringWidth(text); text == "" {
			continue
		}
		if !color || s.style == normal {
			out.WriteString(text)
			continue
		}
		out.WriteString("\x1b[" + string(s.style) + "m" + text + "\x1b[0m")
	}
	return strings.TrimRight(out.String(), " ")
}

// plainly is a line in one style.
func plainly(format string, args ...any) line {
	return line{{fmt.Sprintf(format, args...), normal}}
}

var sparks = []rune(" ▁▂▃▄▅▆▇█")

// sparkline draws the last of some values from 0 to the greatest of them: a blank is 0.
func sparkline(values []float64, width int) string {
	if len(values) > width {
		values = values[len(values)-max(width, 0):]
	}
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	var out strings.Builder
	for _, v := range values {
		level := 0
		if v > 0 {
			level = 1 + min(int(v/top*float64(len(sparks)-1)), len(sparks)-2)
		}
		out.WriteRune(sparks[level])
	}
	return out.String()
}
