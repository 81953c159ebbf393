package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"loadgen/internal/faults"
)

// The load of a cell, and the limits that it must keep.
const (
	requests   = 10
	every      = 5
	timeLimit  = 25 * time.Second // --timeout is 3 s, and three requests follow one another
	memoryMost = 400 << 10        // KiB resident
	// timingMost is by how much the medians of good answers may be off on a busy machine.
	timingMost = 60 * time.Millisecond
)

// result is what a cell reads of a result file.
type result struct {
	Completed int
	Errors    []string
	TTFTs     []float64   `json:"ttfts"`
	ITLs      [][]float64 `json:"itls"`
	// OutputLens are the tokens counted of each answer.
	OutputLens  []int `json:"output_lens"`
	TotalOutput int   `json:"total_output_tokens"`
	Loadgen     struct {
		Requests    struct{ Planned, Sent int }
		ErrorBudget struct {
			BoundMS struct{ TTFT, ITL struct{ Bound float64 } } `json:"bound_ms"`
		} `json:"error_budget"`
		Failures struct {
			Total   int
			ByClass map[string]int `json:"by_class"`
		}
	}
}

// try runs a cell in a directory of its own; the error says what does not hold.
func try(ctx context.Context, binary, dir string, c cell) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	temporary, results := filepath.Join(dir, "tmp"), filepath.Join(dir, "results")
	for _, d := range []string{temporary, results} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	var server *faults.Server
	var url string
	if c.site != nil {
		at, stop, err := c.site.start(ctx, binary)
		if err != nil {
			return err
		}
		defer stop()
		url = at
	} else {
		var err error
		if server, err = faults.Start(c.fault, every); err != nil {
			return err
		}
		url = server.URL()
	}
	cmd := exec.CommandContext(ctx, binary, c.args(url, results)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Start()
	var peak int
	if failed == nil {
		stop := peakMemory(cmd.Process.Pid)
		failed = cmd.Wait()
		peak = stop()
	}
	problem := c.check(ctx, server, cmd, failed, results, temporary, stdout.String(), stderr.String())
	if problem == nil && peak > memoryMost {
		problem = fmt.Errorf("it took %d MB", peak>>10)
	}
	if server == nil {
		return problem
	}
	return errors.Join(problem, server.Close())
}

// peakMemory follows a process; stop returns the most that it had, in KiB, 0 where /proc
// does not say. The rusage of a child does not do: it begins with what its parent had.
func peakMemory(pid int) (stop func() int) {
	peak, over := 0, make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-over:
				tick.Stop()
				return
			case <-tick.C:
				text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
				_, after, _ := strings.Cut(string(text), "VmHWM:")
				var now int
				fmt.Sscan(after, &now)
				peak = max(peak, now)
			}
		}
	})
	return func() int {
		close(over)
		done.Wait()
		return peak
	}
}

func (c cell) args(url, results string) []string {
	args := strings.Fields("--model m --tokenizer llama3 --dataset-name random --random-ids --random-input-len 16 --random-output-len 8" +
		" --max-concurrency 4 --no-test-input --ignore-eos --disable-tqdm --percentile-metrics ttft,tpot,itl,e2el --save-result --save-detailed" +
		" --result-filename r.json --timeout 3 --idle-timeout 1")
	args = append(args, "--transport", c.transport, "--num-prompts", fmt.Sprint(requests), "--base-url", url, "--result-dir", results)
	for flag, on := range map[string]bool{"--backend=openai-chat": c.chat, "--non-streaming": c.whole, "--keep-alive": c.kept, "--failures=original": c.lenient} {
		if on {
			args = append(args, flag)
		}
	}
	return args
}

// check holds a cell's run to what every run must be.
func (c cell) check(ctx context.Context, server *faults.Server, cmd *exec.Cmd, failed error, results, temporary, stdout, stderr string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("not over after %v", timeLimit)
	}
	if strings.Contains(stderr, "panic:") || strings.Contains(stderr, "fatal error:") {
		return fmt.Errorf("it panicked: %s", stderr)
	}
	if strings.ContainsAny(stdout+stderr, "\x1b\x07") {
		return errors.New("escape sequences reach the terminal")
	}
	code := cmd.ProcessState.ExitCode()
	if failed != nil && (c.site == nil || code != 1) {
		return fmt.Errorf("%w: %s", failed, last(stderr))
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		return fmt.Errorf("it left %s in the temporary directory", left[0].Name())
	}
	written, err := os.ReadDir(results)
	if err != nil || len(written) != 2 {
		return fmt.Errorf("%d files were written, not r.json and r.hlog: %w", len(written), err)
	}
	text, err := os.ReadFile(filepath.Join(results, "r.json"))
	if err != nil {
		return err
	}
	if c.lenient { // the original's numbers are any that Python writes
		text = regexp.MustCompile(`: -?(Infinity|NaN)`).ReplaceAll(text, []byte(": 0"))
	}
	var r result
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("the result is not JSON: %w", err)
	}
	if c.site != nil {
		if err := c.checkSite(&r, code); err != nil {
			return fmt.Errorf("%w: %v, %s", err, r.Loadgen.Failures.ByClass, last(stderr))
		}
		return nil
	}
	if err := c.checkBooks(server, &r); err != nil {
		return fmt.Errorf("%w: %v, %s", err, r.Loadgen.Failures.ByClass, last(stderr))
	}
	return c.checkTimes(server, &r)
}

