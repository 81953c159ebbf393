//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// live measures what the live view costs, in loadgen's processor time and in what it reports:
// 1,000 streams of 20 tokens a second, four times one after the other, without progress, with
// the progress line and with the view, each in a terminal of script(1), in turn.
func (b *bench) live(turns int) {
	l := level{streams: 1000, requests: 4000, tokens: 100, ttft: "500ms", itl: "50ms"}
	defer b.serve(l)()
	modes := []string{"--disable-tqdm", "", "--live"}
	rows := map[string][]watchedRow{}
	for range turns {
		for _, mode := range modes {
			rows[mode] = append(rows[mode], b.watched(l, mode))
			fmt.Fprintf(os.Stderr, "%-14s %+v\n", mode, rows[mode][len(rows[mode])-1])
		}
	}
	fmt.Println("| flag | loadgen's processor time, % of a core | more than without progress | mean TTFT, ms off | p99 ITL, ms off |\n|---|---|---|---|---|")
	without := middle(rows[modes[0]], func(r watchedRow) float64 { return r.Cores })
	for _, mode := range modes {
		of := func(f func(watchedRow) float64) float64 { return middle(rows[mode], f) }
		cores := of(func(r watchedRow) float64 { return r.Cores })
		fmt.Printf("| %s | %.2f | %+.2f | %.3f | %.3f |\n", strings.TrimSpace(mode+" "), 100*cores, 100*(cores-without),
			of(func(r watchedRow) float64 { return r.TTFT }), of(func(r watchedRow) float64 { return r.ITL99 }))
	}
}

// watchedRow is one run: processors in use, and reported minus true in milliseconds.
type watchedRow struct{ Cores, TTFT, ITL99 float64 }

func (b *bench) watched(l level, mode string) watchedRow {
	b.post("/truth/reset")
	file := filepath.Join(b.dir, "r.json")
	cmd := b.loadgen(l, file, "--max-concurrency", fmt.Sprint(l.streams))
	words := slices.DeleteFunc(cmd.Args, func(word string) bool { return word == "--disable-tqdm" })
	inside := exec.Command("script", "-qec", strings.Join(append(words, mode), " "), os.DevNull)
	inside.Env = append(os.Environ(), "TERM=xterm-256color")
	inside.Stderr = os.Stderr
	check(inside.Run())
	var t truth
	b.get("/truth?last="+fmt.Sprint(l.requests), &t)
	f, err := readResult(file)
	check(err)
	var own struct {
		Loadgen struct {
			Budget struct {
				CPU struct {
					Cores float64 `json:"process_cores"`
				} `json:"cpu"`
			} `json:"error_budget"`
		} `json:"loadgen"`
	}
	data, err := os.ReadFile(file)
	check(err)
	check(json.Unmarshal(data, &own))
	time.Sleep(time.Second) // for the server to close what is left
	return watchedRow{own.Loadgen.Budget.CPU.Cores, f.TTFT - t.TTFT.Mean, f.ITL99 - t.ITL.P99}
}

// middle is a median.
func middle[T any](rows []T, of func(T) float64) float64 {
	var all []float64
	for _, r := range rows {
		all = append(all, of(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
