package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/judge"
	"loadgen/internal/sweep"
	"loadgen/pkg/report"
)

const sweepHelp = `Each load gets runs of the benchmark until its metric is as precise as asked for. Without a
list the load doubles until the server is saturated (throughput up by less than 3 %, latency up);
then loads around the knee are added. All other flags are the benchmark's. Every run is saved as
a result file; DIR/report gets the report (report.html, report.md, comparison.json), and loadgen report
DIR makes it anew.`

func sweepCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:            "sweep",
		Usage:           "measure a server at one load after the other, up to saturation",
		ArgsUsage:       "[the benchmark's flags]",
		Description:     sweepHelp,
		SkipFlagParsing: true, // most are the benchmark's, read by its rules
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "concurrencies", Value: "auto", Usage: "`LIST` of concurrencies, such as 1,8,64; auto doubles until saturation"},
			&cli.StringFlag{Name: "rates", Usage: "`LIST` of requests per second in place of concurrencies, or auto"},
			&cli.StringFlag{Name: "from", Value: "1", Usage: "first `LOAD` of auto"},
			&cli.StringFlag{Name: "to", Value: "1024", Usage: "last `LOAD` of auto"},
			&cli.StringSliceFlag{Name: "metric", Usage: "`METRIC` that has to be precise, such as mean_ttft_ms, p99_itl_ms or output_throughput; may be repeated; mean_e2el_ms without it"},
			&cli.StringFlag{Name: "precision", Value: "2%", Usage: "`P%` that half of the metric's 95 % interval may be of its value"},
			&cli.StringFlag{Name: "min-requests", Value: "100", Usage: "at least `N` requests at each load, in at least 5 runs of 5 x concurrency, or of --run-seconds"},
			&cli.StringFlag{Name: "max-requests", Value: "3000", Usage: "`N` requests after which a load is left, precise or not"},
			&cli.StringFlag{Name: "run-seconds", Value: "10", Usage: "a run at a rate takes `S` seconds or more"},
		}, seriesFlags("sweep_results")...),
		Action: func(c *cli.Context) error {
			return withOwnFlags(c, s, func() error { return sweepAction(ctx, c, s) })
		},
	}
}

// sweepPlan is a sweep to be made.
type sweepPlan struct {
	options           sweep.Options
	runs              *loadRuns
	json              bool
	resume, overwrite bool
}

func sweepAction(parent context.Context, c *cli.Context, s streams) error {
	p, err := parseSweep(c, s)
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
	p.options.Note = func(pt *sweep.Point, r *sweep.Run) { noteRun(s, pt, r) }
	curve, failed := sweep.Sweep(ctx, p.options, p.runs.measure)
	if failed != nil && len(curve.Points) > 0 && ctx.Err() == nil {
		fmt.Fprintf(s.err, "loadgen: the sweep ended early; what was measured stands\n")
	}
	p.notes(s, curve)
	return errors.Join(failed, p.show(s))
}

// withUsage makes an error one of usage, but for a call for help.
func withUsage(err error) error {
	if isHelp(err) {
		return err
	}
	return usageError{err}
}

// noteRun reports a run and what is known of its load by then.
func noteRun(s streams, p *sweep.Point, r *sweep.Run) {
	failed := ""
	if r.Failed > 0 {
		failed = fmt.Sprintf(", %d failed", r.Failed)
	}
	width := ""
	if x := p.Latency.Relative(); x < 10 {
		width = fmt.Sprintf(" (±%s %%)", judge.Digits(100*x))
	}
	fmt.Fprintf(s.err, "loadgen: %s, run %d: %d requests%s, %s tokens/s, mean E2EL %s ms%s\n",
		p.Load.Words(), p.Runs, r.Requests, failed, judge.Digits(r.Throughput), judge.Digits(1e3*p.Latency.Value), width)
}

// notes say what a reader of the curve must know.
func (p *sweepPlan) notes(s streams, c *sweep.Curve) {
	var wide, limited, failing []string
	for i := range c.Points {
		pt := &c.Points[i]
		if !pt.Precise && pt.Requests >= p.options.MaxRequests {
			wide = append(wide, pt.Load.String())
		}
		if pt.Limited > 0 {
			limited = append(limited, pt.Load.String())
		}
		if pt.Failed > 0 {
			failing = append(failing, pt.Load.String())
		}
	}
	note := func(loads []string, format string) {
		if len(loads) > 0 {
			fmt.Fprintf(s.err, "loadgen: "+format+"\n", strings.Join(loads, ", "))
		}
	}
	note(wide, "not as precise as asked for at %s, within the requests that --max-requests allows")
	note(limited, "the client could not keep up at %s: the curve is not the server's alone there; give loadgen a core of its own")
	note(failing, "requests failed at %s; latencies cover successful requests only")
	if c.Ended {
		fmt.Fprintf(s.err, "loadgen: not saturated up to %s; --to goes further\n", p.options.To.Words())
	}
}

// show writes the report into the directory and prints the curve.
func (p *sweepPlan) show(s streams) error {
	groups, err := p.runs.groups("")
	if err != nil || len(groups) == 0 {
		return err
	}
	_, err = writeAll(s, p.runs.reportDir(), p.runs.dir, groups)
	if p.json {
		return errors.Join(err, report.JSON(s.out, groups))
	}
	for _, g := range groups {
		g.WriteCurve(s.out)
	}
	return err
}

