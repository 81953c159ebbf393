//go:build !linux

package wire

import "time"

// SlowWake is the WakeDelay from which on packets tell more than sockets.
const SlowWake = time.Millisecond

// WakeDelay is measured on Linux only.
func WakeDelay() time.Duration { return 0 }
