package terminal

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a guard is told: a byte, and after guardKeys the terminal's settings as they were. Any
// other byte begins the text of a panic, which goes on to the end.
const (
	guardEnter = iota + 1 // the second screen is shown
	guardLeave            // it is not
	guardKeys             // keys are taken
	guardFree             // they are not
)

// mostCrash bounds the text of a panic that is shown.
const mostCrash = 1 << 20

// Guard starts a command that has to call Watch and do nothing else: it restores the terminal
// when this process dies without doing so, of a panic or of a signal that cannot be caught. The
// text of a panic goes to it as well, as it would vanish with the second screen.
func (t *Terminal) Guard(cmd *exec.Cmd) error {
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	cmd.Stdin, cmd.Stdout = in, t.file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no signal of the terminal's or of a group's ends it first
	err = cmd.Start()
	if failed := unix.SetNonblock(t.fd, true); err == nil { // which handing it over ended
		err = failed
	}
	if err != nil {
		out.Close()
		return err
	}
	// The text of a panic is longer than that: the process is not gone, and the shell does not
	// take the terminal as it finds it, before the guard has restored it.
	narrow(out)
	_ = debug.SetCrashOutput(out, debug.CrashOptions{}) // else the text is lost with the screen
	t.guard, t.tell = cmd, out
	return nil
}

func (t *Terminal) tellGuard(message []byte) {
	if t.tell != nil {
		_, _ = t.tell.Write(message) // without a guard the rest goes on
	}
}

// dismiss ends the guard.
func (t *Terminal) dismiss() {
	if t.tell == nil {
		return
	}
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	t.tell.Close()
	t.tell = nil
	timer := time.AfterFunc(time.Second, func() { _ = t.guard.Process.Kill() }) // it has nothing to do that lasts
	defer timer.Stop()
	_ = t.guard.Wait()
}

func encode(t *unix.Termios) []byte {
	var out bytes.Buffer
	_ = binary.Write(&out, binary.NativeEndian, t) // a struct of fixed size
	return out.Bytes()
}

// Watch is what a guard does: it reads from in what the other process does with the terminal,
// and when that ends restores what was not.
func Watch(in io.Reader, terminal *os.File) {
	var saved *unix.Termios
	var crash []byte
	screen := false
	restore := func() {
		if saved != nil {
			_ = unix.IoctlSetTermios(int(terminal.Fd()), setTermios, saved)
		}
		saved = nil
	}
	for crash == nil {
		var what [1]byte
		if _, err := io.ReadFull(in, what[:]); err != nil {
			break
		}
		switch what[0] {
		case guardEnter, guardLeave:
			screen = what[0] == guardEnter
		case guardFree:
			saved = nil
		case guardKeys:
			saved = new(unix.Termios)
			if binary.Read(in, binary.NativeEndian, saved) != nil {
				saved = nil
			}
		default:
			restore() // before the process is gone, whose shell takes the terminal as it finds it
			rest, _ := io.ReadAll(io.LimitReader(in, mostCrash))
			crash = append(what[:], rest...)
			_, _ = io.Copy(io.Discard, in) // to its end
		}
	}
	restore()
	if screen {
		io.WriteString(terminal, LeaveScreen)
		terminal.Write(crash)
	}
}
