package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"loadgen/internal/result"
	"loadgen/internal/server"
	"loadgen/pkg/report"
)

const compareHelp = `PLAN.yaml names the servers and the load; --init writes one with comments, --demo makes one of two
simulated servers. Each server is started, awaited, warmed up, loaded at every level and stopped.
Results go to the plan's directory, and the report beside them.`

func compareCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:        "compare",
		Usage:       "start, load and stop servers in turn, and judge the comparison",
		ArgsUsage:   "PLAN.yaml",
		Description: compareHelp,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "init", Usage: "write a plan with comments to PLAN.yaml (default: compare.yaml), and do nothing else"},
			&cli.BoolFlag{Name: "demo", Usage: "compare two simulated servers; no plan is wanted"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print every command and number of requests, and do nothing"},
			&cli.BoolFlag{Name: "resume", Usage: "keep the results that are whole and made with the same settings"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace results that are there"},
			&cli.BoolFlag{Name: "origin-compatible", Usage: "seed 0 and a test request at every level, as the origin's script has it"},
			&cli.StringSliceFlag{Name: "gate", Usage: "`BOUND` such as 'p99_ttft_ms<=+5%', beside the plan's: exit code 3 where it is missed; may be repeated"},
			&cli.StringFlag{Name: "results", Usage: "write to `DIR`, not to the plan's"},
		},
		Action: func(c *cli.Context) error { return compareAction(ctx, c, s) },
	}
}

func compareAction(ctx context.Context, c *cli.Context, s streams) error {
	file := c.Args().First()
	switch {
	case c.NArg() > 1:
		return usageError{fmt.Errorf("compare takes one plan file; flags come first: %q", c.Args().Get(1))}
	case c.Bool("init"):
		return initPlan(file, s)
	case c.Bool("demo") == (file != ""):
		return usageError{errors.New("compare wants a plan file, or --demo (--init writes a plan)")}
	}
	plan, err := demoPlan()
	if file != "" {
		plan, err = readPlan(file)
	}
	if err != nil {
		return err
	}
	plan.Gates = append(plan.Gates, c.StringSlice("gate")...)
	plan.OriginSeeds = plan.OriginSeeds || c.Bool("origin-compatible")
	if dir := c.String("results"); dir != "" {
		plan.Results = dir
	}
	if err := plan.check(); err != nil {
		return usageError{err}
	}
	if c.Bool("dry-run") {
		return plan.print(s.out)
	}
	run := &comparison{plan: plan, s: s, resume: c.Bool("resume"), overwrite: c.Bool("overwrite") || c.Bool("demo")}
	return run.run(ctx)
}

// comparison is a comparison under way.
type comparison struct {
	plan              *comparePlan
	s                 streams
	resume, overwrite bool

	server   *server.Server // the one that runs, nil for none
	side     int            // whose it is
	starts   map[int]int    // of each side
	broken   map[int]error
	unmade   map[unit]bool // what is there of these is older than this comparison
	failed   []error
	done     int // requests of the runs made
	spent    time.Duration
	remained int // requests still to be sent
}

func (c *comparison) note(format string, args ...any) {
	fmt.Fprintf(c.s.err, "loadgen: "+format+"\n", args...)
}

// run makes all runs, stops what runs, and reports what there is.
func (c *comparison) run(parent context.Context) error {
	ctx, hurry, stop := withTwoSignals(parent, c.s.err)
	defer stop()
	todo, err := c.prepare()
	if err != nil {
		return err
	}
	for i, u := range todo {
		if ctx.Err() != nil {
			break
		}
		if c.broken[u.side] != nil {
			c.remained -= c.plan.requests(u)
			continue
		}
		c.announce(i, len(todo), u)
		c.one(ctx, hurry, u)
	}
	c.stop(hurry)
	reported := c.report()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err := errors.Join(c.failed...); err != nil {
		return errors.Join(err, ignoreGates(reported))
	}
	return reported
}

// ignoreGates leaves out gates that were missed: a comparison that failed has said more.
func ignoreGates(err error) error {
	if errors.As(err, new(gateMissed)) {
		return nil
	}
	return err
}

