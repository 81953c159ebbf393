//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// wallClock sets this machine's wall clock off and right again.
type wallClock struct{ offset int64 } // of the wall clock from the monotonic one, ns, at the start

func readClock(id int32) int64 {
	var ts unix.Timespec
	check(unix.ClockGettime(id, &ts))
	return ts.Nano()
}

// set makes the wall clock wrong by so much, 0 to put it right.
func (w wallClock) set(wrong time.Duration) error {
	ts := unix.NsecToTimespec(readClock(unix.CLOCK_MONOTONIC) + w.offset + int64(wrong))
	return unix.ClockSettime(unix.CLOCK_REALTIME, &ts)
}

// clockSteps steps this machine's wall clock forth, back and right again in the middle of a run with
// stamps of each source: each run must end in its time, whole, with its timings right and the
// steps found. It needs root, and nothing else on the machine that minds.
func (b *bench) clockSteps(step time.Duration) {
	w := wallClock{readClock(unix.CLOCK_REALTIME) - readClock(unix.CLOCK_MONOTONIC)}
	check(w.set(0))
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, unix.SIGTERM)
	go func() {
		<-interrupted
		_ = w.set(0)
		os.Exit(130)
	}()
	fmt.Println("| --timestamps | steps | succeeded | s | TTFT off | ITL off | p99 ITL off | TPOT off | E2EL off | steps found | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|")
	wrong := 0
	for _, source := range []string{"user", "kernel", "packet"} {
		line, right := b.stepped(w, step, source)
		fmt.Println(line)
		if !right {
			wrong++
		}
	}
	if wrong > 0 {
		check(fmt.Errorf("%d runs were disturbed by steps of the wall clock", wrong))
	}
}

// stepped is one run, as a line of the table.
func (b *bench) stepped(w wallClock, step time.Duration, source string) (line string, right bool) {
	l := level{streams: 16, tokens: 100, ttft: "50ms", itl: "10ms", requests: 64} // four waves of 1.05 s
	defer b.serve(l)()
	file := filepath.Join(b.dir, "r.json")
	cmd := b.loadgen(l, file, "--timestamps", source, "--max-concurrency", strconv.Itoa(l.streams), "--timeout", "30s", "--idle-timeout", "5s")
	began := time.Now()
	check(cmd.Start())
	for _, wrong := range []time.Duration{step, -step, 0} {
		time.Sleep(time.Second)
		err := w.set(wrong)
		if err != nil {
			_ = w.set(0)
		}
		check(err)
	}
	failed := cmd.Wait()
	took := time.Since(began)
	f, err := readResult(file)
	check(err)
	var t truth
	b.get("/truth?last="+strconv.Itoa(l.requests), &t)
	var own struct {
		Loadgen struct {
			Verdict string
			Budget  struct {
				Clock struct {
					Steps []struct{ By float64 }
				}
				Reasons []struct{ What string }
			} `json:"error_budget"`
		}
	}
	data, err := os.ReadFile(file)
	check(err)
	check(json.Unmarshal(data, &own))
	verdict, found := own.Loadgen.Verdict, len(own.Loadgen.Budget.Clock.Steps)
	for _, r := range own.Loadgen.Budget.Reasons {
		verdict += " " + r.What
	}
	off := []float64{f.TTFT - t.TTFT.Mean, f.ITL - t.ITL.Mean, f.ITL99 - t.ITL.P99, f.TPOT - t.TPOT.Mean, f.E2EL - t.E2EL.Mean}
	// A step hides no failure and moves no timing: one in each stream's timeline would make the
	// mean gap of a run wrong by a hundredth of the step.
	right = failed == nil && f.Completed == l.requests && took < 10*time.Second && found == 3 && strings.Contains(verdict, "clock") == (source != "user")
	cells := ""
	for _, x := range off {
		cells += fmt.Sprintf(" %.2f |", x)
		right = right && math.Abs(x) < step.Seconds()*1e3/100
	}
	return fmt.Sprintf("| %s | +%s, -%s, right | %d of %d | %.1f |%s %d | %s |", source, step, 2*step, f.Completed, l.requests, took.Seconds(), cells, found, verdict), right
}
