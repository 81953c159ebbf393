package compare

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Step is a run that a plan makes, as commands without secrets.
type Step struct {
	Server      string // its name
	Concurrency int
	Repeat      int // from 1
	Requests    int // without those that warm up
	// Starts is set where the server is started before the run, by Start; without a command
	// it runs already.
	Starts  bool
	Start   []string
	Command []string // the benchmark's flags

	server *Server
	unit   unit
}

// Steps are the runs of a checked plan in their order.
func (p *Plan) Steps(b Bench) ([]Step, error) {
	var steps []Step
	server := -1
	for _, u := range p.units() {
		s := &p.Servers[u.server]
		settled, err := b.Settle(p.load(u))
		if err != nil {
			return nil, err
		}
		step := Step{Server: s.Name, Concurrency: p.Concurrencies[u.load], Repeat: u.repeat + 1, Requests: settled.Requests(), Command: settled.CommandLine(), server: s, unit: u}
		if u.server != server && len(s.Start) > 0 {
			step.Starts, step.Start = true, MaskWords(slices.Concat(s.Exec, s.Start))
		}
		steps, server = append(steps, step), u.server
	}
	return steps, nil
}

// Print shows what the plan would do: each start of a server and each run, as commands
// without secrets.
func (p *Plan) Print(w io.Writer, b Bench) error {
	steps, err := p.Steps(b)
	if err != nil {
		return err
	}
	var before *Server
	starts, requests := 0, 0
	for _, step := range steps {
		s := step.server
		switch {
		case step.Starts:
			starts++
			fmt.Fprintf(w, "# %s: start%s\n%s\n", s.Display(), s.surroundings(), shellWords(step.Start))
		case s != before:
			fmt.Fprintf(w, "# %s: runs at %s\n", s.Display(), maskURL(s.URL))
		}
		before, requests = s, requests+step.Requests
		fmt.Fprintf(w, "# %s, concurrency %d%s: %d requests\nloadgen %s\n", s.Display(), step.Concurrency, p.repeatText(step.unit), step.Requests, shellWords(step.Command))
	}
	_, err = fmt.Fprintf(w, "# %d runs; servers are started %d times\n# %d requests in all, and %d to warm up\n", len(steps), starts, requests, p.Warmup*len(steps))
	return err
}

// repeatText names the repeat of a unit where there are several.
func (p *Plan) repeatText(u unit) string {
	if p.Repeats == 1 {
		return ""
	}
	return fmt.Sprintf(", repeat %d", u.repeat+1)
}

// surroundings are where a server's command runs, and the variables that are set for it,
// without their values.
func (s *Server) surroundings() (text string) {
	if s.Cwd != "" {
		text += " in " + s.Cwd
	}
	if names := slices.Sorted(maps.Keys(s.Env)); len(names) > 0 {
		text += " with " + strings.Join(names, ", ") + " set"
	}
	return text
}
