package pyrand

import (
	"fmt"
	"testing"
)

// The wanted values were printed by CPython 3.11 (random).
func TestPythonShuffleAndChoice(t *testing.T) {
	for seed, want := range map[uint64]string{
		0:       "[7 8 1 5 3 4 2 0 9 6] [1 2 0]",
		42:      "[7 3 2 8 5 6 9 4 0 1] [2 1 0]",
		1 << 40: "[7 8 2 4 6 0 3 9 5 1] [2 2 1]",
	} {
		p := NewPython(seed)
		s := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
		p.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		got := fmt.Sprint(s, []int{p.Choice(3), p.Choice(3), p.Choice(3)})
		if got != want {
			t.Errorf("seed %d: got %s, want %s", seed, got, want)
		}
	}
}
