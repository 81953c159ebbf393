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
