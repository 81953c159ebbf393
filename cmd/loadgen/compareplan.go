package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/recording"
	"loadgen/pkg/report"
)

// unit is one run of a comparison: a side at a level, in a repeat from 0.
type unit struct{ side, level, repeat int }

// units are all runs in the order of the plan.
func (p *comparePlan) units() (out []unit) {
	if p.Order == orderSides {
		for side := range p.Sides {
			for repeat := range p.Repeats {
				for level := range p.Levels {
					out = append(out, unit{side, level, repeat})
				}
			}
		}
		return out
	}
	for repeat := range p.Repeats {
		for level := range p.Levels {
			for i := range p.Sides {
				side := i
				if p.Order == orderABBA && repeat%2 == 1 {
					side = len(p.Sides) - 1 - i
				}
				out = append(out, unit{side, level, repeat})
			}
		}
	}
	return out
}

// requests is how many a run sends.
func (p *comparePlan) requests(u unit) int {
	if argv, err := p.unitArgv(u); err == nil {
		if cfg, err := parse(argv); err == nil {
			return cfg.NumPrompts
		}
	}
	return p.PerLevel * p.Levels[u.level]
}

// fileName is a result's: the origin's, with the repeat where it is not the first.
func (p *comparePlan) fileName(u unit) string {
	name := "concurrency_" + strconv.Itoa(p.Levels[u.level])
	if u.repeat > 0 {
		name += "_repeat_" + strconv.Itoa(u.repeat+1)
	}
	return name + ".json"
}

// path is where a result goes.
func (p *comparePlan) path(u unit) string {
	return filepath.Join(p.Results, p.Sides[u.side].Dir, p.fileName(u))
}

// unitArgv is a run's command line.
func (p *comparePlan) unitArgv(u unit) ([]string, error) {
	s := &p.Sides[u.side]
	argv, err := p.argv(s, p.Levels[u.level], u.level, u.repeat)
	return append(argv, "--result-dir", filepath.Dir(p.path(u)), "--result-filename", p.fileName(u)), err
}

// argv is a side's command line at a level: what the comparison itself sets, then
// the plan's flags, then the side's, so that the last word is the side's. Prompts
// are others at each level and repeat, and the same for all sides; a seed among the
// flags is that of the first.
func (p *comparePlan) argv(s *compareSide, concurrency, level, repeat int) ([]string, error) {
	table := append(flagTable(), timeBreakdown)
	common, err := p.Flags.argv(table)
	if err != nil {
		return nil, err
	}
	own, err := s.Flags.argv(table)
	if err != nil {
		return nil, err
	}
	argv := []string{"--base-url", s.URL, "--max-concurrency", strconv.Itoa(concurrency), "--num-prompts", strconv.Itoa(p.PerLevel * concurrency),
		"--percentile-metrics", "ttft,tpot,itl,e2el", "--save-result", "--save-detailed"}
	if !p.OriginSeeds {
		argv = append(argv, "--no-test-input")
	}
	if p.Warmup > 0 {
		argv = append(argv, "--warmup", strconv.Itoa(p.Warmup))
	}
	argv = slices.Concat(argv, common, own)
	if !p.OriginSeeds {
		first := s.Flags.seed(p.Flags.seed(1))
		argv = append(argv, "--seed", strconv.Itoa(first+level+repeat*len(p.Levels)))
	}
	return argv, nil
}

// whole tells whether a result is there, complete, and made with these settings by
// this server's command; else why not.
func (p *comparePlan) whole(u unit) (ok bool, why string) {
	stored, err := report.ReadStored(p.path(u))
	if err != nil {
		return false, "there is none that can be read"
	}
	argv, err := p.unitArgv(u)
	if err != nil {
		return false, err.Error()
	}
	cfg, err := parse(argv)
	if err != nil {
		return false, err.Error()
	}
	cfg.assumeQuietly()
	if !stored.Complete() {
		return false, "it is not complete"
	}
	if stored.ServerPlan() != p.Sides[u.side].digest(cfg) {
		return false, "its server was started in another way, or asked for another model or with other headers, or the tokenizer was another"
	}
	for _, f := range cfg.table {
		switch f.Name {
		case "--model", "--tokenizer", "--header", "--base-url", "--result-dir", "--disable-tqdm":
			continue
		}
		if differs := stored.Differs(destination(f.Name), recording.Plain(f.bind(cfg))); differs != "" {
			return false, fmt.Sprintf("it was made with %s %s", f.Name, differs)
		}
	}
	return true, ""
}

// digest identifies a side's server: what starts it, and where, and what the run's
// flags name for it. Environments and headers, which may hold secrets, cannot be
// learnt from it.
func (s compareSide) digest(cfg *config) string {
	s.Flags, s.Label, s.Dir, s.Ready, s.Stop = benchFlags{}, "", "", readyRule{}, stopRule{}
	text, err := yaml.Marshal([]any{s, cfg.Model, cfg.Tokenizer, cfg.Header})
	if err != nil {
		return "" // that of no result
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(text))
}

// assumeQuietly fills in the bare run as the run itself will.
func (c *config) assumeQuietly() { c.assume() }

// freePort is a port on which nothing listens.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
