package wire

import (
	"testing"
	"time"
)

// TestStampsFromBeforeAStep: what arrived before the wall clock was set keeps its instant, by the
// offset that held then, for as long as such stamps can still be read.
func TestStampsFromBeforeAStep(t *testing.T) {
	const (
		ms     = time.Millisecond
		before = int64(-1e18) // the offset
		set    = 10 * time.Second
	)
	for name, by := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour, "slewed": 50 * ms, "never": 0} {
		w := wall{offset: before - int64(by)}
		w.moved(before, set)
		stampBefore := func(at time.Duration) int64 { return int64(at) - before }
		stampAfter := func(at time.Duration) int64 { return int64(at) - w.offset }
		late := time.Duration(0)
		if name == "slewed" { // no step: by the last sample
			late = by
		}
		if got, want := w.instant(stampBefore(set-30*ms), set), min(set-30*ms-late, set); got != want {
			t.Errorf("%s: an arrival 30 ms before, read now: %s, want %s", name, got, want)
		}
		if got, want := w.instant(stampAfter(set+5*ms), set+7*ms), set+5*ms; got != want {
			t.Errorf("%s: an arrival 5 ms later: %s, want %s", name, got, want)
		}
		w.moved(w.offset, set+2*time.Second)
		if got, want := w.instant(stampAfter(set+2*time.Second), set+3*time.Second), set+2*time.Second; got != want || w.until != 0 {
			t.Errorf("%s: an arrival 2 s later: %s, want %s", name, got, want)
		}
		if got := w.instant(stampAfter(2*set), set+3*time.Second); got != set+3*time.Second {
			t.Errorf("%s: a stamp of the future: %s", name, got)
		}
	}
	var first wall
	if first.sample(NewClock()); first.until != 0 {
		t.Error("the first sample is no step")
	}
}
