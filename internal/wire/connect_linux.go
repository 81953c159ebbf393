package wire

import (
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// How the reactor gets its connections, and gives them up.

// dial opens up to most connections.
func (r *Reactor) dial(most int) {
	n := min(most, len(r.dialing))
	for _, f := range r.dialing[:n] {
		if !f.over {
			r.connect(f)
		}
		if r.flooded && r.o.Clock.Now()-r.looked >= lookEvery {
			r.glance()
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
		r.expect(to)
		err = r.sys.connect(fd, to)
		if err == nil || err == unix.EINPROGRESS || err == unix.EINTR {
			l := r.newLink(fd, f)
			l.packets = r.follow(fd, to)
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
	if l.packets != nil {
		l.packets.Close()
	}
}

// closeSome closes up to n of the connections that were given up.
func (r *Reactor) closeSome(n int) {
	n = min(n, len(r.closing))
	for _, fd := range r.closing[:n] {
		r.sys.close(fd)
	}
	r.closing = append(r.closing[:0], r.closing[n:]...)
}

// linked begins the request on a connection that has just been made, or tries
// the next address if it could not be.
func (r *Reactor) linked(f *flow) {
	f.x.Connect = r.o.Clock.Now()
	f.x.ConnectLate = min(r.uncertainty(f.x.Connect, f.x.Connect), f.x.Connect-f.opened)
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
