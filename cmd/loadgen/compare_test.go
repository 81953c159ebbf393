package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/pkg/report"
)

// minimal is a plan that says no more than it must.
const minimal = "sides: [{name: a, start: serve a}, {name: b, url: 'http://127.0.0.1:8001'}]\n"

func planOf(text string) (*comparePlan, error) {
	p := defaultPlan()
	return p, p.parse([]byte(text))
}

func TestPlansThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "sides: a comparison wants two or more",
		"sides: [{name: a}]":                    "two or more",
		"sidez: []":                             `line 1: there is no key "sidez" here`,
		minimal + "flags:\n  seed: 1\n  b: 2\n": "line 4: flags: the benchmark has no flag --b",
		minimal + "flags:\n  num-prompts: x":    "line 3: side \"a\": argument --num-prompts: invalid int value: 'x'",
		minimal + "flags: {max-concurrency: 3}": "line 2: flags: --max-concurrency is the comparison's own: use the plan's key levels",
		minimal + "flags: {num-prompts: 3, num_prompts: 4}":  "line 2: flags: --num-prompts is there already, in line 2",
		minimal + "flags: [a]":                               "line 2: want flags of the benchmark",
		minimal + "flags: {ignore-eos: 3}":                   "argument --ignore-eos",
		minimal + "flags: {seed: true}":                      "--seed wants a value",
		minimal + "flags: {seed: }":                          "--seed has no value",
		minimal + "flags: {seed: {a: b}}":                    "not a table",
		minimal + "levels: [16, x]":                          `line 2: "x" where a whole number is wanted`,
		minimal + "levels: 16":                               `line 2: "16" where a list of whole numbers is wanted`,
		minimal + "levels: [1.5]":                            `line 2: "1.5" where a whole number is wanted`,
		minimal + "\nrepeats: 2.5":                           `line 3: "2.5" where a whole number is wanted`,
		minimal + "repeats: 999999999":                       "repeats: 999999999 are 5999999994 runs",
		minimal + "gates: {a: b}":                            "line 2: a table where a list of texts is wanted",
		minimal + "---\nlevels: [1]":                         "line 2: a plan is one document",
		"sides: [{name: a, ready: 5m}, {name: b}]":           `line 1: "5m" where a table is wanted`,
		"sides: [{name: a, stop: {limits: 5m}}, {name: b}]":  `line 1: there is no key "limits" here`,
		minimal + "levels: [0]":                              "want concurrencies of 1 or more",
		minimal + "levels: []":                               "want concurrencies of 1 or more",
		minimal + "levels: [4, 4]":                           "4 is there twice",
		minimal + "repeats: 0":                               "want 1 or more",
		minimal + "order: random":                            `"random" is none of sides, interleaved and ABBA`,
		minimal + "cool_down: soon":                          `line 2: "soon" is no time`,
		minimal + "cool_down: -3s":                           "is no time",
		minimal + "gates: [mean_ttft<=3]":                    "there is no mean_ttft:",
		minimal + "results: ''":                              "want a directory",
		"sides: [{name: a}, {name: a}]":                      "another side has its name",
		"sides: [{name: a, dir: b}, {name: b}]":              "another side has its name or directory",
		"sides: [{name: a, dir: ../b}, {name: b}]":           "is no name of a directory",
		"sides: [{name: a/b}, {name: b}]":                    "name: want letters",
		"sides: [{name: a, url: localhost}, {name: b}]":      "is not of the form http://host:port",
		"sides: [{name: a, exec: docker exec x}, {name: b}]": "there is no start command",
		"sides: [{name: a, start: 'x \"y'}, {name: b}]":      "line 1: the command ends within a quotation",
		"sides: [{name: a, start: {x: y}}, {name: b}]":       "want a command",
		"sides: [{name: a, env: {'x=y': 1}}, {name: b}]":     "is no name of a variable",
		"sides: [{name: a, port: 1}, {name: b}]":             `there is no key "port" here`,
		"levels: [1\n":                                       "line ",
	} {
		if _, err := planOf(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "main.") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"a  b\tc\n":           {"a", "b", "c"},
		`a 'b c' "d e"f`:      {"a", "b c", "d ef"},
		`a\ b '' "x\"y\z" $X`: {"a b", "", `x"y\z`, "$X"},
		"":                    nil,
		`'a\b'`:               {`a\b`},
	} {
		if got, err := splitWords(text); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
}