// parseSweep reads the command line.
func parseSweep(c *cli.Context, s streams) (*sweepPlan, error) {
	own, rest, err := splitFlags(c.Command, c.Args().Slice(), nil)
	if err != nil {
		return nil, err
	}
	p := &sweepPlan{resume: own.given("resume"), overwrite: own.given("overwrite"), json: own.text("output") == "json"}
	o := &p.options
	if p.resume && p.overwrite {
		return nil, errors.New("argument --resume: not allowed with argument --overwrite")
	}
	if _, err := own.oneOf("output", outputs); err != nil {
		return nil, err
	}
	if err := parseLoads(own, o); err != nil {
		return nil, err
	}
	if o.Metrics, err = sweepMetrics(own.values["metric"]); err != nil {
		return nil, err
	}
	if o.Precision, err = own.percent("precision", 0, 0.5); err != nil {
		return nil, err
	}
	if o.MinRequests, err = own.count("min-requests", 1, 1e8); err != nil {
		return nil, err
	}
	if o.MaxRequests, err = own.count("max-requests", 1, 1e8); err != nil {
		return nil, err
	}
	if o.Seconds, err = period("run-seconds", own.text("run-seconds")); err != nil {
		return nil, err
	}
	if o.MaxRequests < o.MinRequests {
		return nil, fmt.Errorf("argument --max-requests: %d is less than --min-requests %d", o.MaxRequests, o.MinRequests)
	}
	for _, f := range o.Metrics {
		if need := neededRequests(f.Statistic.Q); o.MaxRequests < need {
			return nil, fmt.Errorf("argument --metric: %s needs %d or more requests, and --max-requests is %d", f.Key(), need, o.MaxRequests)
		}
		o.MinRequests = max(o.MinRequests, neededRequests(f.Statistic.Q))
	}
	first := o.From
	if len(o.Loads) > 0 {
		first = o.Loads[0]
	}
	if p.runs, err = newLoadRuns(c.Context, s, rest, own.text("results"), first, "--concurrencies or --rates"); err == nil {
		p.runs.dry = own.given("dry-run")
	}
	return p, err
}

// neededRequests is how many requests a percentile needs: 5/(1-q).
func neededRequests(q float64) int {
	f := judge.Summary{Requests: 1}
	for f.TooFew(judge.Statistic{Q: q}) {
		f.Requests++
	}
	return f.Requests
}

// sweepMetrics are the metrics that have to be precise.
func sweepMetrics(keys []string) (all []judge.Quantity, err error) {
	if len(keys) == 0 {
		keys = []string{"mean_e2el_ms"}
	}
	for _, key := range keys {
		f, found := judge.QuantityOf(key)
		if !found || f.Statistic.Name == "std" || f.Metric == judge.FirstWaveTTFT || f.Higher && f.Metric != judge.OutputThroughput {
			return nil, fmt.Errorf("argument --metric: unknown metric %q; expected output_throughput, or a mean, median or percentile of ttft, tpot, itl or e2el such as p99_ttft_ms", key)
		}
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all, nil
}

// parseLoads reads which loads are asked for.
func parseLoads(own ownFlags, o *sweep.Options) error {
	rates, at := own.given("rates"), own.given("concurrencies")
	if rates && at {
		return errors.New("argument --rates: not allowed with argument --concurrencies")
	}
	name := "concurrencies"
	if rates {
		name = "rates"
	}
	list := own.text(name)
	load := func(flag, text string) (sweep.Load, error) { return parseLoad(flag, text, rates) }
	if list != "auto" {
		for _, flag := range []string{"from", "to"} {
			if own.given(flag) {
				return fmt.Errorf("argument --%s: it is for --%s auto, not for a list", flag, name)
			}
		}
		for _, text := range strings.Split(list, ",") {
			l, err := load(name, text)
			if err != nil {
				return err
			}
			if slices.Contains(o.Loads, l) {
				return fmt.Errorf("argument --%s: %s is listed twice", name, strings.TrimSpace(text))
			}
			o.Loads = append(o.Loads, l)
		}
		slices.SortFunc(o.Loads, func(a, b sweep.Load) int { return cmp.Compare(a.Value(), b.Value()) })
		return nil
	}
	var err error
	if o.From, err = load("from", own.text("from")); err != nil {
		return err
	}
	if o.To, err = load("to", own.text("to")); err != nil {
		return err
	}
	if o.To.Value() < o.From.Value() {
		return fmt.Errorf("argument --to: %s is below --from %s", o.To, o.From)
	}
	return nil
}

// parseLoad reads a concurrency or a rate.
func parseLoad(flag, text string, rate bool) (sweep.Load, error) {
	text = strings.TrimSpace(text)
	if rate {
		x, err := positive(flag, text)
		if err == nil && x > 1e6 {
			err = fmt.Errorf("argument --%s: %q is more than 1000000 requests per second", flag, text)
		}
		return sweep.Load{Rate: x}, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return sweep.Load{}, fmt.Errorf("argument --%s: %q is not a concurrency, a whole number from 1 to 1000000", flag, text)
	}
	return sweep.Load{Concurrency: n}, nil
}
