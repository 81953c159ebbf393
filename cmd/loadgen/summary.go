package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"loadgen/internal/analysis"
	"loadgen/internal/breakdown/show"
	"loadgen/internal/console"
	"loadgen/internal/judge"
	"loadgen/internal/lazy"
	"loadgen/internal/plain"
	"loadgen/internal/recording"
	"loadgen/pkg/report"
)

// Of the terminal's 24 lines of 80 columns, the summary leaves some to what else is said.
const (
	summaryWidth = 80
	narrowest    = 40 // columns of a terminal that lines are made to fit
	summaryLines = 18
)

// everyday are notes that most runs with default settings come with. They are in the result
// file, and on standard error with --extended.
var everyday = []string{"too_few_samples", "prompt_length_drift"}

// summarize writes what a run says of itself: the verdict with each cause, findings and
// notes, each once. The recording's own notes were logged as they arose.
func (m *benchmark) summarize(rec *recording.Recording, a *analysis.Analysis) {
	if len(a.Stages)+len(a.Servers) > 0 || a.Probes != nil || a.Cancellation != nil {
		own := a.Loadgen(rec)
		show.Stages(m.s.err, "loadgen: ", own.Stages)
		show.Servers(m.s.err, "loadgen: ", own.Servers)
		show.Probes(m.s.err, "loadgen: ", own.Probes)
		show.Cancelled(m.s.err, "loadgen: ", own.Cancellation)
	}
	var verdict bytes.Buffer
	report.WriteVerdict(&verdict, "loadgen: ", console.Verdict(a.Verdict, a.Budget))
	lines := m.lines(verdict.String())
	findings, notes := a.Findings, a.Notes[len(rec.Notes):]
	if !m.cfg.Extended {
		notes = slices.DeleteFunc(slices.Clone(notes), func(n judge.Finding) bool { return slices.Contains(everyday, n.Code) })
	}
	var left []string
	for i, f := range slices.Concat(findings, notes) {
		var text bytes.Buffer
		if one := console.Findings([]judge.Finding{f}); i < len(findings) {
			report.WriteFindings(&text, "loadgen: ", one, nil)
		} else {
			report.WriteFindings(&text, "loadgen: ", nil, one)
		}
		more := m.lines(text.String())
		if !m.cfg.Extended && asJSONLog(m.s.err) == nil && len(lines)+len(more) > summaryLines {
			left = append(left, f.Code)
			continue
		}
		lines = append(lines, more...)
	}
	if len(left) > 0 {
		lines = append(lines, m.lines(fmt.Sprintf("loadgen: more in the result file and with --extended: %s", strings.Join(left, ", ")))...)
	}
	for _, line := range lines {
		io.WriteString(m.s.err, line+"\n")
	}
}

// lines are lines of loadgen's as they fit the terminal: what does not follows indented. A
// line that is there already is left out.
func (m *benchmark) lines(text string) (lines []string) {
	width := summaryWidth
	if asJSONLog(m.s.err) != nil {
		width = math.MaxInt32
	} else if st := statusOf(m.s.err); st != nil && st.width != nil {
		width = min(width, max(st.width(), narrowest))
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); seen[line] {
			continue
		}
		seen[line] = true
		body := strings.TrimPrefix(line, "loadgen: ")
		indent := strings.Repeat(" ", len(body)-len(strings.TrimLeft(body, " -")))
		for i, part := range plain.Wrap(body, width-len("loadgen: ")-len(indent)) {
			switch {
			case i > 0:
				part = strings.Repeat(" ", len("loadgen: ")) + indent + part
			case indent != "":
				part = "loadgen:   " + part
			default:
				part = "loadgen: " + part
			}
			lines = append(lines, part)
		}
	}
	return lines
}

// sayWritten names the files of a run: each on a line of its own where one line has no room.
func (m *benchmark) sayWritten(files []string) {
	line := "wrote " + plain.Line(strings.Join(files, ", "))
	if asJSONLog(m.s.err) == nil && uniseg.StringWidth("loadgen: "+line) > summaryWidth {
		line = "wrote"
		for _, file := range files {
			line += "\n  " + plain.Line(file)
		}
	}
	fmt.Fprintf(m.s.err, "loadgen: %s\n", line)
}

var dated = lazy.Regexp(`\d{8}-\d{6}(?:-\d+)?\.json$`)

// pattern is a path as it can be typed: of a long name with a date, a shell's pattern.
func pattern(path string) string {
	dir, name := filepath.Split(path)
	if end := dated.Get().FindString(name); end != "" && len(name) > 40 {
		if dir != "" {
			dir = plain.Word(dir)
		}
		return dir + "*" + end
	}
	return plain.Word(path)
}

// sayNext says what to try after a run.
func (m *benchmark) sayNext(a *analysis.Analysis) {
	var steps []string
	if a.Verdict.Level != judge.Clean {
		steps = append(steps, comparisonHints["own_core"]+"; loadgen selftest shows what it sustains")
	}
	if !m.cfg.part.Alone() {
		steps = append(steps, "loadgen merge "+plain.Word(filepath.Dir(*m.cfg.SaveTimeline))+" makes one result, when all ranks have ended")
	}
	if m.saved != "" {
		steps = append(steps, "loadgen report "+pattern(m.saved)+" shows the distributions")
	}
	if !m.cfg.Extended {
		steps = append(steps, "--extended prints all metrics and notes")
	}
	if len(steps) > 0 {
		fmt.Fprintln(m.s.err, strings.Join(m.lines("loadgen: next: "+strings.Join(steps, "; ")), "\n"))
	}
}
