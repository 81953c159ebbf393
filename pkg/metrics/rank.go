package metrics

import (
	"maps"
	"math"
	"math/bits"
	"slices"
)

// sortedMost is how many values are sorted to find those of some ranks; of more the digits of
// these are counted, which takes no memory for each, until so many are left to sort.
const sortedMost = 1 << 16

// digit is as many bits as are counted at a time.
const digit = 14

// ranked returns what gives the value of a rank of the sorted list, NaN first, for those
// ranks that the percentiles are made of.
func (l *List) ranked(percentiles []float64) (rank func(i int) float64) {
	return l.rankedAt(l.wanted(percentiles))
}

// wanted are the ranks that percentiles are made of.
func (l *List) wanted(percentiles []float64) []int {
	wanted := []int{0} // which is NaN where any value is
	for _, p := range percentiles {
		i, _ := place(l.n, p)
		wanted = append(wanted, i, min(i+1, l.n-1))
	}
	return wanted
}

// rankedAt is the same for the ranks that are wanted.
func (l *List) rankedAt(wanted []int) (rank func(i int) float64) {
	if l.n <= sortedMost {
		sorted := l.Values()
		slices.Sort(sorted)
		return func(i int) float64 { return sorted[i] }
	}
	ranks := l.ranks(wanted)
	return func(i int) float64 { return ranks[i] }
}

// ranks are the values of some ranks, and those that are known of others.
func (l *List) ranks(wanted []int) map[int]float64 {
	ranks := map[int]float64{}
	if l.known.of == l.n {
		ranks = maps.Clone(l.known.ranks)
	}
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(i int) bool { _, known := ranks[i]; return known })
	if slices.Sort(wanted); len(wanted) > 0 {
		wanted = slices.Compact(wanted)
		for i, x := range l.counted(wanted) {
			ranks[wanted[i]] = x
		}
	}
	return ranks
}

// known is what Stats has found out of a list when it had so many values, which is asked for
// again. What else reads a list changes nothing, so that several may at the same time.
type known struct {
	of    int
	mean  float64
	ranks map[int]float64 // of long lists
}

// found is how much of a value is known: the first digits of its key, and how many values that
// begin so come before it.
type found struct {
	digits uint64
	before int
}

// counted are the values of some ranks, in ascending order: of all values that begin with
// the digits of a rank's value so far, the next digit is counted. Where few begin so, they
// are sorted.
func (l *List) counted(ranks []int) (values []float64) {
	in := l.keys()
	of := make([]found, len(ranks))
	for i, rank := range ranks {
		of[i] = found{in.begin, rank}
	}
	left := l.n
	for shift := in.bits; shift > 0 && left > sortedMost; {
		step := min(digit, shift)
		shift -= step
		left = in.narrow(of, shift, step)
		if shift > 0 && left <= sortedMost {
			in.sort(of, shift)
			break
		}
	}
	for _, f := range of {
		values = append(values, in.value(f.digits))
	}
	return values
}

// keys are the values of a list as numbers in the same order: nanoseconds where all are whole
// ones, else those of sortKey.
type keys struct {
	l     *List // not like another
	n     int
	ns    bool
	begin uint64 // all keys begin with these digits
	bits  int    // of the rest, in which they differ
}

func (l *List) keys() keys {
	k := keys{l: l.root(), n: l.n, ns: true}
	for i := range k.l.blocks {
		k.ns = k.ns && k.l.blocks[i].wide == nil
	}
	least, most := ^uint64(0), uint64(0)
	if k.ns {
		low, high := ^uint32(0), uint32(0)
		for b := range k.blocks {
			for _, ns := range b {
				low, high = min(low, ns), max(high, ns)
			}
		}
		least, most = uint64(low), uint64(high)
	} else {
		k.some(func(some []uint64) { least, most = min(least, slices.Min(some)), max(most, slices.Max(some)) })
	}
	k.bits = bits.Len64(least ^ most)
	k.begin = most >> k.bits
	return k
}

func (k *keys) value(key uint64) float64 {
	if k.ns {
		return float64(key) / 1e9
	}
	return fromSortKey(key)
}

