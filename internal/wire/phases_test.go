package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestEveryPhaseHasItsLimits: of a server that stops in any phase, either limit ends the
// exchange to the instant, and the failure says in which phase.
func TestEveryPhaseHasItsLimits(t *testing.T) {
	secure, plain := Endpoint{TLS: true, Host: "127.0.0.1:443"}, Endpoint{Host: "127.0.0.1:80"}
	proxied := func(name string) string { return map[string]string{"https_proxy": "http://127.0.0.1:3128"}[name] }
	mute := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	for _, c := range []struct {
		phase Phase
		to    Endpoint
		env   func(string) string
		dial  DialFunc
	}{
		{Connecting, plain, noEnv, func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{Connecting, secure, proxied, func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{Tunnelling, secure, proxied, pipeTo(mute)},
		{Tunnelling, secure, proxied, pipeTo(func(conn net.Conn) { time.Sleep(time.Hour) })},
		{Handshaking, secure, noEnv, pipeTo(mute)},
		{Handshaking, secure, noEnv, pipeTo(func(conn net.Conn) { time.Sleep(time.Hour) })},
		{Handshaking, secure, proxied, pipeTo(func(conn net.Conn) {
			readHead(conn)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			mute(conn)
		})},
		{Writing, plain, noEnv, pipeTo(func(conn net.Conn) { time.Sleep(time.Hour) })},
		{Awaiting, plain, noEnv, pipeTo(mute)},
		{Reading, plain, noEnv, pipeTo(func(conn net.Conn) { readHead(conn); io.WriteString(conn, "HTTP/1.1 200"); mute(conn) })},
	} {
		for _, idle := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				const limit = 7 * time.Second
				o := Options{Clock: NewClock(), Env: c.env, Dial: c.dial}
				want := Timeout
				if idle {
					o.IdleTimeout, want = limit, IdleTimeout
				} else {
					o.Timeout = limit
				}
				b := NewBlocking(o)
				s, began := &sink{}, time.Now()
				x := &Exchange{To: c.to, Head: []byte(get), Sink: s, Fresh: true}
				b.Do(context.Background(), x)
				took := time.Since(began)
				if c.phase == Writing {
					took -= aMoment
				}
				var cause *TimeoutError
				if !errors.As(s.err, &cause) || *cause != (TimeoutError{c.phase, limit, idle}) || s.class() != want || took != limit {
					t.Errorf("%s, idle %v: %v after %v", c.phase, idle, s.err, took)
				}
				if (x.Connect > 0) != slices.Contains([]Phase{Writing, Awaiting, Reading}, c.phase) {
					t.Errorf("%s: connected at %v", c.phase, x.Connect)
				}
				b.Close()
				time.Sleep(2 * time.Hour) // for the server to notice
			})
		}
	}
}

// TestProgressIsNotIdle: a body that is taken slowly, and a handshake in small pieces.
func TestProgressIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := pipeTo(func(conn net.Conn) {
			buffer := make([]byte, writePiece)
			for range 5 {
				time.Sleep(2 * time.Second)
				io.ReadFull(conn, buffer)
			}
			io.WriteString(conn, "ok.")
		})
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, Dial: slow, IdleTimeout: 3 * time.Second})
		defer b.Close()
		s, began := &sink{enough: "."}, time.Now()
		b.Do(context.Background(), &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte(get), Body: make([]byte, 5*writePiece-len(get)), Sink: s, Fresh: true})
		if s.ended || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", s.err, time.Since(began))
		}
	})
}

// TestAnAnswerBeforeTheBodyIsTaken is one of a server that reads no further.
func TestAnAnswerBeforeTheBodyIsTaken(t *testing.T) {
	to := listen(t, func(_ int, conn net.Conn) {
		readHead(conn)
		io.WriteString(conn, "too large.")
		io.Copy(io.Discard, conn)
	})
	transportsFor(t, Options{Timeout: 30 * time.Second}, func(t *testing.T, tr Transport) {
		s := &sink{enough: "."}
		tr.Do(context.Background(), &Exchange{To: to, Head: []byte(get), Body: make([]byte, 1<<20), Sink: s, Fresh: true})
		if s.ended || s.text.String() != "too large." {
			t.Errorf("%q %v", s.text.String(), s.err)
		}
	})
}
