package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"loadgen/internal/plain"
	"loadgen/internal/result"
)

// What a run measured of parts of itself, or beside itself: its stages, the servers that its
// requests were spread over, its probes, the requests that it cancelled, the ranks that made it.

// section is a table of such parts, of all runs that have some, and why their verdicts are not
// clean.
type section struct {
	name string
	head []string
	rows [][]string
	why  []pageItem
}

// partsMost is how many rows a section has that is shown at once.
const partsMost = 20

// sections are those of the group's runs. Latencies are in ms. Heads are of short words: a column
// is as narrow as its values.
func (g *Group) sections() (all []section) {
	stages, servers, probes, cancelled, ranks := section{name: "Stages"}, section{name: "Servers"}, section{name: "Probes"}, section{name: "Cancelled requests"}, section{name: "Ranks"}
	tail := g.tail()
	latencies := func(metrics ...string) (head []string) {
		for _, m := range metrics {
			head = append(head, m+" p50", m+" p"+tail)
		}
		return head
	}
	stages.head = append(append([]string{"stage", "load", "time (s)", "done", "req/s", "tok/s", "at a time"}, latencies("TTFT", "ITL", "E2EL")...), "verdict")
	servers.head = append([]string{"server", "done", "failed", "tok/s", "at a time"}, latencies("TTFT", "ITL", "E2EL")...)
	probes.head = append(append([]string{"probes", "req/s", "tokens", "done", "failed"}, latencies("TTFT", "ITL", "E2EL")...), "verdict")
	cancelled.head = append([]string{"when", "share", "chosen", "of them ended", "done before", "failed"}, latencies("TTFT", "end")...)
	ranks.head = []string{"rank", "host", "done", "tok/s", "TTFT mean", "TTFT p99", "ITL mean", "ITL p99", "E2EL mean", "E2EL p99", "late p99", "verdict"}
	g.eachRun(func(where string, s *Stored) {
		own := s.loadgen()
		for i := range own.Stages {
			stages.addStage(where, i+1, &own.Stages[i], tail)
		}
		for i := range own.Servers {
			servers.addServer(where, &own.Servers[i], tail)
		}
		if own.Probes != nil {
			probes.addProbes(where, own.Probes, tail)
		}
		if own.Cancellation != nil {
			cancelled.addCancelled(where, own.Cancellation, tail)
		}
		for i := range own.Ranks {
			ranks.addRank(where, &own.Ranks[i])
		}
	})
	for _, x := range []section{stages, servers, probes, cancelled, ranks} {
		if len(x.rows) > 0 {
			all = append(all, x)
		}
	}
	return all
}

// eachRun goes through the group's runs, with what tells each from the others: "" where it is
// the only one.
func (g *Group) eachRun(run func(where string, s *Stored)) {
	for load, name := range g.Loads {
		for variant, runs := range g.Runs[load] {
			for i, s := range runs {
				var parts []string
				if len(g.Variants) > 1 {
					parts = append(parts, g.judged.Labels[variant])
				}
				if len(g.Loads) > 1 {
					parts = append(parts, g.load+" "+name)
				}
				if len(runs) > 1 {
					parts = append(parts, fmt.Sprintf("run %d", i+1))
				}
				run(strings.Join(parts, ", "), s)
			}
		}
	}
}

// tail is the highest percentile that the first run with parts has of them, as its digits.
func (g *Group) tail() string {
	tail := ""
	g.eachRun(func(_ string, s *Stored) {
		own := s.loadgen()
		var all []*result.Stats
		for i := range own.Stages {
			all = append(all, own.Stages[i].E2EL)
		}
		for i := range own.Servers {
			all = append(all, own.Servers[i].E2EL)
		}
		if own.Probes != nil {
			all = append(all, own.Probes.E2EL)
		}
		if own.Cancellation != nil {
			all = append(all, own.Cancellation.Ended)
		}
		for _, x := range all {
			if tail == "" && x != nil && len(x.Percentiles) > 0 {
				tail = percentile(x.Percentiles[len(x.Percentiles)-1].P)
			}
		}
	})
	if tail == "" {
		return "99"
	}
	return tail
}

// add adds a row, whose name is that of the run and of the part.
func (x *section) add(where, name string, cells []string) {
	x.rows = append(x.rows, append([]string{named(where, name)}, cells...))
}

// judged adds why a verdict is not clean.
func (x *section) judged(where, name string, reasons []result.Reason) {
	if where == "" {
		name = capital(name)
	}
	for _, r := range reasons {
		x.why = append(x.why, pageItem{Where: named(where, name), Text: plain.Line(r.Text)})
	}
}

func named(where, name string) string {
	switch {
	case where == "":
		return name
	case name == "":
		return where
	}
	return where + ", " + name
}

