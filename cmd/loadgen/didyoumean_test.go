package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMigratingHints: what docs/migrating.md calls a flag of another tool is one of ours, too, or has a
// hint when it is typed by habit, as the page says.
func TestMigratingHints(t *testing.T) {
	page, err := os.ReadFile("../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	theirs := regexp.MustCompile("`(--?[a-zA-Z][a-z0-9-]*)")
	found := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.Contains(line, "back to the original") {
			continue
		}
		cell := cells[1]
		if len(theirs.FindAllString(cell, -1)) == 0 && !strings.Contains(cell, "`") {
			cell = cells[2] // of the table whose first column is the tool
		}
		for _, m := range theirs.FindAllStringSubmatch(cell, -1) {
			found++
			_, err := readWords([]string{m[1], "1"})
			if err != nil && !strings.HasPrefix(err.Error(), "argument "+m[1]+":") && meant(err, nil) == "" {
				t.Errorf("%s: no hint for %v", m[1], err)
			}
		}
	}
	if found < 50 {
		t.Errorf("%d flags are on the page", found)
	}
}

// TestHabits: what is typed by habit, and the hint.
func TestHabits(t *testing.T) {
	for line, want := range map[string]string{
		"-c64 -n5":                       "-c: did you mean --max-concurrency? -n: did you mean --num-prompts?",
		"-z30s":                          "did you mean --duration?",
		"--rate-type poisson":            "--request-rate R is poisson",
		"--data prompt_tokens=5":         "--random-input-len N",
		"--dataset-name custom":          "did you mean --dataset-name jsonl?",
		"--dataset-name mooncake_trace":  "did you mean --dataset-name trace?",
		"--request-rate-mode constant":   "--burstiness inf",
		"--arrival-smoothness 2":         "did you mean --burstiness?",
		"--request-rate-ramp-duration 5": "did you mean --ramp-up?",
		"--num-prompts 2k":               "did you mean --num-prompts 2000?",
		"--num-prompts k":                "--num-prompts takes a whole number; loadgen help --num-prompts says more",
		"--num-prompts 1e300":            "--num-prompts takes a whole number; loadgen help --num-prompts says more",
		"--request-rate nan/s":           "--request-rate takes a number; loadgen help --request-rate says more",
		"--request-rate 600/m":           "--request-rate takes a number; loadgen help --request-rate says more",
	} {
		_, err := readWords(strings.Fields(line))
		if err == nil || !strings.Contains(meant(err, nil), want) {
			t.Errorf("%s: %v", line, err)
			if err != nil {
				t.Log(meant(err, nil))
			}
		}
	}
}
