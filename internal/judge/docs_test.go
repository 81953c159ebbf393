package judge

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// TestEveryFindingIsInTheDocs: docs/measurement.md has a row for each code of a finding or a
// note that a result can have, and for no other.
func TestEveryFindingIsInTheDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/measurement.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Findings")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for line := range strings.Lines(section) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && strings.HasPrefix(line, "| `") {
			for _, code := range strings.Split(cell, ", ") {
				documented[strings.Trim(code, "`")] = false
			}
		}
	}
	code := regexp.MustCompile(`(?:\b(?:find|of)\(|judge\.Finding\{Code: |keep\(recording\.Note\{Code: |return recording\.Note\{Code: |(?m:^const [A-Z]\w+ = ))"(\w+)"`)
	found := 0
	for _, dir := range []string{"../judge", "../analysis", "../bench", "../../cmd/loadgen"} {
		files, _ := filepath.Glob(dir + "/*.go")
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range code.FindAllSubmatch(source, -1) {
				found++
				if _, ok := documented[string(m[1])]; !ok {
					t.Errorf("%s: %s is not in docs/measurement.md", file, m[1])
				}
				documented[string(m[1])] = true
			}
		}
	}
	for code, used := range documented {
		if !used {
			t.Errorf("docs/measurement.md has %s, which no code makes", code)
		}
	}
	if found < 40 {
		t.Errorf("only %d codes found in the sources", found)
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
