package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
	inputQueue = unix.TIOCINQ
)

// narrow makes a pipe hold no more than a page, so that who writes more waits until it is read.
func narrow(pipe *os.File) { _, _ = unix.FcntlInt(pipe.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()) }
