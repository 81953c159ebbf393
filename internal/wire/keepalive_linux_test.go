package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// sleepy is the kernel to a client that looks at an idle connection too early to see that
// the server has closed it: it keeps the end to itself until it is reset, too.
type sleepy struct{ linux }

func (*sleepy) quiet(int) bool { return true }

func (k *sleepy) epollWait(ep int, events []unix.EpollEvent, d, pause time.Duration) (int, bool, error) {
	n, slept, err := k.linux.epollWait(ep, events, d, pause)
	kept := slices.DeleteFunc(events[:max(n, 0)], func(e unix.EpollEvent) bool {
		return e.Events&(unix.EPOLLRDHUP|unix.EPOLLERR) == unix.EPOLLRDHUP
	})
	return len(kept), slept, err
}

// TestARequestThatMetAClosedConnection is sent again, once, and timed from its first try:
// the server's end of the connection came between the look and the write, for real.
func TestARequestThatMetAClosedConnection(t *testing.T) {
	for _, name := range []string{"reactor", "blocking"} {
		t.Run(name, func(t *testing.T) {
			clock := NewClock()
			sleeping, err := newReactor(Options{Clock: clock, Env: noEnv}, &sleepy{})
			if err != nil {
				t.Fatal(err)
			}
			defer sleeping.Close()
			awake := NewBlocking(Options{Clock: clock, Env: noEnv})
			defer awake.Close()
			again := func(to Endpoint) (*Exchange, *sink) { return ask(sleeping, to) }
			if name == "blocking" { // Do, without its look
				again = func(to Endpoint) (*Exchange, *sink) {
					p := awake.pool.idle[to][0]
					awake.pool.idle[to] = nil
					s := &sink{enough: "."}
					x := &Exchange{To: to, Head: []byte(get), Body: []byte("body"), Sink: s, Start: clock.Now(), Reused: true, Fresh: true}
					l := newLimits(awake.o)
					if awake.on(context.Background(), x, p, l, x.Start) {
						t.Errorf("taken for an answer: %q, %v", s.text.String(), s.err)
					}
					x.Reused = false
					x.Resent++
					first := x.Start
					if awake.overFresh(context.Background(), x, l); x.Start != first {
						t.Errorf("timed from %v, begun at %v", x.Start, first)
					}
					return x, s
				}
			}
			var asked atomic.Int64
			finish, closed := make(chan struct{}), make(chan struct{})
			to := listen(t, func(n int, conn net.Conn) {
				in := bufio.NewReader(conn)
				for readAsked(in) == nil {
					asked.Add(1)
					io.WriteString(conn, "ok.")
					if n == 0 {
						<-finish
						conn.Close()
						closed <- struct{}{}
						return
					}
				}
			})
			ask(map[bool]Transport{true: sleeping, false: awake}[name == "reactor"], to)
			finish <- struct{}{}
			<-closed
			before := clock.Now()
			x, s := again(to)
			if s.text.String() != "ok." || s.ended || x.Resent != 1 || x.Reused {
				t.Errorf("%q, %v, sent again %d times, reused %v", s.text.String(), s.err, x.Resent, x.Reused)
			}
			if x.Start < before || x.Connect <= x.Start || x.Written < x.Connect || x.Ended < x.Connect {
				t.Errorf("asked at %v: start %v, connected %v, written %v, over %v", before, x.Start, x.Connect, x.Written, x.Ended)
			}
			if n := asked.Load(); n != 2 {
				t.Errorf("the server read %d requests of 2", n)
			}
		})
	}
}

// TestReactorSendsAgain scripts what the second request on a connection meets.
func TestReactorSendsAgain(t *testing.T) {
	first := stampOf{"hi.", time.Nanosecond}
	later := stampOf{"late.", time.Hour} // which is now, to a clock that has not come to it
	early := stampOf{"HTTP/1.1 408 Request Timeout", 2 * time.Nanosecond}
	fresh := func() *scriptedConn { return &scriptedConn{reads: []any{stampOf{"new.", time.Hour}}} }
	for name, c := range map[string]struct {
		writes  []any
		reads   []any
		unacked bool // all of the second request
		text    string
		resent  int
		class   stream.Class
	}{
		"answered":                             {reads: []any{later}, text: "late."},
		"closed, nothing acknowledged":         {reads: []any{io.EOF}, unacked: true, text: "new.", resent: 1},
		"closed, but acknowledged":             {reads: []any{io.EOF}},
		"reset, nothing acknowledged":          {reads: []any{unix.ECONNRESET}, unacked: true, class: stream.Reset},
		"closed while it is written":           {writes: []any{3, unix.EPIPE}, reads: []any{io.EOF}, unacked: true, text: "new.", resent: 1},
		"reset while it is written":            {writes: []any{3, unix.ECONNRESET}, reads: []any{io.EOF}, unacked: true, class: stream.Reset},
		"nothing could be written":             {writes: []any{unix.EPIPE}, reads: []any{io.EOF}, text: "new.", resent: 1},
		"reset before anything was written":    {writes: []any{unix.ECONNRESET}, reads: []any{io.EOF}, text: "new.", resent: 1},
		"an older answer, then its end":        {reads: []any{early, io.EOF}, unacked: true, text: "new.", resent: 1},
		"an older answer, but acknowledged":    {reads: []any{early, io.EOF}, class: Unsolicited},
		"an older answer, and then another":    {reads: []any{early, later}, class: Unsolicited},
		"an older answer in two, then its end": {reads: []any{early, early, io.EOF}, unacked: true, text: "new.", resent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			old := &scriptedConn{reads: []any{first}}
			sys := newScripted(old, fresh())
			r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv}, sys)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			to := Endpoint{Host: "127.0.0.1:80"}
			if x, s := ask(r, to); s.text.String() != "hi." || x.Reused {
				t.Fatalf("%q %v", s.text.String(), s.err)
			}
			sys.mu.Lock()
			old.writes, old.reads = c.writes, c.reads
			if c.unacked {
				old.unacked = len(get) + len("body")
				for _, step := range c.writes {
					if n, ok := step.(int); ok {
						old.unacked = n
					}
				}
			}
			sys.readAfterWrite = true
			sys.mu.Unlock()
			before := r.o.Clock.Now()
			x, s := ask(r, to)
			if s.text.String() != c.text || s.class() != c.class || x.Resent != c.resent || s.ended != (c.text == "") || x.Reused != (c.resent == 0) {
				t.Errorf("%q, %v, sent again %d times, reused %v", s.text.String(), s.err, x.Resent, x.Reused)
			}
			if first := old.wrote.Sub(sys.origin); x.Start < before || x.Start > first || c.resent > 0 && x.Connect <= first {
				t.Errorf("asked at %v, start %v, connected %v", before, x.Start, x.Connect)
			}
		})
	}
}
