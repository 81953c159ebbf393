package wire

import (
	"context"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// Reactor carries all exchanges of plain TCP on one thread: an epoll loop that
// connects, writes, reads and feeds the sinks. A caller of Do parks until its
// answer is over. Until then the loop alone touches the exchange and its sink.
type Reactor struct {
	o      Options
	dialer *dialer // resolves
	sys    syscalls
	ep     int
	waker  int

	mu    sync.Mutex
	inbox []command
	idled bool // the loop sleeps or is about to: it must be woken
	ended chan struct{}

	// What follows belongs to the loop.
	links      []*link
	free       []int32
	generation int32
	dialing    []*flow // waiting for their turn to connect
	idle       map[Endpoint][]*link
	closing    []int         // descriptors to be closed
	check      time.Duration // when to look at deadlines next, 0 for never
	quit       bool
	buffer     []byte
}

// command is what callers ask of the loop.
type command struct {
	flow   *flow // to begin, or to give up
	cancel *stream.Error
	quit   bool
}

// flow is one exchange under way.
type flow struct {
	x         *Exchange
	addresses []netip.AddrPort
	link      *link
	earlyErr  error // of a write before the connection was known to be made
	writeErr  error
	sent      int // bytes of head and body
	fed, over bool
	active    time.Duration // when bytes came last
	words     time.Duration // when to stop waiting for the words of a failure, 0 for not
	last      time.Duration // the newest stamp
	done      chan struct{}
}

// link is one connection.
type link struct {
	fd        int
	tag       tag
	to        Endpoint
	flow      *flow // nil while idle
	connected bool
	since     time.Duration // idle since
}

const (
	dialsPerTurn  = 8 // so that the first answers are read while the last connections are opened
	eventsPerTurn = 256
	closesPerTurn = 16
	maxClosing    = 1024
)

// NewReactor starts a reactor, which Close ends.
func NewReactor(o Options) (Transport, error) { return newReactor(o, &linux{}) }

func newReactor(o Options, sys syscalls) (*Reactor, error) {
	r := &Reactor{o: o, dialer: newDialer(o), sys: sys, ended: make(chan struct{}), idle: map[Endpoint][]*link{}, buffer: make([]byte, 64<<10)}
	var err error
	if r.ep, err = sys.epollCreate(); err != nil {
		return nil, named("epoll_create", err)
	}
	if r.waker, err = sys.eventfd(); err != nil {
		sys.close(r.ep)
		return nil, named("eventfd", err)
	}
	if err := sys.epollAdd(r.ep, r.waker, tag{slot: -1}); err != nil {
		sys.close(r.waker)
		sys.close(r.ep)
		return nil, named("epoll_ctl", err)
	}
	go r.loop()
	return r, nil
}

// Do runs one exchange.
func (r *Reactor) Do(ctx context.Context, x *Exchange) {
	f := &flow{x: x, done: make(chan struct{})}
	addresses, err := r.dialer.resolve(ctx, x.To.Host)
	for _, a := range addresses {
		if address, bad := netip.ParseAddrPort(a); bad == nil {
			f.addresses = append(f.addresses, address)
		} else {
			err = bad
		}
	}
	if ctx.Err() != nil || len(f.addresses) == 0 {
		x.Start = r.o.Clock.Now()
		if ctx.Err() != nil {
			x.Sink.End(x.Start, interrupted(ctx))
		} else {
			x.Sink.End(x.Start, classify(err))
		}
		return
	}
	r.submit(command{flow: f})
	stop := context.AfterFunc(ctx, func() { r.submit(command{flow: f, cancel: interrupted(ctx)}) })
	<-f.done
	stop()
}

// Close ends the idle connections and the loop. No exchange must be under way.
func (r *Reactor) Close() {
	r.submit(command{quit: true})
	<-r.ended
}

func (r *Reactor) submit(c command) {
	r.mu.Lock()
	r.inbox = append(r.inbox, c)
	wake := r.idled
	r.idled = false
	r.mu.Unlock()
	if wake {
		r.sys.wake(r.waker)
	}
}

func (r *Reactor) loop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(r.ended)
	events := make([]unix.EpollEvent, eventsPerTurn)
	var commands []command
	for !r.quit {
		commands = r.take(commands[:0])
		for i := range commands {
			r.obey(&commands[i])
		}
		clear(commands)
		r.dial()
		n, err := r.sys.epollWait(r.ep, events, r.patience())
		if err != nil && err != unix.EINTR {
			// Cannot happen while the descriptor is open; the deadlines end what is under way.
			time.Sleep(time.Millisecond)
			n = 0
		}
		for _, e := range events[:max(n, 0)] {
			r.event(e)
		}
		r.closeSome(n <= 0)
		if r.check > 0 && r.o.Clock.Now() >= r.check {
			r.checkDeadlines()
		}
	}
	for _, l := range r.links {
		if l != nil {
			r.drop(l)
		}
	}
	for len(r.closing) > 0 {
		r.closeSome(true)
	}
	r.sys.close(r.waker)
	r.sys.close(r.ep)
}

