// Package apitest tests the exported API of the packages under pkg/. It holds nothing
// but tests.
package apitest

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	// A change of these makes the tests run again.
	_ "loadgen/pkg/client"
	_ "loadgen/pkg/dataset"
	_ "loadgen/pkg/metrics"
	_ "loadgen/pkg/report"
)

// exported returns an importer of the module's packages and all that they import, from
// what the go command has compiled.
func exported(t *testing.T) types.Importer {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "loadgen/pkg/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(files[path])
	})
}

// TestPkgHasNoInternalTypes: what the packages under pkg/ export can be named and made by
// those who import them, so that no exported signature has a type of internal/.
func TestPkgHasNoInternalTypes(t *testing.T) {
	from := exported(t)
	for _, name := range []string{"client", "client/answer", "dataset", "metrics", "report"} {
		pkg, err := from.Import("loadgen/pkg/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, object := range pkg.Scope().Names() {
			if o := pkg.Scope().Lookup(object); o.Exported() {
				found = append(found, internalIn(o)...)
			}
		}
		if len(found) > 0 {
			t.Errorf("pkg/%s exports internal types:\n%s", name, strings.Join(found, "\n"))
		}
	}
}

// internalIn are the places in an exported object that have an internal type.
func internalIn(o types.Object) (places []string) {
	found := func(where string, t types.Type) {
		if name := internalType(t, map[types.Type]bool{}); name != "" {
			places = append(places, where+" has "+name)
		}
	}
	name, ok := o.(*types.TypeName)
	if !ok {
		found(o.Name(), o.Type())
		return places
	}
	t := types.Unalias(name.Type())
	if s, ok := t.Underlying().(*types.Struct); ok {
		for i := range s.NumFields() {
			if f := s.Field(i); f.Exported() {
				found(o.Name()+"."+f.Name(), f.Type())
			}
		}
	} else {
		found(o.Name(), t.Underlying())
	}
	methods := types.NewMethodSet(types.NewPointer(t))
	for i := range methods.Len() {
		if m := methods.At(i).Obj(); m.Exported() {
			found(o.Name()+"."+m.Name(), m.Type())
		}
	}
	if named, ok := t.(*types.Named); ok && strings.Contains(named.Obj().Pkg().Path(), "/internal/") {
		places = append(places, o.Name()+" is "+named.String())
	}
	return places
}

// internalType is the internal type in a type, "" without one. It does not look into the
// named types of packages that are not internal: those have exports of their own.
func internalType(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if pkg := t.Obj().Pkg(); pkg != nil && strings.HasPrefix(pkg.Path(), "loadgen/internal/") {
			return t.String()
		}
		for i := range t.TypeArgs().Len() {
			if name := internalType(t.TypeArgs().At(i), seen); name != "" {
				return name
			}
		}
	case interface{ Elem() types.Type }: // pointer, slice, array, channel, map
		if m, ok := t.(*types.Map); ok {
			if name := internalType(m.Key(), seen); name != "" {
				return name
			}
		}
		return internalType(t.Elem(), seen)
	case *types.Signature:
		for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
			for i := range tuple.Len() {
				if name := internalType(tuple.At(i).Type(), seen); name != "" {
					return name
				}
			}
		}
	case *types.Struct:
		for i := range t.NumFields() {
			if f := t.Field(i); f.Exported() {
				if name := internalType(f.Type(), seen); name != "" {
					return name
				}
			}
		}
	case *types.Interface:
		for i := range t.NumMethods() {
			if name := internalType(t.Method(i).Type(), seen); name != "" {
				return name
			}
		}
	}
	return ""
}
