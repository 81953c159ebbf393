package judge

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// ones are requests of one value each.
func ones(met []bool) (out [][]float64) {
	for _, m := range met {
		v := 0.0
		if m {
			v = 1
		}
		out = append(out, []float64{v})
	}
	return out
}

// TestShare: the bounds are Clopper and Pearson's, and misses in clusters are worth less.
func TestShare(t *testing.T) {
	all := make([]bool, 100)
	for i := range all {
		all[i] = true
	}
	s := ShareOf([][][]float64{ones(all)})
	if want := math.Pow(0.05, 0.01); s.Of != 100 || !(math.Abs(s.Low(0.05)-want) <= 1e-9) || s.High(0.05) != 1 {
		t.Errorf("all: %+v, low %g, want %g", s, s.Low(0.05), want)
	}
	if n := NeededForShare(0.99, 0.05); n != 299 || math.Pow(0.99, float64(n)) > 0.05 {
		t.Errorf("needs %d", n)
	}
	spread, together := make([]bool, 2000), make([]bool, 2000)
	for i := range spread {
		spread[i], together[i] = i%100 != 7, i < 1000 || i >= 1020
	}
	a, b := ShareOf([][][]float64{ones(spread)}), ShareOf([][][]float64{ones(together)})
	if a.Value != b.Value || a.Of < 1500 || b.Of > 500 || b.Low(0.05) > a.Low(0.05) {
		t.Errorf("apart %+v, together %+v", a, b)
	}
	gaps := ShareOf([][][]float64{{{1, 1, 1, 0}, {1, 1, 1, 1}, {1, 1, 0, 1}, {1, 1, 1, 1}}})
	if gaps.Value != 14./16 || gaps.Of > 4 {
		t.Errorf("the gaps of four requests: %+v", gaps)
	}
	runs := ShareOf([][][]float64{ones(all), ones(all), ones(make([]bool, 100))})
	if runs.Of > 10 {
		t.Errorf("runs that differ: %+v", runs)
	}
}

// TestStatsCoverageOfShares counts how often the lower bound of a share is above the truth,
// which is at the limit of an objective: the level is how often that may be.
func TestStatsCoverageOfShares(t *testing.T) {
	times := 1000
	if text := os.Getenv("COVERAGE_PAIRS"); text != "" {
		times, _ = strconv.Atoi(text)
	}
	const n, runs, alpha = 800, 3, 0.05
	for _, c := range []struct {
		name  string
		rho   float64
		share float64
	}{{"independent, 99 %", 0, 0.99}, {"independent, 90 %", 0, 0.9}, {"autocorrelated 0.6, 90 %", 0.6, 0.9}, {"autocorrelated 0.9, 95 %", 0.9, 0.95}} {
		limit := distuv.UnitNormal.Quantile(c.share)
		wrong := 0
		for i := range times {
			rng := rand.New(rand.NewPCG(3, uint64(i)))
			var all [][][]float64
			for range runs {
				met, x := make([]bool, n), rng.NormFloat64()
				for k := range met {
					met[k] = x <= limit
					x = c.rho*x + math.Sqrt(1-c.rho*c.rho)*rng.NormFloat64()
				}
				all = append(all, ones(met))
			}
			if ShareOf(all).Low(alpha) > c.share {
				wrong++
			}
		}
		got := float64(wrong) / float64(times)
		t.Logf("%-28s %5.2f %% of %d loads at the limit are said to hold, at a level of %g %%", c.name, 100*got, times, 100*alpha)
		if got > 1.5*alpha+3*math.Sqrt(alpha*(1-alpha)/float64(times)) {
			t.Errorf("%s: %.4f", c.name, got)
		}
	}
}
