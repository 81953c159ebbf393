package wire

import (
	"testing"
	"time"
)

// TestBlindSpot follows the loop's attention: what it reads cannot have come
// before it looked, be it that it was woken late.
func TestBlindSpot(t *testing.T) {
	ms := time.Millisecond
	clock := Clock{time.Now().Add(-time.Hour)}
	sys := &scripted{}
	r := &Reactor{o: Options{Clock: clock}, sys: sys}
	near := func(name string, got, want time.Duration) {
		t.Helper()
		if got < want || got > want+50*ms {
			t.Errorf("%s: blind for %v, want %v", name, got, want)
		}
	}
	now := clock.Now()
	r.attention.returned = now - 100*ms
	r.look(now-90*ms, 1, 256, false)
	blind := func() time.Duration { at := clock.Now(); return r.blind(at, at) }
	near("it came back at once: since the look before", blind(), 100*ms)
	r.attention.returned, r.attention.full = now-100*ms, true
	r.attention.since = now - 200*ms
	r.look(now-90*ms, 1, 256, false)
	near("the look before was cut short: since the one before that", blind(), 200*ms)
	r.look(now, -1, 256, true)
	near("the wait was interrupted: no look at all", blind(), 200*ms)
	r.attention = lookout{since: now, returned: now, asked: true}
	if at := clock.Now(); r.blind(at, now-30*ms) < 60*ms {
		t.Error("an arrival from before the look, though the loop had not slept, is not late")
	}
	r.attention = lookout{since: now, returned: now}
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
		r.look(clock.Now()-c.slept, 1, 256, true)
		near(c.name, blind(), c.want)
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
		r.attention = lookout{since: now, slept: c.slept, asked: true}
		if got := r.blind(now, now-c.age); got != c.want {
			t.Errorf("%s: blind for %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSecondFigure(t *testing.T) {
	for line, want := range map[string]time.Duration{"1 23 4\n": 23, "": -1, "1": -1, "1 x 3": -1, "1 2": -1} {
		if got := secondFigure([]byte(line)); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}
