package compare

import (
	"path/filepath"
	"slices"
	"strconv"
)

// unit is one run of a comparison: a server at a concurrency, in a repeat, all counted
// from 0.
type unit struct{ server, load, repeat int }

// units are all runs in the order of the plan.
func (p *Plan) units() (out []unit) {
	servers := make([]int, len(p.Servers))
	for i := range servers {
		servers[i] = i
	}
	if p.Order == orderServers {
		for _, server := range servers {
			for repeat := range p.Repeats {
				out = p.appendConcurrencies(out, server, repeat)
			}
		}
		return out
	}
	for repeat := range p.Repeats {
		turn := slices.Clone(servers)
		if p.Order == orderABBA && repeat%2 == 1 {
			slices.Reverse(turn)
		}
		for _, server := range turn {
			out = p.appendConcurrencies(out, server, repeat)
		}
	}
	return out
}

func (p *Plan) appendConcurrencies(out []unit, server, repeat int) []unit {
	for load := range p.Concurrencies {
		out = append(out, unit{server, load, repeat})
	}
	return out
}

// Load is a run that a plan asks the benchmark for.
type Load struct {
	URL         string
	Concurrency int
	Requests    int // unless the flags say otherwise
	Warmup      int
	TestInput   bool // a test request comes first
	// Seed is that of the run, after any that the flags name; nil leaves those alone.
	Seed *int
	// Common are the plan's flags, Own the server's, which come after them.
	Common, Own Flags
	Dir, File   string // of the result
}

// load is what a unit asks for. Prompts differ between concurrencies and repeats, and
// are the same for all servers; a seed among the flags is that of the first run.
func (p *Plan) load(u unit) Load {
	s := &p.Servers[u.server]
	l := Load{
		URL:         s.URL,
		Concurrency: p.Concurrencies[u.load],
		Requests:    p.PerConcurrency * p.Concurrencies[u.load],
		Warmup:      p.Warmup,
		TestInput:   p.OriginSeeds,
		Common:      p.Flags,
		Own:         s.Flags,
		Dir:         filepath.Dir(p.path(u)),
		File:        p.fileName(u),
	}
	if !p.OriginSeeds {
		seed := s.Flags.seed(p.Flags.seed(1)) + u.load + u.repeat*len(p.Concurrencies)
		l.Seed = &seed
	}
	return l
}

// fileName is a result's: the origin's, with the repeat where it is not the first.
func (p *Plan) fileName(u unit) string {
	name := "concurrency_" + strconv.Itoa(p.Concurrencies[u.load])
	if u.repeat > 0 {
		name += "_repeat_" + strconv.Itoa(u.repeat+1)
	}
	return name + ".json"
}

// path is where a result goes.
func (p *Plan) path(u unit) string {
	return filepath.Join(p.Results, p.Servers[u.server].Dir, p.fileName(u))
}
