package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/stream"
)

// sink gathers what a transport feeds, until it has seen enough.
type sink struct {
	text          strings.Builder
	at            []time.Duration
	enough        string // the answer is over when its text ends so
	failing       bool
	reusable      bool
	ended         bool
	mixed         bool
	settled       string // "true" for exact
	uncertainties []time.Duration
	err           *stream.Error
}

func (s *sink) Feed(p []byte, at time.Duration) bool {
	s.text.Write(p)
	s.at = append(s.at, at)
	return s.enough != "" && strings.HasSuffix(s.text.String(), s.enough)
}
func (s *sink) End(_ time.Duration, err *stream.Error) { s.ended, s.err = true, err }
func (s *sink) Piece(stream.Sizes) int                 { return 0 }
func (s *sink) Settle(exact bool)                      { s.settled = fmt.Sprint(exact) }
func (s *sink) Sizes() stream.Sizes                    { return stream.Sizes{} }
func (s *sink) Mixed() bool                            { return s.mixed }
func (s *sink) Uncertain(late time.Duration, _ bool)   { s.uncertainties = append(s.uncertainties, late) }
func (s *sink) Failing() bool                          { return s.failing }
func (s *sink) Reusable() bool                         { return s.reusable }
func (s *sink) Prefetch() byte                         { return 0 }

func (s *sink) class() stream.Class {
	if s.err == nil {
		return ""
	}
	return s.err.Class
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func noEnv(string) string { return "" }

// listen runs serve for every connection until the test ends.
func listen(t *testing.T, serve func(n int, conn net.Conn)) Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				serve(n, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return Endpoint{Host: l.Addr().String()}
}

// readHead reads a request without a body.
func readHead(conn net.Conn) (*http.Request, error) { return http.ReadRequest(bufio.NewReader(conn)) }

func TestKernelStampsComeBeforeTheReader(t *testing.T) {
	if !KernelStampsSupported {
		t.Skip("no kernel stamps on " + runtime.GOOS)
	}
	clock := NewClock()
	var sent [2]atomic.Int64
	to := listen(t, func(_ int, conn net.Conn) {
		readHead(conn)
		for i := range sent {
			time.Sleep(20 * time.Millisecond)
			sent[i].Store(int64(clock.Now()))
			conn.Write([]byte("x"))
		}
		io.WriteString(conn, "!")
		io.Copy(io.Discard, conn)
	})
	for _, stamps := range []Stamps{KernelStamps, UserStamps} {
		b := NewBlocking(Options{Clock: clock, Stamps: stamps, Env: noEnv})
		s := &sink{enough: "!"}
		x := &Exchange{To: to, Head: []byte(get), Sink: s, Fresh: true}
		b.Do(context.Background(), x)
		if s.text.String() != "xx!" || s.ended {
			t.Fatalf("%q %v", s.text.String(), s.err)
		}
		if x.KernelStamps != (stamps == KernelStamps) {
			t.Errorf("stamps of mode %d: kernel %v", stamps, x.KernelStamps)
		}
		if least := x.Connect - x.Start - x.MinRTT; x.MinRTT <= 0 || x.ConnectLate != max(least, 0) {
			t.Errorf("late by up to %v for a connection of %v on a path of %v", x.ConnectLate, x.Connect-x.Start, x.MinRTT)
		}
		if x.Start >= x.Connect || x.Connect >= x.Written || x.Written >= s.at[0] || s.at[0] < time.Duration(sent[0].Load()) {
			t.Errorf("out of order: start %v connect %v written %v sent %v first %v", x.Start, x.Connect, x.Written, time.Duration(sent[0].Load()), s.at[0])
		}
	}
}

// pipeTo dials a server in memory.
func pipeTo(serve func(conn net.Conn)) DialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			serve(there)
		}()
		return here, nil
	}
}

func TestTimeouts(t *testing.T) {
	drip := func(conn net.Conn) {
		readHead(conn)
		for range 20 {
			time.Sleep(3 * time.Second)
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		name        string
		total, idle time.Duration
		failing     bool
		after       time.Duration
		class       stream.Class
	}{
		{"total", 10 * time.Second, 0, false, 10 * time.Second, Timeout},
		{"idle", 0, 2 * time.Second, false, 2 * time.Second, IdleTimeout},
		{"idle is not total", 0, 4 * time.Second, false, 60 * time.Second, ""},
		{"a failure's words", time.Hour, 0, true, 2 * time.Second, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := NewClock()
				b := NewBlocking(Options{Clock: clock, Timeout: c.total, IdleTimeout: c.idle, Env: noEnv, Dial: pipeTo(drip)})
				s := &sink{failing: c.failing}
				x := &Exchange{To: Endpoint{Host: "127.0.0.1:1"}, Head: []byte(get), Sink: s, Fresh: true}
				b.Do(context.Background(), x)
				if s.class() != c.class || !s.ended || clock.Now()-x.Start != c.after {
					t.Errorf("%v after %v, want %q after %v", s.err, clock.Now()-x.Start, c.class, c.after)
				}
				time.Sleep(time.Minute) // for the server to notice
			})
		})
	}
}

func TestInterruptEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, Dial: pipeTo(func(conn net.Conn) { readHead(conn); io.Copy(io.Discard, conn) })})
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		s := &sink{}
		b.Do(ctx, &Exchange{To: Endpoint{Host: "127.0.0.1:1"}, Head: []byte(get), Sink: s, Fresh: true})
		if s.class() != Interrupted || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", s.err, time.Since(start))
		}
		late := &sink{}
		b.Do(ctx, &Exchange{To: Endpoint{Host: "127.0.0.1:1"}, Head: []byte(get), Sink: late})
		if late.class() != Interrupted {
			t.Errorf("a request after the interrupt: %v", late.err)
		}
	})
}

func TestErrorsHaveClasses(t *testing.T) {
	wrap := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	for _, c := range []struct {
		err   error
		class stream.Class
	}{
		{wrap(syscall.ECONNREFUSED), Refused}, {wrap(syscall.EHOSTUNREACH), Unreachable}, {wrap(syscall.ENETUNREACH), Unreachable},
		{wrap(syscall.EMFILE), TooManyFiles}, {wrap(syscall.EADDRNOTAVAIL), NoPorts}, {wrap(syscall.ECONNRESET), stream.Reset},
		{wrap(syscall.EPIPE), stream.Reset}, {wrap(syscall.ETIMEDOUT), Timeout}, {context.DeadlineExceeded, Timeout},
		{&net.DNSError{Err: "no such host", Name: "nowhere.invalid"}, DNS}, {tls.RecordHeaderError{Msg: "not TLS"}, TLS}, {errors.New("odd"), Network},
	} {
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, c.err }})
		s := &sink{}
		x := &Exchange{To: Endpoint{Host: "127.0.0.1:1"}, Sink: s, Fresh: true}
		b.Do(context.Background(), x)
		if x.Connect != 0 || s.class() != c.class || !s.err.Exception || !errors.Is(s.err, c.err) {
			t.Errorf("%v: %v, want %s", c.err, s.err, c.class)
		}
	}
}

func TestLocalhostIsBothLoopbacks(t *testing.T) {
	four, six := net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}, net.IPAddr{IP: net.IPv6loopback}
	for _, known := range [][]net.IPAddr{nil, {four}, {six}, {six, four}} {
		got := withLoopbacks(known)
		if len(got) != 2 || got[0].IP.Equal(got[1].IP) || len(known) > 0 && !got[0].IP.Equal(known[0].IP) {
			t.Errorf("%v of %v", got, known)
		}
	}
}

func TestProxies(t *testing.T) {
	var lines []string
	var mu sync.Mutex
	proxy := listen(t, func(_ int, conn net.Conn) {
		r, err := readHead(conn)
		if err != nil {
			return
		}
		mu.Lock()
		lines = append(lines, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		if r.Method == "CONNECT" {
			io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\n\r\n")
			return
		}
		io.WriteString(conn, "via proxy.")
	})
	env := func(name string) string {
		return map[string]string{"http_proxy": "http://user:pass@" + proxy.Host, "HTTPS_PROXY": proxy.Host, "NO_PROXY": "direct.test, .inner.test"}[name]
	}
	b := NewBlocking(Options{Clock: NewClock(), Env: env})
	s := &sink{enough: "."}
	b.Do(context.Background(), &Exchange{To: Endpoint{Host: "127.0.0.1:8000"}, Head: []byte("GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"), Sink: s, Fresh: true})
	if s.ended || s.text.String() != "via proxy." {
		t.Errorf("%q %v", s.text.String(), s.err)
	}
	refused := &sink{}
	b.Do(context.Background(), &Exchange{To: Endpoint{TLS: true, Host: "far.test:443"}, Head: []byte(get), Sink: refused, Fresh: true})
	if refused.class() != Proxy || !strings.Contains(refused.err.Message, "403") {
		t.Error(refused.err)
	}
	mu.Lock()
	defer mu.Unlock()
	want := "GET http://127.0.0.1:8000/v1 Basic dXNlcjpwYXNz,CONNECT far.test:443 "
	if got := strings.Join(lines, ","); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for host, through := range map[string]bool{"127.0.0.1:8000": true, "direct.test:80": false, "a.inner.test:80": false, "inner.test:80": false, "outer.test:80": true, "xdirect.test:80": true} {
		if p, err := ProxyFor(Endpoint{Host: host}, env); err != nil || (p != nil) != through {
			t.Errorf("%s: proxy %v, %v", host, p, err)
		}
	}
	if p, _ := ProxyFor(Endpoint{Host: "h:80"}, func(name string) string { return map[string]string{"no_proxy": "*", "http_proxy": "http://p"}[name] }); p != nil {
		t.Error("NO_PROXY=* does not hold")
	}
	if _, err := ProxyFor(Endpoint{Host: "h:80"}, func(string) string { return "socks5://user:geheim@p" }); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("%v", err)
	}
}
