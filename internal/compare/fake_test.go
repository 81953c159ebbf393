package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"loadgen/internal/pause"
	"loadgen/internal/result"
	"loadgen/internal/server"
)

// fakeBench is a benchmark that takes time and writes its settings.
type fakeBench struct {
	perRequest time.Duration
	run        func(l Load, ctx context.Context) error // nil for none
	made       []string                                // the files of the runs
}

func (b *fakeBench) CheckGate(text string, _ Settled, _ int) error {
	if text == "nonsense" {
		return errors.New("nonsense")
	}
	return nil
}

func (b *fakeBench) Settle(l Load) (Settled, error) {
	s := &fakeSettled{b, l, l.Requests, l.Own.seed(l.Common.seed(0)), map[string]any{}}
	for _, flags := range []Flags{l.Common, l.Own} {
		for name, value := range flags.Values() {
			switch n, whole := value.(int); {
			case name == "num-prompts" && whole:
				s.requests = n
			case name == "num-prompts":
				return nil, &FlagError{name, fmt.Errorf("num-prompts: not a number: %v", value)}
			case name == "b":
				return nil, &FlagError{name, errors.New("no flag b")}
			case name == "impossible":
				return nil, errors.New("impossible")
			}
			s.flags[name] = value
		}
	}
	if l.Seed != nil {
		s.seed = *l.Seed
	}
	return s, nil
}

func (b *fakeBench) Mask(f Flags) Flags {
	if f.Values()["header"] == nil {
		return f
	}
	return NewFlags(map[string]any{"header": hidden})
}

type fakeSettled struct {
	b        *fakeBench
	l        Load
	requests int
	seed     int
	flags    map[string]any
}

// fakeResult is the file of a fake run.
type fakeResult struct {
	Stored
	Seed  int
	Flags string
	About *result.Server
}

func (s *fakeSettled) path() string          { return filepath.Join(s.l.Dir, s.l.File) }
func (s *fakeSettled) Requests() int         { return s.requests }
func (s *fakeSettled) CommandLine() []string { return []string{"--requests", fmt.Sprint(s.requests)} }
func (s *fakeSettled) Identity() []any       { return []any{s.flags["model"], s.flags["header"]} }
func (s *fakeSettled) CheckOutput() error    { return os.MkdirAll(s.l.Dir, 0o777) }

func (s *fakeSettled) Stored() (Stored, error) {
	var r fakeResult
	text, err := os.ReadFile(s.path())
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if flags := fmt.Sprint(s.flags); r.Flags != flags {
		r.Differs = "flags " + r.Flags + ", not " + flags
	}
	return r.Stored, err
}

func (s *fakeSettled) Run(ctx context.Context, text io.Writer, about func() *result.Server) error {
	fmt.Fprintln(text, "running")
	s.b.made = append(s.b.made, s.path())
	if s.b.run != nil {
		if err := s.b.run(s.l, ctx); err != nil {
			return err
		}
	}
	pause.For(ctx, time.Duration(s.requests+s.l.Warmup)*s.b.perRequest)
	r := fakeResult{Stored: Stored{Complete: ctx.Err() == nil}, Seed: s.seed, Flags: fmt.Sprint(s.flags), About: about()}
	r.Server = r.About.Plan
	out, err := json.Marshal(r)
	return errors.Join(err, os.WriteFile(s.path(), out, 0o666), context.Cause(ctx))
}

// fakeServers are servers that take time to start and to stop.
type fakeServers struct {
	start, stop time.Duration
	fails       map[string]error // by name
	said        server.About

	mu     sync.Mutex
	events []string
	up     map[string]*fakeServer
	given  []server.Options
}

type fakeServer struct {
	all   *fakeServers
	name  string
	ended chan struct{}
	unfit error
}

func (f *fakeServers) begin(ctx, _ context.Context, o server.Options) (running, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = append(f.given, o)
	if err := f.fails[o.Name]; err != nil {
		f.events = append(f.events, o.Name+" fails")
		return nil, err
	}
	if len(f.up) > 0 {
		return nil, errors.New("another server runs")
	}
	if pause.For(ctx, f.start) != nil {
		return nil, context.Cause(ctx)
	}
	f.events = append(f.events, "+"+o.Name)
	s := &fakeServer{all: f, name: o.Name, ended: make(chan struct{})}
	f.up = map[string]*fakeServer{o.Name: s}
	return s, nil
}

func (s *fakeServer) Exited() <-chan struct{}            { return s.ended }
func (s *fakeServer) Check(context.Context) error        { return s.unfit }
func (s *fakeServer) About(context.Context) server.About { return s.all.said }

func (s *fakeServer) Stop(ctx context.Context) error {
	pause.For(ctx, s.all.stop)
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.all.events = append(s.all.events, "-"+s.name)
	delete(s.all.up, s.name)
	return nil
}

// trial is a comparison under test.
type trial struct {
	bench   *fakeBench
	servers *fakeServers
	notes   []string
}

func newTrial() *trial {
	return &trial{bench: &fakeBench{}, servers: &fakeServers{fails: map[string]error{}}}
}

// run makes the comparison of a plan, whose results go to a directory.
func (x *trial) run(t *testing.T, ctx context.Context, text, dir string, o Options) (Outcome, error) {
	t.Helper()
	p, err := parse([]byte(text + "\nresults: " + dir))
	if err == nil {
		err = p.Check(x.bench)
	}
	if err != nil {
		t.Fatal(err)
	}
	x.bench.made, x.notes, x.servers.events = nil, nil, nil
	o.Note = func(format string, args ...any) { x.notes = append(x.notes, fmt.Sprintf(format, args...)) }
	return runWith(ctx, context.Background(), p, x.bench, o, x.servers.begin)
}

func (x *trial) noted(part string) (n int) {
	for _, note := range x.notes {
		if strings.Contains(note, part) {
			n++
		}
	}
	return n
}
