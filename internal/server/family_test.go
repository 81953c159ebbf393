//go:build unix

package server

import (
	"slices"
	"syscall"
	"testing"
)

func TestFamily(t *testing.T) {
	t.Parallel()
	var all []process
	f := newFamily(fixed{&all}, 10)
	see := func(want []int, now ...process) {
		t.Helper()
		all = now
		if m, err := f.look(); err != nil || !slices.Equal(m.pids, want) {
			t.Errorf("%v %+v, not %v", err, m, want)
		}
	}
	leader := process{pid: 10, parent: 5, group: 10, session: 10, state: 'S', start: 100}
	own := process{pid: 20, parent: 10, group: 20, session: 20, state: 'S', start: 110}
	grandchild := process{pid: 30, parent: 20, group: 20, session: 20, state: 'S', start: 120}
	stranger := process{pid: 40, parent: 1, group: 40, session: 40, state: 'S', start: 90}
	see([]int{10, 20, 30}, grandchild, own, leader, stranger)
	dead := leader
	dead.state = 'Z'
	see([]int{20, 30}, dead, own, grandchild, stranger)
	dead.threads = 2 // hangs in the kernel
	see([]int{10}, dead, stranger)
	adopted := grandchild
	adopted.parent = 1
	see([]int{30}, adopted, stranger)
	see([]int{30, 50}, adopted, process{pid: 50, parent: 1, group: 50, session: 10, state: 'S', start: 130})
	reused, its := leader, process{pid: 31, parent: 10, group: 10, session: 10, state: 'S', start: 210}
	reused.start = 200
	see([]int{30}, adopted, reused, its, stranger)
	adopted.start = 300 // so is this pid
	see(nil, adopted, stranger)
	away := process{pid: 60, parent: 1, group: 60, session: 60, state: 'S', start: 310, marked: true}
	see([]int{60}, away, stranger)
	line := "7 (a) b) (c) R 1 2 3 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 9 0 12345 1 1"
	if p, ok := parseStat([]byte(line)); !ok || p != (process{pid: 7, parent: 1, group: 2, session: 3, threads: 9, state: 'R', start: 12345}) {
		t.Errorf("%v %+v", ok, p)
	}
}

// fixed is a place whose processes do not change by themselves.
type fixed struct{ all *[]process }

func (f fixed) processes() ([]process, error)       { return *f.all, nil }
func (f fixed) signal(syscall.Signal, ...int) error { return syscall.ESRCH }
