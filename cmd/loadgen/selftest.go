package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/valyala/fasthttp"

	"loadgen/internal/argparse"
	"loadgen/internal/pyjson"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

const selftestHelp = `The simulator, in a process of its own, is the server: it knows when it wrote each token.
The load is that of the benchmark's flags (--max-concurrency, --request-rate, --num-prompts,
--random-input-len, --random-output-len, --transport, ...), or of a result file.

  --max-error MS   end with exit code 3 if a mean, median or p99 is off by more
  --profile NAME   the simulated engine's timing: ideal, origin-pytorch, origin-trt (default: ideal)
  --format FORMAT  text or json
  --quick          do not look for the machine's ceiling`

func selftestCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:            "selftest",
		Usage:           "compare what loadgen reports with the truth, on this machine",
		ArgsUsage:       "[RESULT.json] [the benchmark's flags]",
		Description:     selftestHelp,
		SkipFlagParsing: true, // they are the benchmark's, read by its rules
		Action: func(c *cli.Context) error {
			o, err := parseSelftest(c.Args().Slice())
			if errors.Is(err, argparse.ErrHelp) {
				fmt.Fprintf(s.out, "loadgen selftest - %s\n\n  loadgen selftest %s\n\n%s\n", c.Command.Usage, c.Command.ArgsUsage, selftestHelp)
				return nil
			}
			if err != nil {
				return usageError{err}
			}
			ctx, stop := withSignals(ctx, s.err)
			defer stop()
			err = o.run(ctx, s)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		},
	}
}

// selftest is a self-test to be made.
type selftest struct {
	cfg      *config
	profile  string
	json     bool
	quick    bool
	maxError float64 // ms; NaN for no gate
}

// parseSelftest reads the command line: the self-test's own flags, a result file,
// and the benchmark's flags.
func parseSelftest(args []string) (*selftest, error) {
	o := &selftest{profile: "ideal", maxError: math.NaN()}
	var rest []string
	var stored *result.File
	for i := 0; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		next := func() (string, error) {
			if has {
				return value, nil
			}
			if i++; i >= len(args) {
				return "", fmt.Errorf("argument %s: expected one argument", name)
			}
			return args[i], nil
		}
		var text string
		var err error
		switch name {
		case "--quick":
			o.quick = true
		case "--max-error":
			if text, err = next(); err == nil {
				if o.maxError, err = strconv.ParseFloat(text, 64); err != nil || !(o.maxError >= 0) {
					err = fmt.Errorf("argument --max-error: %q is no number of milliseconds, 0 or more", text)
				}
			}
		case "--profile":
			if o.profile, err = next(); err == nil {
				err = checkProfile(o.profile)
			}
		case "--format":
			if text, err = next(); err == nil && text != "text" && text != "json" {
				err = fmt.Errorf("argument --format: %q is neither text nor json", text)
			}
			o.json = text == "json"
		default:
			takesFile := i > 0 && (args[i-1] == "--result-filename" || args[i-1] == "--dataset-path" || args[i-1] == "--tokenizer")
			if strings.HasSuffix(name, ".json") && !has && stored == nil && !strings.HasPrefix(name, "-") && !takesFile {
				stored, err = readFile(name)
			} else {
				rest = append(rest, args[i])
			}
		}
		if err != nil {
			return nil, err
		}
	}
	cfg, err := parse(rest)
	if err != nil {
		return nil, err
	}
	o.cfg = cfg
	if stored != nil {
		cfg.likeStored(stored)
	}
	return o, nil
}

