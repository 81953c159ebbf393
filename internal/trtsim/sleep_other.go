//go:build !linux

package trtsim

import "time"

func sleepPrecisely(d time.Duration) { time.Sleep(d) }
