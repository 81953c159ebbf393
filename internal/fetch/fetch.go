// Package fetch gets files over HTTP and HTTPS. It takes a URL and gives the head of the answer
// and its body, in pieces as they come. It follows redirects, goes by the proxies that the
// environment names, and takes a compressed transfer apart. What it waits for is bounded by
// silence, so that a large file takes its time. A password or token goes to the host that it is
// for, and to no other. It keeps nothing and tries nothing twice.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/stream"
	"loadgen/internal/wire"
)

// Options configure a Client.
type Options struct {
	// Env looks up the variables that name proxies; nil goes by none.
	Env func(string) string
	// Timeout bounds one request, Idle each wait for progress; 0 is no bound.
	Timeout, Idle time.Duration
	// Dial is the system's when nil.
	Dial wire.DialFunc
	// Transport carries requests in place of all of these, if not nil.
	Transport Transport
}

// Transport is what a Client needs of wire's.
type Transport interface {
	Do(ctx context.Context, x *wire.Exchange)
	Close()
}

// Client gets files. It is safe for concurrent use.
type Client struct{ transport Transport }

// New returns a client.
func New(o Options) *Client {
	if o.Transport != nil {
		return &Client{o.Transport}
	}
	if o.Env == nil {
		o.Env = func(string) string { return "" }
	}
	return &Client{wire.NewBlocking(wire.Options{Clock: wire.NewClock(), Timeout: o.Timeout, IdleTimeout: o.Idle,
		Stamps: wire.UserStamps, Env: o.Env, Proxy: wire.ProxyForFiles, ByName: true, Dial: o.Dial})}
}

// Close ends the idle connections.
func (c *Client) Close() { c.transport.Close() }

// Request is what to get.
type Request struct {
	// Method is GET when empty, or HEAD.
	Method string
	// URL may have a user: what its password is for.
	URL string
	// Authorization goes to the URL's host alone, over the same scheme, and not after a detour.
	Authorization string
	// Range is that header's value.
	Range string
	// Near follows no redirect to another host: that is the answer.
	Near bool
	// Most bounds the body, decompressed; 0 stands for 64 MiB.
	Most int64
	// Body is called with the head of the answer and returns where its body goes; nil drops it.
	// An error, of it or of a write, ends the transfer and is returned as it is.
	Body func(*Answer) (io.Writer, error)
}

// Answer is the head of an answer.
type Answer struct {
	Status int
	Reason string // phrase of the status line
	Host   string // that answered
	lines  []byte
}

// Header is the first value of a header, "" for none.
func (a *Answer) Header(name string) string { return stream.HeaderValue(a.lines, name) }

// Length is the size of the file by the head of the answer, -1 where it does not say: what is
// compressed for the transfer has another length there.
func (a *Answer) Length() int64 {
	n, err := strconv.ParseInt(a.Header("Content-Length"), 10, 64)
	if err != nil || n < 0 || a.Compressed() || a.Header("Transfer-Encoding") != "" {
		return -1
	}
	return n
}

// Compressed reports whether the body was compressed for the transfer.
func (a *Answer) Compressed() bool {
	coding := a.Header("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity")
}

func (a *Answer) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, a.Reason))
}

// UnreachableError means that there was no answer.
type UnreachableError struct {
	Host string
	Err  error
}

func (e *UnreachableError) Error() string { return "cannot reach " + e.Host + ": " + e.Err.Error() }

// Unwrap returns the error beneath.
func (e *UnreachableError) Unwrap() error { return e.Err }

// brokenError is a transport's failure, without its class.
type brokenError struct{ err *stream.Error }

func (e brokenError) Error() string {
	return strings.TrimPrefix(e.err.Message, string(e.err.Class)+": ")
}
func (e brokenError) Unwrap() error { return e.err }

// Do gets what a request asks for. When ctx ends, its cause is the error.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	at, err := url.Parse(r.URL)
	if err != nil {
		return nil, errors.New("what is to be downloaded has no URL") // which may hold a password
	} else if at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("%q is no URL to download from; expected http://HOST/PATH or https://HOST/PATH", at.Redacted())
	}
	if r.Authorization == "" {
		r.Authorization = wire.BasicAuth(at)
	}
	first := at
	for hop := 1; ; hop++ {
		t := &transfer{r: &r, first: first, at: at}
		t.send(ctx, c.transport)
		switch cause := context.Cause(ctx); {
		case cause != nil && !t.whole:
			return nil, cause
		case t.err != nil:
			return nil, t.err
		case t.next == nil:
			return t.answer, nil
		case hop == MostRedirects:
			return nil, &UnreachableError{at.Host, fmt.Errorf("more than %d redirects", MostRedirects)}
		case t.next.Host != first.Host || t.next.Scheme != first.Scheme:
			r.Authorization = ""
		}
		at = t.next
	}
}

// Text gets a short file.
func (c *Client) Text(ctx context.Context, r Request) (*Answer, []byte, error) {
	var text strings.Builder
	r.Body = func(*Answer) (io.Writer, error) { return &text, nil }
	a, err := c.Do(ctx, r)
	return a, []byte(text.String()), err
}
