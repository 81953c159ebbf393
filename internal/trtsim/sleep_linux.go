package trtsim

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepPrecisely sleeps to within some 0.1 ms; the runtime's timers are a millisecond coarse.
func sleepPrecisely(d time.Duration) {
	if d > 0 {
		ts := unix.NsecToTimespec(int64(d))
		unix.Nanosleep(&ts, nil)
	}
}