// some yields the keys, some at a time.
func (k *keys) some(yield func(some []uint64)) {
	var room [1024]uint64
	for from := 0; from < k.n; from += len(room) { // a block is a multiple of that
		part := room[:min(len(room), k.n-from)]
		switch b := &k.l.blocks[from/blockSize]; {
		case k.ns:
			for i, ns := range b.ns[from%blockSize:][:len(part)] {
				part[i] = uint64(ns)
			}
		case b.wide == nil:
			for i, ns := range b.ns[from%blockSize:][:len(part)] {
				part[i] = sortKey(float64(ns) / 1e9)
			}
		default:
			for i, x := range b.wide[from%blockSize:][:len(part)] {
				part[i] = sortKey(x)
			}
		}
		yield(part)
	}
}

// blocks yields the nanoseconds of a list that has whole ones alone.
func (k *keys) blocks(yield func(ns []uint32) bool) {
	for left, i := k.n, 0; left > 0; left, i = left-blockSize, i+1 {
		if ns := k.l.blocks[i].ns; !yield(ns[:min(len(ns), left)]) {
			return
		}
	}
}

// starts are the different digits of what was found so far, in ascending order.
func starts(of []found) (all []uint64) {
	for _, f := range of {
		if len(all) == 0 || all[len(all)-1] != f.digits {
			all = append(all, f.digits)
		}
	}
	return all
}

// startsByDigit gives, by the last digit of a start, the place of one that ends so, from 1; 0
// for none.
func startsByDigit(begin []uint64) (which [1 << digit]uint16) {
	for i, start := range begin {
		which[start%(1<<digit)] = uint16(i + 1)
	}
	return which
}

// at is the place of a start, from 1, of which another may be that has the same last digit; 0
// for none.
func at(begin []uint64, other uint16, start uint64) uint16 {
	if other == 0 || begin[other-1] == start {
		return other
	}
	return uint16(slices.Index(begin, start) + 1)
}

// narrow finds the next digit of each value, of so many bits, above the shift, and returns
// how many values begin as one of them does.
func (k *keys) narrow(of []found, shift, step int) (left int) {
	begin := starts(of)
	counts := make([][1 << digit]uint32, len(begin))
	mask := uint64(1)<<step - 1
	if shift+step == k.bits && k.ns { // all begin so
		first := &counts[0]
		for b := range k.blocks {
			for _, ns := range b {
				first[ns>>shift&uint32(mask)]++
			}
		}
	} else {
		which := startsByDigit(begin)
		k.some(func(some []uint64) {
			for _, key := range some {
				first := key >> shift >> step
				if i := which[first%(1<<digit)]; i > 0 {
					if i = at(begin, i, first); i > 0 {
						counts[i-1][key>>shift&mask]++
					}
				}
			}
		})
	}
	for i := range of {
		f := &of[i]
		c := &counts[slices.Index(begin, f.digits)]
		d := 0
		for ; f.before >= int(c[d]); d++ {
			f.before -= int(c[d])
		}
		digits := f.digits<<step | uint64(d)
		if i == 0 || of[i-1].digits != digits {
			left += int(c[d])
		}
		f.digits = digits
	}
	return left
}

// sort finds the rest of each value, below the shift, among those that begin as it does.
func (k *keys) sort(of []found, shift int) {
	begin := starts(of)
	groups, which := make([][]uint64, len(begin)), startsByDigit(begin)
	k.some(func(some []uint64) {
		for _, key := range some {
			if i := at(begin, which[key>>shift%(1<<digit)], key>>shift); i > 0 {
				groups[i-1] = append(groups[i-1], key)
			}
		}
	})
	for _, group := range groups {
		slices.Sort(group)
	}
	for i := range of {
		of[i].digits = groups[slices.Index(begin, of[i].digits)][of[i].before]
	}
}

// sortKey orders as slices.Sort does, NaN first: the sign bit turned, negative values
// reversed.
func sortKey(v float64) uint64 {
	if v != v {
		return 0
	}
	x := math.Float64bits(v)
	return x ^ (uint64(int64(x)>>63) | 1<<63)
}

// fromSortKey is the value of a key.
func fromSortKey(key uint64) float64 {
	if key == 0 {
		return math.NaN()
	}
	return math.Float64frombits(key ^ (^uint64(int64(key)>>63) | 1<<63))
}
