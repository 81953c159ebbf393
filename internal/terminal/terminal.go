// Package terminal takes keys from the terminal that controls the process, without waiting for
// a line and without echo, and gives the terminal back as it was: in the end, when the process
// is stopped, and, by a second process that watches over it (Guard), when it dies. It draws
// nothing and decides nothing.
package terminal

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Control sequences of every terminal in use: the second screen, which leaves the first as it
// is, and the cursor.
const (
	EnterScreen = "\x1b[?1049h\x1b[?25l"
	LeaveScreen = "\x1b[?25h\x1b[?1049l"
)

// Terminal is the controlling terminal. It is not safe for concurrent use.
type Terminal struct {
	file  *os.File
	fd    int
	saved *unix.Termios // as it was, nil while it is
	guard *exec.Cmd
	tell  *os.File // to the guard
}

// Open opens the controlling terminal. It is an error if there is none.
func Open() (*Terminal, error) {
	// A description of its own: that it does not block concerns nobody else.
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("no controlling terminal: %w", err)
	}
	return &Terminal{file: os.NewFile(uintptr(fd), "/dev/tty"), fd: fd}, nil
}

// Foreground reports whether the process is in the terminal's foreground. In the background
// it may neither read nor change the terminal: that would stop it, or disturb who is in front.
func (t *Terminal) Foreground() bool {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// TakeKeys begins to take keys as they are pressed. Those of signals (Ctrl-C, Ctrl-Z) work as
// before. It is an error in the background.
func (t *Terminal) TakeKeys() error {
	if t.saved != nil {
		return nil
	}
	if !t.Foreground() {
		return fmt.Errorf("the process is in the background")
	}
	saved, err := unix.IoctlGetTermios(t.fd, getTermios)
	if err != nil {
		return err
	}
	t.tellGuard(append([]byte{guardKeys}, encode(saved)...))
	t.saved = saved
	t.Renew()
	return nil
}

// Renew takes keys again if they were taken before others changed the terminal: a shell that
// continues the process.
func (t *Terminal) Renew() {
	if t.saved == nil {
		return
	}
	raw := *t.saved
	raw.Lflag &^= unix.ICANON | unix.ECHO
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	_ = unix.IoctlSetTermios(t.fd, setTermios, &raw) // where it fails there are no keys
}

// Keys are those pressed since the last call; it does not wait. There are none while keys are
// not taken, and in the background.
func (t *Terminal) Keys() []byte {
	if t.saved == nil || !t.Foreground() {
		return nil
	}
	var buffer [64]byte
	n, err := unix.Read(t.fd, buffer[:])
	if err != nil || n < 0 {
		return nil
	}
	return buffer[:n]
}

// Pending reports whether something was typed that nobody has read.
func (t *Terminal) Pending() bool {
	n, err := unix.IoctlGetInt(t.fd, inputQueue)
	return err == nil && n > 0
}

// Screen tells the guard whether the second screen is shown, before that is changed.
func (t *Terminal) Screen(shown bool) {
	if shown {
		t.tellGuard([]byte{guardEnter})
	} else {
		t.tellGuard([]byte{guardLeave})
	}
}

// GiveBack makes the terminal what it was before TakeKeys. In the background it is somebody
// else's and stays as it is.
func (t *Terminal) GiveBack() {
	if t.saved == nil {
		return
	}
	if t.Foreground() {
		_ = unix.IoctlSetTermios(t.fd, setTermios, t.saved) // a terminal that is gone needs nothing
	}
	t.saved = nil
	t.tellGuard([]byte{guardFree})
}

// Close gives the terminal back and ends the guard.
func (t *Terminal) Close() {
	t.GiveBack()
	t.dismiss()
	t.file.Close()
}
