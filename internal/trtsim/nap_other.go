//go:build !linux

package trtsim

import "time"

func nap(d time.Duration) { time.Sleep(d) }
