package show

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadgen/internal/console"
	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/live"
	"loadgen/internal/plain"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// The least screen that the live view is drawn on.
const (
	LeastWidth  = 60
	LeastHeight = 10
)

// Options say how the live view is drawn.
type Options struct {
	Width, Height int
	Color         bool
	// Title says what runs.
	Title string
	// Messages were logged meanwhile; the last of them are shown.
	Messages []string
	// Keys says that keys can be pressed.
	Keys bool
}

// block is a part of the view. Where the screen is low, blocks of a greater rank are left out
// first; of rank 0 none is.
type block struct {
	lines []line
	rank  int
}

// blank sets blocks apart.
var blank = block{[]line{nil}, 9}

// View is the live view: at most Height lines of at most Width columns. On a screen below the
// least it is the progress line.
func View(s *live.State, o Options) []string {
	if o.Width < LeastWidth || o.Height < LeastHeight {
		lines := []string{Bar(&s.Progress, o.Width), plain.Cut(fmt.Sprintf("(the live view needs %dx%d)", LeastWidth, LeastHeight), o.Width)}
		return lines[:min(max(o.Height, 0), len(lines))]
	}
	blocks := []block{
		{[]line{{{"loadgen  ", bold}, {o.Title, bold}}}, 6},
		{[]line{gauge(&s.Progress, o.Width), counts(s)}, 0}, blank,
		{rates(s, o.Width), 4}, blank,
		{latencies(s, o.Width), 0}, blank,
		{failures(s), 1},
		{clientHealth(s.Health, s.CPU, o.Width), 5},
		{verdict(s, o.Width), 2},
		{messages(o.Messages, o.Width), 3},
	}
	if o.Keys {
		blocks = append(blocks, blank, block{[]line{{{"l: back to one line   Ctrl-C: stop and save", faint}}}, 1})
	}
	blocks = fit(blocks, o.Height)
	if rows := histograms(&s.Bars, o.Width); len(rows) > 0 && len(rows)+1 <= o.Height-height(blocks) {
		blocks = slices.Insert(blocks, 7, block{rows, 9}, blank)
	}
	var out []string
	for _, b := range blocks {
		for _, l := range b.lines {
			out = append(out, l.render(o.Width, o.Color))
		}
	}
	return out[:min(len(out), o.Height)]
}

func height(blocks []block) (n int) {
	for _, b := range blocks {
		n += len(b.lines)
	}
	return n
}

// fit leaves out blocks until the others are not higher than the screen: those of the
// greatest rank first, of equal ones the lowest on the screen.
func fit(blocks []block, most int) []block {
	for height(blocks) > most {
		worst := -1
		for i, b := range blocks {
			if b.rank > 0 && (worst < 0 || b.rank >= blocks[worst].rank) {
				worst = i
			}
		}
		if worst < 0 {
			return blocks
		}
		blocks = append(blocks[:worst:worst], blocks[worst+1:]...)
	}
	return blocks
}

// gauge is how much of the run is done.
func gauge(p *live.Progress, width int) line {
	head, tail := fmt.Sprintf("%3.0f %% ", 100*p.Share()), fmt.Sprintf(" %s requests", requests(p))
	room := max(width-len(head)-len(tail), 0)
	full := int(p.Share() * float64(room))
	return line{{head, bold}, {strings.Repeat("█", full), green}, {strings.Repeat("░", room-full), faint}, {tail, normal}}
}

func counts(s *live.State) line {
	return plainly("%s elapsed   %s left   %d in flight   %d queued", clock(s.Elapsed), remaining(s.Left), s.InFlight, s.Queued)
}

// rates are those of requests and tokens, with a column for each second.
func rates(s *live.State, width int) []line {
	const columns = 35
	of := func(name string, r live.Rate) line {
		return plainly("%-10s%11s%11s   %s", name, count(r.Recent), count(r.Run), sparkline(r.Seconds, width-columns))
	}
	tokens := "tokens/s"
	if !s.Counted {
		tokens = "chunks/s"
	}
	return []line{{{fmt.Sprintf("%-10s%11s%11s   %s", "", "last 10 s", "run", "each second"), faint}}, of("requests/s", s.Requests), of(tokens, s.Tokens)}
}

