package compare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"loadgen/internal/pause"
	"loadgen/internal/server"
)

// Options say what is done with results that exist, and take what is said to people.
type Options struct {
	Resume    bool // keep results that are complete and were made with the same settings
	Overwrite bool // replace results

	// Enough, if there is one, gets the results before each repeat but the first, and reports
	// whether further repeats are not needed: the plan's is the most that are made.
	Enough func(results []string) bool
	// Budget is how long repeats are begun; 0 is without end.
	Budget time.Duration

	Note func(format string, args ...any)
	// Failed gets what went wrong with a server or a run, when it does; nil gives it to Note.
	Failed func(error)
	// Waiting gets, each WaitEvery, a line on a server that is not ready yet.
	Waiting   func(line string)
	WaitEvery time.Duration
}

// Outcome is what a comparison brought.
type Outcome struct {
	Results  []string // the files of the runs made or kept, in the plan's order
	Failures []error  // reported already by Failed
}

// ExistsError is the error of a comparison that would replace a result.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " already exists" }

// ServerError is the error of a server that cannot be started or stopped, or that is not fit
// for use after a run.
type ServerError struct{ Err error }

func (e *ServerError) Error() string { return e.Err.Error() }
func (e *ServerError) Unwrap() error { return e.Err }

// Run makes all runs of a checked plan that are to be made. What goes wrong with one
// server or run does not keep the others from being made. When ctx ends, the run under way
// ends, the server is stopped, and what there is is returned; when kill has ended, servers
// are killed at once. The error is that of a comparison that could not begin.
func Run(ctx, kill context.Context, p *Plan, b Bench, o Options) (Outcome, error) {
	return runWith(ctx, kill, p, b, o, startServer)
}

// running is a server that is ready, or was.
type running interface {
	Exited() <-chan struct{}
	Check(context.Context) error
	Stop(context.Context) error
	About(context.Context) server.About
}

// starter starts a server, as server.Start does.
type starter func(ctx, kill context.Context, o server.Options) (running, error)

func startServer(ctx, kill context.Context, o server.Options) (running, error) {
	return server.Start(ctx, kill, o)
}

// comparison is a comparison under way.
type comparison struct {
	plan  *Plan
	bench Bench
	o     Options
	kill  context.Context
	begin starter

	server running // nil for none
	index  int     // which of the plan's it is
	starts map[int]int
	broken map[int]bool  // servers that could not be started
	todo   []unit        // the runs still to be made, the one under way first
	sizes  map[unit]int  // requests of a run
	stale  map[unit]bool // what exists of these was not made by this comparison
	pace   *pace
	failed []error
}

func runWith(ctx, kill context.Context, p *Plan, b Bench, o Options, begin starter) (Outcome, error) {
	c := &comparison{plan: p, bench: b, o: o, kill: kill, begin: begin,
		starts: map[int]int{}, broken: map[int]bool{}, sizes: map[unit]int{}, stale: map[unit]bool{}, pace: newPace()}
	if err := c.prepare(); err != nil {
		return Outcome{}, err
	}
	repeat, began := 0, time.Now()
	for n := len(c.todo); len(c.todo) > 0 && ctx.Err() == nil; c.todo = c.todo[1:] {
		u := c.todo[0]
		if u.repeat > repeat {
			if repeat = u.repeat; c.enough(began) {
				break
			}
		}
		if c.broken[u.server] {
			continue
		}
		c.announce(n-len(c.todo)+1, n)
		if c.ready(ctx, u) {
			c.load(ctx, u)
		}
	}
	c.stop()
	return Outcome{c.results(), c.failed}, nil
}

// enough reports whether no further repeat is needed, or there is no time for one.
func (c *comparison) enough(began time.Time) bool {
	if c.o.Budget > 0 && time.Since(began) >= c.o.Budget {
		c.o.Note("the budget of %s is used up", c.o.Budget)
		return true
	}
	return c.o.Enough != nil && c.o.Enough(c.results())
}

// prepare finds the runs to be made, and saves the effective plan.
func (c *comparison) prepare() error {
	c.plan.takeKey()
	for _, u := range c.plan.units() {
		run, err := c.bench.Settle(c.plan.load(u))
		if err != nil {
			return err
		}
		c.sizes[u] = run.Requests()
		path := c.plan.path(u)
		if _, err := os.Stat(path); err == nil && !c.o.Overwrite {
			if !c.o.Resume {
				return &ExistsError{path}
			}
			why := c.outdated(u, run)
			if why == "" {
				c.o.Note("%s is kept", path)
				continue
			}
			c.o.Note("%s is made again: %s", path, why)
		}
		if err := run.CheckOutput(); err != nil {
			return err
		}
		c.todo, c.stale[u] = append(c.todo, u), true
	}
	if err := os.MkdirAll(c.plan.Results, 0o777); err != nil {
		return err
	}
	return c.plan.save(c.bench)
}

