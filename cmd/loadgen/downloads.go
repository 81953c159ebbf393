package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// downloads shows how downloads go on: a line a second, rewritten in place, on a terminal, a
// line every ten seconds elsewhere. It is safe for concurrent use.
type downloads struct {
	w        io.Writer
	now      func() time.Time
	terminal bool

	mu    sync.Mutex
	file  string
	shown time.Time
	open  bool // the terminal's line has no end yet
}

func newDownloads(w io.Writer) *downloads {
	f, ok := w.(*os.File)
	return &downloads{w: w, now: time.Now, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// show is told of the bytes that are here.
func (d *downloads) show(file string, done, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	period := 10 * time.Second
	if d.terminal {
		period = time.Second
	}
	now, complete := d.now(), total >= 0 && done >= total
	if file == d.file && !complete && now.Sub(d.shown) < period {
		return
	}
	if file != d.file && d.open {
		d.end()
	}
	d.file, d.shown = file, now
	text := fmt.Sprintf("loadgen: downloading %s: %s", file, size(done))
	if total >= 0 {
		text += " of " + size(total)
	}
	if !d.terminal {
		fmt.Fprintln(d.w, text)
		return
	}
	fmt.Fprint(d.w, "\r", text, "\x1b[K")
	if d.open = true; complete {
		d.end()
	}
}

// finish ends the line on the terminal.
func (d *downloads) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		d.end()
	}
}

func (d *downloads) end() {
	fmt.Fprintln(d.w)
	d.open = false
}

// size writes a number of bytes.
func size(n int64) string {
	switch x := float64(n); {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", x/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", x/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", x/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}
