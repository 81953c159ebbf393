package wire

import (
	"context"
	"errors"
	"os"
	"time"

	"loadgen/internal/stream"
)

// Phase is what an exchange does, or waits for.
type Phase string

// The phases of an exchange, in their order. Those in the middle are for TLS and proxies.
const (
	Resolving   Phase = "resolve"       // the host's name is looked up
	Connecting  Phase = "connect"       // a TCP or Unix connection is made
	Tunnelling  Phase = "proxy_connect" // a proxy was asked for a tunnel
	Handshaking Phase = "tls_handshake"
	Writing     Phase = "write"
	Awaiting    Phase = "head" // the request is written, nothing of its answer is here
	Reading     Phase = "body" // a part of the answer is here
)

// String is the phase in words.
func (p Phase) String() string {
	switch p {
	case Resolving:
		return "looking up the host name"
	case Connecting:
		return "connecting"
	case Tunnelling:
		return "waiting for the proxy's answer to CONNECT"
	case Handshaking:
		return "in the TLS handshake"
	case Writing:
		return "sending the request"
	case Awaiting:
		return "waiting for the answer"
	case Reading:
		return "reading the answer"
	}
	return string(p)
}

// TimeoutError is the cause of every failure for want of time: those of the classes Timeout
// and IdleTimeout, and a look-up or TLS handshake that was given up.
type TimeoutError struct {
	Phase Phase
	Limit time.Duration
	Idle  bool // the limit is Options.IdleTimeout
}

func (e *TimeoutError) Error() string {
	if e.Idle {
		return "no progress for " + e.Limit.String() + " while " + e.Phase.String()
	}
	return "no complete answer within " + e.Limit.String() + ", still " + e.Phase.String()
}

// Is makes it an os.ErrDeadlineExceeded.
func (e *TimeoutError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// timedOut is the failure of an exchange in a phase.
func timedOut(p Phase, limit time.Duration, idle bool) *stream.Error {
	e := &TimeoutError{Phase: p, Limit: limit, Idle: idle}
	switch {
	case p == Resolving: // whose fault it is says more than which limit it was
		return failure(DNS, "no answer from the name server within "+limit.String(), e)
	case idle:
		return failure(IdleTimeout, e.Error(), e)
	}
	return failure(Timeout, e.Error(), e)
}

// pastDeadline reports whether err is that of a deadline set by this program.
func pastDeadline(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// limits are the deadlines of one exchange of the blocking transport.
type limits struct {
	total, idle time.Duration // 0 is no bound
	end         time.Time     // of total; zero for never
	message     time.Time     // when to stop waiting for the rest of a failure's message
	phase       Phase
}

func newLimits(o Options) *limits {
	l := &limits{total: o.Timeout, idle: o.IdleTimeout, phase: Resolving}
	if l.total > 0 {
		l.end = time.Now().Add(l.total)
	}
	return l
}

// next is the deadline of what begins now, the zero time for none.
func (l *limits) next() time.Time {
	earliest := l.end
	candidates := [...]time.Time{l.message, {}}
	if l.idle > 0 {
		candidates[1] = time.Now().Add(l.idle)
	}
	for _, t := range candidates {
		if !t.IsZero() && (earliest.IsZero() || t.Before(earliest)) {
			earliest = t
		}
	}
	return earliest
}

// context is ctx with the deadline of what begins now.
func (l *limits) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if t := l.next(); !t.IsZero() {
		return context.WithDeadline(ctx, t)
	}
	return ctx, func() {}
}

// expired is the failure of an exchange whose deadline has passed.
func (l *limits) expired() *stream.Error {
	if l.total > 0 && !time.Now().Before(l.end) {
		return timedOut(l.phase, l.total, false)
	}
	return timedOut(l.phase, l.idle, true)
}
