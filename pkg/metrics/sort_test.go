package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortIsSlicesSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, value := range map[string]func() float64{
		"latencies": func() float64 { return rng.ExpFloat64() / 100 },
		"ns":        func() float64 { return float64(rng.Int64N(1e7)) / 1e9 },
		"signs":     func() float64 { return rng.NormFloat64() * 1e9 },
		"few":       func() float64 { return float64(rng.IntN(3)) },
		"infinite":  func() float64 { return math.Inf(rng.IntN(2) - 1) },
		"nan":       func() float64 { return math.Log(rng.Float64() - 0.01) },
	} {
		for _, n := range []int{0, 1, 999, 1000, 5000} {
			x := make([]float64, n)
			for i := range x {
				x[i] = value()
			}
			want := slices.Sorted(slices.Values(x))
			Sort(x, nil)
			if slices.CompareFunc(x, want, func(a, b float64) int {
				if math.Float64bits(a) != math.Float64bits(b) && !(math.IsNaN(a) && math.IsNaN(b)) {
					return 1
				}
				return 0
			}) != 0 {
				t.Errorf("%s: %d values are not sorted as by slices.Sort", name, n)
			}
		}
	}
}
