package judge

import "math"

// Certainty is what repeats say of a difference at any time, however often they were looked at
// before.
type Certainty struct {
	Repeats int
	// Ratio is other / base, the geometric mean of the repeats; Low and High are its confidence
	// sequence, infinite where there are too few repeats.
	Ratio, Low, High float64
	Differs, Within  bool // the ratio is not 1; it is within the margin
}

// Decided reports whether more repeats are needed.
func (c *Certainty) Decided() bool { return c.Differs || c.Within }

// effectPrior is the variance of the effect sizes, in deviations of one repeat, that the mixture
// expects. Differences between servers are mostly large compared with how runs vary; any value
// is valid.
const effectPrior = 10

// Certain compares the repeats of two servers, in pairs that were made one after the other. With a
// probability of 1-alpha the true ratio is within the bounds at every number of repeats, so that
// repeats can be added until it is decided: the confidence sequence of the scale-invariant
// mixture t-test (Lai, Annals of Statistics 4(2), 1976; Perez-Ortiz, Lardy, de Heide and
// Grünwald, Annals of Statistics 52(4), 2024), on logarithms of ratios, which are taken to be
// normal. What the client may have moved widens it. margin is a share of the baseline's value.
func Certain(base, other []Series, margin, alpha float64) Certainty {
	var logs []float64
	for i := range min(len(base), len(other)) {
		if d := math.Log(other[i].Value / base[i].Value); !math.IsNaN(d) && !math.IsInf(d, 0) {
			logs = append(logs, d)
		}
	}
	c := Certainty{Repeats: len(logs), Ratio: math.NaN(), Low: 0, High: math.Inf(1)}
	if len(logs) == 0 {
		return c
	}
	mean := 0.0
	for _, d := range logs {
		mean += d / float64(len(logs))
	}
	half := anytimeT(len(logs), alpha)*deviation(logs)/math.Sqrt(float64(len(logs))) + math.Log1p(relativeError(base)+relativeError(other))
	c.Ratio = math.Exp(mean)
	if !math.IsNaN(half) && !math.IsInf(half, 0) {
		c.Low, c.High = math.Exp(mean-half), math.Exp(mean+half)
	}
	c.Differs = c.Low > 1 || c.High < 1
	c.Within = c.Low > 1/(1+margin) && c.High < 1+margin
	return c
}

// anytimeT is the quantile of t that n values exceed at any time with at most alpha: where the
// Bayes factor of a normal prior of effect sizes, a martingale, reaches 1/alpha (Ville 1939).
// It is infinite for too few values.
func anytimeT(n int, alpha float64) float64 {
	spread := 1 + float64(n)*effectPrior
	r := math.Pow(math.Sqrt(spread)/alpha, 2/float64(n))
	if n < 2 || r >= spread {
		return math.Inf(1)
	}
	return math.Sqrt(float64(n-1) * (r - 1) / (1 - r/spread))
}
