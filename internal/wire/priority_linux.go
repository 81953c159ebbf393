package wire

import (
	"time"

	"golang.org/x/sys/unix"
)

// What the loop does first. Streams that send faster than they are read fill their sockets,
// and a round of all of them takes many milliseconds. Whoever begins meanwhile must not wait
// for its end: of what has piled up in a socket the kernel knows the last stamp alone, so that
// a first token that is read late has the stamp of a later one, and a request that is asked
// for late starts late. So first bytes are read before those of streams that have begun, and
// in the midst of a round the loop looks for them, and opens a connection.

const (
	lookEvery   = 100 * time.Microsecond
	dialsAtOnce = 1 // in the midst of a round, so that those that are read do not wait long
)

// handle deals with the events of a poll, and with what earlier ones have left.
func (r *Reactor) handle(events []unix.EpollEvent) {
	unread := r.unread
	r.unread, r.flooded, r.brims = nil, r.brims, false
	r.firsts = r.firsts[:0]
	for _, e := range events {
		if l, first := r.note(e); first {
			r.firsts = append(r.firsts, l)
		}
	}
	r.each(r.firsts, r.deal)
	// What is found meanwhile waits for the next turn.
	ready := r.ready
	r.ready, r.spare = r.spare[:0], ready
	r.each(ready, func(l *link) {
		r.deal(l)
		r.attend()
	})
	for _, l := range unread {
		if r.links[l.tag.slot] == l && l.flow != nil {
			r.read(l.flow, true)
			r.attend()
		}
	}
}

// note takes note of an event, and returns its connection, if that is still there. first
// reports whether it waits for the first bytes of an answer and for no other event: then it
// comes first, else it is queued.
func (r *Reactor) note(e unix.EpollEvent) (l *link, first bool) {
	if e.Fd < 0 {
		r.sys.drain(r.waker)
		return nil, false
	}
	if l = r.links[e.Fd]; l == nil || l.tag.generation != e.Pad {
		return nil, false // of a connection that is closed by now
	}
	queued := l.due != 0
	l.due |= e.Events
	if !queued && l.flow != nil && !l.flow.fed {
		return l, true
	}
	if !queued {
		r.ready = append(r.ready, l)
	}
	return l, false
}

// each calls do for connections whose memory it has touched.
func (r *Reactor) each(links []*link, do func(*link)) {
	for i, l := range links {
		if i%prefetchBatch == 0 {
			r.prefetch(links[i:min(i+prefetchBatch, len(links))])
		}
		do(l)
	}
}

// deal deals with what has been noted of a connection, unless it was closed since.
func (r *Reactor) deal(l *link) {
	what := l.due
	if l.due = 0; r.links[l.tag.slot] == l {
		r.event(l, what)
	}
}

// attend looks after those who begin, and who are done, in the midst of a round that takes long.
func (r *Reactor) attend() {
	if !r.flooded || r.latest-r.looked < lookEvery {
		return
	}
	r.wakeCallers()
	r.obey(false)
	r.dial(dialsAtOnce)
	r.glance()
}

// glance reads the first bytes that have come since the last poll; other events are queued.
func (r *Reactor) glance() {
	entered := r.o.Clock.Now()
	if r.looked = entered; r.awaiting == 0 {
		return
	}
	n, _, err := r.sys.epollWait(r.ep, r.more[:], 0, 0)
	if err != nil || n < 0 {
		return
	}
	r.batching.events += n
	round := r.polled
	r.polled = pollState{since: max(round.since, r.emptied), asked: true, returned: r.o.Clock.Now()}
	for _, e := range r.more[:n] {
		if l, first := r.note(e); first {
			r.deal(l)
		}
	}
	if r.polled = round; n < len(r.more) {
		r.emptied = entered
	}
}

// yields reports whether a connection of which n bytes were read must leave its turn to those
// who begin.
func (r *Reactor) yields(n int) bool { return r.flooded && r.awaiting > 0 && n == len(r.buffer) }
