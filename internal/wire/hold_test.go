package wire

import (
	"testing"
	"time"
)

// TestHold: what a peer may have held back is at most as late as what came before is old.
func TestHold(t *testing.T) {
	const ms = time.Millisecond
	const window = 64 << 10
	asked := 0
	ask := func() int { asked++; return window }
	var h hold
	for _, step := range []struct {
		name    string
		n       int
		at      time.Duration
		emptied bool
		want    time.Duration
	}{
		{"a little", 250, 1 * ms, true, 0},
		{"more, in pieces", 5000, 2 * ms, false, 0},
		{"up to what may be a full window", 5000, 3 * ms, true, 0},
		{"what was held back, a little", 250, 10 * ms, true, 7 * ms},
		{"nothing is held back any more", 250, 12 * ms, true, 0},
		{"a full window", 60 << 10, 13 * ms, false, 0},
		{"what came while it was read", 40 << 10, 14 * ms, true, 1 * ms},
		{"a full window again: held back since the first", 60 << 10, 20 * ms, true, 7 * ms},
		{"and what follows", 100, 30 * ms, true, 17 * ms},
		{"no more", 100, 31 * ms, true, 0},
	} {
		if late := h.read(step.n, step.at, ask); late != step.want {
			t.Errorf("%s: %v late, want %v", step.name, late, step.want)
		}
		if step.emptied {
			h.emptied()
		}
	}
	if asked != 3 { // once for each row of reads
		t.Errorf("the window was asked for %d times", asked)
	}
	h = hold{}
	h.read(heldLeast, ms, func() int { return 0 })
	if late := h.read(1, 3*ms, nil); late != 2*ms {
		t.Errorf("an unknown window holds nothing back: %v", late)
	}
	h = hold{}
	wide := func() int { return 16 << 20 }
	h.read(100<<10, ms, wide)
	if late := h.read(1, 3*ms, wide); late != 0 {
		t.Errorf("a window that is far from full held something back: %v", late)
	}
}
