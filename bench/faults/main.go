// Faults tries every fault of internal/faults on the program itself: each cell is a run of the
// real binary against a server that gives every fifth request the fault, for both backends,
// streamed and whole answers, with and without kept connections, under both failure rules.
// The same is tried with servers that are not there, frozen, restarted, or of another protocol.
// A cell passes when everything in check holds. The table goes to standard output, or with
// -update into docs/reliability.md.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"loadgen/internal/faults"
)

// cell is one combination.
type cell struct {
	fault                      faults.Fault
	site                       *site // in place of the fault's server; the fault has its name and outcome
	chat, whole, kept, lenient bool
	transport                  string // of plain connections
}

func (c cell) String() string {
	text := spaced(c.fault.Name)
	for _, p := range []struct {
		on        bool
		yes, not_ string
	}{{c.chat, "chat", "completions"}, {c.whole, "whole", "streamed"}, {c.kept, "keep-alive", "close"}, {c.lenient, "original", "strict"}} {
		if p.on {
			text += " " + p.yes
		} else {
			text += " " + p.not_
		}
	}
	return text
}

func main() {
	only := flag.String("only", "", "try only cells whose name matches this `REGEXP`")
	transport := flag.String("transport", "auto", "how plain connections are carried: auto, reactor or blocking")
	parallel := flag.Int("parallel", 6, "cells at a time")
	update := flag.Bool("update", false, "write the table into docs/reliability.md")
	binary := flag.String("binary", "", "the loadgen to try (default: built from this checkout)")
	seed := flag.Uint64("chaos", 0, "in place of the cells, mix the faults of this `SEED` under load")
	seeds := flag.Int("seeds", 1, "how many seeds -chaos runs, from that one on, -parallel at a time")
	length := flag.Duration("length", time.Minute, "how long -chaos lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func(binary, dir string) error {
		return runCells(ctx, *only, *transport, *parallel, *update, binary, dir)
	}
	if *seed > 0 {
		run = func(binary, dir string) error {
			return chaosSeeds(ctx, binary, dir, *seed, max(*seeds, 1), max(*parallel, 1), *length, os.Stdout)
		}
	}
	if err := withBinary(ctx, *binary, run); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// withBinary builds the program unless there is one, and calls run with it and an empty
// directory.
func withBinary(ctx context.Context, binary string, run func(binary, dir string) error) error {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if binary == "" {
		binary = filepath.Join(dir, "loadgen")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/loadgen").CombinedOutput(); err != nil {
			return fmt.Errorf("building loadgen: %w\n%s", err, out)
		}
	}
	return run(binary, dir)
}

// runCells tries the cells whose names match, and prints the table.
func runCells(ctx context.Context, only, transport string, parallel int, update bool, binary, dir string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	todo := slices.DeleteFunc(allCells(transport), func(c cell) bool { return !pattern.MatchString(c.String()) })
	problems := tryAll(ctx, binary, dir, todo, parallel)
	tryAgain(ctx, binary, dir, todo, problems)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var table bytes.Buffer
	failed := writeTable(&table, todo, problems)
	if update {
		if only != "" {
			return errors.New("-update needs all cells: leave -only out")
		}
		if err := updatePage("docs/reliability.md", table.String()); err != nil {
			return err
		}
	}
	io.Copy(os.Stdout, &table)
	if failed > 0 {
		return fmt.Errorf("%d of %d cells failed", failed, len(todo))
	}
	return nil
}

// tryAll tries cells in parallel; problems are by cell, "" for one that passed.
func tryAll(ctx context.Context, binary, dir string, todo []cell, parallel int) []string {
	problems := make([]string, len(todo))
	next := make(chan int)
	var workers sync.WaitGroup
	for w := range parallel {
		workers.Go(func() {
			for i := range next {
				if err := try(ctx, binary, filepath.Join(dir, fmt.Sprint(w)), todo[i]); err != nil {
					problems[i] = err.Error()
					fmt.Fprintf(os.Stderr, "to be tried again: %v: %v\n", todo[i], err)
				}
			}
		})
	}
	for i := range todo {
		if ctx.Err() != nil {
			break
		}
		next <- i
		if (i+1)%100 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d cells\n", i+1, len(todo))
		}
	}
	close(next)
	workers.Wait()
	return problems
}

// tryAgain tries the cells that failed once more, one at a time: cells that share a busy
// machine can be late.
func tryAgain(ctx context.Context, binary, dir string, todo []cell, problems []string) {
	for i, c := range todo {
		if problems[i] == "" || ctx.Err() != nil {
			continue
		}
		problems[i] = ""
		if err := try(ctx, binary, filepath.Join(dir, "again"), c); err != nil {
			problems[i] = err.Error()
			fmt.Fprintf(os.Stderr, "FAILED %v: %v\n", c, err)
		}
	}
}

// The marks around the table in the page.
const tableBegins, tableEnds = "<!-- table -->\n", "<!-- end -->"

// updatePage puts the table between the page's marks.
func updatePage(name, table string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), tableBegins)
	_, tail, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %s", name, strings.TrimSpace(tableBegins))
	}
	return os.WriteFile(name, []byte(head+tableBegins+table+tableEnds+tail), 0o644)
}
