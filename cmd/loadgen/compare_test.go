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

	"loadgen/internal/server"
	"loadgen/pkg/report"
)

// minimal is a plan that says no more than it must.
const minimal = "servers: [{name: a, start: serve a}, {name: b, url: 'http://127.0.0.1:8001'}]\n"

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
	for _, args := range [][]string{{}, {"--demo", "x.yaml"}, {"a.yaml", "b.yaml"}, {"--frobnicate"}, {"--demo", "--gate", "nonsense"}, {filepath.Join(t.TempDir(), "none.yaml")}} {
		compareOf(t, exitUsage, args...)
	}
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
	t.Cleanup(func() {
		if err := checkResults(dir); err != nil {
			t.Error(err)
		}
	})
	text := fmt.Sprintf("results: %s\nconcurrencies: [2, 4]\ncool_down: 0s\nwarmup: 2\nflags: {dataset-name: random, random-ids: true, random-input-len: 16, random-output-len: 8, ignore-eos: true, tokenize-on-client: true}\n%s\nservers:\n", results, more)
	for i, flags := range sides {
		port, err := server.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		start := fmt.Sprintf("%s sim --quiet --host 127.0.0.1 --port %s %s", link, port, flags)
		if strings.HasPrefix(flags, "!") {
			start = strings.ReplaceAll(flags[1:], "PORT", port)
		}
		text += fmt.Sprintf("  - {name: s%d, url: 'http://127.0.0.1:%s', start: \"%s\", stop: {limit: 2s}, ready: {limit: 1m}}\n", i, port, start)
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

// TestCompareAndResume compares two servers, each run's files being there, then again
// without a result and with other settings.
func TestCompareAndResume(t *testing.T) {
	t.Parallel()
	file, results := simPlan(t, "order: ABBA\nrepeats: 2", "--speed 10", "--speed 10 --seed 2")
	out, stderr := compared(t, exitOK, file)
	for _, name := range []string{"compare.yaml", "benchmark_summary.txt", "benchmark_comparison.png", "report/benchmark_comparison.svg", "report/report.html", "report/report.md", "report/comparison.json",
		"s0/server.log", "s0/concurrency_2.json", "s0/concurrency_2.hlog", "s0/concurrency_4_repeat_2.json", "s1/concurrency_4.txt"} {
		if _, err := os.Stat(filepath.Join(results, name)); err != nil {
			t.Error(err)
		}
	}
	if out == "" || !strings.Contains(stderr, "[8/8] s0, concurrency 4, repeat 2: 20 requests; about ") {
		t.Errorf("%s\n%s", out, stderr)
	}
	if _, stderr := compared(t, exitUsage, file); !strings.Contains(stderr, "already exists; --resume keeps complete results, --overwrite replaces them") {
		t.Error(stderr)
	}
	half := filepath.Join(results, "s0", "concurrency_2.json")
	if err := os.WriteFile(half, []byte(`{"completed": 3, "dur`), 0o666); err != nil {
		t.Fatal(err)
	}
	judgedClean(t, results)
	_, stderr = compared(t, exitOK, file, "--resume")
	if strings.Count(stderr, " is kept\n") < 6 || !strings.Contains(stderr, half+" is made again: it cannot be read") {
		t.Error(stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Its tokens say that no prompt is as short: the run finds that when it makes them.
	if err := os.WriteFile(file, bytes.Replace(text, []byte("dataset-name: random"), []byte("dataset-name: sonnet, sonnet-input-len: 1, dataset-path: "+file), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	judgedClean(t, results)
	out, stderr = compared(t, exitFailed, "--resume", file)
	if strings.Count(stderr, "is made again: it was made with --dataset-name \"random\", not \"sonnet\"") != 8 || !strings.Contains(stderr, "there are no results to report") || out != "" {
		t.Errorf("%s\n%s", out, stderr)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("random-output-len: 8"), []byte("random-output-len: 9, num-prompts: 4"), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	judgedClean(t, results)
	_, stderr = compared(t, exitOK, "--resume", file)
	if strings.Count(stderr, "is made again: it was made with --num-prompts 10, not 4") != 4 {
		t.Error(stderr)
	}
	stored, err := readFile(half)
	if err != nil || *stored.TotalOutputTokens != 36 {
		t.Error(err, stored)
	}
}

// judgedClean has every result say that the client kept up: a busy machine may have kept it
// from that, and such a result would be made again.
func judgedClean(t *testing.T, results string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(results, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no results in %s: %v", results, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte(`"verdict": "client-limited"`), []byte(`"verdict": "clean"`), 1)
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServersThatFail: what goes wrong with a server is reported, the other server's
// results are there, and nothing is left running.
func TestServersThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server string
		exit   int
		want   string
	}{
		"no such command": {"!no-such-server-anywhere", exitFailed, "s0 cannot be loaded: "},
		"dies at once":    {"!sh -c 'echo out of memory >&2; exit 3'", exitFailed, "out of memory"},
		// A machine that is busy for 0.8 s has not begun to load it.
		"dies in a level":  {"--die-after 0.8s", exitFailed, " at concurrency |s0 cannot be loaded: "},
		"hangs at its end": {"--speed 10 --hang-on-stop", exitOK, "SIGTERM: killing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, results := simPlan(t, "prompts_per_concurrency: 8\nrepeats: 1\norder: servers", c.server, "--speed 10")
			_, stderr := compared(t, c.exit, file)
			if !regexp.MustCompile(c.want).MatchString(stderr) {
				t.Errorf("no %q in\n%s", c.want, stderr)
			}
			for _, level := range []string{"2", "4"} {
				if s, err := report.ReadStored(filepath.Join(results, "s1", "concurrency_"+level+".json")); err != nil || !s.Complete() {
					t.Errorf("the other server at %s: %v", level, err)
				}
			}
			noneLeft(t, filepath.Dir(results))
		})
	}
}

// TestCompareIsInterrupted: Ctrl-C stops the server and keeps what there is.
func TestCompareIsInterrupted(t *testing.T) {
	t.Parallel()
	file, results := simPlan(t, "prompts_per_concurrency: 2000\nrepeats: 1", "", "")
	cmd := command("compare", file, "--output", "json")
	cmd.Env = append(os.Environ(), "LOADGEN_AS_MAIN=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
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
	time.Sleep(2 * time.Second) // for some requests to be answered on a busy machine, of a run of a minute
	cmd.Process.Signal(syscall.SIGINT)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 || !strings.Contains(stderr.String(), "--resume goes on with what is left") {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	if out := stdout.String(); !strings.Contains(out, `"code": "partial_result"`) || !strings.HasSuffix(out, `"interrupted": true}`+"\n") {
		t.Errorf("standard output has %s", out)
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

// TestDemo: the origin's two servers, simulated, with repeats, and in under a minute.
func TestDemo(t *testing.T) {
	out, _ := compareOf(t, exitOK, "--demo", "--dry-run")
	for _, want := range []string{"sim --host 127.0.0.1 --port ", "--profile origin-pytorch", "--profile origin-trt", "TensorRT, concurrency 64, repeat 3: 128 requests", "# 12 runs; servers are started 6 times"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if os.Getenv("LOADGEN_DEMO") == "" {
		t.Skip("set LOADGEN_DEMO=1 for the demo itself, which takes most of a minute")
	}
	dir := filepath.Join(t.TempDir(), "demo")
	began := time.Now()
	out, stderr := compared(t, exitGate, "--demo", "--results", dir, "--gate", "mean_ttft_ms<=+900%")
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if !regexp.MustCompile(`TensorRT: about [789]\.\d(, [789]\.\d)? requests were served at a time`).MatchString(out) && !strings.Contains(stderr, "verdict client-limited") {
		t.Errorf("the batch limit is not found\n%s\n%s", out, stderr)
	}
	var c struct {
		Comparisons []struct{ Reasons []struct{ Code string } }
	}
	text, err := os.ReadFile(filepath.Join(dir, "report", "comparison.json"))
	if err != nil || json.Unmarshal(text, &c) != nil || len(c.Comparisons) != 1 || len(c.Comparisons[0].Reasons) < 1 {
		t.Errorf("%v %s", err, text)
	}
}
