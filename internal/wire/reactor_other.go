//go:build !linux

package wire

import "errors"

// NewReactors is for Linux alone.
func NewReactors(Options) (Transport, error) {
	return nil, errors.New("the reactor needs Linux's epoll")
}
