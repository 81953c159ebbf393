package wire

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Listen listens for connections whose arrivals the kernel stamps where it can:
// they are *StampedConn. A server that must know the truth needs that.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	network := "tcp"
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().Is4() {
		network = "tcp4" // 0.0.0.0 would take IPv6 along
	}
	l, err := (&net.ListenConfig{Control: enableStamps(AutoStamps)}).Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return stampedListener{l, NewClock()}, nil
}

type stampedListener struct {
	net.Listener
	clock Clock // older than any arrival
}

func (l stampedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	// What arrived before is stamped, too: the listener has the kernel do it for all.
	if tcp, ok := conn.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			if enable := enableStamps(AutoStamps); enable != nil {
				_ = enable("", "", raw) // without it the reads are stamped
			}
		}
	}
	c := &StampedConn{Conn: conn, clock: l.clock}
	c.r = newStampReader(&pooled{conn: conn}, Options{Clock: c.clock})
	return c, nil
}

// StampedConn is a connection that knows when bytes arrived.
type StampedConn struct {
	net.Conn
	clock   Clock
	r       stampReader
	arrived time.Duration
}

func (c *StampedConn) Read(p []byte) (int, error) {
	a := c.r.receive(p)
	if a.n > 0 && c.arrived == 0 {
		c.arrived = a.at
	}
	return a.n, a.err
}

// Arrived is when the first bytes arrived that were read since it was called last,
// the zero time if there were none.
func (c *StampedConn) Arrived() time.Time {
	at := c.arrived
	if c.arrived = 0; at == 0 {
		return time.Time{}
	}
	return c.clock.origin.Add(at)
}
