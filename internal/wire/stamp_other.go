//go:build !linux

package wire

import (
	"net"
	"syscall"
)

// KernelStampsSupported tells whether this system stamps arrivals.
const KernelStampsSupported = false

func enableStamps(Stamps) func(network, address string, c syscall.RawConn) error { return nil }

func retransmits(net.Conn) int { return 0 }

func newStampReader(conn net.Conn, o Options) stampReader { return userReader{conn, o.Clock} }
