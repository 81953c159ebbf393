package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/compare"
	"loadgen/internal/pyjson"
	"loadgen/internal/server"
	"loadgen/pkg/report"
)

const compareHelp = `PLAN.yaml names the servers and the load; --init writes one with comments, --demo makes one of two
simulated servers. Each server is started, awaited, warmed up, loaded at every concurrency and
stopped. Results go to the plan's directory, and so does the report.`

func compareCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:        "compare",
		Usage:       "start, load and stop servers in turn, and judge the comparison",
		ArgsUsage:   "PLAN.yaml",
		Description: compareHelp,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "init", Usage: "write a plan with comments to PLAN.yaml (default: compare.yaml), and do nothing else"},
			choice("example", examplePlans[0], "which plan --init writes", examplePlans...),
			&cli.BoolFlag{Name: "demo", Usage: "compare two simulated servers; needs no plan"},
			&cli.BoolFlag{Name: "dry-run", Usage: "print every command and number of requests, and do nothing"},
			&cli.BoolFlag{Name: "resume", Usage: "keep complete results that were made with the same settings and by a client that kept up"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace results that exist"},
			&cli.BoolFlag{Name: "partial", Usage: "compare results of runs that ended early, too, with the others"},
			&cli.BoolFlag{Name: "origin-compatible", Usage: "seed 0 and a test request at every concurrency, as the origin's script has it"},
			&cli.StringSliceFlag{Name: "gate", Usage: "`BOUND` such as 'p99_ttft_ms<=+5%', in addition to the plan's: exit code 3 where it is missed; may be repeated"},
			&cli.BoolFlag{Name: "until-certain", Usage: "repeat until each --metric differs or is within --margin, whatever the plan's repeats"},
			&cli.StringFlag{Name: "margin", Value: "2%", Usage: "`P%` of the baseline's value that does not matter, for --until-certain"},
			&cli.StringSliceFlag{Name: "metric", Usage: "`METRIC` that --until-certain is about, such as p99_ttft_ms; may be repeated (default: " + strings.Join(report.CertainMetrics(), ", ") + ")"},
			&cli.IntFlag{Name: "max-repeats", Value: 20, Usage: "at most `N` repeats with --until-certain"},
			&cli.DurationFlag{Name: "budget", Usage: "begin no further repeat after `TIME` with --until-certain"},
			&cli.StringFlag{Name: "results", Usage: "write to `DIR`, not to the plan's"},
			choice("output", "text", "what standard output gets, one object for json, with the text on standard error", outputs...),
		},
		Action: func(c *cli.Context) error { return compareAction(ctx, c, s) },
	}
}

func compareAction(ctx context.Context, c *cli.Context, s streams) error {
	file := c.Args().First()
	if err := cmp.Or(checkInit(c), checkCompareOutput(c.String("output"))); err != nil {
		return usageError{err}
	}
	switch {
	case c.NArg() > 1:
		return usageError{fmt.Errorf("compare takes one plan file, and was given a second: %q\nhint: loadgen report FILE... compares results that exist; a plan names the servers to be measured", c.Args().Get(1))}
	case c.Bool("init"):
		return initPlan(file, c.String("example"), s)
	case c.Bool("demo") == (file != ""):
		return usageError{errors.New("compare needs a plan file or --demo; compare --init writes a plan")}
	}
	plan, err := demoPlan()
	if file != "" {
		plan, err = compare.Read(file, compareBench{s: s})
	}
	if err != nil {
		return asPlanError(err, file)
	}
	plan.Gates = append(plan.Gates, c.StringSlice("gate")...)
	plan.OriginSeeds = plan.OriginSeeds || c.Bool("origin-compatible")
	if dir := c.String("results"); dir != "" {
		plan.Results = dir
	}
	certain, err := untilCertain(c, plan)
	if err != nil {
		return usageError{err}
	}
	asJSON, dry := c.String("output") == "json", c.Bool("dry-run")
	checking := compareBench{s: s}
	if !dry {
		checking.files = map[string]bool{}
	}
	if err := plan.Check(checking); err != nil {
		return usageError{planError{err}}
	}
	if dry {
		return writePlan(plan, s, asJSON)
	}
	object := io.Discard
	if asJSON {
		object, s.out = s.out, s.err
	}
	o := compare.Options{Resume: c.Bool("resume"), Overwrite: c.Bool("overwrite") || c.Bool("demo"), Budget: c.Duration("budget")}
	return runPlanFile(ctx, plan, s, object, c.Bool("partial"), certain, o)
}

