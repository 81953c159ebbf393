package wire

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SlowWake is the WakeDelay from which on a reader comes late enough for several events of a
// stream to wait, so that packets tell more than sockets. Below it the stamps are the same.
const SlowWake = splitAfter

// A thread is put to sleep so often, for a millisecond, and works for so long when it is woken,
// as the reactor does: one that only sleeps is let in front of the others, as is one that has
// just begun. On a quiet machine fewer times tell as much.
const (
	wakeUps      = 20
	quietWakeUps = 8
	quietDelay   = 200 * time.Microsecond // of all of these together
	work         = 300 * time.Microsecond
)

// WakeDelay measures how long a thread that is woken waits for a processor on this machine now:
// the mean of a few wake-ups, by the kernel's own account where there is one. It must have a
// goroutine to itself: the thread, which has been given short slices as the reactor's, ends
// with it.
func WakeDelay() time.Duration {
	runtime.LockOSThread()
	var k linux
	defer k.done()
	k.shortSlice()
	began := systemTime()
	waited := func(n int) time.Duration {
		return max(systemTime()-began-time.Duration(n)*(time.Millisecond+work), 0)
	}
	if before := k.runDelay(); before >= 0 {
		waited = func(int) time.Duration { return k.runDelay() - before }
	}
	pause := unix.NsecToTimespec(int64(time.Millisecond))
	for n := 1; ; n++ {
		_ = unix.Nanosleep(&pause, nil)
		for woken := systemTime(); systemTime()-woken < work; {
		}
		if delay := waited(n); n == wakeUps || n == quietWakeUps && delay < quietDelay && runnable() <= runtime.NumCPU() {
			return delay / time.Duration(n)
		}
	}
}

// systemTime is the kernel's monotonic clock, which goes on where tests stop the program's.
func systemTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano())
}

// runnable is how many threads of the machine run or are ready to.
func runnable() int {
	data, _ := os.ReadFile("/proc/loadavg")
	return runnableOf(string(data))
}

// runnableOf reads the fourth figure of a line as 0.20 0.18 0.12 1/80 11206.
func runnableOf(line string) int {
	words := strings.Fields(line)
	if len(words) > 3 {
		running, _, _ := strings.Cut(words[3], "/")
		if n, err := strconv.Atoi(running); err == nil && n > 0 {
			return n
		}
	}
	return math.MaxInt // as many as may be, where that is not known
}

// lateness notices that reads come late.
type lateness struct {
	reads, late int
	noticed     bool
}

const (
	latenessWindow = 256 // reads
	latenessShare  = 16  // one in so many of them
)

// add takes the times from stamp to read, and returns true for the first time that too many of
// a window's are such that events may have waited together.
func (l *lateness) add(delays []time.Duration) bool {
	if l.noticed {
		return false
	}
	for _, d := range delays {
		if l.reads++; d >= SlowWake {
			l.late++
		}
		if l.reads == latenessWindow {
			l.noticed = l.noticed || l.late*latenessShare >= l.reads
			l.reads, l.late = 0, 0
		}
	}
	return l.noticed
}