// likeStored makes the load that of a result file, where no flag says otherwise.
func (c *config) likeStored(f *result.File) {
	set := func(flag string, total *int, of int) {
		if c.given(flag) || total == nil || of == 0 {
			return
		}
		x := math.Round(float64(*total) / float64(of))
		if x < 1 || x > 1e9 {
			return
		}
		c.values[flag] = big.NewInt(int64(x))
		for _, f := range c.table {
			if f.Name == flag {
				assign(f.bind(c), c.values[flag])
			}
		}
	}
	completed := 0
	if f.Completed != nil {
		completed = *f.Completed
	}
	set("--num-prompts", f.NumPrompts, 1)
	set("--max-concurrency", f.MaxConcurrency, 1)
	set("--random-input-len", f.TotalInputTokens, completed)
	set("--random-output-len", f.TotalOutputTokens, completed)
	if rate := f.RequestRate; rate != nil && *rate > 0 && !c.given("--request-rate") {
		c.RequestRate = float64(*rate)
	}
	if f.Backend == "openai-chat" && !c.given("--backend") {
		c.Backend = f.Backend
	}
}

// readFile reads a result file.
func readFile(name string) (*result.File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := result.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// run makes the self-test and shows it.
func (o *selftest) run(ctx context.Context, s streams) error {
	t, err := o.measure(ctx, s)
	if err != nil {
		return err
	}
	if o.json {
		_, err = s.out.Write(append(pyjson.Append(nil, result.ObjectOf(selfTestSection(t))), '\n'))
	} else {
		t.WriteText(s.out)
	}
	if most := 1e3 * t.Most(); err == nil && most > o.maxError {
		err = gateMissed{fmt.Sprintf("--max-error %g: reported and true differ by up to %.3g ms", o.maxError, most)}
	}
	return err
}

// measure compares a run with its truth, and looks for the machine's ceiling.
func (o *selftest) measure(ctx context.Context, s streams) (*report.SelfTest, error) {
	run, err := o.against(ctx, s, o.profile, 1, o.cfg)
	if err != nil {
		return nil, err
	}
	cfg := run.plan.cfg
	t := &report.SelfTest{Concurrency: cfg.concurrency(), Requests: len(run.plan.requests), Input: cfg.RandomInputLen, Output: cfg.RandomOutputLen,
		Errors: run.reported.Minus(&run.truth), Verdict: string(run.judged.verdict.Level), CPUPerEvent: run.cpuPerEvent()}
	if !math.IsInf(cfg.RequestRate, 1) {
		t.Rate = cfg.RequestRate
	}
	if o.quick {
		return t, nil
	}
	return t, o.ceiling(ctx, s, t)
}

// Levels of the search for the machine's ceiling, and what counts as reached.
const (
	ceilingFrom  = 250
	ceilingTo    = 8000
	ceilingError = 2e-3 // of mean TTFT, and of p99 ITL, in seconds
)

// ceiling finds how many streams at once, events and requests a second there can
// be, the simulator taking its share of the machine.
func (o *selftest) ceiling(ctx context.Context, s streams, t *report.SelfTest) error {
	probe := func(concurrency, requests, in, out int, speed float64) (*selfRun, error) {
		cfg := *o.cfg
		cfg.MaxConcurrency, cfg.NumPrompts, cfg.RandomInputLen, cfg.RandomOutputLen = &concurrency, requests, in, out
		cfg.RequestRate = math.Inf(1)
		return o.against(ctx, s, "ideal", speed, &cfg)
	}
	flood, err := probe(64, 400, 16, 200, 1e4)
	if err != nil {
		return err
	}
	t.EventsPerSecond = float64(flood.events()) / flood.m.elapsed.Seconds()
	short, err := probe(64, 4000, 16, 1, 1e4)
	if err != nil {
		return err
	}
	t.RequestsPerSecond = float64(len(short.m.Results)) / short.m.elapsed.Seconds()
	for n := ceilingFrom; n <= ceilingTo; n *= 2 {
		run, err := probe(n, n, 16, 32, 1)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil { // out of files or ports: that is the ceiling
			break
		}
		off := run.reported.Minus(&run.truth)
		if math.Abs(off[metrics.TTFT].Mean) > ceilingError || math.Abs(off[metrics.ITL].P99) > ceilingError {
			break
		}
		t.Streams = n
	}
	return nil
}

// selfRun is a run against the simulator, and what that knows of it.
type selfRun struct {
	plan            *plan
	m               *measured
	judged          *judged
	reported, truth metrics.Values
}

func (r *selfRun) events() (n int) {
	for i := range r.m.Results {
		n += len(r.m.Results[i].Events)
	}
	return n
}

func (r *selfRun) cpuPerEvent() float64 {
	return (r.m.health.User + r.m.health.System).Seconds() / float64(max(r.events(), 1))
}

// against runs a load against a simulator of its own.
func (o *selftest) against(ctx context.Context, s streams, profile string, speed float64, given *config) (*selfRun, error) {
	url, stop, err := startSim(ctx, profile, s.err, "--quiet", "--speed", strconv.FormatFloat(speed, 'g', -1, 64))
	if err != nil {
		return nil, err
	}
	defer stop()
	cfg := given.forSelfTest(url)
	quiet := streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard, lookup: noProxies(s.lookup)}
	p := &plan{cfg: cfg, s: quiet, now: time.Now}
	defer p.close()
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	if err := p.testRequest(ctx); err != nil {
		return nil, err
	}
	m, err := p.measure(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := &selfRun{plan: p, m: m}
	for i := range m.Results {
		if m.Results[i].Err != nil {
			return nil, fmt.Errorf("a request of the self-test failed: %w", m.Results[i].Err)
		}
		r.reported.Add(m.Results[i].Start, metrics.Tokens(&m.Results[i]))
	}
	if _, r.judged, err = p.compute(m); err != nil {
		return nil, err
	}
	return r, r.askTruth(url, len(m.Results))
}

// askTruth asks the simulator for what really happened to the last n requests.
func (r *selfRun) askTruth(url string, n int) error {
	status, body, err := fasthttp.GetTimeout(nil, fmt.Sprintf("%s/sim/truth?last=%d", url, n), time.Minute)
	if err != nil || status != 200 {
		return fmt.Errorf("the simulator does not tell the truth: status %d, %w", status, err)
	}
	var v struct {
		Each []struct {
			Read   float64   `json:"read_s"`
			Events []float64 `json:"events_s"`
		}
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("the simulator's truth cannot be read: %w", err)
	}
	if len(v.Each) != n {
		return fmt.Errorf("the simulator knows of %d requests, and %d were sent", len(v.Each), n)
	}
	instant := func(seconds float64) time.Duration { return time.Duration(math.Round(seconds * 1e9)) }
	for _, one := range v.Each {
		var tokens []time.Duration
		for _, at := range one.Events {
			tokens = append(tokens, instant(at))
		}
		r.truth.Add(instant(one.Read), tokens)
	}
	return nil
}

// forSelfTest is the load of a configuration, against a simulator: random ids,
// whole lengths, no files.
func (c *config) forSelfTest(url string) *config {
	out := *c
	if !c.given("--random-input-len") && !c.given("--dataset-name") && out.RandomInputLen == newConfig().RandomInputLen {
		out.RandomInputLen = 512
	}
	if !c.given("--num-prompts") && out.NumPrompts == newConfig().NumPrompts {
		out.NumPrompts = 5 * max(c.concurrency(), 40)
	}
	builtin := "llama3"
	out.BaseURL, out.Sim, out.Model, out.ServedModelName, out.Tokenizer = &url, nil, nil, nil, &builtin
	out.DatasetName, out.DatasetPath, out.RandomIDs, out.IgnoreEOS = "random", nil, true, true
	out.SaveTimeline = nil
	out.SaveResult, out.SaveDetailed, out.DisableTqdm, out.Profile, out.NonStreaming, out.DryRun = false, false, true, false, false, false
	out.BodyPatch, out.LoRAModules, out.Header, out.WaitReady, out.Endpoint = nil, nil, nil, 0, "/v1/completions"
	out.Failures, out.SelfTest, out.Warmup, out.ServerMetrics = "strict", false, 0, false
	out.values = argparse.Values{"--dataset-name": "random"} // nothing is to be assumed
	return &out
}

// noProxies is an environment without proxies: the simulator is on this machine.
func noProxies(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if strings.HasSuffix(strings.ToLower(name), "_proxy") {
			return "", false
		}
		return lookup(name)
	}
}
