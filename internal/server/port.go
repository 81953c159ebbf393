//go:build unix

package server

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"syscall"
)

// FreePort returns a port of this machine on which nothing listens. It is outside the
// range that systems give to clients, so that no connection takes it meanwhile.
func FreePort() (string, error) {
	for range 100 {
		if port := 15000 + rand.IntN(15000); bindable(port) {
			return strconv.Itoa(port), nil
		}
	}
	return "", errors.New("no free port among 100 tried on 127.0.0.1")
}

// bindable reports whether a port is free. It does not listen, and no process is
// forked meanwhile: one that is, holds our sockets until its exec, so that a
// listener accepts connections for a while after it was closed.
func bindable(port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	return syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}) == nil
}
