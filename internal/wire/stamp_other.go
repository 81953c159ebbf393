//go:build !linux

package wire

import (
	"errors"
	"net"
	"syscall"
)

// KernelStampsSupported reports whether this system stamps arrivals.
const KernelStampsSupported = false

// CheckKernelStamps returns why there are none.
func CheckKernelStamps() error { return errors.New("the kernel's stamps are read on Linux only") }

func enableStamps(Stamps) func(network, address string, c syscall.RawConn) error { return nil }

func info(net.Conn) tcpInfo { return tcpInfo{} }

func ackedBytes(net.Conn) uint64 { return 0 }

func newStampReader(p *pooled, o Options) stampReader { return userReader{p.conn, o.Clock} }
