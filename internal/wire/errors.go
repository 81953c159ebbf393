package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"

	"loadgen/internal/stream"
)

// classify words an error of the network.
func classify(err error) *stream.Error {
	var known *stream.Error
	if errors.As(err, &known) {
		return known
	}
	class, hint := Network, ""
	var (
		dns      *net.DNSError
		record   tls.RecordHeaderError
		verify   *tls.CertificateVerificationError
		alert    tls.AlertError
		hostname x509.HostnameError
	)
	switch {
	case errors.As(err, &dns):
		class = DNS
	case errors.Is(err, syscall.ECONNREFUSED):
		class, hint = Refused, " (nothing listens there)"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		class = stream.Reset
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		class = Unreachable
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		class, hint = TooManyFiles, " (raise ulimit -n)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		class, hint = NoPorts, " (no free local port: use --keep-alive, or wait for old connections to expire)"
	case errors.As(err, &record), errors.As(err, &verify), errors.As(err, &alert), errors.As(err, &hostname):
		class = TLS
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, context.DeadlineExceeded):
		class = Timeout
	}
	return &stream.Error{Class: class, Message: string(class) + ": " + err.Error() + hint, Exception: true, Cause: err}
}

// failure is an error of a class of our own.
func failure(class stream.Class, words string, cause error) *stream.Error {
	return &stream.Error{Class: class, Message: string(class) + ": " + words, Exception: true, Cause: cause}
}
