package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/golden"
)

// stored reads the results of directories.
func stored(t *testing.T, dirs ...string) (all []*Stored) {
	t.Helper()
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d files", dir, err, len(files))
		}
		for _, name := range files {
			s, err := ReadStored(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

func TestSummaryIsTheOrigins(t *testing.T) {
	dir := golden.Dir(t, "origin_results")
	want, err := os.ReadFile(filepath.Join(dir, "benchmark_summary.txt"))
	if err != nil {
		t.Fatal(err)
	}
	g := Groups(stored(t, filepath.Join(dir, "pytorch_hf"), filepath.Join(dir, "trt_engine")), Naming{})
	var out bytes.Buffer
	g[0].Summary(&out)
	if diff := cmp.Diff(string(want), out.String()); diff != "" || len(g) != 1 {
		t.Error(len(g), diff)
	}
}