// TestOrders: every run is there once, the sides' turns as the order says.
func TestOrders(t *testing.T) {
	for order, want := range map[string]string{
		"sides":       "a1 a2 a1' a2' b1 b2 b1' b2'",
		"interleaved": "a1 b1 a2 b2 a1' b1' a2' b2'",
		"ABBA":        "a1 b1 a2 b2 b1' a1' b2' a2'",
	} {
		p, err := planOf(minimal + "levels: [1, 2]\nrepeats: 2\norder: " + order)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range p.units() {
			got = append(got, p.Sides[u.side].Name+fmt.Sprint(p.Levels[u.level])+strings.Repeat("'", u.repeat))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
	}
}

// TestSeeds: each level and repeat has a seed of its own, and both sides the same.
func TestSeeds(t *testing.T) {
	p, err := planOf(minimal + "levels: [1, 2]\nrepeats: 2\nflags: {ignore-eos: true}")
	if err != nil {
		t.Fatal(err)
	}
	seeds := map[int]map[string]bool{}
	for _, u := range p.units() {
		argv, _ := p.unitArgv(u)
		cfg, err := parse(argv)
		if err != nil {
			t.Fatal(err)
		}
		if seeds[cfg.Seed] == nil {
			seeds[cfg.Seed] = map[string]bool{}
		}
		seeds[cfg.Seed][p.Sides[u.side].Name] = true
		if !cfg.NoTestInput || cfg.Warmup != 8 || !cfg.SaveDetailed || cfg.PercentileMetrics != "ttft,tpot,itl,e2el" || cfg.NumPrompts != 5*cfg.Concurrency() || !cfg.IgnoreEOS {
			t.Errorf("%q", argv)
		}
	}
	if len(seeds) != 4 || seeds[0] != nil || len(seeds[1]) != 2 {
		t.Errorf("%v", seeds)
	}
	if p, err = planOf(minimal + "levels: [1, 2]\nflags: {seed: 70, num-prompts: 9}"); err != nil {
		t.Fatal(err)
	}
	for _, u := range p.units() {
		argv, _ := p.unitArgv(u)
		if cfg, err := parse(argv); err != nil || cfg.Seed != 70+u.level || p.requests(u) != 9 {
			t.Errorf("%q: %v", argv, err)
		}
	}
	p.OriginSeeds, p.Flags = true, benchFlags{}
	for _, u := range p.units() {
		argv, _ := p.unitArgv(u)
		if cfg, err := parse(argv); err != nil || cfg.Seed != 0 || cfg.NoTestInput {
			t.Errorf("%q: %v", argv, err)
		}
	}
}

// TestDigests: results are another server's where it is started, or asked, in another way.
func TestDigests(t *testing.T) {
	seen := map[string]string{}
	for _, flags := range []string{"", "model: a", "model: b", "tokenizer: a", "header: ['A: b']", "header: ['A: c']"} {
		p, err := planOf(minimal + "levels: [1]\nflags: {" + flags + "}")
		if err != nil {
			t.Fatal(err)
		}
		argv, err := p.unitArgv(p.units()[0])
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := parse(argv)
		if err != nil {
			t.Fatal(err)
		}
		digest := p.Sides[0].digest(cfg)
		if before, found := seen[digest]; found {
			t.Errorf("%q and %q are the same", before, flags)
		}
		seen[digest] = flags
	}
}

// TestExamplePlans: the plan that --init writes and those of examples are right, and
// their dry runs name every request.
func TestExamplePlans(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal("there are no examples", err)
	}
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if _, stderr := compareOf(t, exitOK, "--init", mine); !strings.Contains(stderr, "wrote "+mine) {
		t.Error(stderr)
	}
	if _, stderr := compareOf(t, exitFailed, "--init", mine); !strings.Contains(stderr, "exists") {
		t.Error(stderr)
	}
	for _, name := range append(examples, mine) {
		out, _ := compareOf(t, exitOK, "--dry-run", name)
		for _, want := range []string{"trtllm-serve meta-llama", "concurrency 128: 640 requests\nloadgen --base-url http://127.0.0.1:8000 --max-concurrency 128 --num-prompts 640", "# 2080 requests in all, and 48 to warm up"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", name, want, out)
			}
		}
	}
}

// compareOf runs loadgen compare.
func compareOf(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(context.Background(), append([]string{"loadgen", "compare"}, args...), strings.NewReader(""), &out, &err); code != want {
		t.Fatalf("compare %v: exit %d, want %d: %s", args, code, want, err.String())
	}
	return out.String(), err.String()
}

