package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"loadgen/internal/plain"
	"loadgen/internal/server"
)

// status is standard error. On a terminal its last line can be one that is written over, on
// how something goes on; whatever else is written takes the place of that line. It is safe
// for concurrent use.
type status struct {
	w     io.Writer
	width func() int // columns of the terminal; nil where w is none, or one that rewrites nothing
	rows  func() int // the same

	mu   sync.Mutex
	open bool // the last line is to be written over
	screen
}

func newStatus(w io.Writer, env func(string) string) *status {
	s := &status{w: w}
	if f, ok := w.(*os.File); ok && isTerminal(f) && env("TERM") != "dumb" {
		s.width = func() int {
			if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
		s.rows = func() int {
			if _, rows, err := term.GetSize(int(f.Fd())); err == nil && rows > 0 {
				return rows
			}
			return 24
		}
	}
	return s
}

// isTerminal reports whether a stream of the process is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// status is what standard error goes through.
func (s streams) status() *status {
	if st := statusOf(s.err); st != nil {
		return st
	}
	return newStatus(plain.Raw(s.err), s.env)
}

const clearLine = "\r\x1b[K"

// Write writes in place of the line that is to be written over.
func (s *status) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		return s.held.Write(p)
	}
	s.clear()
	return s.w.Write(p)
}

func (s *status) clear() {
	if s.open {
		io.WriteString(s.w, clearLine)
	}
	s.open = false
}

// show writes over the last line on a terminal, and a line elsewhere.
func (s *status) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text = plain.Line(text); s.width == nil {
		fmt.Fprintln(s.w, text)
		return
	}
	if s.shown {
		return
	}
	fmt.Fprint(s.w, "\r", plain.Cut(text, s.width()-1), "\x1b[K")
	s.open = true
}

// erase takes the line away that is to be written over.
func (s *status) erase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// keep lets the last line stand.
func (s *status) keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		io.WriteString(s.w, "\n")
	}
	s.open = false
}

// every is how often a line is due on something that goes on.
func (s *status) every() time.Duration {
	if s.width != nil {
		return time.Second
	}
	return 10 * time.Second
}

// waits shows what is waited for: a line a second that is written over on a terminal, one
// every ten seconds elsewhere. It is safe for concurrent use.
type waits struct {
	to *status

	mu          sync.Mutex
	what        string
	limit       time.Duration // 0 for none
	quit, ended chan struct{} // nil while nothing is waited for
}

// on says what is waited for from now on, for at most limit unless that is 0; "" ends it.
func (w *waits) on(what string, limit time.Duration) {
	if what == "" {
		w.end()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.what, w.limit = what, limit
	if w.quit == nil {
		w.quit, w.ended = make(chan struct{}), make(chan struct{})
		go w.watch(time.Now(), w.quit, w.ended)
	}
}

func (w *waits) end() {
	w.mu.Lock()
	quit, ended := w.quit, w.ended
	w.quit = nil
	w.mu.Unlock()
	if quit != nil {
		close(quit)
		<-ended
	}
}

func (w *waits) watch(began time.Time, quit, ended chan struct{}) {
	defer close(ended)
	ticker := time.NewTicker(w.to.every())
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.to.show("loadgen: " + w.line(time.Since(began)))
		case <-quit:
			w.to.erase()
			return
		}
	}
}

// line is what is shown after so long.
func (w *waits) line(took time.Duration) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit > 0 {
		return fmt.Sprintf("%s, %s of %s", w.what, server.Span(took), server.Span(w.limit))
	}
	return fmt.Sprintf("%s, %s so far", w.what, server.Span(took))
}

// waiting shows that something goes on, until done is called.
func waiting(s streams, what string) (done func()) {
	w := &waits{to: s.status()}
	w.on(what, 0)
	return w.end
}
