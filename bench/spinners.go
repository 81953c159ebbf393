//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stampedRow is one run beside spinners: p99 ITL and mean TPOT as reported and as they were in
// milliseconds, CPU in us an event of loadgen and of the server.
type stampedRow struct {
	ITL99, trueITL99, tpotOff, cpu, serverCPU float64
	blamed                                    string // metrics of the verdict that are not clean
	source                                    string
	captured, lost, differing, compared       uint64
	largest                                   float64 // by which stamps differ, ms
}

// stamps measures the sources of stamps in turn while so many processes keep all processors busy.
func (b *bench) stamps(spinners, turns int, sources, levels []string) {
	for range spinners {
		spin := exec.Command("sh", "-c", "while :; do :; done")
		spin.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		check(spin.Start())
		defer func() {
			_ = spin.Process.Kill()
			_ = spin.Wait()
		}()
	}
	fmt.Println("| spinners | streams | --timestamps | used | p99 ITL true | p99 ITL off, each turn | TPOT off | not clean | CPU us/event | server's | frames lost | stamps that differ |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, name := range levels {
		streams, err := strconv.Atoi(name)
		check(err)
		l := level{streams: streams, tokens: 100, ttft: "50ms", itl: "10ms"}
		if streams < 200 {
			l.requests = 4 * streams
		}
		rows := map[string][]stampedRow{}
		for range turns {
			for _, source := range sources {
				r := b.stamped(l, source)
				rows[source] = append(rows[source], r)
				fmt.Fprintf(os.Stderr, "%d streams, %s: %+v\n", streams, source, r)
			}
		}
		for _, source := range sources {
			fmt.Println(stampedLine(spinners, streams, source, rows[source]))
		}
	}
}

// stampedLine is a line of the table: medians, and each turn's p99 ITL.
func stampedLine(spinners, streams int, source string, rows []stampedRow) string {
	m := func(f func(stampedRow) float64) string {
		var all []float64
		for _, r := range rows {
			all = append(all, f(r))
		}
		slices.Sort(all)
		return strconv.FormatFloat(all[len(all)/2], 'f', 2, 64)
	}
	var off, used, blamed []string
	var lost, differing, compared uint64
	for _, r := range rows {
		off = append(off, strconv.FormatFloat(r.ITL99-r.trueITL99, 'f', 2, 64))
		used, blamed = append(used, r.source), append(blamed, strings.Fields(r.blamed)...)
		lost, differing, compared = lost+r.lost, differing+r.differing, compared+r.compared
	}
	distinct := func(words []string) string {
		slices.Sort(words)
		return strings.Join(slices.Compact(words), " ")
	}
	return fmt.Sprintf("| %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %d | %d of %d |", spinners, streams, source, distinct(used),
		m(func(r stampedRow) float64 { return r.trueITL99 }), strings.Join(off, ", "), m(func(r stampedRow) float64 { return r.tpotOff }),
		distinct(blamed), m(func(r stampedRow) float64 { return r.cpu }), m(func(r stampedRow) float64 { return r.serverCPU }), lost, differing, compared)
}

// stamped runs loadgen once with stamps of one source.
func (b *bench) stamped(l level, source string) (r stampedRow) {
	stop := b.serve(l)
	defer stop()
	file := filepath.Join(b.dir, "r.json")
	before := b.serverTime()
	cmd := b.loadgen(l, file, "--timestamps", source, "--max-concurrency", strconv.Itoa(l.streams))
	check(cmd.Run())
	after := b.serverTime()
	var t truth
	b.get("/truth?last="+strconv.Itoa(max(l.requests, l.streams)), &t)
	f, err := readResult(file)
	check(err)
	var own struct {
		Loadgen struct {
			Budget struct {
				Reasons []struct{ What string }
			} `json:"error_budget"`
			Timestamps struct {
				Source  string
				Packets *struct {
					Captured  uint64
					Lost      uint64
					Compared  uint64  `json:"reads_compared"`
					Differing uint64  `json:"reads_differing"`
					Largest   float64 `json:"largest_difference_ms"`
				}
			}
		}
	}
	data, err := os.ReadFile(file)
	check(err)
	check(json.Unmarshal(data, &own))
	for _, reason := range own.Loadgen.Budget.Reasons {
		r.blamed += reason.What + " "
	}
	r.ITL99, r.trueITL99, r.tpotOff, r.cpu = f.ITL99, t.ITL.P99, f.TPOT-t.TPOT.Mean, f.Own.CPU.PerEvent
	r.serverCPU = (after - before).Seconds() * 1e6 / float64(max(t.Events, 1))
	r.source = own.Loadgen.Timestamps.Source
	if p := own.Loadgen.Timestamps.Packets; p != nil {
		r.captured, r.lost, r.compared, r.differing, r.largest = p.Captured, p.Lost, p.Compared, p.Differing, p.Largest
	}
	return r
}

// serverTime is the processor time that the server has used.
func (b *bench) serverTime() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", b.server))
	check(err)
	ns, err := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
	check(err)
	return time.Duration(ns)
}
