//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// memory is the most that a process held, in KB: resident, and of that its own, which is
// neither the program's file nor what it shares with the kernel.
type memory struct{ resident, own float64 }

// watch runs a command and returns its output and what it held, looked at every 5 ms: what the
// kernel counts for a child that has ended begins with the memory of its parent.
func watch(cmd *exec.Cmd) ([]byte, memory, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, memory{}, err
	}
	done, most := make(chan struct{}), make(chan memory)
	go func() {
		var m memory
		for {
			m.look(cmd.Process.Pid)
			select {
			case <-done:
				most <- m
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	err := cmd.Wait()
	close(done)
	return out.Bytes(), <-most, err
}

// look takes in what a process holds.
func (m *memory) look(pid int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for name, most := range map[string]*float64{"VmHWM:": &m.resident, "RssAnon:": &m.own} {
		if _, rest, found := strings.Cut(string(status), name); found {
			var kb float64
			fmt.Sscan(rest, &kb)
			*most = max(*most, kb)
		}
	}
}
