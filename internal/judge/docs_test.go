package judge

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/compare.md")

const comparing = "../../docs/compare.md"

// causesTable is the table of causes and metrics in Markdown.
func causesTable() string {
	var b strings.Builder
	columns := []string{"ttft", "tpot", "itl", "e2el", OutputThroughput}
	b.WriteString("| code | found where | TTFT | TPOT | ITL | E2EL | throughput |\n|---|---|---|---|---|---|---|\n")
	for _, c := range Causes {
		fmt.Fprintf(&b, "| `%s` | %s |", c.Code, c.Found)
		for _, m := range columns {
			mark := ""
			switch moved := c.Moves == nil || slices.Contains(c.Moves, m); {
			case moved && c.Own:
				mark = " if so"
			case moved:
				mark = " void"
			}
			b.WriteString(mark + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestTheTableIsInTheDocs: docs/compare.md has the table of the code. -update writes it.
func TestTheTableIsInTheDocs(t *testing.T) {
	text, err := os.ReadFile(comparing)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- causes -->\n", "<!-- /causes -->"
	before, rest, ok1 := strings.Cut(string(text), from)
	got, after, ok2 := strings.Cut(rest, to)
	if !ok1 || !ok2 {
		t.Fatal("docs/compare.md has no place for the table")
	}
	if want := causesTable(); got != want {
		if *update {
			if err := os.WriteFile(comparing, []byte(before+from+want+to+after), 0o666); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

// TestGroupsOfMetrics: what moves one of a kind moves all of them, as the docs' columns say.
func TestGroupsOfMetrics(t *testing.T) {
	for _, c := range Causes {
		if c.Moves == nil {
			continue
		}
		for _, kind := range [][]string{throughput, {"ttft", FirstWaveTTFT}} {
			n := 0
			for _, m := range kind {
				if slices.Contains(c.Moves, m) {
					n++
				}
			}
			if n != 0 && n != len(kind) {
				t.Errorf("%s moves %d of %v", c.Code, n, kind)
			}
		}
	}
}
