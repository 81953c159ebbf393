// Package compare carries out a comparison of servers: it reads and checks a plan, starts
// each server in turn, waits until it is ready, has it loaded, stops it, and resumes what
// an earlier comparison began.
//
// It takes a Plan and a Bench, which makes the runs, and gives the files that the runs
// wrote. It never measures, judges or shows anything itself, and knows the benchmark's
// flags only as the names and values that stand in a plan.
//
// More than twenty names are exported: a plan has a type for each part of it, as it stands in
// the file.
package compare

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"loadgen/internal/lazy"
	"loadgen/pkg/client"
)

// Plan is a plan file: what is compared, and how.
type Plan struct {
	Title          string   `yaml:"title,omitempty"`
	Hardware       string   `yaml:"hardware,omitempty"`
	Configuration  string   `yaml:"configuration,omitempty"`
	Results        string   `yaml:"results"` // the directory of everything that is written
	Concurrencies  []int    `yaml:"concurrencies,flow" former:"levels"`
	PerConcurrency int      `yaml:"prompts_per_concurrency"` // requests of a run, for each of its concurrency
	Repeats        int      `yaml:"repeats"`
	Order          string   `yaml:"order"`
	CoolDown       Duration `yaml:"cool_down"` // between two runs against the same server
	Warmup         int      `yaml:"warmup"`    // requests before each run
	OriginSeeds    bool     `yaml:"origin_compatible,omitempty"`
	Gates          []string `yaml:"gates,omitempty"`
	Flags          Flags    `yaml:"flags,omitempty"` // of the benchmark, for all servers
	Servers        []Server `yaml:"servers" former:"sides"`

	// ResumeKey is in the plan that is saved with the results: the key of the digests
	// by which their servers are known again.
	ResumeKey string `yaml:"resume_key,omitempty"`
}

// Server is one of the servers that are compared.
type Server struct {
	Name    string            `yaml:"name"`
	Label   string            `yaml:"label,omitempty"`
	Dir     string            `yaml:"dir,omitempty"` // of its results, in the plan's
	URL     string            `yaml:"url"`
	Start   Command           `yaml:"start,omitempty,flow"` // without one, the server runs already
	Exec    Command           `yaml:"exec,omitempty,flow"`  // the prefix that runs Start elsewhere
	Env     map[string]string `yaml:"env,omitempty"`
	Cwd     string            `yaml:"cwd,omitempty"`
	Ready   Ready             `yaml:"ready,omitempty"`
	Stop    Stop              `yaml:"stop,omitempty"`
	Version string            `yaml:"version,omitempty"` // a note
	Flags   Flags             `yaml:"flags,omitempty"`   // of the benchmark, after the plan's
}

// Ready is how a server is found to be ready. What is zero has internal/server's default.
type Ready struct {
	Path  string   `yaml:"path,omitempty"`
	Limit Duration `yaml:"limit,omitempty"`
	Poll  Duration `yaml:"poll,omitempty"`
}

// Stop is how long stopping a server may take.
type Stop struct {
	Limit Duration `yaml:"limit,omitempty"` // from SIGTERM to SIGKILL
	Free  Duration `yaml:"free,omitempty"`  // until the port refuses connections
}

// The orders of a comparison's runs.
const (
	orderServers     = "servers"     // all runs of a server, then the next server's
	orderInterleaved = "interleaved" // repeat by repeat, the servers in turn
	orderABBA        = "ABBA"        // the same, with the servers reversed in every other repeat
	formerServers    = "sides"       // what orderServers was called
)

// Default returns what a plan file need not say.
func Default() *Plan {
	return &Plan{
		Results:        "bench_results",
		Concurrencies:  []int{16, 64, 128},
		PerConcurrency: 5,
		Repeats:        3,
		Order:          orderInterleaved,
		CoolDown:       Duration(5 * time.Second),
		Warmup:         8,
	}
}

// maxRuns is more than anybody waits for.
const maxRuns = 100_000

var serverName = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// Check completes the plan and reports what is wrong with it. It asks b about gates and
// about the settings of the runs.
func (p *Plan) Check(b Bench) error {
	if err := p.checkValues(); err != nil {
		return err
	}
	for _, text := range p.Gates {
		if err := b.CheckGate(text, nil, 0); err != nil {
			return fmt.Errorf("gates: %w", err)
		}
	}
	seen := map[string]bool{}
	for i := range p.Servers {
		s := &p.Servers[i]
		if err := s.check(); err != nil {
			return fmt.Errorf("server %d %q: %w", i+1, s.Name, err)
		}
		if seen[s.Name] || seen["/"+s.Dir] {
			return fmt.Errorf("server %d %q: another server has its name or directory", i+1, s.Name)
		}
		seen[s.Name], seen["/"+s.Dir] = true, true
		for load := range p.Concurrencies {
			run, err := b.Settle(p.load(unit{server: i, load: load}))
			if err != nil {
				return p.placed(s, err)
			}
			for _, text := range p.Gates {
				if err := b.CheckGate(text, run, p.Repeats); err != nil {
					return fmt.Errorf("gates: %s at concurrency %d: %w", s.Name, p.Concurrencies[load], err)
				}
			}
		}
	}
	return nil
}

