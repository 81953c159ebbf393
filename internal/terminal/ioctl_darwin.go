package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
	inputQueue = 0x4004667f // FIONREAD
)

// narrow does nothing: the size of a pipe cannot be set.
func narrow(*os.File) {}
