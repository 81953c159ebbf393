package load

import (
	"math"
	"testing"
)

func TestChosen(t *testing.T) {
	const n = 100_000
	for _, share := range []float64{0.01, 0.3, 0.9} {
		both, of := 0, map[uint32]int{}
		for i := range n {
			for _, seed := range []uint32{1, 2} {
				if Chosen(seed, i, share) {
					of[seed]++
				}
			}
			if Chosen(1, i, share) && Chosen(2, i, share) {
				both++
			}
		}
		deviation := func(p float64) float64 { return 4 * math.Sqrt(n*p*(1-p)) }
		for seed, got := range of {
			if !(math.Abs(float64(got)-n*share) <= deviation(share)) {
				t.Errorf("seed %d: %d of %d, want %v of them", seed, got, n, share)
			}
		}
		if !(math.Abs(float64(both)-n*share*share) <= deviation(share*share)) {
			t.Errorf("%d of %d by both seeds, want %v of them", both, n, share*share)
		}
	}
	if Chosen(5, 3, 0) || !Chosen(5, 3, 1) {
		t.Error("a share of nothing or of all")
	}
}
