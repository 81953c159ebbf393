package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadgen/pkg/dataset"
)

// TestDatasetsPage runs the commands of docs/datasets.md as they stand: each prints the
// requests that it is asked for, and every data set has one.
func TestDatasetsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/datasets.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	seen := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		args := strings.Fields(line)
		if len(args) == 0 || args[0] != "loadgen" || !slices.Contains(args, "--dry-run") {
			continue
		}
		after := func(flag string) string { return args[slices.Index(args, flag)+1] }
		seen[after("--dataset-name")] = true
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("%s: exit %d: %s", strings.TrimSpace(line), code, stderr.String())
			continue
		}
		want, _ := strconv.Atoi(after("--num-prompts"))
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		if len(lines) != want+1 {
			t.Errorf("%s: %d requests", strings.TrimSpace(line), len(lines)-1)
		}
		for _, text := range lines[1:] {
			var r struct {
				In   int `json:"prompt_len"`
				Out  int `json:"output_len"`
				Body string
			}
			if err := json.Unmarshal([]byte(text), &r); err != nil || r.In < 1 || r.Out < 1 || !json.Valid([]byte(r.Body)) {
				t.Errorf("%s: %v: %.300s", strings.TrimSpace(line), err, text)
			}
		}
	}
	for _, name := range dataset.Names() {
		if !seen[name] {
			t.Errorf("no command shows %s", name)
		}
	}
}