// outdated reports why the result of a unit cannot be kept; "" if it can.
func (c *comparison) outdated(u unit, run Settled) string {
	stored, err := run.Stored()
	switch {
	case err != nil:
		return "it cannot be read"
	case !stored.Complete:
		return "it is not complete"
	case stored.ClientLimited:
		return "the client could not keep up"
	case stored.Server != c.digest(u, run):
		return "its server was started differently, or asked for another model or with other headers, or the tokenizer was another"
	case stored.Differs != "":
		return "it was made with " + stored.Differs
	}
	return ""
}

func (c *comparison) digest(u unit, run Settled) string {
	return c.plan.Servers[u.server].digest(c.plan.ResumeKey, run.Identity())
}

// announce reports what comes, and how long the rest may take.
func (c *comparison) announce(i, n int) {
	u := c.todo[0]
	left := ""
	if c.pace.known() {
		left = "; about " + shortSpan(c.left()) + " left"
	}
	most := ""
	if c.o.Enough != nil {
		most, left = "at most ", ""
	}
	c.o.Note("[%d/%s%d] %s, concurrency %d%s: %d requests%s", i, most, n, c.plan.Servers[u.server].Display(), c.plan.Concurrencies[u.load], c.plan.repeatText(u), c.sizes[u], left)
}

// left is how long the runs to be made may take, with starts and stops.
func (c *comparison) left() (left time.Duration) {
	at, up := c.index, c.server != nil
	for _, u := range c.todo {
		if c.broken[u.server] {
			continue
		}
		switch {
		case up && at == u.server:
			left += time.Duration(c.plan.CoolDown)
		case up:
			left += once(c.pace.stops, at)
			fallthrough
		default:
			left += once(c.pace.starts, u.server)
		}
		left += c.pace.run(u, c.sends(u))
		at, up = u.server, true
	}
	if up {
		left += once(c.pace.stops, at)
	}
	return left
}

// sends is how many requests a run sends in all.
func (c *comparison) sends(u unit) int { return c.sizes[u] + c.plan.Warmup }

// shortSpan rounds a duration for people.
func shortSpan(d time.Duration) string {
	if d >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return max(d.Round(time.Second), time.Second).String()
}

// fail keeps what went wrong, and reports it.
func (c *comparison) fail(err error) {
	if c.o.Failed != nil {
		c.o.Failed(err)
	} else {
		c.o.Note("error: %v", err)
	}
	c.failed = append(c.failed, err)
}

// results are the files of the runs that were made or kept.
func (c *comparison) results() (files []string) {
	for _, u := range c.plan.units() {
		if path := c.plan.path(u); !c.stale[u] && exists(path) {
			files = append(files, path)
		}
	}
	return files
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ready has the unit's server run, after the pause between two runs.
func (c *comparison) ready(ctx context.Context, u unit) bool {
	if c.server != nil && c.index == u.server && !ended(c.server) {
		return pause.For(ctx, time.Duration(c.plan.CoolDown)) == nil
	}
	c.stop()
	began := time.Now()
	err := c.start(ctx, u.server)
	if err != nil && ctx.Err() == nil {
		c.broken[u.server] = true
		c.fail(&ServerError{fmt.Errorf("%s cannot be loaded: %w", c.plan.Servers[u.server].Display(), err)})
	}
	if err == nil {
		c.pace.started(u.server, time.Since(began))
	}
	return err == nil
}

// start starts a server of the plan.
func (c *comparison) start(ctx context.Context, index int) error {
	s := &c.plan.Servers[index]
	c.starts[index]++
	log := "server.log"
	if n := c.starts[index]; n > 1 {
		log = fmt.Sprintf("server_%d.log", n)
	}
	started, err := c.begin(ctx, c.kill, server.Options{
		Name:       s.Name,
		Command:    s.Start,
		Prefix:     s.Exec,
		Dir:        s.Cwd,
		Env:        s.environment(),
		Log:        filepath.Join(c.plan.Results, s.Dir, log),
		BaseURL:    s.URL,
		ReadyPath:  s.Ready.Path,
		ReadyLimit: time.Duration(s.Ready.Limit),
		Poll:       time.Duration(s.Ready.Poll),
		StopLimit:  time.Duration(s.Stop.Limit),
		FreeLimit:  time.Duration(s.Stop.Free),
		Note:       c.o.Note,
		Waiting:    c.o.Waiting,
		WaitEvery:  c.o.WaitEvery,
	})
	if err != nil {
		return err
	}
	c.server, c.index = started, index
	return nil
}

// ended reports whether a server has ended by itself.
func ended(s running) bool {
	select {
	case <-s.Exited():
		return true
	default:
		return false
	}
}

// stop stops the server that runs, if one does.
func (c *comparison) stop() {
	if c.server == nil {
		return
	}
	began := time.Now()
	if err := c.server.Stop(c.kill); err != nil {
		c.fail(&ServerError{fmt.Errorf("%s does not stop: %w", c.plan.Servers[c.index].Display(), err)})
	} else {
		c.pace.stopped(c.index, time.Since(began))
	}
	c.server = nil
}

// errServerGone ends a run whose server has ended.
var errServerGone = errors.New("the server has ended")
