// Package student has quantiles and tail probabilities of Student's t and of the normal
// distribution. gonum's stat/distuv has them too, and brings matrices, BLAS and LAPACK, which take
// a fifteenth of the CPU time of a first build.
package student

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Quantile is the value below which a share p of Student's t with so many degrees of freedom lies.
func Quantile(p, freedom float64) float64 {
	if p == 0.5 {
		return 0
	}
	// Of both tails together, 2*min(p, 1-p) = I(freedom/2, 1/2) at x = freedom/(freedom + t*t).
	x := mathext.InvRegIncBeta(freedom/2, 0.5, 2*math.Min(p, 1-p))
	return math.Copysign(math.Sqrt(freedom*(1-x)/x), p-0.5)
}

// Tails is the probability of a value further from 0 than t, either way.
func Tails(t, freedom float64) float64 {
	return mathext.RegIncBeta(freedom/2, 0.5, freedom/(freedom+t*t))
}

// NormalTails is Tails for the normal distribution.
func NormalTails(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }
