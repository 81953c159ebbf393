package metrics

import (
	"math"
	"slices"
)

// blockSize is how many values a block of a List holds.
const blockSize = 1 << 13

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

// Add appends a value.
func (l *List) Add(x float64) {
	if l.like != nil && l.follows(x) {
		l.n++
		return
	}
	if l.n%blockSize == 0 {
		l.blocks = append(l.blocks, block{ns: l.room()})
	}
	b := &l.blocks[len(l.blocks)-1]
	l.n++
	if b.wide == nil {
		if ns, ok := wholeNS(x); ok {
			b.ns = append(b.ns, ns)
			return
		}
		b.wide = make([]float64, 0, min(max(2*len(b.ns), 16), blockSize))
		for _, ns := range b.ns {
			b.wide = append(b.wide, float64(ns)/1e9)
		}
		b.ns = nil
	}
	b.wide = append(b.wide, x)
}

// room is memory for the next block. A block that holds the same as the one before shares
// its memory, as there are lists of one value.
func (l *List) room() []uint32 {
	n := len(l.blocks)
	if n == 0 {
		return nil
	}
	if n > 1 {
		if last, before := &l.blocks[n-1], &l.blocks[n-2]; len(last.ns) == blockSize && slices.Equal(last.ns, before.ns) {
			own := last.ns
			if last.ns = before.ns; &own[0] != &before.ns[0] {
				return own[:0]
			}
		}
	}
	return make([]uint32, 0, blockSize)
}

// wholeNS is a value in nanoseconds, if it is a whole number of them that fits.
func wholeNS(x float64) (ns uint32, ok bool) {
	if !(x >= 0 && x < 4.29) {
		return 0, false
	}
	ns = uint32(x*1e9 + 0.5)
	return ns, float64(ns)/1e9 == x
}

// follows reports whether x is what comes next in one of the lists that this one is like so
// far. If not, it gets memory of its own.
func (l *List) follows(x float64) bool {
	now := l.like[0]
	for _, other := range l.like {
		if l.n < other.n && other.At(l.n) == x && (other == now || now.startsLike(other, l.n)) {
			l.like = l.like[slices.Index(l.like, other):]
			return true
		}
	}
	n := l.n
	l.like, l.n = nil, 0
	for i := range n {
		l.Add(now.At(i))
	}
	return false
}

// startsLike reports whether the first n values of two lists are the same.
func (l *List) startsLike(other *List, n int) bool {
	for i := range n {
		if l.At(i) != other.At(i) {
			return false
		}
	}
	return true
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
	if l.like != nil {
		return l.like[0].At(i)
	}
	b := &l.blocks[i/blockSize]
	if b.wide != nil {
		return b.wide[i%blockSize]
	}
	return float64(b.ns[i%blockSize]) / 1e9
}

// All yields the values from one place to before another.
func (l *List) All(from, to int) func(yield func(x float64) bool) {
	return func(yield func(float64) bool) {
		var part [128]float64
		for ; from < to; from += len(part) {
			for _, x := range l.read(part[:min(len(part), to-from)], from) {
				if !yield(x) {
					return
				}
			}
		}
	}
}

// read copies values from one place on.
func (l *List) read(dst []float64, from int) []float64 {
	if l.like != nil {
		return l.like[0].read(dst, from)
	}
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
func (l *List) Values() []float64 { return l.read(make([]float64, l.n), 0) }

// Mean is numpy.mean, 0 for no values.
func (l *List) Mean() float64 {
	switch {
	case l.n == 0:
		return 0
	case l.known.meanOf != l.n:
		l.known.mean, l.known.meanOf = l.sum(0, l.n, func([]float64) {})/float64(l.n), l.n
	}
	return l.known.mean
}

// std is numpy.std, given the mean.
func (l *List) std(mean float64) float64 {
	return math.Sqrt(l.sum(0, l.n, func(part []float64) {
		for i, v := range part {
			d := v - mean
			part[i] = float64(d * d)
		}
	}) / float64(l.n))
}

// sum adds up what some values become, as pairwiseSum does.
func (l *List) sum(from, n int, become func(part []float64)) float64 {
	if n <= pairwiseBlock {
		var part [pairwiseBlock]float64
		l.read(part[:n], from)
		become(part[:n])
		return pairwiseSum(part[:n])
	}
	half := pairwiseHalf(n)
	return l.sum(from, half, become) + l.sum(from+half, n-half, become)
}

// Stats sums the values up.
func (l *List) Stats(percentiles []float64) (s Stats) {
	rank := l.ranked(append([]float64{50, 99, 100}, percentiles...)) // some are asked for again
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

// Ranks are the values at some places of the sorted list, in ascending order of places.
func (l *List) Ranks(places ...int) []float64 {
	rank := l.rankedAt(places)
	out := make([]float64, len(places))
	for i, k := range places {
		out[i] = rank(k)
	}
	return out
}
