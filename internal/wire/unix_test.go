package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnixSockets speaks over one whose path is absolute, and to one that is not there.
func TestUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for i := 0; readAsked(in) == nil && i < 2; i++ {
					io.WriteString(conn, "ok.")
				}
			})
		}
	})
	tr, _, err := New(AutoTransport, Options{Clock: NewClock(), Env: func(string) string { return "http://proxy.invalid" }})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	u, _ := url.Parse("unix:" + path)
	to := EndpointOf(u)
	for i, want := range []bool{false, true, false} { // the server drops its third request
		x, s := ask(tr, to)
		if i == 2 {
			want = true
		}
		if x.Reused != want || x.KernelStamps || s.ended != (i == 2) {
			t.Errorf("request %d: reused %v, %q, %v", i, x.Reused, s.text.String(), s.err)
		}
	}
	u, _ = url.Parse("unix:" + path + "-none")
	if x, s := ask(tr, EndpointOf(u)); s.class() != Refused || x.Connect != 0 {
		t.Errorf("%v", s.err)
	}
	tr.Close()
	l.Close()
	all.Wait()
}

func TestEndpoints(t *testing.T) {
	for text, want := range map[string]Endpoint{
		"http://h":               {Host: "h:80"},
		"https://h/v1":           {TLS: true, Host: "h:443"},
		"http://[::1]:8000":      {Host: "[::1]:8000"},
		"unix:/run/server.sock":  {Host: "localhost:80", Unix: "/run/server.sock"},
		"unix:///run/s.sock":     {Host: "localhost:80", Unix: "/run/s.sock"},
		"unix:here.sock":         {Host: "localhost:80", Unix: "here.sock"},
		"unix:./a%20b/here.sock": {Host: "localhost:80", Unix: "./a b/here.sock"},
	} {
		u, err := url.Parse(text)
		if err != nil || EndpointOf(u) != want {
			t.Errorf("%s: %+v, %v", text, EndpointOf(u), err)
		}
	}
}

// TestAFullBacklogIsWaitedFor: the kernel refuses to queue a connection to a Unix socket
// whose server is slow to accept.
func TestAFullBacklogIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := 3
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if full--; full >= 0 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.EAGAIN)}
			}
			return pipeTo(func(conn net.Conn) { readHead(conn); io.WriteString(conn, "ok.") })(ctx, network, address)
		}
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, Dial: dial, Timeout: time.Minute})
		s, began := &sink{enough: "."}, time.Now()
		b.Do(context.Background(), &Exchange{To: Endpoint{Unix: "/s"}, Head: []byte(get), Sink: s, Fresh: true})
		if s.ended || time.Since(began) != 3*unixPause {
			t.Errorf("%v after %v", s.err, time.Since(began))
		}
		full = 1 << 30
		s = &sink{}
		if b.Do(context.Background(), &Exchange{To: Endpoint{Unix: "/s"}, Sink: s, Fresh: true}); s.class() != Timeout {
			t.Error(s.err)
		}
		b.Close()
	})
}
