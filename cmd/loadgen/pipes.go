package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"loadgen/internal/plain"
)

// pipeGrace is how long a pipe may take until it is said what is waited for.
const pipeGrace = time.Second

// awaitPipe says, if it takes long, that a file to be read is a pipe and waits for who writes it:
// opening one without a writer does not return, and shows nothing. done ends that.
func awaitPipe(stderr io.Writer, name string) (done func()) {
	info, err := os.Stat(name)
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return func() {}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		timer := time.NewTimer(pipeGrace)
		defer timer.Stop()
		select {
		case <-timer.C:
			fmt.Fprintf(stderr, "loadgen: %s is a pipe: waiting for a program that writes it\n", plain.Line(name))
		case <-quit:
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}
