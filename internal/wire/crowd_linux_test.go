package wire

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEventsGatherInACrowdOnly(t *testing.T) {
	const ever = -1
	var c crowd
	now := time.Duration(0)
	wait := func(n int, spent time.Duration) {
		now += spent
		c.count(n, now)
	}
	for _, step := range []struct {
		name     string
		n        int
		spent    time.Duration
		patience time.Duration
		want     time.Duration
	}{
		{"a few", 10, 2 * crowdWindow, ever, 0},
		{"many, the window not over", 60, crowdWindow / 2, ever, 0},
		{"many", 0, crowdWindow / 2, ever, gatherTime},
		{"until a deadline", 0, crowdWindow / 4, time.Second, gatherTime},
		{"with something else to do", 0, crowdWindow / 4, 0, 0},
		{"more than can be read at once", eventsPerTurn, crowdWindow / 4, ever, 0},
		{"no more, the window not over", 0, crowdWindow / 8, ever, gatherTime},
		{"after an error of the wait", -1, crowdWindow / 16, ever, gatherTime},
		{"quiet for long", 1, time.Second, ever, 0},
	} {
		if wait(step.n, step.spent); c.gather(step.patience) != step.want {
			t.Errorf("%s: %v", step.name, c.gather(step.patience))
		}
	}
}

// TestWarmMeetsWhatIsGone: events of the waker, of connections that are closed and
// of idle ones name no stream.
func TestWarmMeetsWhatIsGone(t *testing.T) {
	sink := &counter{}
	r := &Reactor{links: []*link{nil, {}, {flow: newFlow(&Exchange{Sink: sink})}}}
	r.warm([]unix.EpollEvent{{Fd: -1}, {Fd: 0}, {Fd: 1}, {Fd: 2}, {Fd: 2}})
	if sink.warmed != 2 {
		t.Errorf("%d", sink.warmed)
	}
}

// TestShortTurns asks the kernel what it has made of the wish.
func TestShortTurns(t *testing.T) {
	done := make(chan struct{})
	go func() { // on a thread of its own, which ends with it
		defer close(done)
		runtime.LockOSThread()
		before, err := unix.SchedGetAttr(0, 0)
		if err != nil || before.Policy != unix.SCHED_NORMAL {
			return
		}
		(&linux{}).shortTurns()
		after, err := unix.SchedGetAttr(0, 0)
		if err != nil || after.Policy != before.Policy || after.Nice != before.Nice {
			t.Errorf("%+v, %v; before %+v", after, err, before)
		}
		if after.Runtime != before.Runtime && after.Runtime != uint64(100*time.Microsecond) {
			t.Errorf("a slice of %d ns", after.Runtime)
		}
	}()
	<-done
}
