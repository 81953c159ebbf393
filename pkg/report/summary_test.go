package report

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// TestSummaryInventsNothing: the hardware is the user's, or that of the runs themselves,
// whatever directories are called; and a line at the end says what is not comparable.
func TestSummaryInventsNothing(t *testing.T) {
	dir := golden.Dir(t, "origin_results")
	want, err := os.ReadFile(filepath.Join(dir, "benchmark_summary.txt"))
	if err != nil {
		t.Fatal(err)
	}
	summary := func(dir string, n Naming) string {
		t.Helper()
		var out bytes.Buffer
		Groups(stored(t, filepath.Join(dir, "pytorch_hf"), filepath.Join(dir, "trt_engine")), n)[0].Summary(&out)
		return out.String()
	}
	// Other runs: with another key of that name.
	others := func(key, with string) string {
		other := t.TempDir()
		for _, variant := range []string{"pytorch_hf", "trt_engine"} {
			for _, c := range []string{"16", "64", "128"} {
				name := filepath.Join(variant, "concurrency_"+c+".json")
				text, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				text = bytes.Replace(text, []byte(key), []byte(with), 1)
				if err := errors.Join(os.MkdirAll(filepath.Join(other, variant), 0o777), os.WriteFile(filepath.Join(other, name), text, 0o666)); err != nil {
					t.Fatal(err)
				}
			}
		}
		return other
	}
	other := others(`"date": "2025`, `"date": "2026`)
	for _, of := range []string{other, others(`"duration": `, `"duration": 1`)} {
		if unnamed := summary(of, Naming{}); strings.Contains(unnamed, "Hardware") || strings.Contains(unnamed, "H200") || strings.Contains(unnamed, "TP=2") {
			t.Errorf("hardware is invented:\n%s", unnamed)
		}
	}
	named := summary(other, Naming{Hardware: "2x H200 GPUs", Configuration: "TP=2"})
	rest, same := strings.CutPrefix(named, string(want))
	if !same || !strings.HasPrefix(rest, "NOT COMPARABLE: TTFT, E2EL, throughput at 16, 64, 128 (TensorRT Engine ran with a batch limit of about 7.5, 7.7, 7.3); TPOT, ITL at 16, 64, 128 (") || strings.Count(rest, "\n") != 1 {
		t.Errorf("with the hardware it is not the origin's text and a line more:\n%s", named)
	}
	// The same runs under other names have the text of their directories, and their hardware.
	var out bytes.Buffer
	Groups(stored(t, filepath.Join(dir, "pytorch_hf"), filepath.Join(dir, "trt_engine")), Naming{Labels: map[string]string{"pytorch_hf": "P"}})[0].Summary(&out)
	if !strings.Contains(out.String(), "Hardware: 2x H200 GPUs") || strings.Contains(out.String(), "NOT COMPARABLE") {
		t.Error(out.String())
	}
	two := Groups(writtenResults(t, map[string]string{"a/x.json": made(4, ""), "b/x.json": strings.Replace(made(4, ""), `"m"`, `"org/n"`, 1)}), Naming{})[0]
	if two.model() != "m / n" {
		t.Errorf("two models are called %q", two.model())
	}
}