// count writes a rate.
func count(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// latencies are the percentiles of the last seconds, and of the run.
func latencies(s *live.State, width int) []line {
	column, gap := 8, 2
	switch {
	case width >= 100:
		column, gap = 11, 6
	case width >= 80:
		column, gap = 9, 4
	}
	between := strings.Repeat(" ", gap)
	three := func(a, b, c string) string { return fmt.Sprintf("%*s%*s%*s", column, a, column, b, column, c) }
	title := func(text string, n int) string {
		return fmt.Sprintf("%*s", 3*column, fmt.Sprintf("%s, %d requests", text, n))
	}
	lines := []line{
		{{fmt.Sprintf("%-6s%s%s%s", "", title("last 10 s", s.RecentRequests), between, title("run", s.RunRequests)), faint}},
		{{fmt.Sprintf("%-6s%s%s%s", "", three("p50", "p90", "p99"), between, three("p50", "p90", "p99")), faint}},
	}
	of := func(q live.Quantiles) string {
		if q.Count == 0 {
			return three("-", "-", "-")
		}
		return three(short(q.P50), short(q.P90), short(q.P99))
	}
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.ITL, metrics.TPOT, metrics.E2EL} {
		lines = append(lines, plainly("%-6s%s%s%s", strings.ToUpper(m.String()), of(s.Recent[m]), between, of(s.Run[m])))
	}
	return lines
}

func failures(s *live.State) []line {
	l := line{{"failures  ", faint}}
	if s.Failed == 0 {
		l = append(l, span{"none", normal})
	}
	for i, f := range s.Failures {
		text := fmt.Sprintf("%s %d", f.Class, f.Count)
		if i > 0 {
			text = ", " + text
		}
		l = append(l, span{text, red})
	}
	if s.OnPurpose > 0 {
		l = append(l, span{fmt.Sprintf("; %d ended with the run", s.OnPurpose), yellow})
	}
	return []line{l}
}

// labelled are lines of text after a label.
func labelled(label string, width int, text string, of style) (lines []line) {
	for i, part := range plain.Wrap(text, width-10) {
		if i > 0 {
			label = ""
		}
		lines = append(lines, line{{fmt.Sprintf("%-10s", label), faint}, {part, of}})
	}
	return lines
}

// clientHealth is what loadgen itself and its machine are like.
func clientHealth(h *health.Report, cpu float64, width int) []line {
	if h == nil {
		return nil
	}
	text := fmt.Sprintf("%.2f of %d cores", cpu, h.Cores)
	if h.Machine != nil {
		text += fmt.Sprintf(", machine %.0f %% busy", 100*h.Machine.Busy)
	}
	of := normal
	if h.GCPauses.Count > 0 {
		text += ", GC pauses up to " + short(h.GCPauses.Max)
	}
	if g := h.Cgroup; g != nil && g.Throttled > 0 {
		text, of = text+", throttled for "+short(g.Throttled), yellow
	}
	if n := len(h.Stalls); n > 0 {
		longest := time.Duration(0)
		for _, s := range h.Stalls {
			longest = max(longest, s.To-s.From)
		}
		text, of = text+fmt.Sprintf(", stalls %d, the longest %s", n, short(longest)), yellow
	}
	return labelled("client", width, text, of)
}

// mostReasons bounds the lines of a verdict.
const mostReasons = 4

// verdict is that so far.
func verdict(s *live.State, width int) (lines []line) {
	if s.Verdict == nil {
		return labelled("verdict", width, "none yet", normal)
	}
	var text bytes.Buffer
	report.WriteVerdict(&text, "", console.Verdict(*s.Verdict, s.Budget))
	of := map[judge.Level]style{judge.Clean: green, judge.Degraded: yellow, judge.ClientLimited: red}[s.Verdict.Level]
	label := "verdict"
	for l := range strings.Lines(text.String()) {
		words := strings.TrimSpace(l)
		if rest, first := strings.CutPrefix(words, "verdict "); first {
			level, bounds, _ := strings.Cut(rest, ": ")
			words = fmt.Sprintf("%s so far: %s", level, bounds)
		}
		lines = append(lines, labelled(label, width, words, of)...)
		label, of = "", normal
	}
	if len(lines) > mostReasons {
		lines = lines[:mostReasons]
	}
	return lines
}

// messages are the last that were logged.
func messages(all []string, width int) (lines []line) {
	const most = 2
	for _, text := range all[max(len(all)-most, 0):] {
		for i, part := range plain.Wrap(text, width) {
			if i < most {
				lines = append(lines, line{{part, yellow}})
			}
		}
	}
	return lines[max(len(lines)-most, 0):]
}
