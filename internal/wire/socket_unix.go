//go:build unix

package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// quietSocket reports whether a socket is open and has nothing to read, not even the
// peer's end.
func quietSocket(raw syscall.RawConn) bool {
	open := false
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		open = err == unix.EAGAIN
	})
	return err == nil && open
}
