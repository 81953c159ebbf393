package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSignalsSentTogetherAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, quit := make(chan os.Signal, 2), make(chan struct{})
		var did []string
		note := func(what string) func(interrupted) {
			return func(i interrupted) { did = append(did, fmt.Sprint(what, " ", i.exitCode())) }
		}
		go watchSignals(signals, quit, note("end"), note("leave"))
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM // timeout(1)
		time.Sleep(together)
		synctest.Wait()
		if got := fmt.Sprint(did); got != "[end 143]" {
			t.Errorf("two at once: %s", got)
		}
		signals <- syscall.SIGINT
		synctest.Wait()
		close(quit)
		if got := fmt.Sprint(did); got != "[end 143 leave 130]" {
			t.Errorf("one more later: %s", got)
		}
	})
}
