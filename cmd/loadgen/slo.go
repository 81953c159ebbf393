package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"loadgen/internal/judge"
	"loadgen/internal/lazy"
	"loadgen/internal/sweep"
)

const sloHelp = `Limits are --p99-ttft 500ms, --p99-itl 50ms, --mean-tpot 20ms, --median-e2el 4s: any mean, median or
percentile of ttft, tpot, itl and e2el. --goodput 99% asks that 99 % of the requests meet all limits by
themselves; --goodput 99% ttft:500 e2el:4000 names other ones. A request that failed meets none. The
load doubles until one fails, and is halved in between; each load is measured until it is decided,
and the answer is confirmed by runs of its own. All other flags are the benchmark's. Exit code 3 if
no load holds.`

func sloCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:            "slo",
		Usage:           "find the highest load at which a server keeps to its latency objectives",
		ArgsUsage:       "--STATISTIC-METRIC LIMIT... [the benchmark's flags]",
		Description:     sloHelp,
		SkipFlagParsing: true, // most are the benchmark's, read by its rules
		Flags: append([]cli.Flag{
			choice("by", "concurrency", "what is raised", "concurrency", "rate"),
			&cli.StringFlag{Name: "from", Value: "1", Usage: "first `LOAD` that is tried"},
			&cli.StringFlag{Name: "to", Value: "1024", Usage: "highest `LOAD` that is tried"},
			&cli.StringFlag{Name: "resolution", Value: "3%", Usage: "`P%` by which the loads on both sides of the limit may differ"},
			&cli.StringFlag{Name: "min-requests", Value: "100", Usage: "a run has `N` requests or more, and 5 x concurrency or --run-seconds"},
			&cli.StringFlag{Name: "max-requests", Value: "4000", Usage: "`N` requests after which a load that is not decided is left; given without --budget, --confirm takes up to four times as many"},
			&cli.StringFlag{Name: "run-seconds", Value: "10", Usage: "a run at a rate takes `S` seconds or more"},
			&cli.StringFlag{Name: "confirm", Value: "3", Usage: "confirm the answer by `N` runs of its own, and by as many again, of twice the length each time, where values that miss a limit come in clusters"},
			&cli.StringFlag{Name: "budget", Value: "2h", Usage: "confirm a load by more than --max-requests where clusters require it, as long as all runs are within `TIME`"},
			&cli.StringFlag{Name: "gpus", Value: "1", Usage: "the server's GPUs, `N`, for the GPU-minutes that are reported"},
		}, seriesFlags("slo_results")...),
		Action: func(c *cli.Context) error {
			return withOwnFlags(c, s, func() error { return sloAction(ctx, c, s) })
		},
	}
}

// sloPlan is a search to be made.
type sloPlan struct {
	options           sweep.SLOOptions
	runs              *loadRuns
	gpus              int
	json              bool
	resume, overwrite bool
}

func sloAction(parent context.Context, c *cli.Context, s streams) error {
	p, err := parseSLO(c, s)
	if err != nil {
		return withUsage(err)
	}
	if p.runs.dry {
		p.dryRun(s.out)
		return nil
	}
	ctx, end, err := p.runs.begun(parent, p.resume, p.overwrite)
	if err != nil {
		return err
	}
	defer end()
	p.options.Note = func(t *sweep.Trial) { p.note(s, t) }
	began := time.Now()
	limit, failed := sweep.FindLimit(ctx, p.options, p.runs.measure)
	answer := sloAnswer{p, limit, failed != nil, time.Since(began)}
	if failed != nil && len(limit.Trials) > 0 && ctx.Err() == nil {
		fmt.Fprintf(s.err, "loadgen: the search ended early; what was measured stands\n")
	}
	groups, err := p.runs.groups("")
	if err == nil && len(groups) > 0 {
		_, err = writeAll(s, p.runs.reportDir(), p.runs.dir, groups)
	}
	if p.json {
		err = errors.Join(err, answer.writeJSON(s.out))
	} else {
		answer.writeText(s.out)
	}
	switch {
	case failed != nil:
		return errors.Join(failed, err)
	case err == nil && limit.Best == nil:
		return gateMissed{answer.sentences()[0]}
	}
	return err
}

// note reports a load after a run.
func (p *sloPlan) note(s streams, t *sweep.Trial) {
	confirms := ""
	if t.Confirms {
		confirms = ", to confirm"
	}
	var parts []string
	for i := range t.Standings {
		parts = append(parts, p.options.Objectives[i].String()+": "+standing(&p.options.Objectives[i], &t.Standings[i]))
	}
	fmt.Fprintf(s.err, "loadgen: %s%s: %d requests, %s: %s\n", t.Load.Words(), confirms, t.Requests, t.Outcome, strings.Join(parts, "; "))
}

// standing is a load's value of an objective, and how many meet the limit.
func standing(o *sweep.Objective, s *sweep.Standing) string {
	met := strconv.FormatFloat(100*s.Attained, 'g', 4, 64) + " %"
	switch {
	case o.Quantity.Metric == "":
		return met
	case o.Quantity.Statistic.Q == 0:
		return judge.Digits(1e3*s.Value) + " ms"
	}
	return judge.Digits(1e3*s.Value) + " ms, " + met + " met"
}

var objectiveFlag = lazy.Regexp(`^(mean|median|p\d{1,2}(?:\.\d+)?)-(ttft|tpot|itl|e2el)$`)

func isObjective(name string) bool { return name == "goodput" || objectiveFlag.Get().MatchString(name) }

