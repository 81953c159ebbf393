package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImportsGoOneWay: what is sent, sending it, what it means, judging it and
// showing it build on each other in this order, and the decoder and the sockets
// are the client's.
func TestImportsGoOneWay(t *testing.T) {
	importers := map[string][]string{
		"internal/stream":  {"internal/wire", "pkg/client"},
		"internal/wire":    {"pkg/client", "internal/trtsim", "cmd/loadgen"},
		"pkg/dataset":      {"pkg/client", "cmd/loadgen"},
		"internal/load":    {"cmd/loadgen"},
		"pkg/metrics":      {"internal/definitions", "internal/judge", "pkg/report", "cmd/loadgen"},
		"internal/judge":   {"pkg/report", "cmd/loadgen"},
		"pkg/report":       {"cmd/loadgen"},
		"internal/trtsim":  {"cmd/loadgen"},
		"internal/server":  {"internal/compare", "cmd/loadgen"},
		"internal/compare": {"cmd/loadgen"},
	}
	files, err := filepath.Glob("../../*/*/*.go")
	if err != nil || len(files) < 100 {
		t.Fatal(len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		from, _ := filepath.Rel("../..", filepath.Dir(name))
		for _, spec := range f.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			to := strings.TrimPrefix(path, "loadgen/")
			if allowed, bound := importers[to]; bound && !slices.Contains(allowed, filepath.ToSlash(from)) {
				t.Errorf("%s imports %s, which is for %s", from, to, strings.Join(allowed, ", "))
			}
		}
	}
}
