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
	case n <= pairwiseBlock:
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
	half := pairwiseHalf(n)
	return pairwiseSum(x[:half]) + pairwiseSum(x[half:])
}

// pairwiseBlock is how many values are added up without halving them.
const pairwiseBlock = 128

// pairwiseHalf is how many of n values are in the first half.
func pairwiseHalf(n int) int { return n/2 - n/2%8 }

// Std is numpy.std, the population's standard deviation, 0 for no values.
func Std(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	mean, squares := Mean(x), make([]float64, len(x))
	for i, v := range x {
		d := v - mean
		squares[i] = float64(d * d)
	}
	return math.Sqrt(pairwiseSum(squares) / float64(len(x)))
}

// Median is numpy.median of sorted values, 0 for none.
func Median(sorted []float64) float64 {
	return median(len(sorted), func(i int) float64 { return sorted[i] })
}

// median is the same of n values, given those of some ranks.
func median(n int, rank func(i int) float64) float64 {
	switch {
	case n == 0:
		return 0
	case math.IsNaN(rank(0)): // slices.Sort puts NaN first
		return math.NaN()
	case n%2 == 1:
		return rank(n / 2)
	}
	return (rank(n/2-1) + rank(n/2)) / 2
}

// Percentile is numpy.percentile of sorted values by its default method, linear
// interpolation, 0 for no values. p is between 0 and 100.
func Percentile(sorted []float64, p float64) float64 {
	return PercentileOf(len(sorted), p, func(i int) float64 { return sorted[i] })
}

// PercentileOf is the same of n values, given that of each rank, from 0.
func PercentileOf(n int, p float64, rank func(i int) float64) float64 {
	if n == 0 {
		return 0
	}
	if math.IsNaN(rank(0)) {
		return math.NaN()
	}
	i, t := place(n, p)
	a, b := rank(i), rank(min(i+1, n-1))
	diff := b - a
	if t >= 0.5 {
		return b - float64(diff*(1-t))
	}
	return a + float64(diff*t)
}

// place is where a percentile of n values lies: the rank below it, and how far it is from
// there to the next.
func place(n int, p float64) (i int, t float64) {
	at := float64(n-1) * (p / 100)
	below := math.Floor(at)
	return min(max(int(below), 0), n-1), at - below
}

// Stats are the statistics of one metric.
type Stats struct {
	Mean, Median, Std, Min, Max float64
	// Percentiles are in the order in which they were asked for.
	Percentiles []float64
}

// StatsOf sums values up.
func StatsOf(x []float64, percentiles []float64) Stats {
	var l List
	for _, v := range x {
		l.Add(v)
	}
	return l.Stats(percentiles)
}
