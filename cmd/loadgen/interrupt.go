package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return "interrupted by " + i.signal.String() }

// exitCode is the shell's: 129 for SIGHUP, 130 for SIGINT, 143 for SIGTERM.
func (i interrupted) exitCode() int { return 128 + int(i.signal) }

// withSignals returns a context that the first SIGINT, SIGTERM or SIGHUP (the terminal is
// gone; nohup has it ignored) ends, with an interrupted as its cause. The second one ends
// the process at once, unless the run is finished: then the third saves its timelines in
// place of the result, and the fourth ends the process. stop gives the signals back.
func withSignals(parent context.Context, stderr io.Writer, m *benchmark) (ctx context.Context, stop func()) {
	return onSignals(parent, stderr, func() string {
		if !m.measuring.Load() {
			return "nothing has been measured yet; once more to leave at once"
		}
		return "ending the open requests and saving what there is; once more to leave at once"
	},
		orWarn(stderr, func() bool { return m.finished.Load() != nil }, m.keepTimelines, func(cause interrupted) { exit(stderr, cause.exitCode()) }))
}

// orLeave returns a context that the first signal ends, with a message of what that does; the second
// one ends the process at once.
func orLeave(parent context.Context, stderr io.Writer, message string) (ctx context.Context, stop func()) {
	return onSignals(parent, stderr, func() string { return message + "; once more to leave at once" },
		func(cause interrupted) { exit(stderr, cause.exitCode()) })
}

// orWarn warns once, in place of leaving, of a finished run, and then keeps what was measured.
func orWarn(stderr io.Writer, finished func() bool, keep, leave func(interrupted)) func(interrupted) {
	times := 0
	return func(cause interrupted) {
		if !finished() {
			leave(cause)
			return
		}
		switch times++; times {
		case 1:
			fmt.Fprintln(stderr, "loadgen: the run is over, and its result is being computed and saved; once more to save its timelines alone and leave")
		case 2:
			keep(cause)
		default:
			leave(cause)
		}
	}
}

// withTwoSignals is the same for what must not leave at once: the second signal
// ends the second context.
func withTwoSignals(parent context.Context, stderr io.Writer) (ctx, second context.Context, stop func()) {
	second, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	message := func() string { return "saving what there is and stopping the server; once more to kill it" }
	ctx, quit := onSignals(parent, stderr, message, func(cause interrupted) { cancel(cause) })
	return ctx, second, func() { quit(); cancel(nil) }
}

// onSignals returns a context that the first signal ends, and calls again at
// each further one. A pipe that nobody reads any more does not end the process.
func onSignals(parent context.Context, stderr io.Writer, message func() string, again func(interrupted)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchSignals(signals, quit, func(cause interrupted) {
			fmt.Fprintf(stderr, "\nloadgen: interrupted: %s\n", message())
			cancel(cause)
		}, again)
	}()
	return ctx, func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(quit)
		<-done
		cancel(nil)
	}
}

// together is how soon after the first a signal counts as the same: timeout(1)
// sends its own to the program and then to the group that the program is in.
const together = 200 * time.Millisecond

// watchSignals does the one thing at the first signal and the other at each further one,
// until quit is closed.
func watchSignals(signals <-chan os.Signal, quit <-chan struct{}, once, again func(interrupted)) {
	for first := (time.Time{}); ; {
		select {
		case s := <-signals:
			switch cause := (interrupted{s.(syscall.Signal)}); {
			case first.IsZero():
				first = time.Now()
				once(cause)
			case time.Since(first) >= together:
				again(cause)
			}
		case <-quit:
			return
		}
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
