package main

import (
	"os"
	"strings"
	"testing"

	"loadgen/internal/faults"
)

// TestPageHasAllFaults: docs/reliability.md has a row for each fault of the catalogue, as a run
// writes it in which every cell passes.
func TestPageHasAllFaults(t *testing.T) {
	todo := allCells("auto")
	var table strings.Builder
	if failed := writeTable(&table, todo, make([]string, len(todo))); failed != 0 {
		t.Errorf("%d failed", failed)
	}
	page, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), tableBegins+table.String()+tableEnds) {
		t.Errorf("docs/reliability.md is not current (make faults tries them, go run ./bench/faults -update writes it); want\n%s", table.String())
	}
	if n := len(faults.All()) + len(sites); len(todo) != n*cellsEach || strings.Count(table.String(), "\n| **") != len(faults.Groups())+1 {
		t.Errorf("%d cells of %d faults", len(todo), n)
	}
}

// TestTableNamesWhatFails: what failed is counted and named, and a fault whose answers differ
// when they come whole is in both columns.
func TestTableNamesWhatFails(t *testing.T) {
	var todo []cell
	for _, f := range faults.All() {
		if f.Name == "finish_reason_missing" || f.Name == "stall_mid_answer" {
			todo = append(todo, cell{fault: f}, cell{fault: f, whole: true})
		}
	}
	var table strings.Builder
	if failed := writeTable(&table, todo, []string{"", "late", "", "late"}); failed != 2 {
		t.Errorf("%d failed", failed)
	}
	for _, want := range []string{"| **pace and size** | stall mid answer |  |  |\n", "finish reason missing (streamed) |  | finish reason missing (whole) |\n",
		"\n2 of 4 cells pass, of 2 faults.\nSome of these do not: finish reason missing; stall mid answer.\n"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
}
