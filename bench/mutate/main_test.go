package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestListIsCurrent: each mutation replaces a line that occurs once by another one, which
// leaves a file that Go reads, and names a test that is there.
func TestListIsCurrent(t *testing.T) {
	t.Chdir("../..")
	all, err := parse(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("%d mutations, want 40 or more", len(all))
	}
	seen := map[mutation]bool{}
	for _, m := range all {
		if seen[m] {
			t.Errorf("%s: %q is listed twice", m.file, m.new)
		}
		seen[m] = true
		text, err := m.mutated()
		if err != nil {
			t.Errorf("%s: %v", m.file, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %q: %v", m.file, m.new, err)
		}
		if m.old == m.new || !hasTest(t, m.pkg, m.test) {
			t.Errorf("%s: %q: no test %s in %s, or no change", m.file, m.new, m.test, m.pkg)
		}
	}
}

// hasTest reports whether a package's directory has a test of that name.
func hasTest(t *testing.T, pkg, test string) bool {
	files, err := filepath.Glob(filepath.Join(pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^func ` + test + `\(`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if declared.Match(text) {
			return true
		}
	}
	return false
}

func TestParse(t *testing.T) {
	all, err := parse("# a comment\na.go\n- x  \n+ y\ntest ./p TestX\n- z\n+ \"- z\"\ntest ./q TestZ\n")
	want := []mutation{{"a.go", "x", "y", "./p", "TestX"}, {"a.go", "z", `"- z"`, "./q", "TestZ"}}
	if err != nil || len(all) != 2 || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("%+v %v", all, err)
	}
	for _, bad := range []string{"a.go\n- x\ntest ./p TestX\n", "- x\n+ y\ntest ./p TestX\n", "a.go\n- x\n+ y\ntest ./p\n"} {
		if _, err := parse(bad); err == nil || !strings.Contains(err.Error(), "mutations.txt:") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
