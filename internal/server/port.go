//go:build unix

package server

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePort returns a port of this machine on which nothing listens. It is outside the
// range that systems give to clients, so that no connection takes it meanwhile.
func FreePort() (string, error) {
	for range 100 {
		port := strconv.Itoa(15000 + rand.IntN(15000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no free port among 100 tried on 127.0.0.1")
}
