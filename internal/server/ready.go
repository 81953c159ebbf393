//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"loadgen/internal/pause"
)

// awaitReady waits until the server answers 200.
func (s *Server) awaitReady(ctx context.Context) error {
	started := time.Now()
	inner, cancel := context.WithTimeout(ctx, s.o.ReadyLimit)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	reported, refused := started, time.Time{}
	var last error
	for wait := firstPoll; ; wait = min(2*wait, s.o.Poll) {
		if why := s.look(inner); why == nil || last == nil || inner.Err() == nil {
			last = why
		}
		if !unreachable(last) {
			refused = time.Time{}
		} else if refused.IsZero() {
			refused = time.Now()
		}
		switch waited := time.Since(started).Round(10 * time.Millisecond); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case s.life.Err() != nil:
			return fmt.Errorf("while it loads, after %v: %w", waited, s.err)
		case last == nil:
			s.o.Note("%s is ready after %v", s.o.Name, waited)
			return nil
		case s.o.Command == nil && !refused.IsZero() && (inner.Err() != nil || time.Since(refused) >= refusedLimit):
			return fmt.Errorf("%s cannot be reached at %s: %s; start it first, correct the URL, or have it started by a command", s.o.Name, s.address(), Reason(last))
		case inner.Err() != nil:
			return fmt.Errorf("%s is not ready after %v: %w; allow more time if it still loads%s", s.o.Name, s.o.ReadyLimit, last, s.tail())
		}
		until := time.Now().Add(min(wait, s.o.Poll))
		for inner.Err() == nil && time.Now().Before(until) {
			if due := time.Until(reported.Add(s.o.WaitEvery)); due > 0 {
				pause.For(inner, min(due, time.Until(until)))
				continue
			}
			reported = time.Now()
			s.o.Waiting(fmt.Sprintf("waiting for %s%s: %s, %s of %s", s.address(), s.o.ReadyPath, Reason(last), Span(time.Since(started)), Span(s.o.ReadyLimit)))
		}
	}
}

// unreachable reports whether nothing listens where the server should be.
func unreachable(err error) bool {
	var name *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &name) && name.IsNotFound
}

// Reason is why a server is not ready, in few words.
func Reason(err error) string {
	var network net.Error
	var name *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &name) && name.IsNotFound:
		return "no such host"
	case errors.As(err, &network) && network.Timeout():
		return "no answer within " + Span(requestLimit)
	}
	return err.Error()
}

// Span is a duration in the largest units that it fills, as in "1 h 30 min".
func Span(d time.Duration) string {
	if d = d.Round(time.Second); d == 0 {
		return "0 s"
	}
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			d -= n * unit.size
		}
	}
	return strings.Join(parts, " ")
}
