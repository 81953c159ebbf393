package wire

import (
	"net"
	"syscall"
	"time"
)

// tcpInfo is what the kernel knows of a TCP connection.
type tcpInfo struct {
	minRTT      time.Duration // the least that was seen, 0 for none
	retransmits int           // segments that were sent again
	acked       uint64        // bytes that the peer has acknowledged, 0 where it does not say
	window      int           // bytes that the peer may send unread, about; 0 where it does not say
	received    uint64        // bytes that have come
	segments    uint32        // with data, that have come
	advertised  int           // bytes that the peer was last told it may send; 0 where it does not say (before Linux 6.2)
}

// beneath is the connection under TLS and guards, which the system made.
func beneath(conn net.Conn) net.Conn {
	for {
		switch c := conn.(type) {
		case interface{ NetConn() net.Conn }: // *tls.Conn
			conn = c.NetConn()
		case *guarded:
			conn = c.Conn
		default:
			return conn
		}
	}
}

// socketOf is the socket of a connection, nil where there is none.
func socketOf(conn net.Conn) syscall.RawConn {
	if c, ok := beneath(conn).(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// setLimits gives a connection with guards the limits of its next exchange, nil for none.
func setLimits(conn net.Conn, l *limits) {
	for {
		switch c := conn.(type) {
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		case *guarded:
			c.limits, conn = l, c.Conn
		default:
			return
		}
	}
}
