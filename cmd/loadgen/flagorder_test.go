package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestFlagsFirst(t *testing.T) {
	app := newApp(context.Background(), streams{lookup: os.LookupEnv})
	for _, c := range [][3]string{
		{"compare", "plan.yaml --dry-run", "--dry-run plan.yaml"},
		{"compare", "plan.yaml --gate p99_ttft_ms<=2 --results DIR", "--gate p99_ttft_ms<=2 --results DIR plan.yaml"},
		{"compare", "--results=DIR plan.yaml -dry-run", "--results=DIR -dry-run plan.yaml"},
		{"report", "DIR --format json", "--format json DIR"},
		{"report", "a.json --format", "--format a.json"},
		{"report", "--out x -- -odd.json b", "--out x -- -odd.json b"},
		{"report", "a - b", "a - b"},
		{"compare", "p --frobnicate", "--frobnicate p"},
	} {
		if got := strings.Join(flagsFirst(app.Command(c[0]), strings.Fields(c[1])), " "); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestWithUnits(t *testing.T) {
	c := newApp(t.Context(), streams{}).Command("sim")
	for text, want := range map[string]string{
		"--load-time 5 --port 5":        "--load-time 5s --port 5",
		"--load-time=0.5 --die-after 1": "--load-time=500ms --die-after 1s",
		"-load-time 1h30m":              "-load-time 1h30m0s",
		"--model --load-time x":         "--model --load-time x", // it is the model's name
		"--quiet -- --load-time 5":      "--quiet -- --load-time 5",
		"--load-time":                   "--load-time",
		"--load-time nan":               "",
		"--load-time=-1s":               "",
		"--load-time 1e10":              "",
	} {
		got, err := withUnits(c, strings.Fields(text))
		if (err != nil) != (want == "") || err == nil && strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}