func TestCompareRejects(t *testing.T) {
	for _, args := range [][]string{{}, {"--demo", "x.yaml"}, {"a.yaml", "b.yaml"}, {"--frobnicate"}, {"--demo", "--gate", "nonsense"}} {
		compareOf(t, exitUsage, args...)
	}
	compareOf(t, exitFailed, filepath.Join(t.TempDir(), "none.yaml"))
}

// simPlan writes a plan of simulated servers and returns its name and its results'.
func simPlan(t *testing.T, more string, sides ...string) (file, results string) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "loadgen") // processes that are left are found by it
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	results = filepath.Join(dir, "results")
	text := fmt.Sprintf("results: %s\nlevels: [2, 4]\ncool_down: 0s\nwarmup: 2\nflags: {dataset-name: random, random-ids: true, random-input-len: 16, random-output-len: 8, ignore-eos: true, tokenize-on-client: true}\n%s\nsides:\n", results, more)
	for i, flags := range sides {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		start := fmt.Sprintf("%s sim --quiet --host 127.0.0.1 --port %s %s", link, port, flags)
		if strings.HasPrefix(flags, "!") {
			start = strings.ReplaceAll(flags[1:], "PORT", port)
		}
		text += fmt.Sprintf("  - {name: s%d, url: 'http://127.0.0.1:%s', start: \"%s\", stop: {limit: 2s}, ready: {limit: 20s}}\n", i, port, start)
	}
	file = filepath.Join(dir, "plan.yaml")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return file, results
}

