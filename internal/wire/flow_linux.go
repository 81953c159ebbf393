package wire

import (
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// The way of a flow through the loop: begin, dial, connect, write, read, and
// its end by answer, error, deadline or the caller's wish.

// begin sends a flow over an idle connection, or queues it for one of its own.
func (r *Reactor) begin(f *flow) {
	r.awaiting++
	r.begun++
	if f.claims {
		defer r.claimed.Add(-1) // when it has its connection: it is not both
	}
	if !f.x.Fresh {
		for list := r.idle[f.x.To]; len(list) > 0; list = r.idle[f.x.To] {
			l := list[len(list)-1]
			r.idle[f.x.To] = list[:len(list)-1]
			r.idling.Add(-1)
			if r.o.Clock.Now()-l.since >= idleLimit || !r.sys.quiet(l.fd) {
				r.drop(l)
				continue
			}
			l.flow, f.link, f.kept = f, l, true
			f.x.Start = r.o.Clock.Now()
			f.x.Connect, f.x.Reused = f.x.Start, true
			r.watch(f)
			r.write(f)
			return
		}
	}
	r.dialing = append(r.dialing, f)
}

// event deals with what has happened to a connection.
func (r *Reactor) event(l *link, what uint32) {
	f := l.flow
	if f == nil { // idle, and the server ended it or spoke out of turn
		if what&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			r.forget(l)
		}
		return
	}
	if !l.connected {
		r.linked(f)
	} else if what&unix.EPOLLOUT != 0 && !f.written {
		r.write(f)
	}
	if !f.over && what&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		r.read(f, what&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// write sends what the socket takes. An error is kept: the server may have
// answered before it stopped reading.
func (r *Reactor) write(f *flow) {
	total := len(f.x.Head) + len(f.x.Body)
	for f.sent < total && f.writeErr == nil {
		head, body := f.x.Head, f.x.Body
		if f.sent < len(head) {
			head = head[f.sent:]
		} else {
			head, body = nil, body[f.sent-len(head):]
		}
		n, err := r.sys.write(f.link.fd, head, body)
		f.sent += n
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			f.active = r.o.Clock.Now() // it may have taken a part
			return
		default:
			f.writeErr = &net.OpError{Op: "write", Net: "tcp", Err: named("writev", err)}
		}
	}
	if !f.written {
		f.x.Written = r.o.Clock.Now()
		f.active, f.written = f.x.Written, true
	}
	if f.writeErr != nil {
		r.read(f, true)
	}
}

// read feeds what has arrived; ending tells that an end or error waits behind it,
// or that there was more than could be read at once.
func (r *Reactor) read(f *flow, ending bool) {
	queue := r.queue(f)
	for i := 0; i < readsPerTurn || i < splitReads && queue.left > 0; i++ {
		room := r.room(f, &queue)
		r.look(f)
		n, stamp, err := r.sys.recv(f.link.fd, room)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			f.hold.emptied()
			r.settle(f)
			if f.writeErr != nil {
				r.endOfLink(f, r.o.Clock.Now(), unix.EAGAIN)
			}
			return
		}
		read := r.wall.sample(r.o.Clock)
		if r.latest = read; n == 0 || err != nil {
			r.endOfLink(f, read, err)
			return
		}
		f.link.count(n, stamp)
		done := r.bring(f, &queue, n, read, stamp, len(room) < len(r.buffer))
		if f.over {
			return
		}
		if done {
			r.settle(f)
			r.finish(f)
			return
		}
		if f.message == 0 && f.sink.Failing() {
			f.message = read + messageWait
			r.watch(f)
		}
		// A short read has emptied the socket: what comes later raises a new edge.
		queue.left -= n
		if n < len(room) && !ending {
			f.hold.emptied()
			r.settle(f)
			return
		}
		if r.yields(n) {
			break
		}
	}
	r.leave(f, &queue)
}

// leave has a connection read on in the next turn, as it may hold more.
func (r *Reactor) leave(f *flow, q *queue) {
	f.link.cut = f.link.cut || q.asked == 0 || q.left > 0
	r.unread = append(r.unread, f.link)
}

// held notes how much a connection has brought, and returns by how much it may be late for
// having been held back. A stream that brings much between two reads floods, where one that is
// read late brings a few events.
func (r *Reactor) held(f *flow, n int) time.Duration {
	late := f.hold.read(n, f.last, func() int { return r.window(f) })
	if f.hold.got >= heldLeast {
		r.brims, r.flooded = true, true
	}
	return late
}

// reportUncertainty tells a flow's sink by how much the events of a read may be stamped late.
func (r *Reactor) reportUncertainty(f *flow, read time.Duration, stamp int64, held time.Duration, merged, asked bool) {
	switch mixed := merged || f.sink.Mixed(); {
	case stamp == 0:
		f.unstamped = true
		f.sink.Uncertain(max(r.uncertainty(read, read), held), true)
	case held > 0 && mixed:
		f.sink.Uncertain(max(r.uncertainty(read, f.last)-(read-f.last), held), true)
		f.sink.Settle(false)
	case held > 0:
		f.sink.Uncertain(held, true)
		f.sink.Settle(false)
	case mixed:
		f.sink.Uncertain(r.uncertainty(read, f.last)-(read-f.last), merged)
		f.unsettled = f.unsettled || asked
	}
}

