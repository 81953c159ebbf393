//go:build !linux

package wire

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// KernelStampsSupported tells whether this system stamps arrivals.
const KernelStampsSupported = false

// CheckKernelStamps tells why there are none.
func CheckKernelStamps() error { return errors.New("the kernel's stamps are read on Linux only") }

func enableStamps(Stamps) func(network, address string, c syscall.RawConn) error { return nil }

func info(net.Conn) (time.Duration, int) { return 0, 0 }

func newStampReader(conn net.Conn, o Options) stampReader { return userReader{conn, o.Clock} }
