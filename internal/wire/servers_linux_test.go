package wire

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/golden"
	"loadgen/internal/stream"
)

// TestServersThroughTheReactor replays what servers of the field send through the
// reactor, in virtual time: every latency is right to the nanosecond.
func TestServersThroughTheReactor(t *testing.T) {
	for _, s := range golden.Servers(t) {
		t.Run(s.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := &scriptedConn{}
				sys := newScripted(conn)
				r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv, Timeout: time.Hour}, sys)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond) // an instant of zero is none
				start := time.Since(sys.origin)
				var serving sync.WaitGroup
				serving.Go(func() {
					for _, p := range s.Pieces {
						time.Sleep(start + p.At - time.Since(sys.origin))
						sys.bring(conn, stampOf{string(p.Data), start + p.At})
					}
					if s.End != "open" {
						sys.bring(conn, io.EOF)
					}
				})
				o := stream.Options{Streaming: s.Streaming, Model: s.Want.Model}
				if s.Chat {
					o.API = stream.Chat
				}
				a := &stream.Answer{}
				x := &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("head"), Sink: stream.NewDecoder(o, a), Fresh: true}
				r.Do(context.Background(), x)
				r.Close()
				serving.Wait()
				if x.Start != start || !x.KernelStamps {
					t.Errorf("started at %v for %v, stamps of the kernel: %v", x.Start, start, x.KernelStamps)
				}
				s.Check(t, a, x.Start)
			})
		})
	}
}

// bring lets a connection have something to read.
func (s *scripted) bring(c *scriptedConn, what any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.reads = append(c.reads, what)
	s.edge(c, unix.EPOLLIN)
}
