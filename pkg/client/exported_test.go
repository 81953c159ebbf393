package client

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestNoInternalTypes: whoever imports the package can name every type in it: no
// exported signature and no exported field holds a type of an internal package.
func TestNoInternalTypes(t *testing.T) {
	checked := 0
	for _, dir := range []string{".", "answer"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			internal := map[string]bool{}
			for _, i := range f.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				internal[path[strings.LastIndexByte(path, '/')+1:]] = strings.Contains(path, "/internal/")
			}
			for _, d := range f.Decls {
				for _, shown := range exported(d) {
					checked++
					ast.Inspect(shown, func(n ast.Node) bool {
						if s, ok := n.(*ast.SelectorExpr); ok {
							if x, ok := s.X.(*ast.Ident); ok && internal[x.Name] {
								t.Errorf("%s: %s.%s", set.Position(s.Pos()), x.Name, s.Sel.Name)
							}
						}
						return true
					})
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d declarations", checked)
	}
}

// exported returns the parts of a declaration that other packages see.
func exported(d ast.Decl) (out []ast.Node) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			out = append(out, d.Type)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				fields, isStruct := s.Type.(*ast.StructType)
				switch {
				case !s.Name.IsExported():
				case !isStruct:
					out = append(out, s.Type)
				default:
					for _, field := range fields.Fields.List {
						if len(field.Names) > 0 && field.Names[0].IsExported() || len(field.Names) == 0 && embedsExported(field.Type) {
							out = append(out, field.Type)
						}
					}
				}
			case *ast.ValueSpec:
				for i, name := range s.Names {
					if name.IsExported() && s.Type != nil {
						out = append(out, s.Type)
					}
					if name.IsExported() && d.Tok == token.VAR && i < len(s.Values) {
						out = append(out, s.Values[i])
					}
				}
			}
		}
	}
	return out
}

func embedsExported(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.Ident:
		return t.IsExported()
	case *ast.SelectorExpr:
		return t.Sel.IsExported()
	case *ast.StarExpr:
		return embedsExported(t.X)
	}
	return false
}
