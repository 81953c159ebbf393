package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

// reportOf runs loadgen report and returns what it writes.
func reportOf(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(context.Background(), append([]string{"loadgen", "report"}, args...), strings.NewReader(""), &out, &err); code != want {
		t.Fatalf("report %v: exit %d, want %d: %s", args, code, want, err.String())
	}
	return out.String(), err.String()
}

// TestReportAcrossClients: results of the original, loadgen and vLLM's client from one
// server are compared on purpose only; then only the first wave differs, and what they do
// not define or measure alike is named.
func TestReportAcrossClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for side, pattern := range map[string]string{"orig": "orig_%d_2", "lg": "lg_%d_2", "vb": "vb_%d_1"} {
		for _, c := range []int{16, 64, 128} {
			in, err := os.Open(filepath.Join("../../testdata/real/clients", fmt.Sprintf(pattern, c)+".json.gz"))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(plain)
			name := filepath.Join(dir, side, fmt.Sprintf("concurrency_%d.json", c))
			if err := errors.Join(err, in.Close(), os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, text, 0o666)); err != nil {
				t.Fatal(err)
			}
		}
	}
	orig, lg, vb := filepath.Join(dir, "orig"), filepath.Join(dir, "lg"), filepath.Join(dir, "vb")
	out, _ := reportOf(t, 0, orig, lg)
	if want := "No winner can be named: lg was measured by another client. Next: --across-clients "; !strings.HasPrefix(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	out, _ = reportOf(t, 0, "--across-clients", orig, lg, vb)
	first, _, _ := strings.Cut(out, "\n")
	if !strings.HasPrefix(first, "lg vs orig: 1.1") || !strings.Contains(first, "x faster to the first token in the first wave at concurrency 128. vb vs orig: ") || !strings.Contains(first, "Not comparable: ITL at concurrency 128.") {
		t.Errorf("the answer is %q", first)
	}
	for _, want := range []string{"\nbenchmark_serving does not state its measurement error.\n", "\nvllm does not state its measurement error.\n", "\nVOID for ITL at 128: lg: ", "\nVOID for ITL at 128: vb: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\nVOID"); n != 2 {
		t.Errorf("%d reasons against comparing, want 2:\n%s", n, out)
	}
	csv, _ := reportOf(t, 0, "--across-clients", "--format", "csv", orig, lg)
	for line := range strings.Lines(csv) {
		cells := strings.Split(line, ",")
		if significant := cells[10] == "true"; significant != (cells[0] == "lg" && cells[2] == "mean_first_wave_ttft_ms" && cells[1] != "16") {
			t.Errorf("significant %v: %s", significant, line)
		}
	}
}

// TestReportFindsWhatTheOriginsResultsAllow: the engine side was limited to a
// batch, the other side's delivery was coalesced, and nothing else.
func TestReportFindsWhatTheOriginsResultsAllow(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"trt_engine/concurrency_16.json": "batch_limited", "trt_engine/concurrency_64.json": "batch_limited", "trt_engine/concurrency_128.json": "batch_limited",
		"pytorch_hf/concurrency_64.json": "coalesced", "pytorch_hf/concurrency_128.json": "coalesced",
	}
	dir := golden.Dir(t, "origin_results")
	out, _ := reportOf(t, 0, "--format", "json", dir)
	files := 0
	for line := range strings.Lines(out) {
		var v struct {
			File     string
			Findings []struct {
				Code    string
				Figures struct{ Served float64 }
			}
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		files++
		name, _ := filepath.Rel(dir, v.File)
		code := ""
		for _, f := range v.Findings {
			code += f.Code
			if f.Code == "batch_limited" && (f.Figures.Served < 7 || f.Figures.Served > 8) {
				t.Errorf("%s: %v are served at a time, want 7 to 8", name, f.Figures.Served)
			}
		}
		if code != want[name] {
			t.Errorf("%s: finds %q, want %q", name, code, want[name])
		}
	}
	if files < 15 {
		t.Errorf("%d files, want 15", files)
	}
}

func TestReportReadsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	odd := write("odd.json", `{"model_id": "NaN \" Infinity", "num_prompts": 4, "completed": 3, "duration": 2.0, "total_output_tokens": 30, "mean_ttft_ms": NaN, "p99_ttft_ms": -Infinity, "request_rate": Infinity}`)
	detailed := write("detailed.json", `{"num_prompts": 3, "completed": 2, "duration": 2.0, "ttfts": [0.1, 0.0, 0.3], "itls": [[0.01, 0.03], [], [0.02, 0.02]], "output_lens": [3, 0, 3], "errors": ["", "x", ""]}`)
	out, stderr := reportOf(t, 1, odd, write("half.json", `{"completed": 3, "dur`), write("other.json", `{"a": 1}`), filepath.Join(dir, "none.json"), write("list.json", "[1]"), detailed)
	for _, want := range []string{"half.json: not a result file", "other.json: not a result file of a known program: it has no completed", "list.json: not a result file of a known program: it holds no JSON object\n", "none.json"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr has no %q:\n%s", want, stderr)
		}
	}
	for _, want := range []string{`NaN " Infinity, 3 of 4 requests completed in 2.00 s`, "finding failures: 1 of 4", "TTFT       200.00     200.00     100.00     298.00", "TPOT        20.00", "E2EL       240.00"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	to := filepath.Join(dir, "out.txt")
	if out, _ := reportOf(t, 0, "--out", to, odd); out != "" {
		t.Errorf("%q is written beside --out", out)
	}
	if text, err := os.ReadFile(to); err != nil || !strings.Contains(string(text), "odd.json") {
		t.Errorf("%q %v", text, err)
	}
	for name, begin := range map[string]string{"a.json": `{"comparisons": [{"sides": ["`, "a.csv": "side,level,figure", "a.html": "<!doctype html>", "a.md": "# ", "a.png": "\x89PNG", "a.svg": "<svg "} {
		to := filepath.Join(dir, name)
		reportOf(t, 0, "--out", to, odd)
		if text, err := os.ReadFile(to); err != nil || !strings.HasPrefix(strings.TrimSpace(string(text)), begin) {
			t.Errorf("%s: %.60q %v", name, text, err)
		}
	}
	reportOf(t, 0, "--format", "json", "--out", to, odd)
	if text, err := os.ReadFile(to); err != nil || !strings.HasPrefix(string(text), `{"file": `) {
		t.Errorf("%.60q %v", text, err)
	}
	reportOf(t, 2, "--out", filepath.Join(dir, "a.pdf"), odd)
	reportOf(t, 2)
	reportOf(t, 2, "--format", "xml", odd)
	if out, _ := reportOf(t, 0, odd, "--format", "json"); !strings.HasPrefix(out, `{"file": `) {
		t.Errorf("%.60q with a flag after the file", out)
	}
	reportOf(t, 1, t.TempDir())
}
