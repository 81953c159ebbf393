// Package trtsim is a simulated trtllm-serve: its routes and its bytes over
// HTTP/1.1, on top of an engine that batches, queues and paces tokens as a
// profile says. It computes nothing but the time.
//
// More than twenty names are exported: seventeen are the faults and dialects to choose from.
package trtsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"loadgen/internal/tokenizer"
)

// DefaultModel is the model that the simulator serves by default.
const DefaultModel = "meta-llama/Meta-Llama-3-8B-Instruct"

// Options configure a server.
type Options struct {
	Profile Profile
	Model   string  // DefaultModel when empty
	Dialect Dialect // the newest when zero
	Faults  []FaultRate
	// EarlyStop ends generations by themselves unless ignore_eos is asked for.
	EarlyStop bool
	Seed      uint64
	// Precise paces better than the runtime's timers can, on the real clock alone.
	Precise bool
	Watts   float64 // what the energy meter reads; 0 for no meter
	// UnhealthyAfter is when the executor breaks down, which leaves the server up
	// and not healthy; 0 for never.
	UnhealthyAfter time.Duration
	// PerfLog gets a line of JSON for each choice of each answered request, in place of
	// /perf_metrics; nil leaves that route.
	PerfLog io.Writer
	// Disaggregated: the first chunk of each choice, and its record of times, carry the id
	// that disaggregated serving gives a request.
	Disaggregated bool
	// Exposition is whose names the Prometheus metrics have; vLLM and SGLang have theirs at
	// /metrics.
	Exposition Exposition
	// Log gets the real server's log lines from when it listens; nil is nobody.
	Log io.Writer
}

// Server is a simulated server.
type Server struct {
	o      Options
	engine *engine
	tok    *tokenizer.Tokenizer
	dice   *dice
	truth  *truth
	perf   drained
	meters meters
	began  time.Time
	logged sync.Mutex

	profiling atomic.Bool

	mu      sync.Mutex
	idle    map[net.Conn]bool // connections, and whether they wait for a request
	stopped bool
}

// New returns a server, which Serve runs.
func New(o Options) *Server {
	if o.Model == "" {
		o.Model = DefaultModel
	}
	if o.Dialect.Name == "" {
		o.Dialect = dialects[len(dialects)-1]
	}
	engine := newEngine(o.Profile, o.Seed)
	engine.precise = o.Precise
	return &Server{
		o:      o,
		engine: engine,
		tok:    tokenizer.Llama3(),
		dice:   newDice(o.Seed, o.Faults),
		truth:  newTruth(),
		began:  time.Now(),
		idle:   map[net.Conn]bool{},
	}
}

// Load makes what the first request would else wait for. A real server has it when it
// listens.
func (s *Server) Load() { s.tok.Encode("", false) }

// Serve answers connections until stop ends, then waits for the streams that are
// open, as the real server does, until ctx ends.
func (s *Server) Serve(ctx, stop context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var conns, engine sync.WaitGroup
	engine.Go(func() { s.engine.run(ctx) })
	defer context.AfterFunc(stop, func() { s.shutdown(l) })()
	defer context.AfterFunc(ctx, func() { s.shutdown(l) })()
	var failed error
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			var temporary interface{ Timeout() bool }
			if errors.As(err, &temporary) { // out of descriptors, say: others may end
				time.Sleep(10 * time.Millisecond)
				continue
			}
			failed = err
			break
		}
		conns.Go(func() { s.serveConn(ctx, stop, conn) })
	}
	conns.Wait()
	cancel()
	engine.Wait()
	return failed
}

// shutdown takes no more connections and ends those that wait for a request.
func (s *Server) shutdown(l net.Listener) {
	l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.stopped = true
	s.note("INFO:     Shutting down\n")
	busy := false
	for conn, waits := range s.idle {
		if waits {
			conn.Close()
		}
		busy = busy || !waits
	}
	if busy {
		s.note("INFO:     Waiting for connections to close. (CTRL+C to force quit)\n")
	}
}

// note writes to the server's log.
func (s *Server) note(format string, args ...any) {
	if s.o.Log != nil {
		s.logged.Lock()
		defer s.logged.Unlock()
		fmt.Fprintf(s.o.Log, format, args...)
	}
}

// waits notes whether a connection waits for a request.
func (s *Server) waits(conn net.Conn, waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[conn] = waits
}

func (s *Server) forget(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.idle, conn)
}

// Lateness is the number of events, and the median, 99th percentile and maximum of
// how late they were written, in ms.
func (s *Server) Lateness() (events int, p50, p99, most float64) { return s.truth.lateness() }