// parseSLO reads the command line.
func parseSLO(c *cli.Context, s streams) (*sloPlan, error) {
	args, each := goodputObjectives(c.Args().Slice())
	own, rest, err := splitFlags(c.Command, args, isObjective)
	if err != nil {
		return nil, err
	}
	p := &sloPlan{resume: own.given("resume"), overwrite: own.given("overwrite"), json: own.text("output") == "json"}
	o := &p.options
	if p.resume && p.overwrite {
		return nil, errors.New("argument --resume: not allowed with argument --overwrite")
	}
	for name, choices := range map[string][]string{"output": outputs, "by": {"concurrency", "rate"}} {
		if _, err := own.oneOf(name, choices); err != nil {
			return nil, err
		}
	}
	rate := own.text("by") == "rate"
	if o.From, err = parseLoad("from", own.text("from"), rate); err != nil {
		return nil, err
	}
	if o.To, err = parseLoad("to", own.text("to"), rate); err != nil {
		return nil, err
	}
	if o.To.Value() < o.From.Value() {
		return nil, fmt.Errorf("argument --to: %s is below --from %s", o.To, o.From)
	}
	if o.Resolution, err = own.percent("resolution", 0, 1); err != nil {
		return nil, err
	}
	for _, n := range []struct {
		name        string
		to          *int
		least, most int
	}{{"min-requests", &o.MinRequests, 1, 1e8}, {"max-requests", &o.MaxRequests, 1, 1e8}, {"confirm", &o.Confirm, 1, 100}, {"gpus", &p.gpus, 1, 1e6}} {
		if *n.to, err = own.count(n.name, n.least, n.most); err != nil {
			return nil, err
		}
	}
	if o.Seconds, err = period("run-seconds", own.text("run-seconds")); err != nil {
		return nil, err
	}
	if own.given("budget") || !own.given("max-requests") {
		if o.Budget, err = period("budget", own.text("budget")); err != nil {
			return nil, err
		}
	}
	if p.runs, err = newLoadRuns(c.Context, s, rest, own.text("results"), o.From, "--by, --from and --to"); err != nil {
		return nil, err
	}
	p.runs.dry = own.given("dry-run")
	if o.Objectives, err = objectives(own, each); err != nil {
		return nil, err
	}
	if o.MaxRequests < o.MinRequests {
		return nil, fmt.Errorf("argument --max-requests: %d is less than --min-requests %d", o.MaxRequests, o.MinRequests)
	}
	if need := o.Needed(); o.MaxRequests < need {
		return nil, fmt.Errorf("argument --max-requests: %d requests cannot show these objectives with 95 %% confidence, even if all of them met the limits: that needs %d or more", o.MaxRequests, need)
	}
	return p, nil
}

// goodputObjectives takes the limits of a request that follow a share, --goodput 99% ttft:500,
// out of the words.
func goodputObjectives(args []string) (rest, each []string) {
	for i := 0; i < len(args); i++ {
		rest = append(rest, args[i])
		share := strings.HasPrefix(args[i], "--goodput=")
		if args[i] == "--goodput" && i+1 < len(args) {
			i++
			rest, share = append(rest, args[i]), true
		}
		for share && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") && strings.Contains(args[i+1], ":") {
			i++
			each = append(each, args[i])
		}
	}
	return rest, each
}

// objectives reads what is to hold.
func objectives(own ownFlags, each []string) (all []sweep.Objective, err error) {
	names := make([]string, 0, len(own.values))
	for name := range own.values {
		if objectiveFlag.Get().MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		m := objectiveFlag.Get().FindStringSubmatch(name)
		f, found := judge.QuantityOf(m[1] + "_" + m[2] + "_ms")
		if !found || f.Statistic.Q == 0 && m[1] != "mean" {
			return nil, fmt.Errorf("argument --%s: not a percentile between 0 and 100", name)
		}
		limit, err := time.ParseDuration(own.text(name))
		if err != nil || limit <= 0 {
			return nil, fmt.Errorf("argument --%s: %q is not a duration above 0 with its unit, such as 500ms or 2s", name, own.text(name))
		}
		all = append(all, sweep.Objective{Quantity: f, Limit: limit.Seconds()})
	}
	if own.given("goodput") {
		share, err := own.percentOf("goodput", own.text("goodput"), "99%", 0, 0.99999)
		if err != nil {
			return nil, err
		}
		good := sweep.Objective{Share: share, Each: slices.Clone(all)}
		if len(each) > 0 {
			if good.Each, err = eachObjective(each); err != nil {
				return nil, err
			}
		}
		if len(good.Each) == 0 {
			return nil, errors.New("argument --goodput: no limits that a good request meets; name them (--p99-ttft 500ms, or --goodput 99% ttft:500)")
		}
		all = append(all, good)
	}
	if len(all) == 0 {
		return nil, errors.New("slo needs objectives, such as --p99-ttft 500ms --p99-itl 50ms or --goodput 99% ttft:500")
	}
	return all, nil
}

// eachObjective reads limits in milliseconds, ttft:500, as the benchmark's --goodput has them.
func eachObjective(words []string) (all []sweep.Objective, err error) {
	cfg := newConfig()
	cfg.Goodput = &words
	goals, err := cfg.Goals()
	if err != nil {
		return nil, fmt.Errorf("argument --goodput: %w", err)
	}
	for _, g := range goals {
		all = append(all, sweep.Objective{Quantity: judge.Quantity{Metric: g.Metric.String(), Statistic: judge.MeanOf}, Limit: g.Seconds})
	}
	return all, nil
}
