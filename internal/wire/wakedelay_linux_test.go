package wire

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestLateness(t *testing.T) {
	in, late := make([]time.Duration, latenessWindow), slices.Repeat([]time.Duration{SlowWake}, latenessWindow/latenessShare)
	for name, c := range map[string]struct {
		delays []time.Duration
		want   bool
	}{
		"in time":              {slices.Repeat(in, 10), false},
		"few":                  {late, false},
		"one in sixteen":       {slices.Concat(late, in), true},
		"one fewer":            {slices.Concat(late[1:], in, in), false},
		"in another window":    {slices.Concat(in, late, in), true},
		"in two windows":       {slices.Concat(in[len(late)/2:], late, in), false},
		"almost a millisecond": {slices.Repeat([]time.Duration{SlowWake - 1}, 1000), false},
	} {
		var l lateness
		if got := l.add(c.delays); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if l.add(slices.Repeat(late, 2*latenessShare)) == c.want {
			t.Errorf("%s: it is told once", name)
		}
	}
}

func TestRunnable(t *testing.T) {
	for line, want := range map[string]int{
		"0.20 0.18 0.12 26/80 11206\n": 26,
		"0.20 0.18 0.12 0/80 11206\n":  math.MaxInt, // of a sandbox that does not say
		"0.20 0.18":                    math.MaxInt,
		"":                             math.MaxInt,
		"a b c d e":                    math.MaxInt,
	} {
		if n := runnableOf(line); n != want {
			t.Errorf("%q: %d", line, n)
		}
	}
}
