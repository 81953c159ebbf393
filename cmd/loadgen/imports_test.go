package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// house are the program's packages from the ground up: each may import those before it in
// the list, but for what forbidden has.
var house = []string{
	"internal/lazy", "internal/student", "internal/certtest", "internal/argparse", "internal/pause", "internal/ranks", "internal/timesync", "internal/suggest", "internal/yamlcheck", "internal/plain", "internal/terminal", "internal/outfile", "internal/barrier", "internal/pyjson", "internal/pyrand", "internal/chart", "internal/parquet",
	"pkg/client/answer", "internal/golden", "internal/stream", "internal/packets", "internal/wire", "internal/fetch", "internal/tokenizer", "internal/chattemplate", "internal/hub",
	"pkg/dataset", "pkg/client", "internal/load", "internal/health", "internal/health/observe",
	"pkg/metrics", "internal/breakdown", "internal/prom", "internal/prom/expose", "internal/gpu", "internal/gpu/observe", "internal/definitions", "internal/judge", "internal/live", "internal/recording", "internal/merge", "docs", "examples", "internal/result", "internal/result/resulttest", "internal/breakdown/show", "internal/analysis", "internal/sweep", "internal/requests",
	"internal/server", "internal/trtsim", "internal/bench", "internal/bench/benchtest", "internal/selftest", "pkg/report", "internal/console", "internal/live/show", "internal/compare", "internal/faults",
	"cmd/loadgen",
}

// allowed are the only importers of a package, of this module or another.
var allowed = map[string][]string{
	"internal/stream":             {"internal/wire", "internal/fetch", "pkg/client"},
	"internal/health/observe":     {"cmd/loadgen"},
	"internal/packets":            {"internal/wire"},
	"internal/bench":              {"internal/bench/benchtest", "internal/selftest", "internal/compare", "cmd/loadgen"},
	"internal/selftest":           {"cmd/loadgen"},
	"internal/terminal":           {"cmd/loadgen"},
	"github.com/urfave/cli/v2":    {"cmd/loadgen"},
	"golang.org/x/term":           {"cmd/loadgen"},
	"github.com/valyala/fasthttp": {"internal/stream", "internal/wire", "internal/server", "internal/trtsim", "internal/bench/benchtest", "internal/compare", "internal/faults", "cmd/loadgen"},
}

// pure packages read no clock, start no goroutine and do no I/O: they import none of these.
var pure = map[string][]string{
	"pkg/metrics":          {"os", "io", "net", "context", "sync", "internal/health", "internal/stream", "internal/wire"},
	"internal/gpu":         {"os", "io", "net", "context", "sync", "internal/health"},
	"internal/ranks":       {"os", "io", "net", "context", "sync"},
	"internal/merge":       {"os", "io", "net", "context", "sync"},
	"internal/prom":        {"os", "io", "net", "context", "sync", "internal/health"},
	"internal/prom/expose": {"os", "io", "net", "context", "sync", "internal/health"},
	"internal/breakdown":   {"os", "io", "net", "context", "sync", "internal/health"},
	"internal/definitions": {"os", "io", "net", "context", "sync", "internal/health"},
	"internal/judge":       {"os", "io", "net", "context", "sync"},
	"internal/live":        {"os", "io", "net", "context"},
	"internal/live/show":   {"os", "io", "net", "context", "sync"},
	"internal/analysis":    {"os", "io", "net", "context", "sync"},
	"internal/student":     {"os", "io", "net", "context", "sync"},
	"internal/health":      {"os", "io", "net", "context", "sync", "runtime"},
}

// imports calls visit with each import of the program's own packages, tests left out.
func imports(t *testing.T, visit func(from, to, file string)) {
	t.Helper()
	packages := map[string]bool{}
	for _, root := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			from, _ := filepath.Rel("../..", filepath.Dir(path))
			packages[from] = true
			if _, isPure := pure[filepath.ToSlash(from)]; isPure {
				for _, what := range impurities(f) {
					t.Errorf("%s: %s is pure, and %s", path, from, what)
				}
			}
			for _, spec := range f.Imports {
				to, _ := strconv.Unquote(spec.Path.Value)
				visit(filepath.ToSlash(from), strings.TrimPrefix(to, "loadgen/"), path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range packages {
		if !slices.Contains(house, name) {
			t.Errorf("%s has no place in the house (imports_test.go)", name)
		}
	}
}

// clocks are what of package time reads a clock, or waits by one.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}

// impurities are the goroutines that a file starts, and where it reads a clock.
func impurities(f *ast.File) (found []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "starts a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
				found = append(found, "uses time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

// TestImpurities: a goroutine and a clock are found, a type and a duration are none.
func TestImpurities(t *testing.T) {
	const text = `package p
var now = time.Now
func f(d time.Duration) { go f(time.Second); <-time.After(d); _ = time.Unix(0, 0) }`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := impurities(f), []string{"uses time.Now", "starts a goroutine", "uses time.After"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestImportsGoOneWay: what is sent, sending it, recording it, what it means, judging it
// and showing it build on each other in this order. ARCHITECTURE.md draws it.
func TestImportsGoOneWay(t *testing.T) {
	place := func(name string) int { return slices.Index(house, name) }
	imports(t, func(from, to, file string) {
		if place(to) >= 0 && place(to) >= place(from) {
			t.Errorf("%s: %s imports %s, which is above it", file, from, to)
		}
		if only, bound := allowed[to]; bound && !slices.Contains(only, from) {
			t.Errorf("%s: %s imports %s, which is for %s", file, from, to, strings.Join(only, ", "))
		}
		if slices.Contains(pure[from], to) {
			t.Errorf("%s: %s is pure, and imports %s", file, from, to)
		}
	})
}

// TestArchitecture: the table of ARCHITECTURE.md has every package, and no other, and the files
// that the page names are there.
func TestArchitecture(t *testing.T) {
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([^`\n]+)`")
	var listed []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 { // four columns
			continue
		}
		before := ""
		for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
			if rest, short := strings.CutPrefix(m[1], "…"); short {
				m[1] = before + rest
			}
			before = m[1]
			listed = append(listed, m[1])
		}
	}
	for _, p := range append(house, "internal/apitest") {
		if !slices.Contains(listed, p) {
			t.Errorf("the table has no %s", p)
		}
	}
	for _, p := range listed {
		if _, err := os.Stat(filepath.Join("../..", strings.TrimSuffix(p, "/…"))); err != nil {
			t.Errorf("the table's %s is not there", p)
		}
	}
	sources := map[string]bool{}
	for _, root := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, _ fs.DirEntry, err error) error {
			sources[filepath.Base(path)] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range name.FindAllStringSubmatch(string(page), -1) {
		if !strings.HasSuffix(m[1], ".go") {
			continue
		}
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil && (strings.Contains(m[1], "/") || !sources[m[1]]) {
			t.Errorf("%s is not there", m[1])
		}
	}
}
