//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// computed is one run: seconds from the server's last write to the client's end, the client's
// seconds of processor time in that time and in all, and the most memory that it held, in MB.
type computed struct{ after, cpuAfter, cpu, memory float64 }

// compute measures how long a run of so many requests of 16 tokens takes after its last answer,
// and prints the medians; of an earlier revision, too, in turn with this one.
func (b *bench) compute(requests, turns int, before string) {
	l := level{streams: 200, tokens: 16, ttft: "5ms", itl: "1ms", requests: requests}
	defer b.serve(l)()
	programs := []string{"loadgen"}
	if before != "" {
		b.checkout(before)
		programs = []string{"before", "loadgen"}
	}
	all := map[string][]computed{}
	for range turns {
		for _, name := range programs {
			c := b.computeOnce(name, l)
			all[name] = append(all[name], c)
			fmt.Fprintf(os.Stderr, "%s: %.2f s after the last answer, %.2f s of CPU; %.1f s of CPU in all, %.0f MB\n", name, c.after, c.cpuAfter, c.cpu, c.memory)
		}
	}
	fmt.Println("| requests | program | s after the last answer | (each turn) | CPU s after it | CPU s in all | peak MB |\n|---|---|---|---|---|---|---|")
	for _, name := range programs {
		each := ""
		for _, c := range all[name] {
			each += fmt.Sprintf(" %.2f", c.after)
		}
		of := func(f func(computed) float64) float64 { return middle(all[name], f) }
		fmt.Printf("| %d | %s | %.2f |%s | %.2f | %.1f | %.0f |\n", requests, name, of(func(c computed) float64 { return c.after }), each,
			of(func(c computed) float64 { return c.cpuAfter }), of(func(c computed) float64 { return c.cpu }), of(func(c computed) float64 { return c.memory }))
	}
}

// checkout builds a revision as "before".
func (b *bench) checkout(revision string) {
	tree := filepath.Join(b.dir, "tree")
	check(os.Mkdir(tree, 0o777))
	archive := exec.Command("sh", "-ec", `git archive "$1" | tar x -C "$2"; cd "$2"; CGO_ENABLED=0 go build -buildvcs=false -ldflags "-s -w" -o "$3" ./cmd/loadgen`, "sh", revision, tree, filepath.Join(b.dir, "before"))
	archive.Stdout, archive.Stderr = os.Stderr, os.Stderr
	check(archive.Run())
}

func (b *bench) computeOnce(program string, l level) computed {
	b.post("/truth/reset")
	file := filepath.Join(b.dir, "r.json")
	cmd := b.loadgen(l, file, "--max-concurrency", strconv.Itoa(l.streams), "--random-input-len", "16")
	cmd.Path = filepath.Join(b.dir, program)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	check(cmd.Start())
	looks := watchCPU(cmd.Process.Pid)
	err := cmd.Wait()
	var ended unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &ended))
	if err != nil {
		check(fmt.Errorf("%w: %s", err, out.String()))
	}
	r, err := readResult(file)
	check(err)
	if r.Completed != l.requests {
		check(fmt.Errorf("%d of %d requests succeeded", r.Completed, l.requests))
	}
	var t struct {
		Last int64 `json:"last_write_ns"` // by the monotonic clock
	}
	b.get("/truth?last="+strconv.Itoa(l.requests), &t)
	used := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	before := 0.0
	for _, look := range <-looks {
		if look.at <= t.Last {
			before = look.cpu
		}
	}
	return computed{float64(ended.Nano()-t.Last) / 1e9, used - before, used, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024}
}

// look is how much processor time a process had used, in seconds, at an instant.
type look struct {
	at  int64
	cpu float64
}

// watchCPU looks at a process until it is gone, and then gives what it saw.
func watchCPU(pid int) <-chan []look {
	out := make(chan []look, 1)
	go func() {
		var all []look
		for ; ; time.Sleep(10 * time.Millisecond) {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			_, rest, found := strings.Cut(string(text), ") ") // after the name
			words := strings.Fields(rest)
			if err != nil || !found || len(words) < 13 || words[0] == "Z" {
				out <- all
				return
			}
			var now unix.Timespec
			check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
			user, _ := strconv.Atoi(words[11])
			system, _ := strconv.Atoi(words[12])
			all = append(all, look{now.Nano(), float64(user+system) / 100}) // of USER_HZ
		}
	}()
	return out
}
