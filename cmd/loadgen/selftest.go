package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/analysis"
	"loadgen/internal/argparse"
	"loadgen/internal/bench"
	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/internal/selftest"
	"loadgen/internal/trtsim"
)

const selftestHelp = `The simulator, a separate process, is the server: it knows when it wrote each token.
The load is that of the benchmark's flags (--max-concurrency, --request-rate, --num-prompts,
--random-input-len, --random-output-len, --transport, ...), or of a result file. Next to each
metric's error is the measurement error that the run states of itself (bound). --require clean
ends with exit code 3 unless the run's verdict is clean and each error is within its bound (0.1 ms
more for the way between the processes).`

func selftestCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:            "selftest",
		Usage:           "compare what loadgen reports with the truth, on this machine",
		ArgsUsage:       "[RESULT.json] [the benchmark's flags]",
		Description:     selftestHelp,
		SkipFlagParsing: true, // they are the benchmark's, read by its rules
		Flags: []cli.Flag{
			&cli.Float64Flag{Name: "max-error", Usage: "end with exit code 3 if a mean, median or p99 is off by more than `MS`"},
			choice("sim-profile", "ideal", "the simulated engine's timing", trtsim.Profiles()...),
			choice("format", "text", "what standard output gets", outputs...),
			&cli.BoolFlag{Name: "quick", Usage: "do not look for the machine's ceiling"},
		},
		Action: func(c *cli.Context) error {
			o, err := parseSelftest(c.Args().Slice(), s)
			if errors.Is(err, argparse.ErrHelp) { // an abbreviation of it
				writeCommandHelp(s.out, c.Command)
				return nil
			}
			if err != nil {
				return usageError{err}
			}
			ctx, stop := orLeave(ctx, s.err, "ending the self-test")
			defer stop()
			err = o.run(ctx, s)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		},
	}
}

// selftestRun is a self-test to be made.
type selftestRun struct {
	cfg      *config
	profile  string
	json     bool
	quick    bool
	maxError float64 // ms; NaN for no gate
}

// parseSelftest reads the command line: the self-test's own flags, a result file,
// and the benchmark's flags.
func parseSelftest(args []string, s streams) (*selftestRun, error) {
	o := &selftestRun{profile: "ideal", maxError: math.NaN()}
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
			if o.quick = true; has {
				if o.quick, err = strconv.ParseBool(value); err != nil {
					err = fmt.Errorf("argument --quick: %q is neither true nor false", value)
				}
			}
		case "--max-error":
			if text, err = next(); err == nil {
				if o.maxError, err = strconv.ParseFloat(text, 64); err != nil || !(o.maxError >= 0 && o.maxError <= math.MaxFloat64) {
					err = fmt.Errorf("argument --max-error: %q is not a number of milliseconds, 0 or more", text)
				}
			}
		case "--sim-profile":
			if o.profile, err = next(); err == nil {
				err = checkProfile(o.profile)
			}
		case "--format":
			if text, err = next(); err == nil && text != "text" && text != "json" {
				err = fmt.Errorf("argument --format: %q is neither text nor json", text)
			}
			o.json = text == "json"
		default:
			if stored == nil && isResult(args[:i], args[i]) {
				stored, err = readFile(args[i])
			} else {
				rest = append(rest, args[i])
			}
		}
		if err != nil {
			return nil, err
		}
	}
	cfg, err := parseAll(rest, s)
	if err != nil {
		return nil, err
	}
	o.cfg = cfg
	if stored != nil {
		cfg.likeStored(stored)
	}
	return o, namesServer(rest)
}

// namesServer is the error of words that name a server, which a self-test would not ask. A
// variable may be meant for the benchmark.
func namesServer(words []string) error {
	given, err := readWords(words)
	for _, name := range otherServer("--sim") {
		if given[name] != nil {
			return fmt.Errorf("argument %s: a self-test tests loadgen, against a simulated server that knows the truth; it asks no other", name)
		}
	}
	return err
}

