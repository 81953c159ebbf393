package compare

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Example is a plan with comments, to begin with.
//
//go:embed example.yaml
var Example string

// Print shows what the plan would do: each start of a server and each run, as commands
// without secrets.
func (p *Plan) Print(w io.Writer, b Bench) error {
	server, starts, requests := -1, 0, 0
	for _, u := range p.units() {
		s := &p.Servers[u.server]
		if u.server != server {
			switch {
			case len(s.Start) > 0:
				starts++
				fmt.Fprintf(w, "# %s: start%s\n%s\n", s.Display(), s.surroundings(), shellWords(MaskWords(slices.Concat(s.Exec, s.Start))))
			default:
				fmt.Fprintf(w, "# %s: runs at %s\n", s.Display(), maskURL(s.URL))
			}
			server = u.server
		}
		settled, err := b.Settle(p.load(u))
		if err != nil {
			return err
		}
		requests += settled.Requests()
		fmt.Fprintf(w, "# %s, concurrency %d%s: %d requests\nloadgen %s\n", s.Display(), p.Concurrencies[u.level], p.repeatText(u), settled.Requests(), shellWords(settled.CommandLine()))
	}
	runs := len(p.units())
	_, err := fmt.Fprintf(w, "# %d runs; servers are started %d times\n# %d requests in all, and %d to warm up\n", runs, starts, requests, p.Warmup*runs)
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
