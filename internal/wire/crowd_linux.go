package wire

import (
	"time"

	"golang.org/x/sys/unix"
)

// What the loop does because thousands of streams share one thread.

// crowd tells whether events come so thick that the thread should not be woken for
// each: a wake-up costs both sides as much as reading an event, and the kernel stamps
// what arrives meanwhile.
type crowd struct {
	since  time.Duration // when counting began
	events int           // since then
	last   int           // of the last wait
	thick  bool
}

const (
	crowdWindow = time.Millisecond
	crowdEvents = 50 // in a window
	gatherTime  = 50 * time.Microsecond
)

// count takes note of a wait that brought n events at the given time.
func (c *crowd) count(n int, now time.Duration) {
	c.last = max(n, 0)
	c.events += c.last
	if spent := now - c.since; spent >= crowdWindow {
		c.thick = time.Duration(c.events)*crowdWindow >= crowdEvents*spent
		c.since, c.events = now, 0
	}
}

// gather is for how long events should be let to gather before they are asked for:
// not at all where there is something else to do, or more is there than can be read.
func (c *crowd) gather(patience time.Duration) time.Duration {
	if !c.thick || patience == 0 || c.last == eventsPerTurn {
		return 0
	}
	return gatherTime
}

// warmAhead is how many streams' memory is touched together.
const warmAhead = 32

// warm touches the memory that the next reads need. With thousands of streams hardly
// any of it is in the processor's cache; here the waits for several streams overlap,
// while each read would wait for its own.
func (r *Reactor) warm(events []unix.EpollEvent) {
	for _, e := range events {
		if e.Fd < 0 {
			continue
		}
		if l := r.links[e.Fd]; l != nil && l.flow != nil {
			r.warmth += l.flow.sink.Warm()
		}
	}
}

// Of what waits in a socket a read brings the newest stamp alone. Where the loop comes so
// late that several events of a stream may wait, they are read one at a time, so that
// each keeps its own. That costs little: the acknowledgement that the kernel sends with
// the last of them is the dearest part of a read.
const (
	apartAfter = time.Millisecond
	apartReads = 64 // of one connection in a turn
)

// queue is how many bytes of a connection are to be read one event at a time, 0 where
// no more than one event waits or the loop comes in time.
func (r *Reactor) queue(f *flow) int {
	if w := &r.attention; w.returned-w.since+w.late < apartAfter {
		return 0
	}
	piece := f.sink.Piece()
	if piece == 0 {
		return 0
	}
	if n := r.sys.pending(f.link.fd); n >= 2*piece {
		return n
	}
	return 0
}

// room is where the next read puts what it brings: of a queue no more than one event.
func (r *Reactor) room(f *flow, queue int) []byte {
	if queue > 0 {
		if piece := f.sink.Piece(); 0 < piece && piece < queue {
			return r.buffer[:min(piece, len(r.buffer))]
		}
	}
	return r.buffer
}
