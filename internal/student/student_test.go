package student

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestLikeGonum compares with gonum's distributions, whose own way is another.
func TestLikeGonum(t *testing.T) {
	near := func(what string, at, df, got, want float64) {
		if !(math.Abs(got-want) <= 1e-12*math.Max(1, math.Abs(want))) {
			t.Errorf("%s at %g with %g degrees of freedom: %.17g, want %.17g", what, at, df, got, want)
		}
	}
	for _, df := range []float64{1, 1.5, 2, 4, 9.3, 30, 1000, 1e6} {
		student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
		for _, p := range []float64{1e-6, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9995} {
			near("quantile", p, df, Quantile(p, df), student.Quantile(p))
		}
		for _, x := range []float64{-3, 0, 0.01, 0.7, 2.2, 11, 80} {
			near("tails", x, df, Tails(x, df), 2*student.Survival(math.Abs(x)))
		}
	}
	for _, z := range []float64{0, 0.5, 1.96, 5, 9} {
		near("normal tails", z, math.Inf(1), NormalTails(z), 2*distuv.UnitNormal.Survival(z))
	}
	// As tables have it.
	near("quantile", 0.975, 4, math.Round(1e3*Quantile(0.975, 4)), 2776)
}
