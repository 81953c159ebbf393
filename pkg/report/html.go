package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"loadgen/internal/chart"
	"loadgen/internal/plain"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page is what the template shows.
type page struct {
	Title                 string
	Style                 template.CSS
	Script                template.JS
	StyleHash, ScriptHash string
	Groups                []pageGroup
}

type pageGroup struct {
	Heading, About        string
	Answer                string
	Alone                 *pageAlone // of a server without another
	Void, Holds, Findings []pageItem
	Next                  []string
	Whole                 bool // nothing is comparable
	All, Each             string
	Overview              []template.HTML
	Loads                 []pageLoad
	Settings              pageTable
	Sections              []pageSection
	Remarks               []string
	Curve, Gates          *pageTable
}

type pageAlone struct {
	Trusted                            bool
	Verdicts, Failures, Findings, Also []pageItem
}

type pageLoad struct {
	Name     string
	Table    pageTable
	Summary  string // what a single run has beside its latencies
	Charts   []template.HTML
	NoCharts string // why there are none
	Open     bool
}

// pageTable is a table with a name of its own, for those who do not see where it stands.
type pageTable struct {
	Name, Class string
	Head        []string
	Rows        [][]pageCell
}

type pageCell struct{ Text, Class string }

// pageItem is one of a list; Where, if any, stands before it in bold.
type pageItem struct{ Where, Text string }

// HTML writes report.html, one file that loads nothing and may load nothing, and whose only
// script is the one within.
func HTML(w io.Writer, groups []*Group) error {
	most := 1
	p := page{Title: "loadgen report"}
	for i, g := range groups {
		number := ""
		if i == 0 {
			p.Title = g.heading()
		} else {
			number = fmt.Sprintf(" of comparison %d", i+1)
		}
		most = max(most, len(g.Variants))
		p.Groups = append(p.Groups, g.page(number))
	}
	style := chart.Stylesheet(most) + pageStyle
	p.Style, p.StyleHash = template.CSS(style), plain.Digest(style)
	p.Script, p.ScriptHash = template.JS(pageScript), plain.Digest(pageScript)
	return template.Must(template.New("page").Parse(pageText)).Execute(plain.Writer{To: w}, p)
}

// page is what the page has of a group, whose number is in the names of its tables.
func (g *Group) page(number string) pageGroup {
	about := slices.DeleteFunc([]string{g.model(), g.hardware(), g.configuration()}, func(s string) bool { return s == "" })
	p := pageGroup{
		Heading: g.heading(),
		About:   strings.Join(about, "; "),
		Answer:  g.answer(),
		Whole:   len(g.judged.Rows) > 0 && g.judged.Void(),
		All:     map[string]string{"concurrency": "All concurrencies", "request rate": "All request rates", "load": "All loads"}[g.load],
		Each:    "Each " + g.load,
		Remarks: g.notes(),
	}
	if rows := g.gateRows(); rows != nil {
		p.Gates = &pageTable{Name: "Gates" + number, Head: g.gateHead(), Rows: textCells(rows)}
	}
	if g.hasCurve() {
		for _, line := range g.curveAnswer() {
			p.Holds = append(p.Holds, pageItem{Text: line + "."})
		}
		p.Curve = &pageTable{Name: "Loads" + number, Head: g.curveHead(), Rows: textCells(g.curveRows())}
		p.Remarks = append(p.Remarks, curveNote)
	}
	if len(g.Variants) > 1 {
		p.Next = g.next()
		for _, line := range g.holds() {
			p.Holds = append(p.Holds, pageItem{Text: line})
		}
		for _, line := range g.certainLines() {
			p.Holds = append(p.Holds, pageItem{Text: line + "."})
		}
		for _, line := range g.void("Not comparable") {
			p.Void = append(p.Void, pageItem{Text: line})
		}
		p.Findings = g.variantFindings()
	} else {
		notes := g.runNotes()
		p.Alone = &pageAlone{Trusted: notes.trusted, Verdicts: notes.verdicts, Failures: notes.failures, Findings: notes.findings, Also: notes.also}
	}
	p.Overview = g.overview()
	for load, name := range g.Loads {
		name = capital(g.load) + " " + name
		l := pageLoad{Name: name, Table: g.loadTable(load), Charts: g.distributions(load), Open: load == 0 || len(g.Loads) <= 3}
		if runs := g.Runs[load][0]; len(g.Variants) == 1 && len(runs) == 1 && len(g.Loads) == 1 {
			l.Table, l.Summary = runs[0].runTable(), runs[0].rates()
		}
		l.Table.Name = name + number
		if l.Charts == nil && len(g.Variants) == 1 {
			l.NoCharts = "No distributions: the file has no values of single requests, and there is no HDR log next to it."
		}
		p.Loads = append(p.Loads, l)
	}
	p.Sections = g.pageSections(number)
	head, rows := g.settingsTable()
	p.Settings = pageTable{Name: "Settings and environment" + number, Class: "settings", Head: head, Rows: textCells(rows)}
	return p
}

// variantFindings are those of all servers, each with its place.
func (g *Group) variantFindings() (all []pageItem) {
	for load, name := range g.Loads {
		for variant, f := range g.judged.Summaries[load] {
			if f == nil {
				continue
			}
			for _, found := range f.AllFindings() {
				all = append(all, pageItem{g.judged.Labels[variant] + ", " + g.load + " " + name, found.Text})
			}
		}
	}
	return all
}

func textCells(rows [][]string) (out [][]pageCell) {
	for _, row := range rows {
		var cells []pageCell
		for _, text := range row {
			cells = append(cells, pageCell{Text: text})
		}
		out = append(out, cells)
	}
	return out
}

// loadTable is the table at a load, what matters first: the ratios, then the values, then the
// intervals. What is not comparable is marked.
func (g *Group) loadTable(load int) pageTable {
	t := pageTable{Head: append([]string{"metric"}, g.judged.Labels...)}
	if len(g.Variants) > 1 {
		t.Head = g.ratiosFirst(append(t.Head, g.heads()...))
	}
	for _, row := range g.tableRows(load) {
		if len(g.Variants) > 1 {
			row = g.ratiosFirst(row)
		}
		cells := make([]pageCell, len(row))
		for i, text := range row {
			cells[i] = pageCell{Text: text}
			switch {
			case text == "void":
				cells[i].Class = "void"
			case strings.HasSuffix(text, " *"):
				cells[i].Class = "significant"
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// ratiosFirst puts the ratios of a table's row right after its name, and the intervals last.
func (g *Group) ratiosFirst(row []string) []string {
	values := 1 + len(g.judged.Labels)
	out, intervals := row[:1:1], []string(nil)
	for i := values; i+1 < len(row); i += 2 {
		out, intervals = append(out, row[i]), append(intervals, row[i+1])
	}
	return slices.Concat(out, row[1:values], intervals)
}
