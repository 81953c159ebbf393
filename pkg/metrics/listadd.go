package metrics

import (
	"slices"
	"time"
)

// Add appends a value in seconds.
func (l *List) Add(x float64) {
	ns, whole := wholeNS(x)
	l.add(ns, whole, x)
}

// AddAll appends values in seconds.
func (l *List) AddAll(all []float64) {
	for len(all) > 0 {
		n := 0
		if l.like != nil {
			n = l.alike(all)
		}
		if n == 0 {
			l.Add(all[0])
			n = 1
		}
		all = all[n:]
	}
}

// alike takes in the first of some values that are what comes next in the list that this one is
// like, and returns how many these are.
func (l *List) alike(all []float64) (n int) {
	other, blocks := l.like[0], l.root().blocks
	for n < len(all) && l.n < other.n {
		b, k := &blocks[l.n/blockSize], l.n%blockSize
		most := min(len(all)-n, other.n-l.n, blockSize-k)
		same := 0
		if b.wide != nil {
			for same < most && b.wide[k+same] == all[n+same] {
				same++
			}
		} else {
			for same < most && float64(b.ns[k+same])/1e9 == all[n+same] {
				same++
			}
		}
		l.n, n = l.n+same, n+same
		if same < most {
			break
		}
	}
	return n
}

// AddDurations appends values.
func (l *List) AddDurations(all []time.Duration) { addWhole(l, all) }

// AddGaps appends the gaps of a request.
func (l *List) AddGaps(s *Sample) {
	if len(s.Gaps) == len(s.ITL) {
		l.AddDurations(s.Gaps)
	} else {
		l.AddAll(s.ITL)
	}
}

// AddNewest appends the last n values of the list that this one is like, which the caller knows
// to be what comes next; false where this one does not have all values before them.
func (l *List) AddNewest(n int) bool {
	if l.like == nil || l.n+n != l.like[0].n {
		return false
	}
	l.n += n
	return true
}

// addWhole appends values in nanoseconds, as many at a time as a block has room for.
func addWhole[T uint32 | time.Duration](l *List, all []T) {
	for len(all) > 0 {
		n := 0
		if l.like != nil {
			n = alikeNS(l, all)
		} else if l.n%blockSize > 0 {
			n = extend(&l.blocks[len(l.blocks)-1], all)
			l.n += n
		}
		if n == 0 {
			l.AddDuration(time.Duration(all[0]))
			n = 1
		}
		all = all[n:]
	}
}

// extend appends the first of some values to a block that has some, as many as it can hold in
// nanoseconds, and returns how many these are.
func extend[T uint32 | time.Duration](b *block, all []T) (n int) {
	all = all[:min(len(all), blockSize-len(b.ns))]
	if b.wide != nil || len(all) == 0 {
		return 0
	}
	b.ns = slices.Grow(b.ns, len(all))
	to := b.ns[len(b.ns):][:len(all)]
	for n < len(all) && uint64(all[n]) <= mostNS {
		to[n] = uint32(all[n])
		n++
	}
	b.ns = b.ns[:len(b.ns)+n]
	return n
}

// alikeNS is alike for values in nanoseconds.
func alikeNS[T uint32 | time.Duration](l *List, all []T) (n int) {
	other, blocks := l.like[0], l.root().blocks
	for n < len(all) && l.n < other.n {
		b, k := &blocks[l.n/blockSize], l.n%blockSize
		most := min(len(all)-n, other.n-l.n, blockSize-k)
		if b.wide != nil {
			break
		}
		same := 0
		for same < most && T(b.ns[k+same]) == all[n+same] {
			same++
		}
		l.n, n = l.n+same, n+same
		if same < most {
			break
		}
	}
	return n
}

// AddFrom appends the values of another list from one place to before another.
func (l *List) AddFrom(other *List, from, to int) {
	blocks := other.root().blocks
	for from < to {
		b, k := &blocks[from/blockSize], from%blockSize
		n := min(to-from, blockSize-k)
		if b.wide != nil {
			l.AddAll(b.wide[k : k+n])
		} else {
			addWhole(l, b.ns[k:k+n])
		}
		from += n
	}
}

// AddDuration appends a value.
func (l *List) AddDuration(d time.Duration) {
	if uint64(d) <= mostNS {
		l.add(uint32(d), true, 0)
		return
	}
	l.add(0, false, seconds(d))
}

// addCounts appends numbers as ones of seconds.
func (l *List) addCounts(all []int) {
	var room [64]uint32
	for len(all) > 0 {
		n := 0
		for n < min(len(all), len(room)) && 0 <= all[n] && all[n] <= 4 {
			room[n] = uint32(all[n]) * 1e9
			n++
		}
		addWhole(l, room[:n])
		if n == 0 {
			l.Add(float64(all[0]))
			n = 1
		}
		all = all[n:]
	}
}

// add appends a value, in nanoseconds where it is a whole number of them.
func (l *List) add(ns uint32, whole bool, x float64) {
	if l.like != nil && l.follows(ns, whole, x) {
		l.n++
		return
	}
	if l.n%blockSize == 0 {
		l.blocks = append(l.blocks, block{})
		if whole {
			l.blocks[len(l.blocks)-1].ns = l.room()
		}
	}
	b := &l.blocks[len(l.blocks)-1]
	l.n++
	switch {
	case b.wide == nil && whole:
		b.ns = append(b.ns, ns)
		return
	case whole:
		x = float64(ns) / 1e9
	case b.wide == nil:
		room := min(max(2*len(b.ns), 16), blockSize)
		if n := len(l.blocks); n > 1 && l.blocks[n-2].wide != nil { // as latencies divided by tokens are
			room = blockSize
		}
		b.wide = make([]float64, 0, room)
		for _, ns := range b.ns {
			b.wide = append(b.wide, float64(ns)/1e9)
		}
		b.ns = nil
	}
	b.wide = append(b.wide, x)
}

// room is memory for the last block. A block that holds the same as the one before shares
// its memory, as there are lists of one value.
func (l *List) room() []uint32 {
	n := len(l.blocks) - 1
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
	if !(x >= 0 && x <= mostNS/1e9) {
		return 0, false
	}
	ns = uint32(x*1e9 + 0.5)
	return ns, float64(ns)/1e9 == x
}

// follows reports whether a value is what comes next in one of the lists that this one is like
// so far. If not, it gets memory of its own.
func (l *List) follows(ns uint32, whole bool, x float64) bool {
	now := l.like[0]
	for i, other := range l.like {
		if l.n < other.n && other.has(l.n, ns, whole, x) && (i == 0 || now.startsLike(other, l.n)) {
			l.like = l.like[i:]
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

// has reports whether the list has a value at a place.
func (l *List) has(i int, ns uint32, whole bool, x float64) bool {
	b, k := &l.root().blocks[i/blockSize], i%blockSize
	switch {
	case b.wide != nil && whole:
		return b.wide[k] == float64(ns)/1e9
	case b.wide != nil:
		return b.wide[k] == x
	}
	return whole && b.ns[k] == ns
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
