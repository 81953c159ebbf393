package main

import (
	"fmt"
	"sync"
)

// downloads says which files are downloaded, and how that goes on. It is safe for concurrent
// use.
type downloads struct {
	log   func(format string, args ...any)
	waits *waits

	mu   sync.Mutex
	file string
}

// show takes how many bytes are here.
func (d *downloads) show(file string, done, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := fmt.Sprintf("downloading %s: %s", file, size(done))
	if total >= 0 {
		text += " of " + size(total)
	}
	if file != d.file {
		d.log("%s", text)
	}
	d.file = file
	d.waits.on(text, 0)
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
