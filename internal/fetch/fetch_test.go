package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/wire"
)

// serving starts a server.
func serving(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s
}

// TestRedirects: a password goes to the host that it is for, and not even there after a detour.
func TestRedirects(t *testing.T) {
	var seen []string
	var near, far *httptest.Server
	handle := func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, fmt.Sprintf("%s%s %v", map[bool]string{true: "near", false: "far"}[r.Host == near.Listener.Addr().String()], r.URL.Path, r.Header.Get("Authorization") != ""))
		to := map[string]string{"/a": "/b", "/b": strings.Replace(far.URL, "://", "://user:pass@", 1) + "/c", "/c": near.URL + "/d"}[r.URL.Path]
		if to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}
	near, far = serving(t, handle), serving(t, handle)
	user := strings.Replace(near.URL, "://", "://user:pass@", 1)
	for _, r := range []Request{{URL: near.URL + "/a", Authorization: "Bearer secret"}, {URL: user + "/a"}, {URL: near.URL + "/a", Method: "HEAD", Authorization: "x"}} {
		seen = nil
		a, err := New(Options{}).Do(t.Context(), r)
		if got := strings.Join(seen, ", "); err != nil || a.Status != 200 || got != "near/a true, near/b true, far/c false, near/d false" {
			t.Errorf("%+v: %s (%v %v)", r, got, a, err)
		}
	}
	seen = nil
	a, err := New(Options{}).Do(t.Context(), Request{URL: near.URL + "/a", Near: true})
	if err != nil || a.Status != 302 || len(seen) != 2 || !strings.HasSuffix(a.Header("location"), "/c") {
		t.Errorf("%v %v %v", a, err, seen)
	}
}

// TestRedirectToAnotherScheme: https's password is not for http on the same host, nor the other way.
func TestRedirectToAnotherScheme(t *testing.T) {
	var heads []string
	c := New(Options{Transport: answering(func(x *wire.Exchange) string {
		heads = append(heads, string(x.Head))
		if x.To.TLS {
			return "HTTP/1.1 301 Moved\r\nLocation: http://hub/x\r\n\r\n"
		}
		return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	})})
	if _, err := c.Do(t.Context(), Request{URL: "https://hub/x", Near: true, Authorization: "secret"}); err != nil || len(heads) != 2 || strings.Contains(heads[1], "secret") {
		t.Errorf("%v %q", err, heads)
	}
}

// answering is a transport without connections.
type answering func(x *wire.Exchange) string

func (answering) Close() {}

func (f answering) Do(_ context.Context, x *wire.Exchange) {
	if !x.Sink.Feed([]byte(f(x)), 1) {
		x.Sink.End(1, nil)
	}
}

func TestRedirectsEnd(t *testing.T) {
	n := 0
	s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	_, err := New(Options{}).Do(t.Context(), Request{URL: s.URL + "/"})
	if err == nil || !strings.Contains(err.Error(), "more than 10 redirects") || n != MostRedirects {
		t.Errorf("%v after %d", err, n)
	}
	for _, location := range []string{"ftp://x/y", "http://", "file:///etc/passwd", "http://a b/", "unix:/x"} {
		c := New(Options{Transport: answering(func(*wire.Exchange) string { return "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\n\r\n" })})
		var unreachable *UnreachableError
		if _, err := c.Do(t.Context(), Request{URL: "http://hub/"}); !errors.As(err, &unreachable) {
			t.Errorf("%s: %v", location, err)
		}
	}
}

func TestDestination(t *testing.T) {
	at, _ := url.Parse("https://hub/a/b?c=d")
	for location, want := range map[string]string{"e?f=g h": "https://hub/a/e?f=g+h", "//other/x?é\"": "https://other/x?%C3%A9\"", "http://other": "http://other", "mailto:x": "", "http://a\r\nb/": ""} {
		got := ""
		if next := Destination(at, location); next != nil {
			got = next.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", location, got, want)
		}
	}
}

