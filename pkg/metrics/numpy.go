package metrics

import "math"

// Mean is numpy.mean, 0 for no values.
func Mean(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return pairwiseSum(x) / float64(len(x))
}

// pairwiseSum adds up as numpy.add.reduce does: blocks of at most 128 with eight
// accumulators, halves above that.
func pairwiseSum(x []float64) float64 {
	n := len(x)
	switch {
	case n < 8:
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		return sum
	case n <= 128:
		var r [8]float64
		copy(r[:], x)
		i := 8
		for ; i < n-n%8; i += 8 {
			for k := range r {
				r[k] += x[i+k]
			}
		}
		sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			sum += x[i]
		}
		return sum
	}
	half := n / 2
	half -= half % 8
	return pairwiseSum(x[:half]) + pairwiseSum(x[half:])
}

// Std is numpy.std, the population's standard deviation, 0 for no values.
func Std(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return std(x, Mean(x), make([]float64, len(x)))
}

// std is the same given the mean and room for as many values.
func std(x []float64, mean float64, squares []float64) float64 {
	for i, v := range x {
		d := v - mean
		squares[i] = float64(d * d)
	}
	return math.Sqrt(pairwiseSum(squares) / float64(len(x)))
}

// Median is numpy.median of sorted values, 0 for none.
func Median(sorted []float64) float64 {
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case math.IsNaN(sorted[0]): // slices.Sort puts NaN first
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// Percentile is numpy.percentile of sorted values by its default method, linear
// interpolation, 0 for no values. p is between 0 and 100.
func Percentile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	if math.IsNaN(sorted[0]) {
		return math.NaN()
	}
	at := float64(n-1) * (p / 100)
	below := math.Floor(at)
	i := min(max(int(below), 0), n-1)
	a, b := sorted[i], sorted[min(i+1, n-1)]
	t := at - below
	diff := b - a
	if t >= 0.5 {
		return b - float64(diff*(1-t))
	}
	return a + float64(diff*t)
}

// Stats are the statistics of one metric.
type Stats struct {
	Mean, Median, Std, Min, Max float64
	// Percentiles are in the order in which they were asked for.
	Percentiles []float64
}

// StatsOf sums values up. It leaves them sorted.
func StatsOf(x []float64, percentiles []float64) Stats { return newStats(x, x, percentiles) }

// newStats sums values up and sorts the copy of them, or themselves.
func newStats(x, sorted []float64, percentiles []float64) (s Stats) {
	if n := len(x); n > 0 {
		scratch := make([]float64, n)
		s.Mean = Mean(x)
		s.Std = std(x, s.Mean, scratch)
		Sort(sorted, scratch)
		s.Median = Median(sorted)
		if s.Min, s.Max = sorted[0], sorted[n-1]; math.IsNaN(s.Min) { // NaN is sorted to the front
			s.Max = s.Min
		}
	}
	for _, p := range percentiles {
		s.Percentiles = append(s.Percentiles, Percentile(sorted, p))
	}
	return s
}
