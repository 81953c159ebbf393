package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"loadgen/internal/result"
)

// load makes a run against the server that is there. A server that is not ready after it
// is stopped, so that the next run starts it anew.
func (c *comparison) load(parent context.Context, u unit) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-c.server.Exited():
			cancel(errServerGone)
		case <-ctx.Done():
		}
	}()
	began := time.Now()
	err := c.benchmark(ctx, u)
	if err == nil {
		c.pace.sent(u, time.Since(began), c.sends(u))
	}
	cancel(nil)
	<-watched
	where := fmt.Sprintf("%s at concurrency %d", c.plan.Servers[u.server].Display(), c.plan.Concurrencies[u.load])
	switch unfit := c.server.Check(parent); {
	case unfit != nil:
		c.fail(&ServerError{fmt.Errorf("%s: %w", where, unfit)})
		c.stop()
	case errors.Is(err, ErrAllFailed):
		c.failed = append(c.failed, fmt.Errorf("%s: %w", where, err))
	case err != nil && parent.Err() == nil:
		c.fail(fmt.Errorf("%s: %w", where, err))
	}
}

// benchmark is the run itself. Its console text goes to a file with the result's name. A
// result of an earlier comparison stays until there is one to replace it.
func (c *comparison) benchmark(ctx context.Context, u unit) (err error) {
	run, err := c.bench.Settle(c.plan.load(u))
	if err != nil {
		return err
	}
	path := c.plan.path(u)
	text, err := os.Create(strings.TrimSuffix(path, ".json") + ".txt")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	former := path + ".former"
	if err := os.Rename(path, former); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err = run.Run(ctx, text, c.about(ctx, u, run))
	if exists(path) {
		delete(c.stale, u)
		os.Remove(former)
	} else {
		os.Rename(former, path)
	}
	return err
}

// about asks the server what it is, before a run, and returns what to write of it after
// the run.
func (c *comparison) about(ctx context.Context, u unit, run Settled) func() *result.Server {
	before, server := c.server.About(ctx), c.server
	return func() *result.Server {
		about := &result.Server{Model: before.Model, Version: before.Version, Note: c.plan.Servers[u.server].Version, Plan: c.digest(u, run)}
		if after := server.About(ctx); after.Differs(before) {
			about.Became = &result.ServerIdentity{Model: after.Model, Version: after.Version}
		}
		return about
	}
}

// environment is what a server's variables are, as KEY=VALUE.
func (s *Server) environment() (env []string) {
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		env = append(env, key+"="+s.Env[key])
	}
	return env
}