// TestConnectionsAreReused: after HEAD, which has a length and no body, and after an answer
// whose short body nobody wants.
func TestConnectionsAreReused(t *testing.T) {
	var conns atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		w.Header().Set("Content-Length", "3")
		if r.Method == "GET" {
			io.WriteString(w, "abc")
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := New(Options{})
	defer c.Close()
	a, err := c.Do(t.Context(), Request{URL: s.URL, Method: "HEAD"})
	if err != nil || a.Length() != 3 || a.String() != "200 OK" {
		t.Fatal(a, err)
	}
	if _, err := c.Do(t.Context(), Request{URL: s.URL}); err != nil {
		t.Error(err)
	}
	if _, text, err := c.Text(t.Context(), Request{URL: s.URL + "/from"}); err != nil || string(text) != "abc" {
		t.Errorf("%q %v", text, err)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestCompressed: what a proxy compresses although nobody asked for it is taken apart, and its
// length is not the file's.
func TestCompressed(t *testing.T) {
	s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("asked for %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, strings.Repeat("a", 1<<20))
		z.Close()
	})
	a, text, err := New(Options{}).Text(t.Context(), Request{URL: s.URL, Most: 1 << 20})
	if err != nil || string(text) != strings.Repeat("a", 1<<20) || a.Length() != -1 || !a.Compressed() {
		t.Errorf("%v %d bytes, %v", a, len(text), err)
	}
	if _, _, err := New(Options{}).Text(t.Context(), Request{URL: s.URL, Most: 1<<20 - 1}); err == nil || !strings.Contains(err.Error(), "longer than 1048575 bytes") {
		t.Error(err)
	}
}

// TestBrokenAnswers: none of them is taken for a whole file.
func TestBrokenAnswers(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
	for sent, want := range map[string]string{
		"": "closed the connection without an answer",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc": "ended before the answer did",
		chunked: "ended before the answer did",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n": "head is longer than",
		"SSH-2.0-OpenSSH\r\n": "does not begin with an HTTP/1 status line",
	} {
		for _, reset := range []bool{false, true} {
			s := serving(t, func(w http.ResponseWriter, r *http.Request) {
				conn, _, _ := w.(http.Hijacker).Hijack()
				io.WriteString(conn, sent)
				if reset {
					conn.(*net.TCPConn).SetLinger(0)
				}
				conn.Close()
			})
			_, text, err := New(Options{}).Text(t.Context(), Request{URL: s.URL})
			if err == nil || !strings.Contains(err.Error(), want) && !(reset && strings.Contains(err.Error(), "connection reset")) {
				t.Errorf("%.40q, reset %v: %q %v", sent, reset, text, err)
			}
			s.Close()
		}
	}
	for _, location := range []string{"", "hub/x", "ftp://hub/x", "http://", "http://user:geheim@"} {
		if _, err := New(Options{}).Do(t.Context(), Request{URL: location}); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", location, err)
		}
	}
}

func TestUnknownAuthority(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	_, err := New(Options{}).Do(t.Context(), Request{URL: s.URL, Authorization: "secret"})
	host := s.Listener.Addr().String()
	if err == nil || !strings.HasPrefix(err.Error(), "cannot reach "+host+": the server's certificate is signed by an unknown authority") {
		t.Error(err)
	}
}

// TestSilence: a body may take its time as long as it goes on.
func TestSilence(t *testing.T) {
	for pause, want := range map[time.Duration]string{29 * time.Second: "", 31 * time.Second: "no progress for 30s while reading the answer"} {
		synctest.Test(t, func(t *testing.T) {
			var serving sync.WaitGroup
			c := New(Options{Idle: 30 * time.Second, Dial: func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				serving.Go(func() {
					defer server.Close()
					server.Read(make([]byte, 4096))
					io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
					for range 100 {
						time.Sleep(pause)
						if _, err := io.WriteString(server, "x"); err != nil {
							return
						}
					}
				})
				return client, nil
			}})
			_, text, err := c.Text(t.Context(), Request{URL: "http://hub/"})
			if want == "" && (err != nil || len(text) != 100) || want != "" && (err == nil || err.Error() != want) {
				t.Errorf("a pause of %v: %d bytes, %v", pause, len(text), err)
			}
			c.Close()
			serving.Wait()
		})
	}
}

// TestInterrupted: the cause of the context is the error, and a receiver's error is its own.
func TestInterrupted(t *testing.T) {
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/whole" {
			io.WriteString(w, "abc")
			return
		}
		cancel(stopped)
		<-r.Context().Done()
	})
	if _, err := New(Options{}).Do(ctx, Request{URL: s.URL}); err != stopped {
		t.Error(err)
	}
	full := errors.New("no space left")
	for _, body := range []func(*Answer) (io.Writer, error){
		func(*Answer) (io.Writer, error) { return nil, full },
		func(*Answer) (io.Writer, error) { return failing{full}, nil },
	} {
		if _, err := New(Options{}).Do(t.Context(), Request{URL: s.URL + "/whole", Body: body}); err != full {
			t.Error(err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
