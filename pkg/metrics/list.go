package metrics

import (
	"math"
)

// blockSize is how many values a block of a List holds.
const blockSize = 1 << 13

// mostNS is the longest time that a block holds in nanoseconds.
const mostNS = 1<<32 - 2

// block is a part of a list: its values in whole nanoseconds, or in seconds where one of
// them is none of these or does not fit.
type block struct {
	ns   []uint32
	wide []float64
}

// List is a list of values in seconds, in the order in which they were added. It takes four
// bytes for a value that is a whole number of nanoseconds below 2^32, as gaps are, and gives
// back the very value that was added. The zero value is an empty list.
type List struct {
	n      int
	blocks []block
	like   []*List // the values so far are those of the first of these
	known  known
}

// Like returns an empty list that takes no memory as long as its values are those of one of
// the others, to which they are added before.
func Like(others ...*List) *List { return &List{like: others} }

// Len is the number of values.
func (l *List) Len() int { return l.n }

// root is the list that has the memory of this one's values.
func (l *List) root() *List {
	for l.like != nil {
		l = l.like[0]
	}
	return l
}

// Origin is the list whose values these are, or the list itself.
func (l *List) Origin() *List {
	if l.like != nil && l.n == l.like[0].n {
		return l.like[0].Origin()
	}
	return l
}

// At is a value by its place.
func (l *List) At(i int) float64 {
	b := &l.root().blocks[i/blockSize]
	if b.wide != nil {
		return b.wide[i%blockSize]
	}
	return float64(b.ns[i%blockSize]) / 1e9
}

// Read copies values, as many as there is room for, from one place on, and returns them.
func (l *List) Read(dst []float64, from int) []float64 {
	l = l.root()
	for at := 0; at < len(dst); {
		b, k := &l.blocks[(from+at)/blockSize], (from+at)%blockSize
		if b.wide != nil {
			at += copy(dst[at:], b.wide[k:])
			continue
		}
		some := b.ns[k:min(len(b.ns), k+len(dst)-at)]
		for i, ns := range some {
			dst[at+i] = float64(ns) / 1e9
		}
		at += len(some)
	}
	return dst
}

// Values are all values in a slice.
func (l *List) Values() []float64 { return l.Read(make([]float64, l.n), 0) }

// Mean is numpy.mean, 0 for no values.
func (l *List) Mean() float64 {
	switch l.n {
	case 0:
		return 0
	case l.known.of:
		return l.known.mean
	}
	return l.sum(0, l.n, nil) / float64(l.n)
}

// std is numpy.std, given the mean.
func (l *List) std(mean float64) float64 { return math.Sqrt(l.sum(0, l.n, &mean) / float64(l.n)) }

// sum adds up some values as pairwiseSum does; given a mean, the squares of their distances
// from it.
func (l *List) sum(from, n int, mean *float64) float64 {
	if n <= pairwiseBlock {
		var room [pairwiseBlock]float64
		part := l.Read(room[:n], from)
		if mean != nil {
			for i, v := range part {
				d := v - *mean
				part[i] = float64(d * d)
			}
		}
		return pairwiseSum(part)
	}
	half := pairwiseHalf(n)
	return l.sum(from, half, mean) + l.sum(from+half, n-half, mean)
}

// Stats sums the values up, and remembers some of it.
func (l *List) Stats(percentiles []float64) (s Stats) {
	some := append([]float64{50, 99, 100}, percentiles...) // of which some are asked for again
	if l.n > sortedMost {
		l.known = known{l.n, l.Mean(), l.ranks(l.wanted(some))}
	}
	rank := l.ranked(some)
	if l.n > 0 {
		s.Mean = l.Mean()
		s.Std = l.std(s.Mean)
		if s.Min, s.Max = rank(0), rank(l.n-1); math.IsNaN(s.Min) { // NaN comes first
			s.Max = s.Min
		}
	}
	s.Median = median(l.n, rank)
	for _, p := range percentiles {
		s.Percentiles = append(s.Percentiles, PercentileOf(l.n, p, rank))
	}
	return s
}

// Percentiles are numpy's, 0 for no values. That of 50 is the median.
func (l *List) Percentiles(percentiles ...float64) (out []float64) {
	rank := l.ranked(percentiles)
	for _, p := range percentiles {
		out = append(out, PercentileOf(l.n, p, rank))
	}
	return out
}

// Median is numpy.median, 0 for no values.
func (l *List) Median() float64 { return median(l.n, l.ranked([]float64{50})) }

// Below is how many of the values from one place to before another are less than a limit.
func (l *List) Below(from, to int, limit float64) (n int) {
	blocks := l.root().blocks
	for from < to {
		b, k := &blocks[from/blockSize], from%blockSize
		some := min(to-from, blockSize-k)
		if b.wide != nil {
			for _, x := range b.wide[k : k+some] {
				if x < limit {
					n++
				}
			}
		} else {
			for _, ns := range b.ns[k : k+some] {
				if float64(ns)/1e9 < limit {
					n++
				}
			}
		}
		from += some
	}
	return n
}

// Ranks are the values at some places of the sorted list, in ascending order of places.
func (l *List) Ranks(places ...int) []float64 {
	rank := l.rankedAt(places)
	out := make([]float64, len(places))
	for i, k := range places {
		out[i] = rank(k)
	}
	return out
}
