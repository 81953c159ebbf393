package judge

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// mostLost bounds a correction that is itself uncertain.
const mostLost = 0.5

// Resampling: how often, and at most over how many values in all.
const (
	replicates    = 1000
	fewReplicates = 200
	resampledMost = 200e6
)

// bootstrap resamples a run's requests in circular blocks of consecutive ones
// (Politis and Romano 1992), a request with all its values, and takes the
// deviation of the statistic.
func bootstrap(requests [][]float64, s Statistic) estimate {
	pool := newPool(requests, s)
	if pool == nil {
		return estimate{}
	}
	n := len(requests)
	length, lost := blockLength(pool.influence())
	rng := rand.New(rand.NewPCG(uint64(n), uint64(length)))
	weights := make([]int32, n)
	times := int(max(fewReplicates, min(replicates, resampledMost/float64(len(pool.values)))))
	var values, logs []float64
	for range times {
		drawBlocks(rng, weights, length)
		if v := pool.statistic(weights); !math.IsNaN(v) {
			values, logs = append(values, v), append(logs, math.Log(v))
		}
	}
	blocks := float64(n) / float64(length)
	if len(values) < times/2 || blocks < 2 {
		return estimate{}
	}
	// Resampling is from the sample's own, smaller spread, and loses what requests of
	// different blocks have in common.
	inflate := math.Sqrt(blocks / (blocks - 1) / (1 - lost))
	return estimate{inflate * deviation(values), inflate * deviation(logs), blocks - 1}
}

// drawBlocks sets how often each request is drawn.
func drawBlocks(rng *rand.Rand, weights []int32, length int) {
	clear(weights)
	n := len(weights)
	for drawn := 0; drawn < n; {
		at := rng.IntN(n)
		for range min(length, n-drawn) {
			weights[at]++
			drawn++
			if at++; at == n {
				at = 0
			}
		}
	}
}

// pool is a run's values, ready to be resampled by request.
type pool struct {
	s        Statistic
	requests [][]float64
	values   []pooled // ascending, for a quantile
	sums     []float64
}

type pooled struct {
	value   float64
	request int32
}

func newPool(requests [][]float64, s Statistic) *pool {
	p := &pool{s: s, requests: requests, sums: make([]float64, len(requests))}
	for i, r := range requests {
		for _, v := range r {
			p.values = append(p.values, pooled{v, int32(i)})
			p.sums[i] += v
		}
	}
	if len(p.values) < 2 || len(requests) < 4 {
		return nil
	}
	if s.Q > 0 {
		slices.SortFunc(p.values, func(a, b pooled) int { return cmp.Compare(a.value, b.value) })
	}
	return p
}

// statistic is that of the requests drawn as often as the weights say.
func (p *pool) statistic(weights []int32) float64 {
	count, sum := 0, 0.0
	for i, w := range weights {
		count += int(w) * len(p.requests[i])
		sum += float64(w) * p.sums[i]
	}
	if count == 0 {
		return math.NaN()
	}
	if p.s.Q == 0 {
		return sum / float64(count)
	}
	return p.quantile(weights, count)
}

// quantile walks from the nearer end to the value that count*Q are below, between
// two values linearly.
func (p *pool) quantile(weights []int32, count int) float64 {
	at := p.s.Q * float64(count-1)
	low, part := int(at), at-math.Floor(at)
	fromTop := p.s.Q > 0.5
	if fromTop {
		low, part = count-1-int(math.Ceil(at)), math.Ceil(at)-at
	}
	seen, first := 0, math.NaN()
	for i := range p.values {
		v := p.values[i]
		if fromTop {
			v = p.values[len(p.values)-1-i]
		}
		seen += int(weights[v.request])
		if math.IsNaN(first) && seen > low {
			first = v.value
		}
		if seen > low+1 || seen > low && part == 0 {
			return first + part*(v.value-first)
		}
	}
	return first
}

// influence is, by request, what decides how the statistic moves: the mean's
// values, or the share of them that is below the quantile.
func (p *pool) influence() []float64 {
	out := make([]float64, len(p.requests))
	if p.s.Q == 0 {
		total, count := 0.0, 0
		for i, r := range p.requests {
			total, count = total+p.sums[i], count+len(r)
		}
		for i, r := range p.requests {
			out[i] = p.sums[i] - total/float64(count)*float64(len(r))
		}
		return out
	}
	split := p.values[int(p.s.Q*float64(len(p.values)-1))].value
	for i, r := range p.requests {
		for _, v := range r {
			if v <= split {
				out[i] += 1 - p.s.Q
			} else {
				out[i] -= p.s.Q
			}
		}
	}
	return out
}

// blockLength is Politis and White's (2004, as corrected by Patton 2009) for the
// circular bootstrap, and at least the cube root of the requests: a dependence that
// is too weak to be seen still matters. lost is the share of the variance that
// blocks so long do not have, as they cut a dependence that is seen: the g/b of
// these authors.
func blockLength(x []float64) (length int, lost float64) {
	n := len(x)
	least := int(math.Ceil(math.Cbrt(float64(n))))
	most := int(math.Ceil(min(3*math.Sqrt(float64(n)), float64(n)/3)))
	around := max(5, int(math.Ceil(math.Sqrt(math.Log10(float64(n))))))
	lags := min(n-1, int(math.Ceil(math.Sqrt(float64(n))))+around)
	cov := covariances{off: x}
	if cov.at(0) <= 0 {
		return least, 0
	}
	limit := 2 * math.Sqrt(math.Log10(float64(n))/float64(n))
	last := 0 // the last lag beyond which correlations are negligible
	for lag, quiet := 1, 0; lag <= lags && quiet < around; lag++ {
		if quiet++; math.Abs(cov.at(lag)/cov.at(0)) >= limit {
			last, quiet = lag, 0
		}
	}
	if last == 0 {
		return least, 0
	}
	window := min(2*last, lags)
	g, spectrum := 0.0, cov.at(0)
	for lag := 1; lag <= window; lag++ {
		taper := min(1, 2*(1-float64(lag)/float64(window)))
		g += 2 * taper * float64(lag) * cov.at(lag)
		spectrum += 2 * taper * cov.at(lag)
	}
	if spectrum <= 0 {
		return least, 0
	}
	b := math.Cbrt(2 * g * g / (4. / 3 * spectrum * spectrum) * float64(n))
	length = max(least, min(most, int(math.Ceil(b))))
	return length, max(0, min(mostLost, g/spectrum/float64(length)))
}

// covariances are the autocovariances of values, by lag. Few of many are looked at, and each costs
// as much as there are values.
type covariances struct {
	off   []float64 // the values, less their mean after the first call
	known []float64
}

// at is the autocovariance at a lag.
func (c *covariances) at(lag int) float64 {
	n := float64(len(c.off))
	if c.known == nil {
		mean := 0.0
		for _, v := range c.off {
			mean += v / n
		}
		off := make([]float64, len(c.off))
		for i, v := range c.off {
			off[i] = v - mean
		}
		c.off = off
	}
	for k := len(c.known); k <= lag; k++ {
		cov := 0.0
		for i := k; i < len(c.off); i++ {
			cov += c.off[i] * c.off[i-k] / n
		}
		c.known = append(c.known, cov)
	}
	return c.known[lag]
}
