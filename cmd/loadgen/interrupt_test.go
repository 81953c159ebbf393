package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// TestFinishedRunsAreNotLost: what would leave warns once, as long as the result is not saved.
func TestFinishedRunsAreNotLost(t *testing.T) {
	finished := func() bool { return true }
	var said bytes.Buffer
	left, kept := 0, 0
	keep, leave := func(interrupted) { kept++ }, func(interrupted) { left++ }
	again := orWarn(&said, finished, keep, leave)
	if again(interrupted{syscall.SIGINT}); left != 0 || !strings.Contains(said.String(), "being computed and saved") {
		t.Errorf("left %d times, said %q", left, said.String())
	}
	if again(interrupted{syscall.SIGINT}); left != 0 || kept != 1 {
		t.Errorf("its timelines are kept %d times", kept)
	}
	if again(interrupted{syscall.SIGINT}); left != 1 || kept != 1 {
		t.Error("it cannot be left at all")
	}
	if orWarn(&said, func() bool { return false }, keep, leave)(interrupted{syscall.SIGINT}); left != 2 || kept != 1 {
		t.Error("a run under way cannot be left")
	}
}

// TestASignalEndsPreparations: what reads a file that never ends reacts to no signal, and the
// first one ends the program all the same. A pipe in a directory of results is none of them.
func TestASignalEndsPreparations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command("--model", "m", "--tokenizer", "llama3", "--dataset-name", "jsonl", "--dataset-path", pipe)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until it reads
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd.Process.Signal(syscall.SIGTERM)
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 143 || !strings.Contains(said.String(), "interrupted: nothing has been measured yet;") {
		t.Error(cmd.ProcessState, said.String())
	}
	if files, err := resultFiles([]string{dir}); err == nil {
		t.Errorf("%q", files)
	}
}
