package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadgen/internal/compare"
)

// planFile writes a plan.
func planFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPlanFlags: a plan's flags are checked as the command line's are, with their line.
func TestPlanFlags(t *testing.T) {
	for text, want := range map[string]string{
		"flags:\n  seed: 1\n  b: 2\n":     "line 4: flags: the benchmark has no flag --b",
		"flags: {random-input-length: 2}": "did you mean random-input-len?",
		"flags: {concurrency: 2}":         "the benchmark has no flag --concurrency; the plan's key concurrencies sets it",
		"flags: {rate: 2}":                "the benchmark has no flag --rate; did you mean request-rate?",
		"ready: {limit: 5s}":              "unknown key \"ready\"; it is a key of each server",
		"ignore-eos: true":                "unknown key \"ignore-eos\"; flags of the benchmark go under \"flags\"",
		"flags:\n  num-prompts: x":        "line 3: flags: argument --num-prompts: invalid int value: 'x'",
		"flags: {max-concurrency: 3}":     "line 2: flags: --max-concurrency is set by the comparison: use the plan's key concurrencies",
		"flags: {ignore-eos: 3}":          "argument --ignore-eos",
		"flags: {seed: true}":             "--seed needs a value",
		"flags: {seed: }":                 "--seed has no value",
		"flags: {seed: {a: b}}":           "not a table",
		"flags: {header: SECRET}":         "argument --header",
		"gates: [mean_ttft<=3]":           "gates: ",
	} {
		_, err := compare.Read(planFile(t, minimal+text), compareBench{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestGatesThatCannotHold are refused before anything is run, with the reason.
func TestGatesThatCannotHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flags, gate, want string }{
		{"", "p99_ttft_ms<=9", "its percentile needs 500 or more requests, and 3 repeats of 80 make 240"},
		{"num-prompts: 200", "p99_ttft_ms<=9", ""},
		{"num-prompts: 200", "p99.9_ttft_ms<=9", "5000 or more"},
		{"", "p95_e2el_ms<=9", ""},
		{"", "request_goodput>=1", "it needs the flag goodput"},
		{"goodput: [ttft:200]", "request_goodput>=1", ""},
		{"non-streaming: true", "mean_ttft_ms<=9", "E2EL alone"},
		{"non-streaming: true", "loadgen.metrics.queue_ms.mean<=9", "E2EL alone"},
		{"non-streaming: true", "mean_e2el_ms<=9", ""},
		{"", "loadgen.server_metrics.queue_ms.mean<=9", "it needs the flag server-metrics"},
		{"server-metrics: true", "loadgen.server_metrics.queue_ms.mean<=9", ""},
		{"", "loadgen.gpu.energy_j<=+5%", "it needs the flag gpu-metrics"},
		{"strict-json: true", "loadgen.connections.opened<=9", "strict-json leaves"},
		{"", "max_ttft_ms<=9", "results of loadgen do not have it"},
		{"", "loadgen.metrics.queue_ms.p90<=9", "p90 is not among metric-percentiles (99)"},
		{"metric-percentiles: \"50,90\"", "loadgen.metrics.queue_ms.p90<=9", ""},
		{"num-prompts: 200", "loadgen.definitions.vllm.ttft_ms.p99<=9", ""},
		{"", "mean_first_wave_ttft_ms<=9", ""},
		{"num-prompts: 16", "mean_first_wave_ttft_ms<=9", "16 requests at concurrency 16 are one wave"},
		{"request-rate: 3", "loadgen.first_wave.ttft_ms.mean<=9", "runs with a request rate have no first wave"},
		{"num-prompts: 600", "loadgen.first_wave.ttft_ms.p99<=9", "needs 500 or more requests of the first wave, and 3 repeats of 16 make 48"},
	} {
		flags := ""
		if c.flags != "" {
			flags = "flags: {" + c.flags + "}\n"
		}
		_, err := compare.Read(planFile(t, minimal+"concurrencies: [16]\n"+flags+"gates: ['"+c.gate+"']\n"), compareBench{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s with %q: %v, want %q", c.gate, c.flags, err, c.want)
		}
	}
}

// TestSettled: what a comparison sets comes before the plan's flags, and these before the
// server's.
func TestSettled(t *testing.T) {
	seed := 7
	of := func(l compare.Load) *settledRun {
		t.Helper()
		l.URL, l.Concurrency, l.Requests, l.Dir, l.File = "http://h:1", 4, 20, "d", "f.json"
		run, err := compareBench{}.Settle(l)
		if err != nil {
			t.Fatal(err)
		}
		return run.(*settledRun)
	}
	r := of(compare.Load{Warmup: 8, Seed: &seed, Common: compare.NewFlags(map[string]any{"ignore-eos": true, "seed": 3})})
	if c := r.cfg; c.Seed != 7 || !c.NoTestInput || c.Warmup != 8 || !c.SaveDetailed || c.PercentileMetrics != "ttft,tpot,itl,e2el" || c.NumPrompts != 20 || *c.MaxConcurrency != 4 || !c.IgnoreEOS {
		t.Errorf("%q", r.argv)
	}
	r = of(compare.Load{TestInput: true, Common: compare.NewFlags(map[string]any{"num-prompts": 9, "model": "m"}), Own: compare.NewFlags(map[string]any{"model": "n"})})
	if c := r.cfg; c.Seed != 0 || c.NoTestInput || c.Warmup != 0 || r.Requests() != 9 || *c.Model != "n" {
		t.Errorf("%q", r.argv)
	}
}

// TestPlanSecrets: headers and passwords are in no command line that is shown.
func TestPlanSecrets(t *testing.T) {
	flags := compare.NewFlags(map[string]any{"header": []any{"x-api-key: SECRET1", "x-tenant: SECRET2"}})
	one := compare.NewFlags(map[string]any{"header": "x-one: SECRET3", "seed": 3})
	run, err := compareBench{}.Settle(compare.Load{URL: "http://u:SECRET4@h:1", Concurrency: 1, Requests: 1, Common: flags, Own: one})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprint(run.CommandLine(), compareBench{}.Mask(flags).Values(), compareBench{}.Mask(one).Values())
	if strings.Contains(shown, "SECRET") || !strings.Contains(shown, "x-tenant: ***") || !strings.Contains(shown, "http://u:***@h:1") {
		t.Error(shown)
	}
	if !strings.Contains(fmt.Sprint(run.Identity()), "[") || flags.Values()["header"].([]any)[0] != "x-api-key: SECRET1" {
		t.Error("masking changed the flags themselves")
	}
}

// TestExamplePlans: the plan that --init writes and those of examples are right, and repeat
// no mistake: all servers have the same batch limit, the gates' percentiles have enough
// requests, engines are of the last release that has them.
func TestExamplePlans(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) < 3 {
		t.Fatal("examples are missing", err)
	}
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if _, stderr := compareOf(t, exitOK, "--init", mine); !strings.Contains(stderr, "wrote "+mine) {
		t.Error(stderr)
	}
	if _, stderr := compareOf(t, exitFailed, "--init", mine); !strings.Contains(stderr, "exists") {
		t.Error(stderr)
	}
	batch := regexp.MustCompile(`--(?:max[-_]batch[-_]size|max-num-seqs|max-running-requests) (\d+)`)
	for _, name := range append(examples, mine) {
		out, _ := compareOf(t, exitOK, name, "--dry-run")
		if !regexp.MustCompile(`(?m)^# \d+ requests in all, and \d+ to warm up$`).MatchString(out) {
			t.Errorf("%s: %s", name, out)
		}
		p, err := compare.Read(name, compareBench{})
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Repeats < 3 || len(p.Gates) == 0 {
			t.Errorf("%s: %d repeats, gates %v", name, p.Repeats, p.Gates)
		}
		limits := map[string]bool{}
		for _, s := range p.Servers {
			command := strings.Join(s.Start, " ")
			m := batch.FindStringSubmatch(command)
			if m == nil {
				t.Errorf("%s: %s has no batch limit", name, s.Name)
				continue
			}
			limits[m[1]] = true
			if n, _ := strconv.Atoi(m[1]); n < slices.Max(p.Concurrencies) {
				t.Errorf("%s: %s decodes %d at a time", name, s.Name, n)
			}
			if strings.Contains(command, "--backend tensorrt") && !strings.Contains(s.Version, "1.2.1") {
				t.Errorf("%s: %s has an engine, but is not pinned to 1.2.1", name, s.Name)
			}
		}
		if len(limits) != 1 {
			t.Errorf("%s: batch limits %v", name, limits)
		}
		for _, g := range p.Gates {
			if m := regexp.MustCompile(`^p(\d+)_`).FindStringSubmatch(g); m != nil {
				q, _ := strconv.ParseFloat("0."+m[1], 64)
				if n, _ := p.Flags.Values()["num-prompts"].(int); float64(n) < 5/(1-q)-1e-6 {
					t.Errorf("%s: %s with %d requests", name, g, n)
				}
			}
		}
	}
}
