package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"loadgen/internal/judge"
)

// Markdown writes report.md, for a pull request: what holds first, then the tables.
func Markdown(w io.Writer, groups []*Group) error {
	for _, g := range groups {
		fmt.Fprintf(w, "# %s\n\n", markdownText(g.heading()))
		of := slices.DeleteFunc([]string{g.model(), g.configuration(), g.hardware()}, func(s string) bool { return s == "" })
		fmt.Fprintf(w, "%s\n\n", markdownText(strings.Join(of, "; ")))
		for _, line := range g.verdict() {
			line = markdownText(line)
			if rest, void := strings.CutPrefix(line, "VOID"); void {
				line = "**VOID**" + rest
			}
			fmt.Fprintf(w, "* %s\n", line)
		}
		for level, name := range g.Levels {
			fmt.Fprintf(w, "\n## Concurrency %s\n\n", markdownText(name))
			columns := slices.Concat([]string{"figure"}, g.Labels, g.heads()[:2*(len(g.Labels)-1)])
			markdownRow(w, columns)
			rule := slices.Repeat([]string{"---:"}, len(columns))
			rule[0] = "---"
			fmt.Fprintf(w, "| %s |\n", strings.Join(rule, " | "))
			for _, row := range g.tableRows(level) {
				markdownRow(w, row)
			}
		}
		fmt.Fprintf(w, "\n## Settings\n\n")
		head, rows := g.settingsTable()
		markdownRow(w, head)
		fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(head)))
		for _, row := range rows {
			markdownRow(w, row)
		}
		fmt.Fprintln(w)
		for _, note := range g.remarks() {
			fmt.Fprintf(w, "%s\n", markdownText(note))
		}
	}
	return nil
}

func markdownRow(w io.Writer, cells []string) {
	escaped := make([]string, len(cells))
	for i, c := range cells {
		escaped[i] = markdownText(c)
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(escaped, " | "))
}

var markdownEscapes = strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "\n", " ", "\r", " ")

// markdownText keeps what the text holds from being markup.
func markdownText(s string) string { return markdownEscapes.Replace(s) }

// settingsTable is what each side was run with, where they say so.
func (g *Group) settingsTable() (head []string, rows [][]string) {
	head = append([]string{"setting"}, g.Labels...)
	add := func(name string, of func(s *Stored) string) {
		row := []string{name}
		empty := true
		for i := range g.Sides {
			text := of(g.Sides[i].Runs[0])
			empty = empty && text == ""
			row = append(row, text)
		}
		if !empty {
			rows = append(rows, row)
		}
	}
	top := func(key string) func(s *Stored) string {
		return func(s *Stored) string {
			if v, ok := s.values[key]; ok && v != nil {
				return fmt.Sprint(whole(v))
			}
			return ""
		}
	}
	inOwn := func(path ...string) func(s *Stored) string {
		return func(s *Stored) string {
			at := any(s.own())
			for _, key := range path {
				object, _ := at.(map[string]any)
				at = object[key]
			}
			if at == nil {
				return ""
			}
			return fmt.Sprint(whole(at))
		}
	}
	add("client", func(s *Stored) string { return factsOf([]*Stored{s}).Client })
	for _, key := range []string{"date", "model_id", "tokenizer_id", "backend", "num_prompts", "request_rate", "burstiness"} {
		add(key, top(key))
	}
	add("server version", inOwn("server", "version"))
	add("server note", inOwn("server", "note"))
	for _, key := range settings {
		if !slices.ContainsFunc(rows, func(r []string) bool { return r[0] == key }) {
			add(key, inOwn("effective", key))
		}
	}
	for _, key := range []string{"os", "kernel", "cpu", "cpus"} {
		add("machine "+key, inOwn("machine", key))
	}
	return head, rows
}

// CSV writes a line for each figure of each side and level.
func CSV(w io.Writer, groups []*Group) error {
	out := csv.NewWriter(w)
	out.Write([]string{"side", "level", "figure", "value", "beside", "speed_up", "ratio", "ratio_low", "ratio_high", "p_adjusted", "significant", "void", "too_few"})
	for _, g := range groups {
		for level, name := range g.Levels {
			for side, label := range g.Labels {
				for _, f := range judge.Figures {
					if g.Facts[level][side] != nil {
						out.Write(append([]string{label, name, figureKey(f), number(g.value(level, side, f))}, g.csvComparison(level, side, f)...))
					}
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (g *Group) csvComparison(level, side int, f judge.Figure) []string {
	r := g.row(level, side, f)
	if r == nil {
		return make([]string, 9)
	}
	cells := []string{g.Labels[0], number(r.SpeedUp()), "", "", "", "", "", r.Void, fmt.Sprint(r.TooFew)}
	if r.Interval != nil {
		copy(cells[2:], []string{number(r.Ratio), number(r.RatioLow), number(r.RatioHigh), number(r.Adjusted), fmt.Sprint(r.Significant)})
	}
	return cells
}

// number is a float for programs, empty where there is none.
func number(x float64) string {
	if finiteOrNil(x) == nil {
		return ""
	}
	return fmt.Sprintf("%.17g", x)
}