// isResult reports whether a word of the command line, after others, is a result file: one
// that there is, and not the value of a flag.
func isResult(before []string, word string) bool {
	if !strings.HasSuffix(word, ".json") || strings.HasPrefix(word, "-") {
		return false
	}
	if _, err := os.Stat(word); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	for i := len(before) - 1; i >= 0; i-- {
		if strings.HasPrefix(before[i], "-") {
			_, err := parse(append(slices.Clone(before[i:]), word))
			return err != nil // as a value of the flag it would be right
		}
	}
	return true
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

// load is the load of a command line: the bare run's lengths and number of requests
// where nothing else is said.
func (c *config) load() recording.Settings {
	s := c.Settings
	if !c.given("--random-input-len") && !c.given("--dataset-name") {
		s.RandomInputLen = 512
	}
	if !c.given("--num-prompts") {
		s.NumPrompts = 5 * max(c.Concurrency(), 40)
	}
	return s
}

// run makes the self-test and shows it.
func (o *selftestRun) run(ctx context.Context, s streams) error {
	tested := waiting(s, "testing this machine")
	t, err := selftest.Run(ctx, selftestOptions(s, thisSystem(), o.cfg.load(), o.profile, o.quick))
	tested()
	if err != nil {
		return err
	}
	if o.json {
		_, err = s.out.Write(append(pyjson.Append(nil, result.ObjectOf(t.Section())), '\n'))
	} else {
		t.WriteText(s.out)
	}
	most := 1e3 * t.Most()
	switch {
	case err != nil:
		return err
	case most > o.maxError:
		return gateMissed{fmt.Sprintf("--max-error %g: reported and true differ by up to %.3g ms", o.maxError, most)}
	case o.cfg.Require == nil:
		return nil
	}
	return requireClean(t.Verdict, t)
}

// requireClean is the gate that a verdict is clean, and that no error of a self-test, which may be
// nil, exceeds the bound that its run states.
func requireClean(verdict string, t *selftest.Table) error {
	var why []string
	if verdict != string(judge.Clean) {
		why = append(why, "the verdict is "+verdict)
	}
	if t != nil {
		for _, m := range t.Beyond() {
			why = append(why, fmt.Sprintf("the self-test's error exceeds its bound: %s is off by %.3g ms, and the bound is %.3g ms", strings.ToUpper(m.String()), 1e3*t.Minus[m].Most(), 1e3*t.Bounds[m].Most()))
		}
	}
	if len(why) > 0 {
		return gateMissed{"--require clean: " + strings.Join(why, "; ")}
	}
	return nil
}

// selftestOptions make a self-test of a load on this machine.
func selftestOptions(s streams, y system, load recording.Settings, profile string, quick bool) selftest.Options {
	o := selftest.Options{Bench: y.options(s), Load: load, Profile: profile, Quick: quick}
	o.Bench.Env = withoutProxies(s.lookup)
	o.Simulator = func(ctx context.Context, profile string, speed float64) (string, func() error, error) {
		return startSim(ctx, profile, s.err, "--quiet", "--speed", strconv.FormatFloat(speed, 'g', -1, 64))
	}
	return o
}

// selfTest makes the self-test that belongs to a run. A run without one is whole.
func (m *benchmark) selfTest(ctx context.Context, b *bench.Bench, a *analysis.Analysis) *selftest.Table {
	m.log("self-test: the same load against a simulated server")
	load := m.cfg.Settings
	load.RandomInputLen, load.RandomOutputLen = b.MeanLengths()
	load.NumPrompts = max(b.Requests(), 1)
	load.RandomRangeRatio, load.RandomPrefixLen = 0, 0 // the lengths are the run's means
	t, err := selftest.Run(ctx, selftestOptions(m.s, m.system, load, "ideal", true))
	if err != nil {
		a.Notes = append(a.Notes, judge.Finding{Code: "selftest_failed", Text: fmt.Sprintf("the self-test failed: %v", err)})
		return nil
	}
	t.WriteText(m.s.err)
	return t
}

// withoutProxies is an environment without proxies: the simulator is on this machine.
func withoutProxies(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if strings.HasSuffix(strings.ToLower(name), "_proxy") {
			return "", false
		}
		return lookup(name)
	}
}