// checkValues checks what needs no knowledge of the benchmark.
func (p *Plan) checkValues() error {
	if p.Order == formerServers {
		p.Order = orderServers
	}
	runs := len(p.Servers) * len(p.Concurrencies) * p.Repeats
	switch {
	case len(p.Servers) < 2:
		return errors.New("servers: a comparison needs two or more")
	case len(p.Concurrencies) == 0 || slices.Min(p.Concurrencies) < 1:
		return errors.New("concurrencies: each must be 1 or more, and there must be one")
	case p.PerConcurrency < 1:
		return fmt.Errorf("prompts_per_concurrency: %d must be 1 or more", p.PerConcurrency)
	case p.Repeats < 1:
		return fmt.Errorf("repeats: %d must be 1 or more", p.Repeats)
	case runs > maxRuns || p.Repeats > maxRuns:
		return fmt.Errorf("repeats: %d makes more than %d runs", p.Repeats, maxRuns)
	case p.Warmup < 0:
		return fmt.Errorf("warmup: %d must be 0 or more", p.Warmup)
	case p.OriginSeeds && (p.Flags.seed(0) != 0 || slices.ContainsFunc(p.Servers, func(s Server) bool { return s.Flags.seed(0) != 0 })):
		return errors.New("origin_compatible uses seed 0: remove the seed from the flags")
	case p.Results == "":
		return errors.New("results: name a directory")
	case !slices.Contains([]string{orderServers, orderInterleaved, orderABBA}, p.Order):
		return fmt.Errorf("order: %q is unknown; use %s, %s or %s", p.Order, orderServers, orderInterleaved, orderABBA)
	}
	for i, n := range p.Concurrencies {
		if slices.Contains(p.Concurrencies[:i], n) {
			return fmt.Errorf("concurrencies: %d is listed twice", n)
		}
	}
	return p.Flags.isMasked()
}

func (s *Server) check() error {
	if !serverName.Get().MatchString(s.Name) {
		return errors.New("name: use letters and digits, with ._+- in between")
	}
	if s.Dir == "" {
		s.Dir = s.Name
	}
	if s.URL == "" {
		s.URL = "http://127.0.0.1:8000"
	}
	if base, found := strings.CutSuffix(strings.TrimSuffix(s.URL, "/"), "/v1"); found { // as of a benchmark's, and /v1/health is nowhere
		s.URL = base
	}
	switch u, err := url.Parse(s.URL); {
	case !filepath.IsLocal(s.Dir) || strings.ContainsAny(s.Dir, `/\`):
		return fmt.Errorf("dir: %q is not the name of a directory in the results'", s.Dir)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url: not a server URL: %q; expected http://HOST:PORT", client.Redact(s.URL))
	case s.Ready.Path != "" && !strings.HasPrefix(s.Ready.Path, "/"):
		return fmt.Errorf("ready: path: %q does not begin with /", s.Ready.Path)
	case len(s.Start) == 0 && len(s.Exec) > 0:
		return errors.New("exec: there is no start command for it to run")
	case strings.Contains(s.URL, ":"+hidden+"@"):
		return errors.New("url: its password is masked: a plan saved with results holds no secrets")
	case strings.Contains(s.URL, "="+hidden), strings.Contains(s.URL, "/"+hidden+"@"):
		return errors.New("url: a key in it is masked: a plan saved with results holds no secrets")
	}
	for key, value := range s.Env {
		switch {
		case key == "" || strings.ContainsAny(key, "=\x00"):
			return fmt.Errorf("env: %q is not the name of a variable", key)
		case value == hidden:
			return fmt.Errorf("env: the value of %s is masked: a plan saved with results holds no secrets", key)
		}
	}
	return cmp.Or(s.isMasked(), s.Flags.isMasked())
}

// Interleaved reports whether the servers are loaded in turn, repeat by repeat.
func (p *Plan) Interleaved() bool { return p.Order == orderInterleaved || p.Order == orderABBA }

// Display is what the server is called in reports.
func (s *Server) Display() string {
	if s.Label != "" {
		return s.Label
	}
	return s.Name
}