// take moves the inbox to the loop. With nothing in it, the next command must
// wake the loop.
func (r *Reactor) take(to []command) []command {
	r.mu.Lock()
	defer r.mu.Unlock()
	to = append(to, r.inbox...)
	clear(r.inbox)
	r.inbox = r.inbox[:0]
	r.idled = true
	return to
}

// patience is how long the loop may sleep.
func (r *Reactor) patience() time.Duration {
	switch {
	case len(r.dialing) > 0 || len(r.closing) > 0 || r.quit:
		return 0
	case r.check > 0:
		return max(r.check-r.o.Clock.Now(), 0)
	}
	return -1
}

func (r *Reactor) obey(c *command) {
	switch {
	case c.quit:
		r.quit = true
	case c.cancel != nil:
		if !c.flow.over {
			r.fail(c.flow, c.cancel)
		}
	default:
		r.begin(c.flow)
	}
}

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
			l.flow, f.link = f, l
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
			f.x.Start, f.x.Reused = 0, false
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
		var fd int
		if fd, err = r.sys.socket(family, r.o.Stamps != UserStamps); err != nil {
			err = named("socket", err)
			break
		}
		if f.x.Start == 0 {
			f.x.Start = r.o.Clock.Now()
			r.watch(f)
		}
		err = r.sys.connect(fd, sockaddr(to))
		if err == nil || err == unix.EINPROGRESS || err == unix.EINTR {
			l := r.newLink(fd, f)
			if addErr := r.sys.epollAdd(r.ep, fd, l.tag); addErr != nil {
				r.fail(f, classify(named("epoll_ctl", addErr)))
				return
			}
			// A connection to this machine is there at once: its request must not wait
			// for those that are still to be opened. Elsewhere the write finds it pending.
			if l.connected = err == nil; !l.connected {
				f.x.Connect = r.o.Clock.Now()
				n, early := r.sys.write(fd, f.x.Head, f.x.Body)
				if f.sent, l.connected = n, early == nil; !l.connected {
					if early != unix.EAGAIN && early != unix.EINTR {
						f.earlyErr = early
					}
					return // the next event says whether it was made
				}
			}
			r.write(f)
			return
		}
		r.sys.close(fd)
		err = &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: named("connect", err)}
		f.addresses = f.addresses[1:]
	}
	f.x.Connect = r.o.Clock.Now()
	if f.x.Start == 0 {
		f.x.Start = f.x.Connect
	}
	r.fail(f, classify(err))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
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

// drop gives a connection up. It is closed when there is time: closing costs as
// much as reading several events, and streams that begin together end together.
func (r *Reactor) drop(l *link) {
	r.links[l.tag.slot] = nil
	r.free = append(r.free, l.tag.slot)
	r.closing = append(r.closing, l.fd)
}

// closeSome closes connections: some when nothing else is to be done, else those
// that are too many to be kept.
func (r *Reactor) closeSome(idle bool) {
	n := max(len(r.closing)-maxClosing, 0)
	if idle {
		n = max(n, min(len(r.closing), closesPerTurn))
	}
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
	} else if e.Events&unix.EPOLLOUT != 0 {
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
	err := r.sys.connected(f.link.fd)
	if err == nil {
		err = f.earlyErr // which the early write took off the socket
	}
	if err == nil {
		if f.x.Connect-f.x.Start > synTimeout {
			f.x.SYNRetransmits = r.sys.retransmits(f.link.fd)
		}
		f.link.connected = true
		r.write(f)
		return
	}
	to := net.TCPAddrFromAddrPort(f.addresses[0])
	r.drop(f.link)
	f.link, f.earlyErr, f.addresses = nil, nil, f.addresses[1:]
	if len(f.addresses) > 0 {
		r.connect(f)
	} else {
		r.fail(f, classify(&net.OpError{Op: "dial", Net: "tcp", Addr: to, Err: named("connect", err)}))
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
			return
		default:
			f.writeErr = &net.OpError{Op: "write", Net: "tcp", Err: named("writev", err)}
		}
	}
	if f.x.Written == 0 {
		f.x.Written = r.o.Clock.Now()
		f.active = f.x.Written
		f.x.KernelStamps = true
	}
	if f.writeErr != nil {
		r.read(f, true)
	}
}

