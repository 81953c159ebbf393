package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"loadgen/internal/stream"
)

// transportsFor runs a test with each transport that this system has.
func transportsFor(t *testing.T, o Options, test func(t *testing.T, tr Transport)) {
	t.Helper()
	o.Clock, o.Env = NewClock(), noEnv
	t.Run("blocking", func(t *testing.T) {
		b := NewBlocking(o)
		defer b.Close()
		test(t, b)
	})
	for _, n := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("%d reactors", n), func(t *testing.T) {
			o.Reactors = n
			r, err := NewReactors(o)
			if err != nil {
				t.Skip(err)
			}
			defer r.Close()
			test(t, r)
		})
	}
}

// ask sends one request over a connection that may be used again.
func ask(tr Transport, to Endpoint) (*Exchange, *sink) {
	s := &sink{enough: ".", reusable: true}
	x := &Exchange{To: to, Head: []byte(get), Body: []byte("body"), Sink: s}
	tr.Do(context.Background(), x)
	return x, s
}

// readAsked reads a request of ask's.
func readAsked(in *bufio.Reader) error {
	if _, err := http.ReadRequest(in); err != nil {
		return err
	}
	_, err := in.Discard(len("body"))
	return err
}

// TestWhatTheServerReadIsNotSentAgain: the second request of a connection is read and then
// dropped, in each way that there is. That is a failure, as it is on a fresh connection,
// and the server sees every request once.
func TestWhatTheServerReadIsNotSentAgain(t *testing.T) {
	for name, drop := range map[string]struct {
		do    func(conn *net.TCPConn)
		class stream.Class
	}{
		"closed": {func(conn *net.TCPConn) { conn.Close() }, ""},
		"reset":  {func(conn *net.TCPConn) { conn.SetLinger(0); conn.Close() }, stream.Reset},
		"half":   {func(conn *net.TCPConn) { conn.CloseWrite() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			transportsFor(t, Options{}, func(t *testing.T, tr Transport) {
				var asked atomic.Int64
				to := listen(t, func(_ int, conn net.Conn) {
					in := bufio.NewReader(conn)
					for i := 0; readAsked(in) == nil; i++ {
						if asked.Add(1); i == 1 {
							drop.do(conn.(*net.TCPConn))
							io.Copy(io.Discard, in)
							return
						}
						io.WriteString(conn, "ok.")
					}
				})
				for i := range 6 {
					x, s := ask(tr, to)
					dropped := i%2 == 1
					if x.Reused != dropped || x.Resent != 0 || s.ended != dropped || s.class() != map[bool]stream.Class{true: drop.class}[dropped] {
						t.Errorf("request %d: reused %v, sent again %d times, %q, %v", i, x.Reused, x.Resent, s.text.String(), s.err)
					}
					if x.Ended < x.Start {
						t.Errorf("request %d: over at %v, begun at %v", i, x.Ended, x.Start)
					}
				}
				if n := asked.Load(); n != 6 {
					t.Errorf("the server read %d requests of 6", n)
				}
			})
		})
	}
}

// TestAConnectionThatIsOverIsNotUsed: the server closes after its answer, or says
// something of its own accord. The next request goes over another connection and was
// never sent on that one.
func TestAConnectionThatIsOverIsNotUsed(t *testing.T) {
	for name, after := range map[string]string{"closed": "", "spoke": "HTTP/1.1 408 Request Timeout\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			transportsFor(t, Options{}, func(t *testing.T, tr Transport) {
				finish, finished := make(chan struct{}), make(chan struct{})
				to := listen(t, func(_ int, conn net.Conn) {
					in := bufio.NewReader(conn)
					if readAsked(in) == nil {
						io.WriteString(conn, "ok.")
						<-finish
						io.WriteString(conn, after)
						conn.(*net.TCPConn).CloseWrite()
						finished <- struct{}{}
					}
					if n, _ := io.Copy(io.Discard, in); n > 0 {
						t.Errorf("%d bytes were sent on a connection that is over", n)
					}
				})
				for range 3 {
					x, s := ask(tr, to)
					if x.Reused || x.Resent != 0 || s.text.String() != "ok." || s.ended {
						t.Errorf("reused %v, sent again %d times, %q, %v", x.Reused, x.Resent, s.text.String(), s.err)
					}
					finish <- struct{}{}
					<-finished
				}
			})
		})
	}
}

func TestNeverRead(t *testing.T) {
	reset := &net.OpError{Op: "write", Err: os.NewSyscallError("writev", syscall.ECONNRESET)}
	gone := &net.OpError{Op: "write", Err: os.NewSyscallError("writev", syscall.EPIPE)}
	for _, c := range []struct {
		name        string
		before, now uint64
		write, read error
		nothingRead bool
	}{
		{"its end, and nothing acknowledged", 100, 100, nil, io.EOF, true},
		{"its end while writing, and nothing acknowledged", 100, 100, gone, io.EOF, true},
		{"something acknowledged", 100, 101, nil, io.EOF, false},
		{"a reset may come before the acknowledgement", 100, 100, nil, syscall.ECONNRESET, false},
		{"a reset that the write met hides whether there was an end", 100, 100, reset, io.EOF, false},
		{"a kernel that does not count", 0, 0, nil, io.EOF, false},
		{"a deadline", 100, 100, nil, os.ErrDeadlineExceeded, false},
	} {
		if got := neverRead(c.before, c.now, c.write, c.read); got != c.nothingRead {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
