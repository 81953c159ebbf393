//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// soak holds 2,000 streams of 10 tokens a second, each of 10.4 s, one after the
// other, and shows every so often what loadgen holds: neither memory nor
// descriptors must grow.
func (b *bench) soak(lasts time.Duration) {
	const looks = 20
	l := level{streams: 2000, tokens: 100, ttft: "500ms", itl: "100ms"}
	l.requests = l.streams * max(int(lasts/(10400*time.Millisecond)), 1)
	defer b.serve(l)()
	file := filepath.Join(b.dir, "r.json")
	cmd := b.loadgen(l, file, "--max-concurrency", fmt.Sprint(l.streams))
	cmd.Stderr = os.Stderr
	check(cmd.Start())
	done := make(chan error)
	go func() { done <- cmd.Wait() }()
	look := time.NewTicker(max(lasts/looks, time.Second))
	defer look.Stop()
	fmt.Println("| s | MB | descriptors |\n|---|---|---|")
	for begun := time.Now(); ; {
		select {
		case <-look.C:
			mb, files := holds(cmd.Process.Pid)
			fmt.Printf("| %.0f | %d | %d |\n", time.Since(begun).Seconds(), mb, files)
		case err := <-done:
			check(err)
			b.soaked(l, file)
			return
		}
	}
}

// soaked prints what was reported, minus the truth.
func (b *bench) soaked(l level, file string) {
	r, err := readResult(file)
	check(err)
	var t truth
	b.get(fmt.Sprintf("/truth?last=%d", l.requests), &t)
	fmt.Printf("%d of %d requests, %d events; reported minus true: TTFT mean %.2f ms, p99 %.2f ms; ITL mean %.2f ms, p99 %.2f ms; %.2f us an event\n",
		r.Completed, l.requests, t.Events, r.TTFT-t.TTFT.Mean, r.TTFT99-t.TTFT.P99, r.ITL-t.ITL.Mean, r.ITL99-t.ITL.P99, r.Own.CPU.PerEvent)
}

// holds is the memory of a process, in MB, and the number of its descriptors.
func holds(pid int) (mb, files int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, rest, found := strings.Cut(string(status), "VmRSS:"); found {
		fmt.Sscan(rest, &mb)
	}
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return mb >> 10, len(entries)
}
