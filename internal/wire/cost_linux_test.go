package wire

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// counter never has enough.
type counter struct {
	n, warmed, piece int
	err              *stream.Error
}

func (c *counter) Feed(p []byte, _ time.Duration) bool    { c.n += len(p); return false }
func (c *counter) End(_ time.Duration, err *stream.Error) { c.err = err }
func (c *counter) Piece(stream.Sizes) int                 { return c.piece }
func (c *counter) Sizes() stream.Sizes                    { return stream.Sizes{} }
func (c *counter) Mixed() bool                            { return false }
func (c *counter) Uncertain(time.Duration, bool)          {}
func (c *counter) Settle(bool)                            {}
func (c *counter) Failing() bool                          { return false }
func (c *counter) Reusable() bool                         { return false }
func (c *counter) Prefetch() byte                         { c.warmed++; return 0 }

// endless always has one chunk to read; of any other call it panics.
type endless struct {
	syscalls
	chunk        []byte
	reads, asked int
}

// pending tells of two chunks.
func (e *endless) pending(int) int {
	e.asked++
	return 2 * len(e.chunk)
}

func (e *endless) recv(_ int, p []byte) (int, int64, error) {
	e.reads++
	return copy(p, e.chunk), 1, nil
}

// TestReactorsCostPerEvent holds it to one system call for each event of a
// connection, beside the wait that brings many of them, and to no allocation. Where it
// comes late it asks once how many bytes there are, and still reads each event once.
func TestReactorsCostPerEvent(t *testing.T) {
	sys := &endless{chunk: bytes.Repeat([]byte("x"), 250)}
	f := newFlow(&Exchange{Sink: &counter{}})
	r := &Reactor{readDelays: newReadDelays(), o: Options{Clock: NewClock()}, sys: sys, buffer: make([]byte, 64<<10), awaiting: 1}
	l := &link{fd: 100, flow: f, connected: true}
	f.link = l
	r.links = append(r.links, l)
	events := []unix.EpollEvent{{Events: unix.EPOLLIN}}
	const turns = 1000
	if n := testing.AllocsPerRun(turns, func() { r.handle(events); r.delays = r.delays[:0] }); n != 0 {
		t.Errorf("%v allocations a turn", n)
	}
	if sys.reads != turns+1 || sys.asked != 0 { // one to warm up
		t.Errorf("%d reads for %d events, and %d other calls", sys.reads, turns+1, sys.asked)
	}
	f.sink.(*counter).piece = len(sys.chunk)
	r.polled.returned, sys.reads = time.Hour, 0
	if n := testing.AllocsPerRun(turns, func() { r.handle(events); r.delays = r.delays[:0] }); n != 0 {
		t.Errorf("%v allocations a turn that comes late", n)
	}
	if sys.reads != 2*(turns+1) || sys.asked != turns+1 {
		t.Errorf("late: %d reads for %d events, and %d other calls", sys.reads, 2*(turns+1), sys.asked)
	}
}
