package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestModulesAreSmall: what a first build has to download stays below 60 MB. make module-size
// has the same sum, from an empty module cache.
func TestModulesAreSmall(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(goOutput(t, "env", "GOMODCACHE"), "cache", "download")
	capital := regexp.MustCompile(`[A-Z]`)
	sizes := map[string]int64{}
	for _, line := range strings.Fields(goOutput(t, "list", "-deps", "-f", "{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}}@{{.Version}}{{end}}{{end}}", ".")) {
		name := capital.ReplaceAllStringFunc(line, func(c string) string { return "!" + strings.ToLower(c) })
		path, version, _ := strings.Cut(name, "@")
		info, err := os.Stat(filepath.Join(cache, path, "@v", version+".zip"))
		if err != nil {
			t.Skipf("the module cache does not have the archives: %v", err)
		}
		sizes[line] = info.Size()
	}
	var sum int64
	for _, n := range sizes {
		sum += n
	}
	if sum > 60e6 || len(sizes) == 0 {
		t.Errorf("a first build downloads %.1f MB in %d modules: %v", float64(sum)/1e6, len(sizes), sizes)
	}
}

// TestNoMatrices: one quantile from gonum's stat/distuv would bring matrices, BLAS and LAPACK, a
// fifteenth of the CPU time of a first build. gonum's mathext and internal/student have quantiles.
func TestNoMatrices(t *testing.T) {
	t.Parallel()
	deps := strings.Fields(goOutput(t, "list", "-deps", "."))
	if !slices.Contains(deps, "gonum.org/v1/gonum/mathext") {
		t.Fatalf("gonum is not among the packages of the program: %q", deps)
	}
	if slices.Contains(deps, "gonum.org/v1/gonum/mat") {
		t.Error("the program has gonum's matrices; go list -deps -f '{{.ImportPath}} {{.Imports}}' ./cmd/loadgen says who imports them")
	}
}

// TestOneHTTP: net/http's client and server, and those of fasthttp, are a ninth of the program.
// Package fetch gets files, smallServer answers, and both need fasthttp's headers alone. fasthttp
// and sugarme's tokenizer import net/http for a few functions, so that little of it is linked.
func TestOneHTTP(t *testing.T) {
	t.Parallel()
	known := []string{"github.com/valyala/fasthttp", "github.com/sugarme/tokenizer"}
	var found []string
	for line := range strings.Lines(goOutput(t, "list", "-deps", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", ".")) {
		if names := strings.Fields(line); slices.Contains(names[1:], "net/http") {
			found = append(found, names[0])
		}
	}
	for _, name := range found {
		if !slices.Contains(known, name) {
			t.Errorf("%s imports net/http; package fetch gets files", name)
		}
	}
	if len(found) == 0 {
		t.Error("nothing imports net/http: the list of the program's packages cannot be right")
	}
	large := regexp.MustCompile(`\bfasthttp\.(Client|HostClient|PipelineClient|LBClient|Get\w*|Post\w*|Do\w*|Server|Serve\w*|ListenAndServe\w*|FS\w*)\b`)
	imports(t, func(from, to, file string) {
		if to != "github.com/valyala/fasthttp" {
			return
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := large.Find(text); name != nil {
			t.Errorf("%s uses %s, which makes the program much larger", file, name)
		}
	})
}

func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
