package wire

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"loadgen/internal/stream"
)

// The classes of failure that a transport finds; stream.Reset is another.
const (
	Refused      stream.Class = "refused"
	DNS          stream.Class = "dns"
	Timeout      stream.Class = "timeout"
	IdleTimeout  stream.Class = "idle_timeout"
	TLS          stream.Class = "tls" // its cause is a TLSError
	Interrupted  stream.Class = "interrupted"
	Proxy        stream.Class = "proxy"
	Unreachable  stream.Class = "unreachable"
	TooManyFiles stream.Class = "too_many_files"
	NoPorts      stream.Class = "no_ports"
	// Unsolicited is the class of a request on a connection on which the server had sent an
	// answer before the request.
	Unsolicited stream.Class = "unsolicited"
	Network     stream.Class = "network" // anything else
)

// errnoClasses are the classes of what the kernel says.
var errnoClasses = map[syscall.Errno]stream.Class{
	syscall.ECONNREFUSED:  Refused,
	syscall.ENOENT:        Refused, // there is no such Unix socket
	syscall.ECONNRESET:    stream.Reset,
	syscall.ECONNABORTED:  stream.Reset,
	syscall.EPIPE:         stream.Reset,
	syscall.EHOSTUNREACH:  Unreachable,
	syscall.ENETUNREACH:   Unreachable,
	syscall.EHOSTDOWN:     Unreachable,
	syscall.ENETDOWN:      Unreachable,
	syscall.EMFILE:        TooManyFiles,
	syscall.ENFILE:        TooManyFiles,
	syscall.EADDRNOTAVAIL: NoPorts,
	syscall.ETIMEDOUT:     Timeout,
}

// classify makes an error of the network a failure.
func classify(err error) *stream.Error {
	var (
		known *stream.Error
		dns   *net.DNSError
		errno syscall.Errno
		class = Network
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &dns):
		class = DNS
	case errors.As(err, &errno):
		if c, ok := errnoClasses[errno]; ok {
			class = c
		}
	case tlsProblem(err) != nil:
		return tlsFailure(tlsProblem(err))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		class = Timeout
	}
	hint := ""
	switch class {
	case Refused:
		hint = " (nothing listens there)"
	case TooManyFiles:
		hint = " (raise ulimit -n)"
	case NoPorts:
		hint = " (no free local port: reuse connections, or wait for old ones to expire)"
	}
	return failure(class, err.Error()+hint, err)
}

// failure is an error of a class.
func failure(class stream.Class, message string, cause error) *stream.Error {
	return &stream.Error{Class: class, Message: string(class) + ": " + message, Exception: true, Cause: cause}
}

// Drop is why exchanges are dropped on purpose, one by itself or all those whose context it is the
// cause of: the class that they end with, and why.
type Drop struct {
	Class stream.Class
	Why   string
}

func (d *Drop) Error() string { return d.Why }

func (d *Drop) failure() *stream.Error { return failure(d.Class, d.Why, nil) }

// interrupted is why an exchange ends whose context did.
func interrupted(ctx context.Context) *stream.Error {
	if drop := (*Drop)(nil); errors.As(context.Cause(ctx), &drop) {
		return drop.failure()
	}
	return failure(Interrupted, "the run was interrupted", context.Cause(ctx))
}

// unsolicited is the failure of a request on a connection on which the server had
// answered before it.
func unsolicited() *stream.Error {
	return failure(Unsolicited, "the server had sent an answer before this request on the connection that was to carry it", nil)
}
