package wire

import (
	"time"
)

// What the loop does because thousands of streams share one thread.

// batching measures whether events come so densely that the thread should not be woken
// for each: a wake-up costs both sides as much as reading an event, and the kernel stamps
// what arrives meanwhile.
type batching struct {
	since  time.Duration // when counting began
	events int           // since then
	last   int           // of the last wait
	dense  bool
}

const (
	batchWindow = time.Millisecond
	batchEvents = 50 // in a window
	batchDelay  = 50 * time.Microsecond
)

// count takes note of a wait that brought n events at the given time.
func (c *batching) count(n int, now time.Duration) {
	c.last = max(n, 0)
	c.events += c.last
	if spent := now - c.since; spent >= batchWindow {
		c.dense = time.Duration(c.events)*batchWindow >= batchEvents*spent
		c.since, c.events = now, 0
	}
}

// pause is how long to let events accumulate before asking for them: not at all where
// there is something else to do, or where the last wait could not return all of them.
func (c *batching) pause(sleepLimit time.Duration) time.Duration {
	if !c.dense || sleepLimit == 0 || c.last == eventsPerTurn {
		return 0
	}
	return batchDelay
}

// prefetchBatch is how many streams' memory is touched together.
const prefetchBatch = 32

// prefetch touches the memory that the next reads need. With thousands of streams hardly
// any of it is in the processor's cache; here the waits for several streams overlap,
// while each read would wait for its own.
func (r *Reactor) prefetch(links []*link) {
	for _, l := range links {
		if l.flow != nil && r.links[l.tag.slot] == l {
			r.prefetched += l.flow.sink.Prefetch()
		}
	}
}

// Of what waits in a socket a read brings the newest stamp alone. Where the loop comes so
// late that several events of a stream may wait, they are read one at a time, so that
// each keeps its own. That costs little: the acknowledgement that the kernel sends with
// the last of them is the dearest part of a read.
const (
	splitAfter = time.Millisecond
	splitReads = 64 // of one connection in a turn
)

// queue is what waits in a connection and is to be read one event at a time.
type queue struct {
	left  int           // bytes
	asked time.Duration // when they were counted: none of them came later
	same  int           // reads that brought the stamp of the one before
}

// queue finds what waits; nothing is left where no more than one event does or the loop
// comes in time.
func (r *Reactor) queue(f *flow) queue {
	if w := &r.polled; w.returned-w.since+w.late < splitAfter {
		return queue{}
	}
	if c := f.link.packets; c != nil && c.Sound() {
		return queue{} // each segment's stamp is known all the same
	}
	piece := f.sink.Piece(r.sizes)
	if piece == 0 {
		return queue{}
	}
	least := r.sizes.Chunk + r.sizes.Chunk/2 // of two events
	if f.fed {
		least = max(least, 2*piece)
	} else {
		least += r.sizes.Head
	}
	n := r.sys.pending(f.link.fd)
	if n < least {
		return queue{}
	}
	return queue{left: n, asked: r.o.Clock.Now()}
}

// arrivals are what was read of a connection: how many bytes, of how many segments, which
// each have a stamp of their own.
type arrivals struct {
	bytes    uint64
	segments uint32
	stamp    int64 // of the last of them
	cut      bool  // a read ended within a segment that may have grown before the next one
}

func (c *arrivals) count(n int, stamp int64) {
	c.bytes += uint64(n)
	if stamp != c.stamp {
		c.segments, c.stamp = c.segments+1, stamp
	}
}

// settle compares the segments that a connection has brought with the stamps that were read.
// Where there are as many, none was merged with a later one: that a server sends several
// tokens in one segment is no reason for doubt.
func (r *Reactor) settle(f *flow) {
	if !f.unsettled {
		return
	}
	l := f.link
	if i := r.sys.info(l.fd); i.received == l.bytes {
		f.sink.Settle(i.segments == l.segments && !l.cut)
		l.segments, l.cut, f.unsettled = i.segments, false, false
	}
}

// room is where the next read puts what it brings: of a queue no more than one event,
// or more and more where many have the same stamp.
func (r *Reactor) room(f *flow, q *queue) []byte {
	if q.left > 0 {
		if piece := f.sink.Piece(r.sizes) << (q.same / 4); 0 < piece && piece < min(q.left, len(r.buffer)) {
			return r.buffer[:piece]
		}
	}
	return r.buffer
}
