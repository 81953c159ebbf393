package wire

import (
	"testing"
	"time"
)

// TestUncertainty follows the loop's polled: what it reads cannot have come
// before it looked, be it that it was woken late.
func TestUncertainty(t *testing.T) {
	ms := time.Millisecond
	clock := Clock{time.Now().Add(-time.Hour)}
	sys := &scripted{}
	r := &Reactor{o: Options{Clock: clock}, sys: sys}
	near := func(name string, got, want time.Duration) {
		t.Helper()
		if got < want || got > want+50*ms {
			t.Errorf("%s: uncertain by %v, want %v", name, got, want)
		}
	}
	now := clock.Now()
	r.polled.returned = now - 100*ms
	r.notePoll(now-90*ms, 1, 256, false)
	uncertainty := func() time.Duration { at := clock.Now(); return r.uncertainty(at, at) }
	near("it came back at once: since the look before", uncertainty(), 100*ms)
	r.polled.returned, r.polled.full = now-100*ms, true
	r.polled.since = now - 200*ms
	r.notePoll(now-90*ms, 1, 256, false)
	near("the look before was cut short: since the one before that", uncertainty(), 200*ms)
	r.notePoll(now, -1, 256, true)
	near("the wait was interrupted: no look at all", uncertainty(), 200*ms)
	r.polled = pollState{since: now, returned: now, asked: true}
	if at := clock.Now(); r.uncertainty(at, now-30*ms) < 60*ms {
		t.Error("an arrival from before the look, though the loop had not slept, is not late")
	}
	r.polled = pollState{since: now, returned: now}
	for _, c := range []struct {
		name                 string
		slept, delayed, want time.Duration
	}{
		{"it slept and was woken at once", 500 * ms, 0, 0},
		{"it slept and then waited for a processor", 500 * ms, 300 * ms, 300 * ms},
		{"it cannot have waited longer than it slept", 500 * ms, 2000 * ms, 500 * ms},
		{"a short sleep", 500 * time.Microsecond, 2000*ms + 100*time.Microsecond, 100 * time.Microsecond},
		{"nothing is known of its waiting", 500 * ms, -1, 500 * ms},
	} {
		sys.delayed = c.delayed
		r.notePoll(clock.Now()-c.slept, 1, 256, true)
		near(c.name, uncertainty(), c.want)
	}
	for _, c := range []struct {
		name             string
		age, slept, want time.Duration
	}{
		{"it came while the loop ran", -2 * ms, 500 * ms, 0},
		{"the processor took its time to come back", ms / 10, 500 * ms, ms / 5},
		{"within a short sleep", ms / 10, ms / 8, ms / 8},
		{"the process was stopped", 30 * ms, 500 * ms, 60 * ms},
		{"it cannot have been stopped for longer than it slept", 30 * ms, 40 * ms, 40 * ms},
	} {
		r.polled = pollState{since: now, slept: c.slept, asked: true}
		if got := r.uncertainty(now, now-c.age); got != c.want {
			t.Errorf("%s: uncertain by %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSecondNumber(t *testing.T) {
	for line, want := range map[string]time.Duration{"1 23 4\n": 23, "": -1, "1": -1, "1 x 3": -1, "1 2": -1} {
		if got := secondNumber([]byte(line)); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}