// last is the end of a text.
func last(text string) string { return text[max(0, len(text)-600):] }

// checkSite holds a run against a site to its outcome.
func (c cell) checkSite(r *result, code int) error {
	if err := r.balanced(requests); err != nil {
		return err
	}
	switch {
	case c.site.outcome == faults.Fails && r.Completed > 0, c.site.outcome == faults.Succeeds && r.Completed < requests:
		return fmt.Errorf("%d of %d completed", r.Completed, requests)
	case (code == 0) != (r.Completed > 0):
		return fmt.Errorf("exit code %d with %d completed", code, r.Completed)
	}
	for class := range r.Loadgen.Failures.ByClass {
		if c.site.class != "" && class != c.site.class {
			return fmt.Errorf("class %s, not %s", class, c.site.class)
		}
	}
	return nil
}

// balanced reports books that do not add up.
func (r *result) balanced(requests int) error {
	byClass := 0
	for _, n := range r.Loadgen.Failures.ByClass {
		byClass += n
	}
	if sent := r.Loadgen.Requests.Sent; sent != requests || r.Completed+byClass != sent || r.Loadgen.Failures.Total != byClass {
		return fmt.Errorf("%d sent, %d completed, %d failed, %d by class", sent, r.Completed, r.Loadgen.Failures.Total, byClass)
	}
	return nil
}

// checkBooks holds the counts to what the server knows.
func (c cell) checkBooks(server *faults.Server, r *result) error {
	if err := r.balanced(requests); err != nil {
		return err
	}
	sent := r.Loadgen.Requests.Sent
	_, faulty := server.Count()
	outcome := c.fault.Stream
	if c.whole {
		outcome = c.fault.Whole
	}
	switch least := sent - faulty; {
	case r.Completed < least:
		return fmt.Errorf("%d completed, though only %d got the fault", r.Completed, faulty)
	case c.lenient:
	case outcome == faults.Fails && r.Completed != least:
		return fmt.Errorf("%d completed: some of the %d with the fault count as successes", r.Completed, faulty)
	case outcome == faults.Succeeds && r.Completed != sent:
		return fmt.Errorf("%d completed: what should succeed with the fault does not", r.Completed)
	}
	return nil
}

// checkTimes holds the timings of good answers, in the median, to what the server knows.
func (c cell) checkTimes(server *faults.Server, r *result) error {
	if c.whole {
		return nil
	}
	return r.checkMedians(server, timingMost)
}

// timings are the TTFTs and the ITLs of successes.
func (r *result) timings() (first, gaps []float64) {
	for i, problem := range r.Errors {
		if problem == "" {
			first, gaps = append(first, r.TTFTs[i]), append(gaps, r.ITLs[i]...)
		}
	}
	return first, gaps
}

// checkMedians compares the medians of timings with those of the server's good answers. They
// may be off by most, or where loadgen says so by what it states: a busy machine is late.
func (r *result) checkMedians(server *faults.Server, most time.Duration) error {
	first, gaps := r.timings()
	var trueFirst, trueGaps []float64
	for _, t := range server.Truth() {
		trueFirst = append(trueFirst, t.First.Seconds())
		for _, g := range t.Gaps {
			trueGaps = append(trueGaps, g.Seconds())
		}
	}
	stated := r.Loadgen.ErrorBudget.BoundMS
	for _, m := range []struct {
		name      string
		got, want []float64
		stated    float64
	}{{"TTFT", first, trueFirst, stated.TTFT.Bound}, {"ITL", gaps, trueGaps, stated.ITL.Bound}} {
		if off := math.Abs(median(m.got) - median(m.want)); off > max(most.Seconds(), m.stated/1e3) {
			return fmt.Errorf("the median %s of successes is %.0f ms off, and loadgen states %.0f ms", m.name, 1e3*off, m.stated)
		}
	}
	return nil
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[len(x)/2]
}
