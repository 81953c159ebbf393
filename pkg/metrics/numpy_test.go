package metrics

import (
	"math"
	"testing"
)

// As in NumPy, one NaN makes every statistic NaN.
func TestNaN(t *testing.T) {
	s := newStats([]float64{1, math.NaN(), 2}, []float64{99})
	for name, v := range map[string]float64{"mean": s.Mean, "median": s.Median, "std": s.Std, "min": s.Min, "max": s.Max, "p99": s.Percentiles[0]} {
		if !math.IsNaN(v) {
			t.Errorf("%s: %v", name, v)
		}
	}
}
