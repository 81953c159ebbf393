//go:build unix

// Package server starts an LLM server, waits until it is ready, and stops it
// with all its processes.
package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"loadgen/internal/pause"
)

// Options say how a server is started, awaited and stopped.
type Options struct {
	Name    string   // for messages and the pid file
	Command []string // program and arguments; nil for a server that is only a URL, neither started nor stopped

	// Prefix runs the command in another place, as docker exec NAME does. It should
	// stay in the foreground as long as the command runs, which gives the log its
	// output (docker's -d is left out for that), and pass arguments on as they are;
	// for ssh, which does not, they are quoted.
	Prefix []string

	Dir string // where the command runs; "" for here
	// Env is KEY=VALUE, in addition to this process's. docker, podman and nerdctl get the
	// values in their own environment, so that no list of processes shows them; behind
	// another Prefix they are arguments of env.
	Env []string
	Log string // file for stdout and stderr, created anew; "" discards them

	BaseURL    string        // http://host:port
	ReadyPath  string        // answers 200 once the server is ready; /health by default
	ReadyLimit time.Duration // how long it may take to become ready; 30 min by default
	Poll       time.Duration // between two looks at ReadyPath, the first of which are faster; 1 s by default
	StopLimit  time.Duration // from SIGTERM to SIGKILL; 60 s by default
	FreeLimit  time.Duration // how long, after that, processes may still exist and the port may still answer; 90 s by default

	Note func(format string, args ...any) // takes progress for people; nil discards it

	// Waiting gets a line each WaitEvery while the server is not ready; nil is Note. The
	// interval is 10 s by default.
	Waiting   func(line string)
	WaitEvery time.Duration
}

const (
	requestLimit   = 2 * time.Second // of one request, or of one attempt to connect
	firstPoll      = 50 * time.Millisecond
	refusedLimit   = 5 * time.Second  // how long a server that we do not start may refuse connections
	abandonLimit   = 10 * time.Second // from SIGTERM to SIGKILL of a server that did not become ready
	workerLimit    = 5 * time.Second  // how long workers may outlive their main process
	clientLimit    = 2 * time.Second  // how long the prefix may outlive the command that it ran
	findLimit      = 5 * time.Second  // how long a command behind a prefix may take to write its pid, and its place to answer
	behindEvery    = 3 * time.Second  // between two looks at a server whose prefix has ended
	placeLimit     = 20 * time.Second // of one small command in another place
	checkLimit     = 5 * time.Second  // how long a server that has worked may take to answer that it is ready still
	defaultReady   = 30 * time.Minute
	defaultStop    = 60 * time.Second
	defaultFree    = 90 * time.Second
	defaultPoll    = time.Second
	defaultWait    = 10 * time.Second
	defaultReadyAt = "/health"
)

// Server is a server that is ready, or was.
type Server struct {
	o    Options
	base *url.URL
	mark string // of its processes' environment

	cmd    *exec.Cmd // nil if we did not start it
	local  *family   // the process that we started, and its kin
	remote *remote   // the server behind a prefix, or nil

	life     context.Context // ends when the started process does
	end      context.CancelFunc
	err      error // set before life ends
	stopping atomic.Bool

	mu      sync.Mutex // held by Stop
	stopped bool
}

// Start starts a server and returns once it is ready. Its port must refuse
// connections before. If the server ends, or is not ready in time, or ctx ends, then
// everything that was started is stopped again, as by Stop, and at once if kill has
// ended; if ctx has ended the error is its cause. A server that is only a URL has a few
// seconds to accept connections, and ReadyLimit from then on.
func Start(ctx, kill context.Context, o Options) (*Server, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if o.Command == nil {
		if err := s.awaitReady(ctx); err != nil {
			return nil, err
		}
		return s, nil
	}
	if err := s.checkFree(ctx); err != nil {
		return nil, err
	}
	if err := s.launch(); err != nil {
		return nil, err
	}
	err = s.awaitReady(ctx)
	if err == nil {
		return s, nil
	}
	s.stopping.Store(true)
	failed := s.endAll(kill, min(s.o.StopLimit, abandonLimit))
	if failed == nil && s.err == nil {
		failed = s.awaitRefusal(kill)
	}
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	return nil, err
}

// look returns why the server is not ready, or nil if it is. It also notes the
// processes that the server has by now.
func (s *Server) look(ctx context.Context) error {
	status, _, err := get(ctx, s.base, s.o.ReadyPath)
	switch {
	case err != nil:
	case status != 200:
		err = fmt.Errorf("GET %s answers status %d", s.o.ReadyPath, status)
	case s.remote != nil:
		s.remote.find()
	}
	if s.local != nil && s.remote == nil {
		s.local.look()
	}
	return err
}

// Exited is closed when the process that Start started has ended, by itself or
// by Stop. It is never closed if Start started none.
func (s *Server) Exited() <-chan struct{} { return s.life.Done() }

// Check returns why a server that was ready is no longer, or nil if it is. One that has
// just ended is given the time to be noticed. It returns nil when ctx ends.
func (s *Server) Check(ctx context.Context) error {
	var why error
	for began := time.Now(); time.Since(began) < min(checkLimit, s.o.ReadyLimit); pause.For(ctx, 2*firstPoll) {
		if why = s.look(ctx); why == nil && s.life.Err() == nil || ctx.Err() != nil {
			return nil
		}
		if s.life.Err() != nil {
			return s.err
		}
	}
	return fmt.Errorf("%s is no longer ready: %w%s", s.o.Name, why, s.tail())
}

// Pid is that of the process that Start started, which with a Prefix is the
// prefix's and not the server's; 0 if it started none.
func (s *Server) Pid() int {
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}
