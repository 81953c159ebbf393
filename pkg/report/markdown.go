package report

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/internal/result"
)

// Markdown writes report.md, for a pull request: what holds first, then the tables.
func Markdown(w io.Writer, groups []*Group) error {
	w = plain.Writer{To: w}
	for _, g := range groups {
		fmt.Fprintf(w, "# %s\n\n", markdownText(g.heading()))
		of := slices.DeleteFunc([]string{g.model(), g.configuration(), g.hardware()}, func(s string) bool { return s == "" })
		fmt.Fprintf(w, "%s\n\n", markdownText(strings.Join(of, "; ")))
		if answer := g.answer(); answer != "" {
			fmt.Fprintf(w, "**%s**\n\n", markdownText(answer))
		}
		if len(g.Variants) < 2 {
			g.markdownAlone(w)
		}
		for _, line := range g.holds() {
			fmt.Fprintf(w, "* %s\n", markdownText(line))
		}
		for _, line := range g.certainLines() {
			fmt.Fprintf(w, "* %s.\n", markdownText(line))
		}
		for _, line := range g.void("") {
			fmt.Fprintf(w, "* **NOT COMPARABLE**%s\n", markdownText(line))
		}
		if next := g.next(); len(next) > 0 {
			fmt.Fprintf(w, "* **Next:** %s\n", markdownText(strings.Join(next, "; ")))
		}
		g.markdownCurve(w)
		if rows := g.gateRows(); rows != nil {
			fmt.Fprint(w, "\n## Gates\n\n")
			head := g.gateHead()
			markdownRow(w, head)
			fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(head)))
			for _, row := range rows {
				markdownRow(w, row)
			}
		}
		for load, name := range g.Loads {
			fmt.Fprintf(w, "\n## %s %s\n\n", capital(g.load), markdownText(name))
			columns := slices.Concat([]string{"metric"}, g.judged.Labels, g.heads()[:2*(len(g.judged.Labels)-1)])
			markdownRow(w, columns)
			rule := slices.Repeat([]string{"---:"}, len(columns))
			rule[0] = "---"
			fmt.Fprintf(w, "| %s |\n", strings.Join(rule, " | "))
			for _, row := range g.tableRows(load) {
				markdownRow(w, row)
			}
		}
		g.markdownSections(w)
		fmt.Fprintf(w, "\n## Settings\n\n")
		head, rows := g.settingsTable()
		markdownRow(w, head)
		fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(head)))
		for _, row := range rows {
			markdownRow(w, row)
		}
		fmt.Fprintln(w)
		for _, note := range g.notes() {
			fmt.Fprintf(w, "%s\n", markdownText(note))
		}
	}
	return nil
}

// markdownAlone writes what the runs of a server alone say of themselves.
func (g *Group) markdownAlone(w io.Writer) {
	notes := g.runNotes()
	for _, list := range []struct {
		name  string
		items []pageItem
	}{{"Verdict", notes.verdicts}, {"Failures", notes.failures}, {"Findings", notes.findings}, {"Notes", notes.also}} {
		if len(list.items) == 0 {
			continue
		}
		fmt.Fprintf(w, "**%s**\n\n", list.name)
		for _, item := range list.items {
			where := ""
			if item.Where != "" {
				where = item.Where + ": "
			}
			fmt.Fprintf(w, "* %s\n", markdownText(where+item.Text))
		}
		fmt.Fprintln(w)
	}
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

// settingsTable is what each server was loaded with, as far as the files have it.
func (g *Group) settingsTable() (head []string, rows [][]string) {
	head = append([]string{"setting"}, g.judged.Labels...)
	add := func(name string, of func(s *Stored) string) {
		row := []string{name}
		empty := true
		for i := range g.Variants {
			text := of(g.Variants[i].Runs[0])
			empty = empty && text == ""
			row = append(row, text)
		}
		if !empty {
			rows = append(rows, row)
		}
	}
	text := func(v any) string {
		if v == nil {
			return ""
		}
		return fmt.Sprint(whole(v))
	}
	add("client", func(s *Stored) string { return summarize([]*Stored{s}).Client })
	for _, key := range []string{"date", "model_id", "tokenizer_id", "backend", "num_prompts", "request_rate", "burstiness"} {
		add(key, func(s *Stored) string { return text(s.file.Setting(key)) })
	}
	server := func(s *Stored) *result.Server { return cmp.Or(s.loadgen().Server, &result.Server{}) }
	add("server version", func(s *Stored) string { return server(s).Version })
	add("server note", func(s *Stored) string { return server(s).Note })
	for _, key := range settings {
		if !slices.ContainsFunc(rows, func(r []string) bool { return r[0] == key }) {
			add(key, func(s *Stored) string { return text(s.loadgen().Effective.Get(key)) })
		}
	}
	machine := func(s *Stored) *result.Machine { return cmp.Or(s.loadgen().Machine, &result.Machine{}) }
	add("machine os", func(s *Stored) string { return machine(s).OS })
	add("machine kernel", func(s *Stored) string { return orEmpty(machine(s).Kernel) })
	add("machine cpu", func(s *Stored) string { return orEmpty(machine(s).CPU) })
	add("machine cpus", func(s *Stored) string {
		if n := machine(s).CPUs; n > 0 {
			return strconv.Itoa(n)
		}
		return ""
	})
	return head, rows
}

// capital begins a heading.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// CSV writes a line for each metric of each server and concurrency.
func CSV(w io.Writer, groups []*Group) error {
	out := csv.NewWriter(w)
	out.Write([]string{"side", "level", "figure", "value", "baseline", "speed_up", "ratio", "ratio_low", "ratio_high", "p_adjusted", "significant", "void", "too_few", "decoding_at_a_time"})
	for _, g := range groups {
		for load, name := range g.Loads {
			for variant, label := range g.judged.Labels {
				for _, f := range judge.Quantities {
					if g.judged.Summaries[load][variant] != nil {
						cells := append([]string{label, name, quantityKey(f), number(g.value(load, variant, f))}, g.csvComparison(load, variant, f)...)
						out.Write(append(cells, number(g.judged.DecodingAtATime(load, variant))))
					}
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (g *Group) csvComparison(load, variant int, f judge.Quantity) []string {
	r := g.row(load, variant, f)
	if r == nil {
		return make([]string, 9)
	}
	cells := []string{g.judged.Labels[0], number(r.SpeedUp()), "", "", "", "", "", r.Void, fmt.Sprint(r.TooFew)}
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