// stamp sets when what was just read arrived. Of a part of a queue this may be known by
// a bound alone: merged tells that more has come since and been merged with it, so that
// it has the stamp of that.
func (r *Reactor) stamp(f *flow, q *queue, read time.Duration, stamp int64, part bool) (merged bool) {
	switch {
	case stamp == 0:
		f.stamp, f.last = 0, max(f.last, read)
	case stamp == f.stamp: // of the same segment: the very same instant
		q.same++
	default:
		at := r.wall.instant(stamp, read)
		if merged = part && at > q.asked; merged {
			at, stamp = q.asked, 0
		}
		f.stamp, f.last, q.same = stamp, max(f.last, at), 0
	}
	return merged
}

// outOfTurn reports whether the first bytes that a connection brings to a flow are none of
// its answer, and deals with them: those that are older than the request, on a connection
// used before, and a TLS alert.
func (r *Reactor) outOfTurn(f *flow, p []byte, read time.Duration, stamped bool) bool {
	switch {
	case f.kept && stamped && f.last < f.x.Start:
		f.stale, f.message = true, read+messageWait
		r.watch(f)
		return true
	case f.stale: // it goes on: there is no telling what is what
		r.fail(f, unsolicited())
		return true
	}
	f.kept = false
	if alert := alertAnswer(p); alert != nil {
		r.fail(f, alert)
		return true
	}
	return false
}

// endOfLink takes the end of a connection: the peer's, or an error.
func (r *Reactor) endOfLink(f *flow, at time.Duration, err error) {
	info := r.sys.info(f.link.fd)
	f.x.MinRTT, f.x.Retransmits = info.minRTT, info.retransmits
	if err == nil {
		err = io.EOF
	}
	switch {
	case f.kept && (f.sent == 0 || neverRead(f.link.acked, info.acked, f.writeErr, err)):
		r.drop(f.link)
		*f = flow{x: f.x, sink: f.sink, limit: f.limit, addresses: f.addresses, done: f.done}
		f.x.Connect, f.x.Written, f.x.Reused = 0, 0, false
		f.x.Resent++
		r.dialing = append(r.dialing, f)
	case f.stale:
		r.fail(f, unsolicited())
	case f.writeErr != nil && (!f.fed || err == unix.EAGAIN):
		r.fail(f, classify(f.writeErr))
	case err == io.EOF:
		f.sink.End(at, nil)
		r.close(f, at)
	default:
		f.sink.End(at, classify(&net.OpError{Op: "read", Net: "tcp", Err: named("recvmsg", err)}))
		r.close(f, at)
	}
}

// fail ends a flow with an error.
func (r *Reactor) fail(f *flow, err *stream.Error) {
	now := r.o.Clock.Now()
	if f.x.Start == 0 {
		f.x.Start = now
	}
	if f.link == nil || !f.link.connected {
		f.x.Connect = 0
		r.countSYNs(f)
	}
	f.sink.End(now, err)
	r.close(f, now)
}

// finish ends a flow whose answer is complete.
func (r *Reactor) finish(f *flow) {
	l := f.link
	info := r.sys.info(l.fd)
	f.x.MinRTT, f.x.Retransmits = info.minRTT, info.retransmits
	if f.x.Fresh || f.surplus || !f.sink.Reusable() || f.sent < len(f.x.Head)+len(f.x.Body) {
		r.close(f, f.last)
		return
	}
	l.flow, l.since, l.acked, f.link = nil, r.o.Clock.Now(), info.acked, nil
	r.idle[l.to] = append(r.idle[l.to], l)
	r.idling.Add(1)
	r.close(f, f.last)
}

// close ends a flow, which its caller gets back at the end of the turn.
func (r *Reactor) close(f *flow, ended time.Duration) {
	if f.link != nil {
		r.drop(f.link)
		f.link = nil
	}
	if !f.fed {
		r.awaiting--
	}
	f.over, f.x.Ended, f.x.KernelStamps = true, ended, f.fed && !f.unstamped
	r.over = append(r.over, f)
}

// wakeCallers wakes the callers of the flows that have ended. Waking one costs as much
// as reading several events, waking many at once little more than that.
func (r *Reactor) wakeCallers() {
	for _, f := range r.over {
		close(f.done)
	}
	clear(r.over)
	r.over = r.over[:0]
}

// forget closes an idle connection.
func (r *Reactor) forget(l *link) {
	list := r.idle[l.to]
	for i := range list {
		if list[i] == l {
			r.idle[l.to] = append(list[:i], list[i+1:]...)
			r.idling.Add(-1)
			break
		}
	}
	r.drop(l)
}
