package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/compare"
	"loadgen/pkg/report"
)

// untilCertain is what --until-certain asks for, nil without it. The plan gets as many repeats
// as there may be.
func untilCertain(c *cli.Context, p *compare.Plan) (*report.Certain, error) {
	if !c.Bool("until-certain") {
		for _, name := range []string{"margin", "metric", "max-repeats", "budget"} {
			if c.IsSet(name) {
				return nil, fmt.Errorf("--%s is for --until-certain", name)
			}
		}
		return nil, nil
	}
	number, found := strings.CutSuffix(c.String("margin"), "%")
	margin, err := strconv.ParseFloat(number, 64)
	if !found || err != nil || !(margin > 0) || margin > 50 {
		return nil, fmt.Errorf("--margin: %q is not a percentage above 0%% and at most 50%%, such as 2%%", c.String("margin"))
	}
	out := &report.Certain{Metrics: c.StringSlice("metric"), Margin: margin / 100}
	if len(out.Metrics) == 0 {
		out.Metrics = report.CertainMetrics()
	}
	if err := out.Check(); err != nil {
		return nil, fmt.Errorf("--metric: %w", err)
	}
	switch {
	case c.Int("max-repeats") < 3:
		return nil, fmt.Errorf("--max-repeats: %d repeats decide nothing; 3 or more", c.Int("max-repeats"))
	case c.IsSet("budget") && c.Duration("budget") == 0:
		return nil, errors.New("--budget: 0 leaves no time for a repeat; leave it out for no bound")
	case !p.Interleaved():
		return nil, errors.New("--until-certain: the plan's order is servers, so that repeats are not made in turn; use interleaved or ABBA")
	}
	p.Repeats = c.Int("max-repeats")
	return out, nil
}

// certainOf reports whether further repeats would add nothing to the results so far, and logs
// why, or what is open. Runs that are not complete are left out, as they will be in the report.
func certainOf(results []string, naming report.Naming, certain *report.Certain, s streams) bool {
	naming.Certain = certain
	var files []*report.Stored
	for _, path := range results {
		if f, err := report.ReadStored(path); err == nil && f.Partial() == "" {
			files = append(files, f)
		}
	}
	var undecided, void []string
	for _, g := range report.Groups(files, naming) {
		open, not := g.Undecided()
		undecided, void = append(undecided, open...), append(void, not...)
	}
	switch n := len(undecided); {
	case len(files) == 0:
		return false
	case n == 0 && len(void) > 0:
		fmt.Fprintf(s.err, "loadgen: no further repeats, as they would not make comparable what is not: %s\n", strings.Join(void, ", "))
	case n == 0:
		fmt.Fprintln(s.err, "loadgen: every metric that was asked for is decided")
	case n > 4:
		fmt.Fprintf(s.err, "loadgen: not decided yet: %s and %d more\n", strings.Join(undecided[:4], ", "), n-4)
	default:
		fmt.Fprintf(s.err, "loadgen: not decided yet: %s\n", strings.Join(undecided, ", "))
	}
	return len(undecided) == 0
}
