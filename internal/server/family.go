//go:build unix

package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process is the state of a process as in /proc/PID/stat.
type process struct {
	pid, parent, group, session, threads int
	state                                byte
	start                                uint64 // clock ticks since the machine started; two processes with the same pid differ in it
	marked                               bool   // has the family's mark in its environment
}

// parseStat reads a line of /proc/PID/stat. The program's name, which is in
// brackets, can hold anything.
func parseStat(line []byte) (p process, ok bool) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return p, false
	}
	f := strings.Fields(string(line[end+1:])) // from the third field, the state
	if len(f) < 20 {
		return p, false
	}
	var err error
	number := func(text string) int {
		n, e := strconv.Atoi(text)
		err = errors.Join(err, e)
		return n
	}
	p = process{
		pid:     number(strings.TrimSpace(string(line[:open]))),
		state:   f[0][0],
		parent:  number(f[1]),
		group:   number(f[2]),
		session: number(f[3]),
		threads: number(f[17]),
	}
	start, e := strconv.ParseUint(f[19], 10, 64)
	p.start = start
	return p, errors.Join(err, e) == nil
}

// alive reports whether the process has not ended. One that nobody has waited for
// yet has ended, unless some of its threads hang in the kernel, where they may
// still hold memory of a GPU.
func (p process) alive() bool {
	return p.state != 'Z' && p.state != 'X' && p.state != 'x' || p.threads > 1
}

// place is where processes run.
type place interface {
	processes() ([]process, error) // empty where the system does not list them
	signal(sig syscall.Signal, targets ...int) error
}

// markName is the variable by which a server's processes are known, however far
// they have gone from it; its value is another for each server.
const markName = "LOADGEN_SERVER"

func mark(value string) string { return markName + "=" + value }

// here is this machine, with the mark of a family.
type here struct{ mark string }

func (h here) processes() (all []process, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		if p, ok := parseStat(data); ok {
			environment, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ")) // other users' cannot be read
			p.marked = bytes.Contains(environment, []byte(h.mark))
			all = append(all, p)
		}
	}
	return all, err
}

func (here) signal(sig syscall.Signal, targets ...int) (err error) {
	for _, target := range targets {
		if e := syscall.Kill(target, sig); e != nil && (e != syscall.ESRCH || sig == 0) {
			err = errors.Join(err, fmt.Errorf("%v to %d: %w", sig, target, e))
		}
	}
	return err
}

// family is a process that leads a session, with all that belong to it: those of
// its session and its group, and its descendants, which may have left both, and
// even their parents: these are known by the mark that they inherit.
type family struct {
	at    place
	pid   int
	known map[int]uint64 // the members seen so far, by pid, with their start
}

func newFamily(at place, pid int) *family { return &family{at, pid, map[int]uint64{}} }

// members are those that are alive.
type members struct {
	main bool // the leader is
	pids []int
	// group reports that the leader's group has one of them.
	group bool
}

func (m members) none() bool { return !m.main && len(m.pids) == 0 && !m.group }

// targets are what kill takes to reach all members, the group first.
func (m members) targets(leader int) []int {
	if m.group {
		return append([]int{-leader}, m.pids...)
	}
	return m.pids
}

// look finds the members. Descendants stay members when their parents end, if
// they were seen before.
func (f *family) look() (m members, err error) {
	all, err := f.at.processes()
	if err != nil {
		return m, err
	}
	if len(all) == 0 { // the system lists none: only the group can be asked
		m.main, m.group = f.at.signal(0, f.pid) == nil, f.at.signal(0, -f.pid) == nil
		return m, nil
	}
	for _, p := range f.find(all) {
		f.known[p.pid] = p.start
		if p.alive() {
			m.main = m.main || p.pid == f.pid
			m.group = m.group || p.group == f.pid
			m.pids = append(m.pids, p.pid)
		}
	}
	slices.Sort(m.pids)
	return m, nil
}

// find picks the members from all processes, of which those that have ended are
// not waited for yet.
func (f *family) find(all []process) (found []process) {
	children, reused := map[int][]process{}, false
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		start, known := f.known[f.pid]
		reused = reused || p.pid == f.pid && known && p.start != start
	}
	seen := map[int]bool{}
	add := func(p process) {
		if !seen[p.pid] {
			seen[p.pid] = true
			found = append(found, p)
		}
	}
	for _, p := range all {
		start, known := f.known[p.pid]
		if known && p.start == start || p.marked || !reused && (p.pid == f.pid || p.group == f.pid || p.session == f.pid) {
			add(p)
		}
	}
	for i := 0; i < len(found); i++ {
		for _, child := range children[found[i].pid] {
			add(child)
		}
	}
	return found
}
