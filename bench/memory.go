//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// memory is the most that a process held, in KB: resident, and of that its own, which is
// neither the program's file nor what it shares with the kernel.
type memory struct{ resident, own float64 }

// watch runs a command and returns its output and what it held. Its own memory is looked at
// every 5 ms; what is resident the kernel counts.
func watch(cmd *exec.Cmd) ([]byte, memory, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, memory{}, err
	}
	done, own := make(chan struct{}), make(chan float64)
	go func() {
		most := 0.0
		for {
			most = max(most, anonymous(cmd.Process.Pid))
			select {
			case <-done:
				own <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	err := cmd.Wait()
	close(done)
	return out.Bytes(), memory{resident: float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss), own: <-own}, err
}

// anonymous is the memory of a process that no file has, in KB.
func anonymous(pid int) (kb float64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, rest, found := strings.Cut(string(status), "RssAnon:"); found {
		fmt.Sscan(rest, &kb)
	}
	return kb
}