// runPlanFile carries out a comparison, and reports what it brought: as text, and as an object.
func runPlanFile(parent context.Context, plan *compare.Plan, s streams, object io.Writer, partial bool, certain *report.Certain, o compare.Options) error {
	ctx, kill, stop := withTwoSignals(parent, s.err)
	defer stop()
	o.Note = func(format string, args ...any) { fmt.Fprintf(s.err, "loadgen: "+format+"\n", args...) }
	o.Failed = func(err error) { fail(s.err, errorCode(err), err.Error()) }
	o.Waiting, o.WaitEvery = func(line string) { s.status().show("loadgen: " + line) }, s.status().every()
	if certain != nil {
		o.Enough = func(results []string) bool { return certainOf(results, planNaming(plan), certain, s) }
	}
	outcome, err := compare.Run(ctx, kill, plan, compareBench{s: s}, o)
	var exists *compare.ExistsError
	switch {
	case errors.As(err, &exists):
		return usageError{fmt.Errorf("%w; --resume keeps complete results, --overwrite replaces them, --results DIR writes elsewhere", err)}
	case err != nil:
		return err
	}
	reported := reportPlan(plan, outcome, s, object, partial, certain, context.Cause(ctx) != nil)
	if cause := context.Cause(ctx); cause != nil {
		fmt.Fprintln(s.err, "loadgen: the comparison is not complete; the same command with --resume goes on with what is left")
		return cause
	}
	if err := errors.Join(outcome.Failures...); err != nil {
		if errors.As(reported, new(gateMissed)) { // a comparison that failed has said more
			reported = nil
		}
		return errors.Join(err, reported)
	}
	return reported
}

// reportPlan reads the results, writes the report into their directory and prints it.
func reportPlan(plan *compare.Plan, outcome compare.Outcome, s streams, object io.Writer, partial bool, certain *report.Certain, interrupted bool) error {
	var files []*report.Stored
	var failed []error
	for _, path := range outcome.Results {
		f, err := report.ReadStored(path)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		files = append(files, f)
	}
	if !partial {
		var refused []error
		files, refused = withoutPartial(files)
		failed = append(failed, refused...)
	}
	naming := planNaming(plan)
	gates, err := parseGates(plan.Gates)
	if err != nil {
		return err
	}
	naming.Gates, naming.Certain = gates, certain
	var groups []*report.Group
	var written []string
	if len(files) > 0 {
		groups = report.Groups(files, naming)
		for _, g := range groups {
			g.WriteText(s.out, coloured(s))
		}
		if written, err = writeAll(s, filepath.Join(plan.Results, report.DirectoryName), plan.Results, groups); err != nil {
			failed = append(failed, err)
		}
	} else {
		failed = append(failed, errNoResults)
	}
	missed := gatesMissed(s, groups, naming.Order, gates)
	o, err := comparisonObject(outcome, failed, groups, written, missed, interrupted)
	if err == nil {
		_, err = object.Write(append(pyjson.Append(nil, o), '\n'))
	}
	failed = append(failed, err)
	if len(files) > 0 {
		failed = append(failed, missedError(missed))
	}
	return errors.Join(failed...)
}

func parseGates(texts []string) (gates []report.Gate, err error) {
	for _, text := range texts {
		g, err := report.ParseGate(text)
		if err != nil {
			return nil, err
		}
		gates = append(gates, g)
	}
	return gates, nil
}

// planNaming is what a plan says for the report.
func planNaming(p *compare.Plan) report.Naming {
	n := report.Naming{Labels: map[string]string{}, Hints: comparisonHints, Title: p.Title, Hardware: p.Hardware, Configuration: p.Configuration}
	for _, s := range p.Servers {
		dir := s.Dir
		if dir == "" {
			dir = s.Name
		}
		if s.Label != "" {
			n.Labels[dir] = s.Label
		}
		n.Order = append(n.Order, dir)
	}
	return n
}

// savedNaming completes what the user says of results by the plan saved with them.
func savedNaming(dir string, n *report.Naming) {
	p, err := compare.ReadSaved(dir)
	if err != nil {
		return
	}
	saved := planNaming(p)
	for name, label := range saved.Labels {
		if n.Labels[name] == "" {
			n.Labels[name] = label
		}
	}
	n.Order = append(n.Order, saved.Order...)
	for _, pair := range [][2]*string{{&n.Title, &saved.Title}, {&n.Hardware, &saved.Hardware}, {&n.Configuration, &saved.Configuration}} {
		if *pair[0] == "" {
			*pair[0] = *pair[1]
		}
	}
}

// demoPlan compares the origin's two servers as the simulator has them.
func demoPlan() (*compare.Plan, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := compare.Default()
	p.Title, p.Hardware, p.Configuration = "TensorRT engine vs PyTorch (simulated)", "2x H200 GPUs, simulated", "TP=2"
	p.Flags = compare.NewFlags(map[string]any{
		"dataset-name":      "random",
		"random-ids":        true,
		"random-input-len":  512,
		"random-output-len": 64,
		"ignore-eos":        true,
	})
	p.Results, p.Concurrencies, p.PerConcurrency, p.CoolDown, p.Warmup = "loadgen_demo", []int{8, 64}, 2, 0, 4
	for _, one := range [][3]string{{"pytorch", "PyTorch", "origin-pytorch"}, {"tensorrt", "TensorRT", "origin-trt"}} {
		port, err := server.FreePort()
		if err != nil {
			return nil, err
		}
		p.Servers = append(p.Servers, compare.Server{Name: one[0], Label: one[1], URL: "http://127.0.0.1:" + port, Version: "simulated",
			Start: compare.Command{self, "sim", "--host", "127.0.0.1", "--port", port, "--profile", one[2]}})
	}
	return p, nil
}
