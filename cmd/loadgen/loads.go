package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"loadgen/internal/bench"
	"loadgen/internal/compare"
	"loadgen/internal/lazy"
	"loadgen/internal/outfile"
	"loadgen/internal/result"
	"loadgen/internal/sweep"
	"loadgen/pkg/report"
)

// loadRuns make runs of the benchmark at one load after the other, each with a result file in
// one directory, from which an interrupted series goes on.
type loadRuns struct {
	s      streams
	argv   []string // the benchmark's flags
	dir    string
	resume bool
	dry    bool // say what would be done, and send nothing

	before []string // further flags of the benchmark, unless others are given

	saved  savedLoads
	seed   int     // where a flag names one
	seeded bool    // it does
	steps  bool    // prompts are random ids, whose step each run may have of its own
	sim    string  // the simulator's profile, where it is the server
	url    string  // where that listens
	spent  float64 // seconds of the runs that were made, not kept
	kept   int
}

// savedLoads is what the directory has of its runs besides the results.
type savedLoads struct {
	Seed      int    `yaml:"seed"`       // prompts are drawn from it, by load and run
	ResumeKey string `yaml:"resume_key"` // of the digests by which the server is known again
}

// savedLoadsName is its file. It is no .json, as results are.
const savedLoadsName = "loads.yaml"

// endingSeries is what happens at the first signal.
const endingSeries = "ending the open requests; --resume goes on with what is left"

// setByLoads are the benchmark's flags that a series of runs sets itself, and what to use.
var setByLoads = map[string]string{
	"--num-prompts": "--min-requests and --max-requests", "--result-dir": "--results", "--result-filename": "--results",
}

// singleRuns are flags that have no meaning for a series of runs.
var singleRuns = []string{"--dry-run", "--distinct-prompts", "--drain", "--duration", "--live", "--ramp-up", "--ramp-up-end-rps", "--ramp-up-start-rps", "--ramp-up-strategy",
	"--require", "--stagger", "--save-requests", "--save-timeline", "--selftest", "--stages"}

// newLoadRuns checks the benchmark's flags before anything is sent; loads are the flags that
// say which loads are made.
func newLoadRuns(ctx context.Context, s streams, argv []string, dir string, like sweep.Load, loads string) (*loadRuns, error) {
	l := &loadRuns{s: s, argv: argv, dir: dir}
	cfg, err := parseAll(argv, s)
	if err != nil {
		return nil, err
	}
	for _, d := range [][]string{{"--percentile-metrics", "ttft,tpot,itl,e2el"}, {"--no-test-input"}, {"--warmup", "8"}} {
		if !cfg.given(d[0]) {
			l.before = append(l.before, d...)
		}
	}
	for _, f := range cfg.table {
		if !cfg.given(f.Name) {
			continue
		}
		use := setByLoads[f.Name]
		if f.Name == "--request-rate" || f.Name == "--max-concurrency" && like.Concurrency > 0 { // which bounds a rate
			use = loads
		}
		switch {
		case use != "":
			return nil, fmt.Errorf("argument %s: it is set for each run: use %s", f.Name, use)
		case f.aside && f.Name != configFlag && f.Name != logFormatFlag, f.shared(), slices.Contains(singleRuns, f.Name):
			return nil, fmt.Errorf("argument %s: it is for single runs", f.Name)
		}
	}
	if cfg.NonStreaming {
		return nil, errors.New("argument --non-streaming: answers that come whole have no TTFT and no ITL")
	}
	l.seed, l.seeded = cfg.Seed, cfg.given("--seed")
	named := cfg.given("--dataset-name") || cfg.given("--dataset-path")
	l.steps = !cfg.given("--random-id-step") && (!named || cfg.DatasetName == "random" && cfg.RandomIDs)
	run, err := l.settle(sweep.Ask{Load: like, Requests: 1})
	if err != nil {
		return nil, err
	}
	run.cfg.assume()
	err = run.cfg.checkValues(s)
	if line := run.cfg.noEffect(); err == nil && line != "" {
		fmt.Fprintf(s.err, "loadgen: %s\n", line)
	}
	if err != nil || run.cfg.DatasetPath == nil {
		return l, err
	}
	defer waiting(s, "reading the data set "+*run.cfg.DatasetPath)()
	return l, bench.CheckDataset(ctx, &run.cfg.Settings) // once for all runs
}

