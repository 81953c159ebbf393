package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ofOthers are flags of other programs, in the files that name them.
var ofOthers = map[string]string{
	"--header":                      "compare/secrets.go",     // curl's, in the command that starts a server
	"--format=csv,noheader,nounits": "gpu/observe/observe.go", // nvidia-smi's
}

// TestFlagNamesOnlyHere: libraries report what is wrong by codes and data; only package
// main names the flag that mends it.
func TestFlagNamesOnlyHere(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range flagTable() {
		known[f.Name] = true
	}
	for _, c := range newApp(t.Context(), streams{}).Commands {
		for _, f := range flagsOfCommand(c) {
			known[f.name] = true
		}
	}
	word := regexp.MustCompile(`--[a-z][a-z0-9-]*`)
	files := 0
	for _, root := range []string{"internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if strings.Contains(path, "benchtest") {
				return nil // for tests, which give it command lines
			}
			files++
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, _ := strconv.Unquote(lit.Value)
					if other := ofOthers[text]; other != "" && strings.HasSuffix(path, other) {
						return true
					}
					for _, name := range word.FindAllString(text, -1) {
						if known[name] {
							t.Errorf("%v names %s: %q", set.Position(lit.Pos()), name, text)
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Fatalf("only %d files", files)
	}
}
