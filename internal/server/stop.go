//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"loadgen/internal/pause"
)

// Stop stops the server: SIGTERM to its main process, after StopLimit SIGKILL to
// all its processes, after which they must be gone and the port must refuse. What
// its exit status is does not matter. It does nothing if Start started no
// process, or once it has succeeded. When ctx ends it kills at once, and no
// longer waits for the port.
func (s *Server) Stop(ctx context.Context) error {
	if s.cmd == nil {
		return nil
	}
	s.stopping.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	began := time.Now()
	if err := s.endAll(ctx, s.o.StopLimit); err != nil {
		return err
	}
	if err := s.awaitRefusal(ctx); err != nil {
		return err
	}
	s.stopped = true
	s.o.Note("%s is stopped after %v", s.o.Name, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// endAll ends all processes, and kills those that are left after limit.
func (s *Server) endAll(ctx context.Context, limit time.Duration) error {
	if s.remote == nil {
		return s.endLocal(ctx, limit)
	}
	err := s.endRemote(ctx, limit)
	if s.remote.family != nil {
		select { // the prefix ends with what it ran
		case <-s.life.Done():
		case <-time.After(clientLimit):
		}
	}
	return errors.Join(err, s.endLocal(ctx, clientLimit))
}

func (s *Server) endLocal(ctx context.Context, limit time.Duration) error {
	if err := s.endFamily(ctx, s.local, limit); err != nil {
		return err
	}
	select {
	case <-s.life.Done():
		return nil
	case <-time.After(s.o.FreeLimit):
		return fmt.Errorf("%s is not stopped: its process %d does not end", s.o.Name, s.Pid())
	}
}

// endRemote ends what runs behind the prefix. If nothing can be learnt of it,
// because the container is gone for example, it reports that, and the port has to show
// whether the server is gone as well.
func (s *Server) endRemote(ctx context.Context, limit time.Duration) error {
	err := s.remote.find()
	for began := time.Now(); err != nil && s.life.Err() == nil && ctx.Err() == nil && time.Since(began) < min(limit, findLimit); err = s.remote.find() {
		pause.For(ctx, 2*firstPoll)
	}
	switch {
	case err == nil:
	case s.remote.family != nil:
		s.o.Note("%s: its processes behind the prefix cannot be listed (%v); only the prefix is stopped, so that they may be left", s.o.Name, err)
		return nil
	case s.life.Err() == nil:
		s.o.Note("%s: its pid file %s cannot be read behind the prefix (%v); only the prefix is stopped, so that its processes may be left", s.o.Name, s.remote.pidFile, err)
		return nil
	default: // the prefix ended before it ran anything
		return nil
	}
	if err := s.endFamily(ctx, s.remote.family, limit); err != nil {
		return err
	}
	s.remote.forget()
	return nil
}

// endFamily ends a main process and its kin.
func (s *Server) endFamily(ctx context.Context, f *family, limit time.Duration) error {
	left, err := f.look()
	if err != nil {
		return fmt.Errorf("%s is not stopped: cannot list its processes: %w", s.o.Name, err)
	}
	if left.main {
		err = f.at.signal(syscall.SIGTERM, f.pid)
	}
	if errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("%s is not stopped: %w; run this program as the same user as the server", s.o.Name, err)
	}
	if left, why := s.awaitEnd(ctx, f, left, limit); !left.none() {
		s.o.Note("%s: %s: killing %v", s.o.Name, why, left.targets(f.pid))
		return s.killFamily(f, err)
	}
	return nil
}

// awaitEnd waits until the family, seen as left, is gone. Otherwise it returns who
// is left still and why it does not wait longer.
func (s *Server) awaitEnd(ctx context.Context, f *family, left members, limit time.Duration) (_ members, why string) {
	began := time.Now()
	var orphaned time.Time // when the workers were seen without their main process
	for wait := firstPoll; ; wait = min(2*wait, 10*firstPoll) {
		seen, err := f.look()
		if err == nil {
			left = seen
		}
		switch {
		case err == nil && left.none():
			return left, ""
		case ctx.Err() != nil:
			return left, "there is no more time to stop"
		case time.Since(began) >= limit:
			return left, fmt.Sprintf("not stopped %v after SIGTERM", limit)
		case left.main:
		case orphaned.IsZero():
			orphaned = time.Now()
		case time.Since(orphaned) >= workerLimit:
			return left, fmt.Sprintf("processes outlive the main one by %v", workerLimit)
		}
		pause.For(ctx, wait)
	}
}

// killFamily kills all that are left, again and again, as some may just be
// starting others. earlier is why SIGTERM could not be sent, if so.
func (s *Server) killFamily(f *family, earlier error) error {
	var left members
	for began := time.Now(); ; time.Sleep(firstPoll) {
		seen, err := f.look()
		if err == nil && seen.none() {
			return nil
		}
		if err == nil {
			left = seen
			err = f.at.signal(syscall.SIGKILL, left.targets(f.pid)...)
		}
		if time.Since(began) >= s.o.FreeLimit {
			return errors.Join(fmt.Errorf("%s is not stopped: its processes %v are still there %v after SIGKILL; end them by hand", s.o.Name, left.targets(f.pid), s.o.FreeLimit), earlier, err)
		}
	}
}

// awaitRefusal waits until the port refuses connections.
func (s *Server) awaitRefusal(ctx context.Context) error {
	for began, wait := time.Now(), firstPoll; ; wait = min(2*wait, s.o.Poll) {
		free, err := s.refuses(ctx)
		switch {
		case free:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Since(began) >= s.o.FreeLimit && err != nil:
			return fmt.Errorf("%s is stopped, but %v later the port of %s still does not refuse connections: %w", s.o.Name, s.o.FreeLimit, s.address(), err)
		case time.Since(began) >= s.o.FreeLimit:
			return fmt.Errorf("%s is stopped, but %v later something still accepts connections at %s: look for what listens there, and stop it or choose another port", s.o.Name, s.o.FreeLimit, s.address())
		}
		pause.For(ctx, wait)
	}
}
