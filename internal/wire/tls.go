package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"loadgen/internal/stream"
)

// Code says which problem a TLSError is.
type Code string

// The problems of TLS that have different remedies.
const (
	TLSUnknownAuthority  Code = "tls_unknown_authority"  // signed by nobody who is trusted
	TLSExpired           Code = "tls_expired"            // or not valid yet
	TLSWrongHost         Code = "tls_wrong_host"         // the certificate is for another name
	TLSBadCertificate    Code = "tls_bad_certificate"    // otherwise not valid
	TLSPlainHTTP         Code = "tls_plain_http"         // https to a server that speaks HTTP
	TLSNone              Code = "tls_none"               // https to a server that does not speak TLS
	HTTPToTLS            Code = "http_to_tls"            // http to a server that speaks TLS
	TLSVersion           Code = "tls_version"            // nothing from TLS 1.2 on in common
	TLSClientCertificate Code = "tls_client_certificate" // the server requires another one, or any
	TLSHandshake         Code = "tls_handshake"          // anything else
)

// A TLSError is the cause of a failure of class TLS.
type TLSError struct {
	Code Code
	Err  error
}

var tlsMessages = map[Code]string{
	TLSUnknownAuthority:  "the server's certificate is signed by an unknown authority",
	TLSExpired:           "the server's certificate has expired or is not valid yet",
	TLSWrongHost:         "the server's certificate is for another host",
	TLSBadCertificate:    "the server's certificate is not valid",
	TLSPlainHTTP:         "the server answers in plain HTTP (use http://)",
	TLSNone:              "the server does not speak TLS",
	HTTPToTLS:            "the server speaks TLS (use https://)",
	TLSVersion:           "no TLS version in common (1.2 or later is needed)",
	TLSClientCertificate: "the server does not accept the client's certificate, or needs one",
	TLSHandshake:         "the handshake failed",
}

func (e *TLSError) Error() string { return tlsMessages[e.Code] + ": " + e.Err.Error() }

// Unwrap returns the error beneath.
func (e *TLSError) Unwrap() error { return e.Err }

func tlsFailure(e *TLSError) *stream.Error { return failure(TLS, e.Error(), e) }

// tlsProblem finds what is wrong with TLS in an error, nil where it is about something else.
func tlsProblem(err error) *TLSError {
	var (
		known    *TLSError
		record   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		op       *net.OpError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &record):
		if string(record.RecordHeader[:]) == "HTTP/" {
			return &TLSError{TLSPlainHTTP, err}
		}
		return &TLSError{TLSNone, err}
	case errors.As(err, &unknown):
		return &TLSError{TLSUnknownAuthority, err}
	case errors.As(err, &hostname):
		return &TLSError{TLSWrongHost, err}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &TLSError{TLSExpired, err}
	case errors.As(err, &verify):
		return &TLSError{TLSBadCertificate, err}
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return &TLSError{alertCode(op.Err.Error()), err}
	}
	return nil
}

// alertCode reads an alert; crypto/tls has no type for those of TCP.
func alertCode(text string) Code {
	switch strings.TrimPrefix(text, "tls: ") {
	case "certificate required", "bad certificate", "unknown certificate authority", "unknown certificate",
		"expired certificate", "revoked certificate", "unsupported certificate", "access denied":
		return TLSClientCertificate
	case "protocol version not supported":
		return TLSVersion
	case "unrecognized name":
		return TLSWrongHost
	}
	return TLSHandshake
}

// alertAnswer is the failure of a plain request whose answer begins with a TLS alert, nil
// for any other answer.
func alertAnswer(p []byte) *stream.Error {
	const alert, major = 21, 3
	if len(p) < 3 || p[0] != alert || p[1] != major {
		return nil
	}
	return tlsFailure(&TLSError{HTTPToTLS, fmt.Errorf("it sent the alert % x", p[:min(len(p), 7)])})
}

// handshakeLimit bounds a TLS handshake where nothing else does: a server that does not
// speak TLS may wait for ever for the end of what it takes for a request. It is asyncio's.
const handshakeLimit = time.Minute

// secure speaks TLS over a connection.
func (d *dialer) secure(ctx context.Context, conn net.Conn, host string, l *limits) (net.Conn, error) {
	config := d.tls.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(host)
	}
	asked := false // for a certificate that there is none of
	if len(config.Certificates) == 0 && config.GetClientCertificate == nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		}
	}
	l.phase = Handshaking
	var under net.Conn = &guarded{Conn: conn, limits: l}
	if d.packets != nil {
		under = &records{Conn: under}
	}
	over := tls.Client(under, config)
	shaking, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	err := over.HandshakeContext(shaking)
	if err == nil {
		return over, nil
	}
	conn.Close()
	problem := tlsProblem(err)
	var timeout *TimeoutError
	switch {
	case ctx.Err() != nil:
		return nil, interrupted(ctx)
	case shaking.Err() != nil:
		limit := &TimeoutError{Phase: Handshaking, Limit: handshakeLimit}
		return nil, tlsFailure(&TLSError{TLSNone, fmt.Errorf("no handshake within %v: %w", handshakeLimit, limit)})
	case errors.As(err, &timeout), pastDeadline(err):
		return nil, l.expired()
	case problem != nil:
		if asked && problem.Code == TLSHandshake {
			problem.Code = TLSClientCertificate
		}
		return nil, tlsFailure(problem)
	case strings.Contains(err.Error(), "protocol version"):
		return nil, tlsFailure(&TLSError{TLSVersion, err})
	case errors.Is(err, io.EOF):
		return nil, tlsFailure(&TLSError{TLSHandshake, errors.New("the server closed the connection")})
	}
	if e := classify(err); e.Class != Network {
		return nil, failure(e.Class, "in the TLS handshake: "+err.Error(), err)
	}
	return nil, tlsFailure(&TLSError{TLSHandshake, err})
}

// guarded sets the deadlines of its exchange for each read and write beneath TLS and
// proxies, so that any progress counts. Without limits it sets none.
type guarded struct {
	net.Conn
	limits *limits
	failed error // what the last read or write failed with
}

func (g *guarded) Read(p []byte) (int, error) {
	if g.limits != nil {
		g.SetReadDeadline(g.limits.next())
	}
	n, err := g.Conn.Read(p)
	g.failed = err
	return n, err
}

func (g *guarded) Write(p []byte) (int, error) {
	if g.limits == nil {
		return g.Conn.Write(p)
	}
	n, err := writeAll(g.Conn, g.limits, p, nil)
	g.failed = err
	return n, err
}