func (x *section) addStage(where string, number int, g *result.Stage, tail string) {
	load, verdict := "", g.Verdict
	switch {
	case g.Rate != nil:
		load = fmt.Sprintf("%.4g requests/s", *g.Rate)
	case g.Concurrency != nil:
		load = fmt.Sprintf("%d at a time", *g.Concurrency)
	}
	if g.Requests == 0 {
		verdict = "not measured"
	}
	name := fmt.Sprintf("stage %d", number)
	cells := []string{load, fmt.Sprintf("%.4g to %.4g", g.MeasuredFrom, g.To), done(g.Completed, g.Requests, g.Cancelled), decimals(g.Sent), decimals(g.OutputThroughput), decimals(g.MeanConcurrency)}
	x.add(where, name, append(append(cells, spread(tail, g.TTFT, g.ITL, g.E2EL)...), plain.Line(verdict)))
	x.judged(where, name, g.Reasons)
}

func (x *section) addServer(where string, g *result.SpreadServer, tail string) {
	cells := []string{done(g.Completed, g.Requests, g.Cancelled), fmt.Sprint(g.Failed), decimals(g.OutputThroughput), decimals(g.MeanConcurrency)}
	x.add(where, plain.Line(g.URL), append(cells, spread(tail, g.TTFT, g.ITL, g.E2EL)...))
}

func (x *section) addProbes(where string, p *result.Probes, tail string) {
	name := "all probes"
	if where != "" {
		name = ""
	}
	cells := []string{fmt.Sprintf("%.4g", p.Rate), fmt.Sprintf("%d in, %d out", p.InputLen, p.OutputLen), done(p.Completed, p.Sent, 0), fmt.Sprint(p.Failed)}
	x.add(where, name, append(append(cells, spread(tail, p.TTFT, p.ITL, p.E2EL)...), plain.Line(p.Verdict)))
	x.judged(where, "probes", p.Reasons)
}

func (x *section) addCancelled(where string, c *result.Cancellation, tail string) {
	cells := []string{fmt.Sprintf("%.4g %%", 100*c.Share), fmt.Sprint(c.Chosen), fmt.Sprint(c.Cancelled), fmt.Sprint(c.Completed), fmt.Sprint(c.Failed)}
	x.add(where, cmp.Or(c.When(), "at once"), append(cells, spread(tail, c.TTFT, c.Ended)...))
}

func (x *section) addRank(where string, r *result.RankResult) {
	verdict := r.Verdict
	if r.Sent < r.Planned {
		verdict += fmt.Sprintf(" (PARTIAL: %d sent)", r.Sent)
	}
	cells := []string{plain.Line(r.Rank.Host), done(r.Completed, r.Planned, 0), decimals(r.OutputThroughput)}
	for _, m := range []int{0, 2, 3} { // TTFT, ITL, E2EL
		if l := *r.Latency.At(m); l != nil {
			cells = append(cells, decimals(l.Mean), decimals(l.P99))
		} else {
			cells = append(cells, "n/a", "n/a")
		}
	}
	x.add(where, fmt.Sprintf("rank %d", r.Rank.Rank), append(cells, decimals(r.ScheduleLateness.P99), plain.Line(verdict)))
}

// done is how many requests succeeded of those that loadgen did not cancel.
func done(completed, requests, cancelled int) string {
	text := fmt.Sprintf("%d of %d", completed, requests-cancelled)
	if cancelled > 0 {
		text += fmt.Sprintf(" (%d cancelled)", cancelled)
	}
	return text
}

// spread are the median and the percentile of each latency.
func spread(tail string, all ...*result.Stats) (cells []string) {
	for _, s := range all {
		median, high := "n/a", "n/a"
		if s != nil {
			if s.Median != nil {
				median = decimals(*s.Median)
			}
			for _, p := range s.Percentiles {
				if percentile(p.P) == tail {
					high = decimals(p.Value)
				}
			}
		}
		cells = append(cells, median, high)
	}
	return cells
}

// markdownSections writes the sections as Markdown.
func (g *Group) markdownSections(w io.Writer) {
	for _, x := range g.sections() {
		fmt.Fprintf(w, "\n## %s\n\n", x.name)
		markdownRow(w, x.head)
		fmt.Fprintf(w, "| ---%s |\n", strings.Repeat(" | ---:", len(x.head)-1))
		for _, row := range x.rows {
			markdownRow(w, row)
		}
		for i, item := range x.why {
			if i == 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "* %s: %s\n", markdownText(item.Where), markdownText(item.Text))
		}
	}
}

// pageSection is a section as the page has it.
type pageSection struct {
	Name  string
	Table pageTable
	Why   []pageItem
	Many  int // the rows, where these are too many to be shown unasked
}

// pageSections are the sections as the page has them.
func (g *Group) pageSections(number string) (all []pageSection) {
	for _, x := range g.sections() {
		p := pageSection{Name: x.name, Table: pageTable{Name: x.name + number, Head: x.head, Rows: textCells(x.rows)}, Why: x.why}
		if len(x.rows) > partsMost {
			p.Many = len(x.rows)
		}
		all = append(all, p)
	}
	return all
}
