package apitest

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const (
	mostLines     = 400 // of a file
	mostFunction  = 65  // lines of a function, a screen; rows of tables do not count
	mostTest      = 80  // the same of a test, which may have a server in it
	mostExported  = 20  // names of a package
	whyMoreExport = "names are exported"
)

// longOnPurpose are functions that are longer than a screen, and why.
var longOnPurpose = map[string]string{
	"internal/chattemplate/eval_expr.go:eval": "a case for each kind of expression",
	"internal/chattemplate/eval.go:exec":      "a case for each kind of statement",
}

// source is a Go file of the module.
type source struct {
	path string // from the module's root, with slashes
	fset *token.FileSet
	file *ast.File
}

func (s *source) lines(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// sources are all Go files of the module.
func sources(t *testing.T) (all []*source) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		s := &source{path: filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))), fset: token.NewFileSet()}
		s.file, err = parser.ParseFile(s.fset, path, nil, parser.ParseComments)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFilesAndFunctionsAreShort holds the sizes that CONTRIBUTING.md names.
func TestFilesAndFunctionsAreShort(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if n := s.fset.File(s.file.Pos()).LineCount(); n > mostLines {
			t.Errorf("%s has %d lines, more than %d", s.path, n, mostLines)
		}
		most := mostFunction
		if strings.HasSuffix(s.path, "_test.go") {
			most = mostTest
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			place := s.path + ":" + f.Name.Name
			n := s.lines(f) - s.rows(f.Body)
			if _, allowed := longOnPurpose[place]; n > most && !allowed {
				t.Errorf("%s has %d lines, more than %d", place, n, most)
			} else if n > most {
				used[place] = true
			}
		}
	}
	for place := range longOnPurpose {
		if !used[place] {
			t.Errorf("%s is not long, or not there any more", place)
		}
	}
}

// rows are the lines within composite literals: tables, for the most part.
func (s *source) rows(body ast.Node) (lines int) {
	ast.Inspect(body, func(n ast.Node) bool {
		if table, ok := n.(*ast.CompositeLit); ok {
			lines += s.lines(table) - 1
			return false
		}
		return true
	})
	return lines
}

// TestPackagesExportLittle: a package of many exported names says in its doc why.
func TestPackagesExportLittle(t *testing.T) {
	names, doc := map[string]int{}, map[string]string{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") || s.file.Name.Name == "main" {
			continue
		}
		place := s.path[:strings.LastIndexByte(s.path, '/')]
		names[place] += exportedNames(s.file)
		doc[place] += strings.Join(strings.Fields(s.file.Doc.Text()), " ")
	}
	if len(names) == 0 {
		t.Fatal("no packages found")
	}
	for place, n := range names {
		if n > mostExported && !strings.Contains(doc[place], whyMoreExport) {
			t.Errorf("%s exports %d names, more than %d, and its doc does not say why (%q)", place, n, mostExported, whyMoreExport)
		} else if n <= mostExported && strings.Contains(doc[place], whyMoreExport) {
			t.Errorf("%s exports %d names: its doc need not say why", place, n)
		}
	}
}

// exportedNames counts a file's exported functions, types, variables and constants. Methods
// are their type's.
func exportedNames(f *ast.File) (n int) {
	count := func(name *ast.Ident) {
		if name.IsExported() {
			n++
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				count(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					count(spec.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						count(name)
					}
				}
			}
		}
	}
	return n
}

// TestPackagesAreExplained: each package has a doc, and each under pkg/ an example that is run.
func TestPackagesAreExplained(t *testing.T) {
	docs, ofTests, examples := map[string]string{}, map[string]string{}, map[string]int{}
	for _, s := range sources(t) {
		place := s.path[:strings.LastIndexByte(s.path, '/')]
		if !strings.HasSuffix(s.path, "_test.go") {
			docs[place] += s.file.Doc.Text()
			continue
		}
		ofTests[place] += s.file.Doc.Text()
		for _, e := range doc.Examples(s.file) {
			if e.Output != "" {
				examples[place]++
			}
		}
	}
	for place, text := range ofTests {
		if _, code := docs[place]; !code {
			docs[place] = text
		}
	}
	for place, text := range docs {
		if text == "" && !strings.Contains(place, "testdata") && !strings.HasPrefix(place, "standin/") {
			t.Errorf("%s has no package doc", place)
		}
	}
	for _, place := range []string{"pkg/dataset", "pkg/client", "pkg/metrics", "pkg/report"} {
		if examples[place] == 0 {
			t.Errorf("%s has no example with its output", place)
		}
	}
}