// seriesFlags are those of each series of runs, whose results go to a directory.
func seriesFlags(results string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "results", Value: results, Usage: "write to `DIR`"},
		&cli.BoolFlag{Name: "resume", Usage: "keep complete results that were made with the same settings and by a client that kept up"},
		&cli.BoolFlag{Name: "overwrite", Usage: "replace results that exist"},
		&cli.BoolFlag{Name: "dry-run", Usage: "print which runs would be made, and send nothing"},
		choice("output", "text", "what standard output gets, one object for json", outputs...),
	}
}

// begun prepares a series: the directory, signals, and the simulator where it is the server.
// end ends what was begun.
func (l *loadRuns) begun(parent context.Context, resume, overwrite bool) (ctx context.Context, end func(), err error) {
	limitMemory(l.s.env)
	if err := l.begin(resume, overwrite); err != nil {
		return nil, nil, err
	}
	ctx, stop := orLeave(parent, l.s.err, endingSeries)
	stopSim, err := l.start(ctx)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return ctx, func() { _ = stopSim(); stop() }, nil
}

var loadResult = lazy.Regexp(`^(concurrency|rate)_[0-9.e+-]+?(_repeat_\d+)?\.(json|hlog|txt|pytorch\.json)$`)

// begin prepares the directory: its results are kept, replaced, or the error.
func (l *loadRuns) begin(resume, overwrite bool) error {
	l.resume = resume
	there, err := resultsOf(l.dir)
	if err != nil {
		return err
	}
	if len(there) > 0 && !resume && !overwrite {
		return usageError{fmt.Errorf("%s already exists; --resume keeps complete results, --overwrite replaces them, --results DIR writes elsewhere", there[0])}
	}
	release, err := outfile.Prove(filepath.Join(l.dir, savedLoadsName))
	if err != nil {
		return elsewhereHint(err)
	}
	release()
	path := filepath.Join(l.dir, savedLoadsName)
	if text, err := os.ReadFile(path); err == nil && resume {
		if err := yaml.Unmarshal(text, &l.saved); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if !resume {
		for _, path := range there {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	if l.saved.ResumeKey == "" {
		var drawn [4]byte
		rand.Read(drawn[:])
		l.saved = savedLoads{Seed: int(drawn[0]&0x7f)<<24 | int(drawn[1])<<16 | int(drawn[2])<<8 | int(drawn[3]), ResumeKey: rand.Text()}
	}
	if l.seeded {
		l.saved.Seed = l.seed
	}
	text, err := yaml.Marshal(l.saved)
	if err != nil {
		return err
	}
	return outfile.WritePrivate(path, text)
}

// resultsOf are the files of an earlier series in a directory.
func resultsOf(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if loadResult.Get().MatchString(e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// settle is a run with all its settings. Prompts differ between loads and runs, as servers
// keep those that they have seen.
func (l *loadRuns) settle(a sweep.Ask) (*settledRun, error) {
	at := a.Load
	name := at.FileName(a.Number)
	seed, step := sweep.Prompts(l.saved.Seed, name)
	argv := slices.Concat(l.before, l.argv)
	if at.Concurrency > 0 {
		argv = append(argv, "--max-concurrency", strconv.Itoa(at.Concurrency))
		if a.Stagger > 0 {
			argv = append(argv, "--stagger", strconv.FormatFloat(a.Stagger, 'f', 6, 64))
		}
	} else {
		argv = append(argv, "--request-rate", strconv.FormatFloat(at.Rate, 'g', -1, 64))
	}
	argv = append(argv, "--num-prompts", strconv.Itoa(a.Requests), "--seed", strconv.Itoa(seed), "--save-result", "--save-detailed",
		"--result-dir", l.dir, "--result-filename", name, "--disable-tqdm")
	if l.steps {
		argv = append(argv, "--random-id-step", strconv.Itoa(step))
	}
	cfg, err := parseAll(argv, l.s)
	if err != nil {
		return nil, err
	}
	cfg.repeated = true
	if cfg.Sim != nil && l.url != "" {
		cfg.Sim, cfg.BaseURL = nil, &l.url
	}
	return &settledRun{l.s, cfg, argv, filepath.Join(l.dir, name)}, nil
}

// start starts the simulator where it is the server.
func (l *loadRuns) start(ctx context.Context) (stop func() error, err error) {
	cfg, err := parseAll(l.argv, l.s)
	if err != nil || cfg.Sim == nil {
		return func() error { return nil }, err
	}
	l.sim = *cfg.Sim
	l.url, stop, err = startSim(ctx, *cfg.Sim, l.s.err)
	return stop, err
}

// identity is the digest of the server that a run loads.
func (l *loadRuns) identity(run *settledRun) string {
	cfg := run.cfg
	server := cfg.server()
	if l.url != "" {
		server = "sim " + l.sim
	}
	return compare.Digest(l.saved.ResumeKey, append(run.Identity(), server)...)
}

// measure makes a run, or keeps its result. Its console text goes to a file next to its result.
func (l *loadRuns) measure(ctx context.Context, a sweep.Ask) (*sweep.Run, error) {
	r, err := l.settle(a)
	if err != nil {
		return nil, err
	}
	if l.resume && exists(r.path) {
		why := l.outdated(r)
		if why == "" {
			l.kept++
			return l.read(r.path)
		}
		fmt.Fprintf(l.s.err, "loadgen: %s is made again: %s\n", r.path, why)
	}
	if err := r.CheckOutput(); err != nil {
		return nil, err
	}
	digest := l.identity(r)
	var text, said bytes.Buffer
	r.s.err = &said
	done := waiting(l.s, fmt.Sprintf("%s, run %d: %d requests", a.Load.Words(), a.Number+1, a.Requests))
	err = r.Run(ctx, &text, func() *result.Server { return &result.Server{Plan: digest} })
	done()
	text.Write(said.Bytes())
	if failed := outfile.Write(strings.TrimSuffix(r.path, ".json")+".txt", func(w io.Writer) error { _, err := w.Write(text.Bytes()); return err }); failed != nil && err == nil {
		err = failed
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		fmt.Fprint(l.s.err, said.String())
		return nil, l.why(err, r.path)
	}
	out, err := l.read(r.path)
	if err == nil {
		l.spent += out.Seconds
		if out.Failed > 0 {
			err = l.gone(r.path)
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// why is the error of a run that brought nothing: that the server was gone, where it was.
func (l *loadRuns) why(err error, path string) error {
	if errors.Is(err, compare.ErrAllFailed) {
		if gone := l.gone(path); gone != nil {
			return gone
		}
	}
	return err
}

// gone is the error of a run at whose end the server was gone: its failures say nothing of the load.
func (l *loadRuns) gone(path string) error {
	f, err := readFile(path)
	if err != nil || f.Loadgen == nil {
		return err
	}
	for _, n := range f.Loadgen.Notes {
		if n.Code == bench.ServerGone {
			return errors.New(n.Text)
		}
	}
	return nil
}

// reportDir is where the report of the series goes.
func (l *loadRuns) reportDir() string { return filepath.Join(l.dir, report.DirectoryName) }

func (l *loadRuns) read(path string) (*sweep.Run, error) {
	f, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return sweep.FromFile(f), nil
}

// outdated reports why the result of a run cannot be kept; "" if it can. How many requests it
// has does not matter.
func (l *loadRuns) outdated(r *settledRun) string {
	stored, err := r.storedBut("--num-prompts", "--sim", "--stagger")
	switch {
	case err != nil:
		return "it cannot be read"
	case !stored.Complete:
		return "it is not complete"
	case stored.ClientLimited:
		return "the client could not keep up"
	case stored.Server != l.identity(r):
		return "its server was another, or asked for another model or with other headers, or the tokenizer was another"
	case stored.Differs != "":
		return "it was made with " + stored.Differs
	}
	return ""
}

// groups are the results of the series for its report.
func (l *loadRuns) groups(title string) ([]*report.Group, error) {
	paths, err := resultsOf(l.dir)
	if err != nil {
		return nil, err
	}
	var files []*report.Stored
	for _, path := range paths {
		if !strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".pytorch.json") {
			continue
		}
		f, err := report.ReadStored(path)
		if err != nil {
			return nil, err
		}
		if f.Partial() == "" && (f.Complete() || l.gone(path) == nil) {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	return report.Groups(files, report.Naming{Labels: map[string]string{}, Title: title, Hints: comparisonHints}), nil
}
