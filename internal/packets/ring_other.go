//go:build !linux

package packets

import (
	"errors"
	"net/netip"
)

// Ring is for Linux alone.
type Ring struct{}

// Open returns why there is none.
func Open(int) (*Ring, error) { return nil, errors.New("packets are captured on Linux only") }

// Watch does nothing.
func (*Ring) Watch([]netip.AddrPort) error { return nil }

// Drain does nothing.
func (*Ring) Drain(func(Frame)) {}

// Lost is 0.
func (*Ring) Lost() uint64 { return 0 }

// Close does nothing.
func (*Ring) Close() error { return nil }
