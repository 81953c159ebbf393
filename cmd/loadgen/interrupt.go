package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return "interrupted by " + i.signal.String() }

// exitCode is the shell's: 130 for SIGINT, 143 for SIGTERM.
func (i interrupted) exitCode() int { return 128 + int(i.signal) }

// withSignals returns a context that the first SIGINT or SIGTERM ends, with an
// interrupted as its cause. The second one ends the process at once. stop
// gives the signals back.
func withSignals(parent context.Context, stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for first := true; ; first = false {
			select {
			case s := <-signals:
				cause := interrupted{s.(syscall.Signal)}
				if !first {
					os.Exit(cause.exitCode())
				}
				fmt.Fprintln(stderr, "\nloadgen: interrupted: ending the open requests and saving what there is; once more to leave at once")
				cancel(cause)
			case <-quit:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(quit)
		<-done
		cancel(nil)
	}
}

// interruptCode returns the exit code of the signal that ended ctx, 0 if none did.
func interruptCode(ctx context.Context) int {
	var i interrupted
	if errors.As(context.Cause(ctx), &i) {
		return i.exitCode()
	}
	return 0
}
