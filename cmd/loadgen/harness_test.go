package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadgen/internal/lazy"
	"loadgen/internal/result/resulttest"
)

// outcome is what a run printed and returned.
type outcome struct {
	exit           int
	stdout, stderr string
}

// runPlan runs a benchmark's command line against a server in memory.
func runPlan(t *testing.T, argv []string, env map[string]string, dial func(context.Context, string, string) (net.Conn, error)) outcome {
	t.Helper()
	var stderr bytes.Buffer
	got := runPlanTo(t, argv, env, dial, &stderr)
	got.stderr += stderr.String()
	return got
}

// runPlanTo is runPlan with its standard error.
func runPlanTo(t *testing.T, argv []string, env map[string]string, dial func(context.Context, string, string) (net.Conn, error), stderr io.Writer) outcome {
	t.Helper()
	var stdout bytes.Buffer
	s := streams{in: strings.NewReader(""), out: &stdout, err: stderr, lookup: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}
	cfg, err := parse(argv)
	if err != nil {
		return outcome{exitUsage, "", err.Error()}
	}
	err = (&benchmark{cfg: cfg, s: s, system: system{now: time.Now, dial: dial}}).run(context.Background())
	return outcome{exitCode(err, stderr), stdout.String(), ""}
}

// withTokenizer names the built-in tokenizer where the data's was a stand-in.
func withTokenizer(argv []string) []string {
	for _, word := range argv {
		if word == "--tokenizer" {
			return argv
		}
	}
	return append(argv[:len(argv):len(argv)], "--tokenizer", "llama3")
}

// written is in the results that this program writes, and in none that a test makes up.
var written = lazy.Regexp(`"loadgen": \{"schema": \d+, "version": "`)

// checkResults validates the result files in a directory and beneath it.
func checkResults(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !written.Get().Match(text) {
			return err
		}
		if err := resulttest.Check(text); err != nil {
			return fmt.Errorf("%s is not valid: %w", path, err)
		}
		return nil
	})
}

// readResultFile reads a result file that the program wrote, and validates it.
func readResultFile(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	resulttest.Validate(t, text)
	if !written.Get().Match(text) {
		t.Errorf("%s: checkResults does not know it for a result of this program", path)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// resultFile is what the tests read of a result file.
type resultFile struct {
	Duration   float64
	Completed  int
	OutputLens []int     `json:"output_lens"`
	TTFTs      []float64 `json:"ttfts"`
	ITLs       [][]float64
	E2ELs      []float64 `json:"e2els"`
	Texts      []string  `json:"generated_texts"`
	Errors     []string
	PerIter    json.RawMessage `json:"avg_decoded_tokens_per_iter"`
	Own        struct {
		Interrupted bool
		Failures    struct {
			ByClass  map[string]int `json:"by_class"`
			Original int            `json:"original_rule_total"`
		}
	} `json:"loadgen"`
}
