package wire

import (
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// The way of a flow through the loop: begin, dial, connect, write, read, and
// its end by answer, error, deadline or the caller's wish.

// begin sends a flow over an idle connection, or queues it for one of its own.
func (r *Reactor) begin(f *flow) {
	if !f.x.Fresh {
		for list := r.idle[f.x.To]; len(list) > 0; list = r.idle[f.x.To] {
			l := list[len(list)-1]
			r.idle[f.x.To] = list[:len(list)-1]
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

// dial opens a bounded number of connections.
func (r *Reactor) dial() {
	n := min(dialsPerTurn, len(r.dialing))
	for _, f := range r.dialing[:n] {
		if !f.over {
			r.connect(f)
		}
	}
	clear(r.dialing[:n])
	if r.dialing = r.dialing[n:]; len(r.dialing) == 0 {
		r.dialing = nil
	}
}

// connect begins a connection to the first of the flow's addresses that takes one.
func (r *Reactor) connect(f *flow) {
	var err error
	for len(f.addresses) > 0 {
		to := f.addresses[0]
		family := unix.AF_INET
		if to.Addr().Is6() {
			family = unix.AF_INET6
		}
		r.closeSome(1) // so that no more are open than there are exchanges
		var fd int
		if fd, err = r.sys.socket(family, r.o.Stamps); err != nil {
			err = f.first(named("socket", err))
			break
		}
		if f.opened == 0 {
			if f.opened = r.o.Clock.Now(); f.x.Resent == 0 {
				f.x.Start = f.opened
			}
			r.watch(f)
		}
		err = r.sys.connect(fd, to)
		if err == nil || err == unix.EINPROGRESS || err == unix.EINTR {
			l := r.newLink(fd, f)
			if addErr := r.sys.epollAdd(r.ep, fd, l.tag); addErr != nil {
				r.fail(f, classify(named("epoll_ctl", addErr)))
				return
			}
			// A connection to this machine is there at once: its request must not wait
			// for those that are still to be opened. Elsewhere the write finds it pending.
			f.x.Connect = r.o.Clock.Now()
			if l.connected = err == nil; !l.connected {
				n, early := r.sys.write(fd, f.x.Head, f.x.Body)
				if f.sent, l.connected = n, early == nil; !l.connected {
					if early != unix.EAGAIN && early != unix.EINTR {
						f.earlyErr = early
					}
					return // the next event says whether it was made
				}
				f.x.ConnectLate = f.x.Connect - f.opened // nothing was waited for
			}
			r.write(f)
			return
		}
		r.sys.close(fd)
		err = f.first(&net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: named("connect", err)})
		f.addresses = f.addresses[1:]
	}
	r.fail(f, classify(err))
}

// first is the error of the first address that failed, which tells more than that of
// the last: this may be of a family that the system does not have.
func (f *flow) first(err error) error {
	if f.dialErr == nil {
		f.dialErr = err
	}
	return f.dialErr
}

// zoneID is the number of the interface that a link-local address is on.
func zoneID(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); zone != "" && err == nil {
		return uint32(i.Index)
	}
	return 0
}

func (r *Reactor) newLink(fd int, f *flow) *link {
	l := &link{fd: fd, to: f.x.To, flow: f}
	f.link = l
	if n := len(r.free); n > 0 {
		l.tag.slot = r.free[n-1]
		r.free = r.free[:n-1]
	} else {
		l.tag.slot = int32(len(r.links))
		r.links = append(r.links, nil)
	}
	r.generation++
	l.tag.generation = r.generation
	r.links[l.tag.slot] = l
	return l
}

// drop gives a connection up. It is closed when there is time, or when another is
// to be opened: closing costs as much as reading several events, and streams that
// begin together end together.
func (r *Reactor) drop(l *link) {
	r.links[l.tag.slot] = nil
	r.free = append(r.free, l.tag.slot)
	r.closing = append(r.closing, l.fd)
}

// closeSome closes up to n of the connections that were given up.
func (r *Reactor) closeSome(n int) {
	n = min(n, len(r.closing))
	for _, fd := range r.closing[:n] {
		r.sys.close(fd)
	}
	r.closing = append(r.closing[:0], r.closing[n:]...)
}

func (r *Reactor) event(e unix.EpollEvent) {
	if e.Fd < 0 {
		r.sys.rest(r.waker)
		return
	}
	l := r.links[e.Fd]
	if l == nil || l.tag.generation != e.Pad {
		return // of a connection that is closed by now
	}
	f := l.flow
	if f == nil { // idle, and the server ended it or spoke out of turn
		if e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			r.forget(l)
		}
		return
	}
	if !l.connected {
		r.linked(f)
	} else if e.Events&unix.EPOLLOUT != 0 && !f.written {
		r.write(f)
	}
	if !f.over && e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		r.read(f, e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// linked begins the request on a connection that has just been made, or tries
// the next address if it could not be.
func (r *Reactor) linked(f *flow) {
	f.x.Connect = r.o.Clock.Now()
	f.x.ConnectLate = min(r.blind(f.x.Connect, f.x.Connect), f.x.Connect-f.opened)
	r.countSYNs(f)
	err := r.sys.connected(f.link.fd)
	if err == nil {
		err = f.earlyErr // which the early write took off the socket
	}
	if err == nil {
		f.link.connected = true
		r.write(f)
		return
	}
	err = f.first(&net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(f.addresses[0]), Err: named("connect", err)})
	r.drop(f.link)
	f.link, f.earlyErr, f.addresses = nil, nil, f.addresses[1:]
	if len(f.addresses) > 0 {
		r.connect(f)
	} else {
		r.fail(f, classify(err))
	}
}

// countSYNs looks up how often the first packet of a connection was sent again, if
// there was time for that.
func (r *Reactor) countSYNs(f *flow) {
	if f.link != nil && r.o.Clock.Now()-f.opened > synTimeout {
		f.x.SYNRetransmits = r.sys.info(f.link.fd).retransmits
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
	for i := 0; i < readsPerTurn || i < apartReads && queue.left > 0; i++ {
		room := r.room(f, &queue)
		n, stamp, err := r.sys.recv(f.link.fd, room)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			if f.writeErr != nil {
				r.endOfLink(f, r.o.Clock.Now(), unix.EAGAIN)
			}
			return
		}
		read := r.wall.look(r.o.Clock)
		if n == 0 || err != nil {
			r.endOfLink(f, read, err)
			return
		}
		merged := r.stamp(f, &queue, read, stamp, len(room) < len(r.buffer))
		if !f.fed && r.outOfTurn(f, r.buffer[:n], read, stamp != 0) {
			if f.over || n < len(room) && !ending {
				return
			}
			continue
		}
		f.fed, f.active = true, f.last
		done := f.sink.Feed(r.buffer[:n], f.last)
		switch {
		case stamp == 0:
			f.unstamped = true
			f.sink.Doubt(r.blind(read, read), true)
		case merged || f.sink.Mixed():
			f.sink.Doubt(r.blind(read, f.last)-(read-f.last), merged)
		}
		if stamp != 0 {
			r.delays = append(r.delays, read-f.last)
		}
		if done {
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
			return
		}
	}
	r.unread = append(r.unread, f.link)
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
		at := min(read, r.wall.instant(stamp))
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
	if f.x.Fresh || !f.sink.Reusable() || f.sent < len(f.x.Head)+len(f.x.Body) {
		r.close(f, f.last)
		return
	}
	l.flow, l.since, l.acked, f.link = nil, r.o.Clock.Now(), info.acked, nil
	r.idle[l.to] = append(r.idle[l.to], l)
	r.close(f, f.last)
}

// close ends a flow, which its caller gets back at the end of the turn.
func (r *Reactor) close(f *flow, ended time.Duration) {
	if f.link != nil {
		r.drop(f.link)
		f.link = nil
	}
	f.over, f.x.Ended, f.x.KernelStamps = true, ended, f.fed && !f.unstamped
	r.over = append(r.over, f)
}

// giveBack wakes the callers of the flows that have ended. Waking one costs as much
// as reading several events, waking many at once little more than that.
func (r *Reactor) giveBack() {
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
			break
		}
	}
	r.drop(l)
}