// prepare finds the runs to be made, and saves the effective plan.
func (c *comparison) prepare() (todo []unit, err error) {
	c.starts, c.broken, c.unmade = map[int]int{}, map[int]error{}, map[unit]bool{}
	for _, u := range c.plan.units() {
		path := c.plan.path(u)
		if _, err := os.Stat(path); err == nil && !c.overwrite {
			if !c.resume {
				return nil, usageError{fmt.Errorf("%s is there: --resume keeps what is whole, --overwrite replaces it, --results DIR writes elsewhere", path)}
			}
			ok, why := c.plan.whole(u)
			if ok {
				c.note("%s is kept", path)
				continue
			}
			c.note("%s is made again: %s", path, why)
		}
		todo, c.unmade[u] = append(todo, u), true
		c.remained += c.plan.requests(u)
	}
	for _, s := range c.plan.Sides {
		if err := report.ProveWritable(filepath.Join(c.plan.Results, s.Dir, "x")); err != nil {
			return nil, err
		}
	}
	text, err := yaml.Marshal(c.plan)
	if err != nil {
		return nil, err
	}
	return todo, report.WriteFile(filepath.Join(c.plan.Results, savedPlan), func(w io.Writer) error { _, err := w.Write(text); return err })
}

// announce tells what comes, and how long the rest may take.
func (c *comparison) announce(i, n int, u unit) {
	text := fmt.Sprintf("[%d/%d] %s, concurrency %d", i+1, n, c.plan.Sides[u.side].label(), c.plan.Levels[u.level])
	if c.plan.Repeats > 1 {
		text += fmt.Sprintf(", repeat %d", u.repeat+1)
	}
	text += fmt.Sprintf(": %d requests", c.plan.requests(u))
	if c.done > 0 {
		left := time.Duration(float64(c.spent) / float64(c.done) * float64(c.remained))
		text += fmt.Sprintf("; about %v left", left.Round(time.Second))
	}
	c.note("%s", text)
}

// one makes a run. What goes wrong is kept, and does not end the comparison.
func (c *comparison) one(ctx, hurry context.Context, u unit) {
	began := time.Now()
	defer func() {
		c.done, c.remained, c.spent = c.done+c.plan.requests(u), c.remained-c.plan.requests(u), c.spent+time.Since(began)
	}()
	side := &c.plan.Sides[u.side]
	if c.server == nil || c.side != u.side || gone(c.server) {
		c.stop(hurry)
		if err := c.start(ctx, hurry, u.side); err != nil {
			if ctx.Err() == nil {
				c.broken[u.side] = err
				c.fail(fmt.Errorf("%s cannot be loaded: %w", side.label(), err))
			}
			return
		}
	} else if !sleepFor(ctx, time.Duration(c.plan.CoolDown)) {
		return
	}
	c.load(ctx, hurry, u)
}

func (c *comparison) fail(err error) {
	c.note("error: %v", err)
	c.failed = append(c.failed, err)
}

// start starts a side's server; one that does not become ready is killed at once where
// hurry has ended.
func (c *comparison) start(ctx, hurry context.Context, side int) (err error) {
	s := &c.plan.Sides[side]
	c.starts[side]++
	log := "server.log"
	if n := c.starts[side]; n > 1 {
		log = fmt.Sprintf("server_%d.log", n)
	}
	var env []string
	for key, value := range s.Env {
		env = append(env, key+"="+value)
	}
	slices.Sort(env)
	c.server, err = server.Start(ctx, hurry, server.Options{
		Name:       s.Name,
		Command:    s.Start,
		Prefix:     s.Exec,
		Dir:        s.Cwd,
		Env:        env,
		Log:        filepath.Join(c.plan.Results, s.Dir, log),
		BaseURL:    s.URL,
		ReadyPath:  s.Ready.Path,
		ReadyLimit: time.Duration(s.Ready.Limit),
		Poll:       time.Duration(s.Ready.Poll),
		StopLimit:  time.Duration(s.Stop.Limit),
		FreeLimit:  time.Duration(s.Stop.Free),
		Note:       c.note,
	})
	if err != nil {
		c.server = nil
		return err
	}
	c.side = side
	return nil
}

