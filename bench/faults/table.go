package main

import (
	"fmt"
	"io"
	"strings"

	"loadgen/internal/faults"
)

// cellsEach is how many runs each fault is tried in.
const cellsEach = 16

// writeTable writes a row for each kind of fault with what the strict rule makes of those that
// were tried, and returns how many cells failed; their faults are named below the table.
func writeTable(w io.Writer, todo []cell, problems []string) (failed int) {
	tried, broken := map[string]bool{}, map[string]bool{}
	var names []string
	for i, c := range todo {
		tried[c.fault.Name] = true
		if problems[i] == "" {
			continue
		}
		if failed++; !broken[c.fault.Name] {
			broken[c.fault.Name] = true
			names = append(names, spaced(c.fault.Name))
		}
	}
	fmt.Fprintln(w, "| kind of fault | must fail | must succeed | either |\n|---|---|---|---|")
	groups := append(faults.Groups(), faults.Group{Kind: "the server as a whole", Faults: siteFaults()})
	for _, g := range groups {
		var columns [faults.Either + 1][]string
		for _, f := range g.Faults {
			switch name := spaced(f.Name); {
			case !tried[f.Name]:
			case f.Stream == f.Whole:
				columns[f.Stream] = append(columns[f.Stream], name)
			default:
				columns[f.Stream] = append(columns[f.Stream], name+" (streamed)")
				columns[f.Whole] = append(columns[f.Whole], name+" (whole)")
			}
		}
		if len(columns[faults.Fails])+len(columns[faults.Succeeds])+len(columns[faults.Either]) > 0 {
			fmt.Fprintf(w, "| **%s** | %s | %s | %s |\n", g.Kind, strings.Join(columns[faults.Fails], "; "), strings.Join(columns[faults.Succeeds], "; "), strings.Join(columns[faults.Either], "; "))
		}
	}
	fmt.Fprintf(w, "\n%d of %d cells pass, of %d faults.\n", len(todo)-failed, len(todo), len(tried))
	if failed > 0 {
		fmt.Fprintf(w, "Some of these do not: %s.\n", strings.Join(names, "; "))
	}
	return failed
}

func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

// siteFaults are the sites as if they were faults.
func siteFaults() (all []faults.Fault) {
	for _, s := range sites {
		all = append(all, faults.Fault{Name: s.name, Stream: s.outcome, Whole: s.outcome})
	}
	return all
}

// allCells are those of every fault and site.
func allCells(transport string) (todo []cell) {
	add := func(f faults.Fault, s *site) {
		for i := range cellsEach {
			todo = append(todo, cell{f, s, i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, transport})
		}
	}
	for _, f := range faults.All() {
		add(f, nil)
	}
	for i, f := range siteFaults() {
		add(f, &sites[i])
	}
	return todo
}
