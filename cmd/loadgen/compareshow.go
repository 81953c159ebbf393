package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"loadgen/internal/bench"
)

//go:embed compare.yaml
var examplePlan string

// initPlan writes the commented plan.
func initPlan(file string, s streams) error {
	if file == "" {
		file = savedPlan
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	_, err = f.WriteString(examplePlan)
	if err = errors.Join(err, f.Close()); err == nil {
		fmt.Fprintf(s.err, "loadgen: wrote %s\n", file)
	}
	return err
}

// demoPlan compares the origin's two servers as the simulator has them.
func demoPlan() (*comparePlan, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := defaultPlan()
	p.Title, p.Hardware, p.Configuration = "TensorRT engine vs PyTorch (simulated)", "2x H200 GPUs, simulated", "TP=2"
	p.Flags = benchFlags{values: map[string]any{
		"dataset-name":      "random",
		"random-ids":        true,
		"random-input-len":  512,
		"random-output-len": 128,
		"ignore-eos":        true,
	}}
	p.Results, p.Levels, p.PerLevel, p.CoolDown, p.Warmup = "loadgen_demo", []int{16, 64}, 3, 0, 4
	for _, one := range [][3]string{{"pytorch", "PyTorch", "origin-pytorch"}, {"tensorrt", "TensorRT", "origin-trt"}} {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		p.Sides = append(p.Sides, compareSide{Name: one[0], Label: one[1], URL: "http://127.0.0.1:" + port, Version: "simulated",
			Start: commandLine{self, "sim", "--host", "127.0.0.1", "--port", port, "--profile", one[2]}})
	}
	return p, nil
}

// print shows what would be done.
func (p *comparePlan) print(w io.Writer) error {
	side, total := -1, 0
	for _, u := range p.units() {
		s := &p.Sides[u.side]
		if u.side != side {
			switch {
			case len(s.Start) > 0:
				fmt.Fprintf(w, "# %s: start%s\n%s\n", s.label(), s.surroundings(), shellWords(append(slices.Clone(s.Exec), s.Start...)))
			default:
				fmt.Fprintf(w, "# %s: runs at %s\n", s.label(), bench.WithoutPassword(s.URL))
			}
			side = u.side
		}
		argv, err := p.unitArgv(u)
		if err != nil {
			return err
		}
		n := p.requests(u)
		total += n
		fmt.Fprintf(w, "# %s, concurrency %d: %d requests\nloadgen %s\n", s.label(), p.Levels[u.level], n, shellWords(argv))
	}
	fmt.Fprintf(w, "# %d requests in all, and %d to warm up\n", total, p.Warmup*len(p.units()))
	return nil
}

// surroundings are where a side's command runs, and the variables that it gets,
// whose values may be secrets.
func (s *compareSide) surroundings() (text string) {
	if s.Cwd != "" {
		text += " in " + s.Cwd
	}
	if names := slices.Sorted(maps.Keys(s.Env)); len(names) > 0 {
		text += " with " + strings.Join(names, ", ") + " set"
	}
	return text
}

// shellWords joins words so that a shell takes them apart again.
func shellWords(all []string) string {
	out := make([]string, len(all))
	for i, word := range all {
		out[i] = word
		if word == "" || i == 0 && strings.Contains(word, "=") || strings.ContainsAny(word, " \t\n'\"\\$`|&;<>()*?[]{}#~%!") {
			out[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