// gone tells whether a server has ended by itself.
func gone(s *server.Server) bool {
	select {
	case <-s.Exited():
		return true
	default:
		return false
	}
}

// stop stops the server that runs, at once where hurry has ended.
func (c *comparison) stop(hurry context.Context) {
	if c.server == nil {
		return
	}
	if err := c.server.Stop(hurry); err != nil {
		c.fail(fmt.Errorf("%s does not stop: %w", c.plan.Sides[c.side].label(), err))
	}
	c.server = nil
}

// errServerGone ends a run whose server has ended.
var errServerGone = errors.New("the server has ended")

// load makes a run against the server that is there, and stops a server that is
// not ready after it, so that the next run starts it anew.
func (c *comparison) load(parent, hurry context.Context, u unit) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.server.Exited():
			cancel(errServerGone)
		case <-ctx.Done():
		}
	}()
	err := c.benchmark(ctx, u)
	cancel(nil)
	<-watched
	where := fmt.Sprintf("%s at concurrency %d", c.plan.Sides[u.side].label(), c.plan.Levels[u.level])
	unfit := c.server.Check(parent)
	if unfit != nil {
		c.fail(fmt.Errorf("%s: %w", where, unfit))
		c.stop(hurry)
	} else if err != nil && parent.Err() == nil && !errors.Is(err, errReported) {
		c.fail(fmt.Errorf("%s: %w", where, err))
	} else if errors.Is(err, errReported) {
		c.failed = append(c.failed, fmt.Errorf("%s: every request failed", where))
	}
}

// benchmark is the run itself: its text goes to a file beside the result.
func (c *comparison) benchmark(ctx context.Context, u unit) error {
	argv, err := c.plan.unitArgv(u)
	if err != nil {
		return err
	}
	cfg, err := parse(argv)
	if err != nil {
		return err
	}
	path := c.plan.path(u)
	text, err := os.Create(strings.TrimSuffix(path, ".json") + ".txt")
	if err != nil {
		return err
	}
	// What a former comparison left there stays until there is something to replace it.
	former := path + ".former"
	if err := os.Rename(path, former); err != nil && !errors.Is(err, os.ErrNotExist) {
		return errors.Join(err, text.Close())
	}
	p := &benchmark{
		cfg:    cfg,
		s:      streams{in: c.s.in, out: text, err: c.s.err, lookup: c.s.lookup},
		system: thisSystem(),
		server: c.described(ctx, &c.plan.Sides[u.side], cfg),
	}
	err = p.run(ctx)
	if _, none := os.Stat(path); none == nil {
		delete(c.unmade, u)
		os.Remove(former)
	} else {
		os.Rename(former, path)
	}
	return errors.Join(err, text.Close())
}

// described asks the server what it is, before a run, and returns what to write of it
// after the run.
func (c *comparison) described(ctx context.Context, side *compareSide, cfg *config) func() *result.Server {
	before, server := c.server.About(ctx), c.server
	return func() *result.Server {
		o := &result.Server{Model: before.Model, Version: before.Version, Note: side.Version, Plan: side.digest(cfg)}
		if after := server.About(ctx); after.Differs(before) {
			o.Became = &result.ServerIdentity{Model: after.Model, Version: after.Version}
		}
		return o
	}
}

// report reads the results, writes the report beside them and tells it.
func (c *comparison) report() error {
	var files []*report.Stored
	for _, u := range c.plan.units() {
		if c.unmade[u] {
			continue
		}
		f, err := report.ReadStored(c.plan.path(u))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			c.fail(err)
			continue
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return errors.New("there are no results to report")
	}
	naming := c.plan.naming()
	groups := report.Groups(files, naming)
	for _, g := range groups {
		g.WriteText(c.s.out, coloured(c.s))
	}
	return errors.Join(writeAll(c.s, c.plan.Results, groups), gatesMissed(c.s, groups, naming.Order, c.plan.gates))
}

// sleepFor waits, unless ctx ends before.
func sleepFor(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(min(d, math.MaxInt64))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