// read feeds what has arrived; ending tells that an end or error waits behind it.
func (r *Reactor) read(f *flow, ending bool) {
	for {
		n, stamp, err := r.sys.recv(f.link.fd, r.buffer)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			if f.writeErr != nil {
				r.fail(f, classify(f.writeErr))
			}
			return
		}
		now := time.Now()
		at := now.Sub(r.o.Clock.origin)
		if n == 0 || err != nil {
			r.endOfLink(f, at, err)
			return
		}
		if stamp != 0 {
			at = min(at, r.o.Clock.fromWall(stamp, now))
		}
		f.last = max(f.last, at)
		f.fed, f.active = true, f.last
		f.x.KernelStamps = f.x.KernelStamps && stamp != 0
		if f.x.Sink.Feed(r.buffer[:n], f.last) {
			r.finish(f)
			return
		}
		if f.words == 0 && f.x.Sink.Failing() {
			f.words = at + wordsWait
			r.watch(f)
		}
		// A short read has emptied the socket: what comes later raises a new edge.
		if n < len(r.buffer) && !ending {
			return
		}
	}
}

// endOfLink takes the end of a connection: the peer's, or an error.
func (r *Reactor) endOfLink(f *flow, at time.Duration, err error) {
	f.x.KernelStamps = f.x.KernelStamps && f.fed
	switch {
	case f.x.Reused && !f.fed: // given up by the server before the request reached it
		r.drop(f.link)
		*f = flow{x: f.x, addresses: f.addresses, done: f.done}
		f.x.Written, f.x.Reused = 0, false
		r.dialing = append(r.dialing, f)
	case f.writeErr != nil && !f.fed:
		r.fail(f, classify(f.writeErr))
	case err == nil || err == io.EOF:
		f.x.Sink.End(at, nil)
		r.close(f)
	default:
		f.x.Sink.End(at, classify(&net.OpError{Op: "read", Net: "tcp", Err: named("recvmsg", err)}))
		r.close(f)
	}
}

// fail ends a flow with an error.
func (r *Reactor) fail(f *flow, err *stream.Error) {
	if f.x.Start == 0 {
		f.x.Start = r.o.Clock.Now()
	}
	f.x.KernelStamps = f.x.KernelStamps && f.fed
	f.x.Sink.End(r.o.Clock.Now(), err)
	r.close(f)
}

// finish ends a flow whose answer is complete.
func (r *Reactor) finish(f *flow) {
	l := f.link
	if f.x.Fresh || !f.x.Sink.Reusable() || f.sent < len(f.x.Head)+len(f.x.Body) {
		r.close(f)
		return
	}
	l.flow, l.since, f.link = nil, r.o.Clock.Now(), nil
	r.idle[l.to] = append(r.idle[l.to], l)
	r.close(f)
}

// close gives a flow back to its caller.
func (r *Reactor) close(f *flow) {
	if f.link != nil {
		r.drop(f.link)
		f.link = nil
	}
	f.over = true
	close(f.done)
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

// watch brings the next look at the deadlines forward to this flow's.
func (r *Reactor) watch(f *flow) {
	if at, _ := r.deadline(f); at > 0 && (r.check == 0 || at < r.check) {
		r.check = at
	}
}

// deadline is when a flow must end unless something comes, 0 for never, and why.
func (r *Reactor) deadline(f *flow) (at time.Duration, why stream.Class) {
	if r.o.Timeout > 0 {
		at, why = f.x.Start+r.o.Timeout, Timeout
	}
	if since := max(f.active, f.x.Start); r.o.IdleTimeout > 0 && (at == 0 || since+r.o.IdleTimeout < at) {
		at, why = since+r.o.IdleTimeout, IdleTimeout
	}
	if f.words > 0 && (at == 0 || f.words < at) {
		at, why = f.words, ""
	}
	return at, why
}

// checkDeadlines ends what is late, and finds out when to look again.
func (r *Reactor) checkDeadlines() {
	now := r.o.Clock.Now()
	r.check = 0
	for _, l := range r.links {
		if l == nil || l.flow == nil {
			continue
		}
		f := l.flow
		switch at, why := r.deadline(f); {
		case at == 0 || now < at:
			r.watch(f)
		case why == Timeout:
			r.fail(f, failure(Timeout, "no complete answer within "+r.o.Timeout.String()+" (--timeout)", nil))
		case why == IdleTimeout:
			r.fail(f, failure(IdleTimeout, "nothing came for "+r.o.IdleTimeout.String()+" (--idle-timeout)", nil))
		default: // what has come of the words must do
			f.x.Sink.End(now, nil)
			r.close(f)
		}
	}
}
