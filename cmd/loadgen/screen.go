package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"loadgen/internal/plain"
	"loadgen/internal/terminal"
)

// screen is what the live view needs of the terminal beyond lines. What is written while it
// is shown is held until it is not.
type screen struct {
	tty    *terminal.Terminal // keys, nil for none
	taking bool               // keys are to be taken
	shown  bool
	over   bool // the process is about to end
	held   bytes.Buffer
	frame  []string // what is on it
	size   [2]int   // columns and rows of the frame
}

// guardVariable is set for a process that watches over the terminal of another.
const guardVariable = "LOADGEN_TERMINAL_GUARD"

// guardTerminal is the whole life of such a process.
func guardTerminal() { terminal.Watch(os.Stdin, os.Stdout) }

// openKeys makes keys available where standard error is a terminal, before anything is taken
// from it. It takes a moment of its own, as a guard is started.
func (s *status) openKeys() {
	if s.width == nil {
		return
	}
	tty, err := terminal.Open()
	if err != nil {
		return // without keys, then
	}
	if guard, err := selfCommand(guardVariable); err == nil {
		_ = tty.Guard(guard) // a second line of defence
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tty = tty
}

// closeKeys gives the terminal back for good.
func (s *status) closeKeys() {
	s.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tty != nil {
		s.tty.Close()
	}
	s.tty, s.over = nil, true
}

// takeKeys begins to take keys. What was typed before stays for whoever reads next: then no
// keys are taken unless they must be.
func (s *status) takeKeys(must bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tty == nil || s.over {
		return
	}
	s.taking = s.tty.TakeKeys() == nil || must // where that fails: as soon as it is in front
	if !must && s.tty.Pending() {
		s.tty.GiveBack()
		s.taking = false
	}
}

// hasKeys reports whether keys are taken.
func (s *status) hasKeys() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taking
}

// giveKeysBack takes no more keys.
func (s *status) giveKeysBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tty != nil {
		s.tty.GiveBack()
	}
	s.taking = false
}

// keys are those pressed since the last call.
func (s *status) keys() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.taking || s.over || s.tty.TakeKeys() != nil { // again, after the background
		return nil
	}
	return s.tty.Keys()
}

// release makes the terminal what it was, until keys are taken or the screen is entered again.
func (s *status) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
	if s.tty != nil {
		s.tty.GiveBack()
	}
}

// atExit is release for a process that ends at once, whatever else goes on in it.
func (s *status) atExit() {
	s.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// enterScreen shows the second screen, if it is not shown, and says how large it is. It is
// not shown in the background.
func (s *status) enterScreen() (columns, rows int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.rows == nil || s.tty != nil && !s.tty.Foreground() {
		return 0, 0, false
	}
	if !s.shown {
		s.clear()
		if s.tty != nil {
			s.tty.Screen(true)
		}
		io.WriteString(s.w, terminal.EnterScreen)
		s.shown, s.frame = true, nil
	}
	return s.width(), s.rows(), true
}

// leaveScreen shows the first screen again, with what was written meanwhile.
func (s *status) leaveScreen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
}

func (s *status) leave() {
	if !s.shown {
		return
	}
	io.WriteString(s.w, terminal.LeaveScreen)
	if s.shown = false; s.tty != nil {
		s.tty.Screen(false)
	}
	s.w.Write(s.held.Bytes())
	s.held.Reset()
}

// messages are the lines that were written since the screen is shown.
func (s *status) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.FieldsFunc(s.held.String(), func(r rune) bool { return r == '\n' })
}

// draw puts lines on the screen that fit it. Only those that differ from what is there are
// written, all at once: nothing flickers, and a slow connection has little to carry.
func (s *status) draw(lines []string, columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.shown {
		return
	}
	var out strings.Builder
	if size := [2]int{columns, rows}; s.frame == nil || size != s.size {
		out.WriteString("\x1b[H\x1b[2J")
		s.frame, s.size = nil, size
	}
	for i := range max(len(lines), len(s.frame)) {
		text, before := "", ""
		if i < len(lines) {
			text = lines[i]
		}
		if i < len(s.frame) {
			before = s.frame[i]
		}
		if text != before {
			// The line is erased first: erasing the rest of a full one would take its end away.
			fmt.Fprintf(&out, "\x1b[%d;1H\x1b[2K%s", i+1, text)
		}
	}
	s.frame = lines
	if out.Len() > 0 { // in one go, for terminals that know how
		io.WriteString(s.w, "\x1b[?2026h"+out.String()+"\x1b[?2026l")
	}
}

// statusOf is standard error as it goes through status, nil where it does not.
func statusOf(w io.Writer) *status {
	st, _ := plain.Raw(w).(*status)
	return st
}

// exitGrace is how long a terminal that takes nothing may keep a process that is to end.
const exitGrace = time.Second

// exit ends the process at once, with the terminal as it was.
func exit(stderr io.Writer, code int) {
	if st := statusOf(stderr); st != nil {
		within(exitGrace, st.atExit)
	}
	os.Exit(code)
}

// within does something, and waits for it so long at most.
func within(limit time.Duration, do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// jobControl gives the terminal back before the process is stopped (Ctrl-Z), and has it drawn
// anew when the process goes on, until end is called.
func jobControl(to *status) (end func()) {
	if to == nil || to.width == nil || signal.Ignored(syscall.SIGTSTP) {
		return func() {}
	}
	signals, quit, done := make(chan os.Signal, 2), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGTSTP, syscall.SIGCONT)
	go func() {
		defer close(done)
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGTSTP {
					to.release()
					_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) // the runtime has taken SIGTSTP for good
				} else {
					to.redraw()
				}
			case <-quit:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(quit)
		<-done
	}
}

// redraw has the next frame drawn anew: others may have written meanwhile.
func (s *status) redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tty == nil || s.tty.Foreground() {
		if s.shown {
			io.WriteString(s.w, terminal.EnterScreen)
		}
		if s.tty != nil {
			s.tty.Renew()
		}
	}
	s.frame, s.open = nil, false
}
