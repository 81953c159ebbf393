package metrics

import (
	"math"
	"slices"
)

// sortedMost is how many values are sorted to find those of some ranks; of more the digits of
// these are counted, which takes no memory for each.
const sortedMost = 1 << 16

// digit is as many bits as are counted at a time; four times that are a float64.
const digit = 16

// ranked returns what gives the value of a rank of the sorted list, NaN first, for those
// ranks that the percentiles are made of.
func (l *List) ranked(percentiles []float64) (rank func(i int) float64) {
	wanted := []int{0} // which is NaN where any value is
	for _, p := range percentiles {
		i, _ := place(l.n, p)
		wanted = append(wanted, i, min(i+1, l.n-1))
	}
	return l.rankedAt(wanted)
}

// rankedAt is the same for the ranks that are wanted.
func (l *List) rankedAt(wanted []int) (rank func(i int) float64) {
	if l.n <= sortedMost {
		sorted := l.Values()
		slices.Sort(sorted)
		return func(i int) float64 { return sorted[i] }
	}
	k := &l.known
	if k.ranksOf != l.n {
		k.ranks, k.ranksOf = map[int]float64{}, l.n
	}
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(i int) bool { _, known := k.ranks[i]; return known })
	if slices.Sort(wanted); len(wanted) > 0 {
		wanted = slices.Compact(wanted)
		for i, x := range l.counted(wanted) {
			k.ranks[wanted[i]] = x
		}
	}
	return func(i int) float64 { return k.ranks[i] }
}

// known is what was found out of a list when it had so many values.
type known struct {
	mean            float64
	ranks           map[int]float64
	meanOf, ranksOf int
}

// found is how much of a value is known: its first digits, and how many values that begin so
// come before it.
type found struct {
	digits uint64
	before int
}

// counted are the values of some ranks, in ascending order: of all values that begin with
// the digits of a rank's value so far, the next digit is counted.
func (l *List) counted(ranks []int) (values []float64) {
	of := make([]found, len(ranks))
	for i, rank := range ranks {
		of[i].before = rank
	}
	for shift := 64 - digit; shift >= 0; shift -= digit {
		var starts []uint64
		for _, f := range of {
			if len(starts) == 0 || starts[len(starts)-1] != f.digits {
				starts = append(starts, f.digits)
			}
		}
		counts := make([][1 << digit]uint32, len(starts))
		l.count(counts, starts, shift)
		for i := range of {
			f := &of[i]
			c := &counts[slices.Index(starts, f.digits)]
			d := 0
			for ; f.before >= int(c[d]); d++ {
				f.before -= int(c[d])
			}
			f.digits = f.digits<<digit | uint64(d)
		}
	}
	for _, f := range of {
		values = append(values, fromSortKey(f.digits))
	}
	return values
}

// count counts the next digit of the values that begin with some digits.
func (l *List) count(counts [][1 << digit]uint32, starts []uint64, shift int) {
	var part [1024]float64
	for from := 0; from < l.n; from += len(part) {
		for _, x := range l.read(part[:min(len(part), l.n-from)], from) {
			key := sortKey(x)
			for k, start := range starts {
				if key>>shift>>digit == start {
					counts[k][key>>shift&(1<<digit-1)]++
					break
				}
			}
		}
	}
}

// sortKey orders as slices.Sort does, NaN first: the sign bit turned, negative values
// reversed.
func sortKey(v float64) uint64 {
	if v != v {
		return 0
	}
	bits := math.Float64bits(v)
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}

// fromSortKey is the value of a key.
func fromSortKey(key uint64) float64 {
	if key == 0 {
		return math.NaN()
	}
	return math.Float64frombits(key ^ (^uint64(int64(key)>>63) | 1<<63))
}