// compared runs loadgen compare as a process of its own.
func compared(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := command(append([]string{"compare"}, args...)...)
	cmd.Env = append(os.Environ(), "LOADGEN_AS_MAIN=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
	err := cmd.Wait()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if code != want {
		t.Fatalf("compare %v: exit %d, want %d\n%s\n%s", args, code, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// TestCompareAndResume compares two servers, each run's files being there, then
// again without a result and with other settings.
func TestCompareAndResume(t *testing.T) {
	t.Parallel()
	file, results := simPlan(t, "order: ABBA\nrepeats: 2", "", "--seed 2")
	out, stderr := compared(t, exitOK, file)
	for _, name := range []string{"compare.yaml", "benchmark_summary.txt", "benchmark_comparison.png", "benchmark_comparison.svg", "report.html", "report.md", "comparison.json",
		"s0/server.log", "s0/concurrency_2.json", "s0/concurrency_2.hlog", "s0/concurrency_4_repeat_2.json", "s1/concurrency_4.txt"} {
		if _, err := os.Stat(filepath.Join(results, name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(out, "s1 vs s0, concurrency 2, 4") || !strings.Contains(stderr, "[8/8] s0, concurrency 4, repeat 2: 20 requests; about ") || !strings.Contains(stderr, "Intervals") && !strings.Contains(out, "Intervals are made from the repeats") {
		t.Errorf("%s\n%s", out, stderr)
	}
	if _, stderr := compared(t, exitUsage, file); !strings.Contains(stderr, "--resume keeps what is whole") {
		t.Error(stderr)
	}
	if err := os.Remove(filepath.Join(results, "s1", "concurrency_4.json")); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(results, "s0", "concurrency_2.json")
	if err := os.WriteFile(half, []byte(`{"completed": 3, "dur`), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr = compared(t, exitOK, "--resume", file)
	if strings.Count(stderr, " is kept\n") != 6 || !strings.Contains(stderr, half+" is made again: there is none that can be read") || !strings.Contains(stderr, "[2/2] s1, concurrency 4, repeat 1: 20 requests") {
		t.Error(stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("random-output-len: 8"), []byte("random-output-len: 9"), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr = compared(t, exitOK, "--resume", file)
	if strings.Count(stderr, "is made again: it was made with --random-output-len 8, not 9") != 8 {
		t.Error(stderr)
	}
	stored, err := readFile(half)
	if err != nil || *stored.TotalOutputTokens != 90 {
		t.Error(err, stored)
	}
	// What cannot even begin leaves what is there.
	if err := os.WriteFile(file, bytes.Replace(text, []byte("random-output-len: 8"), []byte("random-output-len: 7, tokenizer: ./none"), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr = compared(t, exitFailed, "--resume", file)
	if stored, err := readFile(half); err != nil || *stored.TotalOutputTokens != 90 || !strings.Contains(stderr, "there are no results to report") {
		t.Errorf("%v %s", err, stderr)
	}
	// A plan that was only begun with another server does not make its results those
	// of that server, and what is not made anew is not in the report.
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("sim --quiet"), []byte("nothing --quiet")), 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, stderr = compared(t, exitFailed, "--resume", file)
		if strings.Count(stderr, "is made again: its server was started in another way") != 8 || !strings.Contains(stderr, "there are no results to report") || out != "" {
			t.Errorf("%s\n%s", out, stderr)
		}
	}
}

// TestServersThatFail: what goes wrong with a server is told, the other side's
// results are there, and nothing is left running.
func TestServersThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		side string
		exit int
		want string
	}{
		"no such command":  {"!no-such-server-anywhere", exitFailed, "s0 cannot be loaded: "},
		"dies at once":     {"!sh -c 'echo out of memory >&2; exit 3'", exitFailed, "out of memory"},
		"dies in a level":  {"--die-after 0.8s", exitFailed, " at concurrency "},
		"hangs at its end": {"--hang-on-stop", exitOK, "SIGTERM: killing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, results := simPlan(t, "prompts_per_concurrency: 30", c.side, "")
			_, stderr := compared(t, c.exit, file)
			if !strings.Contains(stderr, c.want) {
				t.Errorf("no %q in\n%s", c.want, stderr)
			}
			for _, level := range []string{"2", "4"} {
				if s, err := report.ReadStored(filepath.Join(results, "s1", "concurrency_"+level+".json")); err != nil || !s.Complete() {
					t.Errorf("the other side at %s: %v", level, err)
				}
			}
			noneLeft(t, filepath.Dir(results))
		})
	}
}

// TestCompareIsInterrupted: Ctrl-C stops the server and keeps what there is.
func TestCompareIsInterrupted(t *testing.T) {
	t.Parallel()
	file, results := simPlan(t, "prompts_per_concurrency: 2000", "", "")
	cmd := command("compare", file)
	cmd.Env = append(os.Environ(), "LOADGEN_AS_MAIN=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		// The run's text is there from its beginning.
		if text, err := os.ReadFile(filepath.Join(results, "s0", "concurrency_2.txt")); err == nil && strings.Contains(string(text), "Traffic request rate") {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("no run begins")
		}
	}
	time.Sleep(300 * time.Millisecond) // for some requests to be answered
	cmd.Process.Signal(syscall.SIGINT)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	f, err := readFile(filepath.Join(results, "s0", "concurrency_2.json"))
	if err != nil || *f.Completed < 1 || *f.Completed >= *f.NumPrompts {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	noneLeft(t, filepath.Dir(results))
}

// noneLeft checks that no process has the text in its command line.
func noneLeft(t *testing.T, text string) {
	t.Helper()
	left, err := exec.Command("pgrep", "-fl", text).Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("needs pgrep to see what is left")
	}
	if len(left) > 0 {
		t.Errorf("processes are left: %s", left)
	}
}

// TestDemo: the origin's two servers, simulated, and why they cannot be compared.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("forty seconds of what TestCompareAndResume does in part")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	out, stderr := compared(t, exitGate, "--demo", "--results", dir, "--gate", "mean_ttft_ms<=+900%")
	for _, want := range []string{ // a busy machine makes bursts at 16 too, and blurs the limit
		// until all that can be said is that loadgen itself came late
		`VOID for TTFT, E2EL, throughput at (16, )?64: TensorRT: about [789]\.\d (to [789]\.\d )?requests were served at a time`,
		`VOID for ITL at (16, )?64: PyTorch: delivery was coalesced`,
	} {
		if !regexp.MustCompile(want).MatchString(out) && !strings.Contains(stderr, "verdict client-limited") {
			t.Errorf("no %s in\n%s\n%s", want, out, stderr)
		}
	}
	if !strings.Contains(stderr, "mean_ttft_ms<=+900%: TensorRT at 16: void (") {
		t.Error(stderr)
	}
	var c struct {
		Comparisons []struct{ Reasons []struct{ Code string } }
	}
	text, err := os.ReadFile(filepath.Join(dir, "comparison.json"))
	if err != nil || json.Unmarshal(text, &c) != nil || len(c.Comparisons) != 1 || len(c.Comparisons[0].Reasons) < 2 {
		t.Errorf("%v %s", err, text)
	}
}
