//go:build !linux

package wire

import "errors"

// NewReactor is for Linux alone.
func NewReactor(Options) (Transport, error) {
	return nil, errors.New("the reactor needs Linux's epoll")
}
