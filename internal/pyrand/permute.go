package pyrand

import "math/bits"

// interval is NumPy's random_interval: a uniform draw from [0, most], most
// below 2^32, by masking and rejection.
func interval(most uint32, draw func() uint32) uint32 {
	if most == 0 {
		return 0
	}
	mask := uint32(1)<<bits.Len32(most) - 1
	for {
		if v := draw() & mask; v <= most {
			return v
		}
	}
}

// shuffle is NumPy's shuffle, the same for both of its generators.
func shuffle(n int, draw func() uint32, swap func(i, j int)) {
	for i := n - 1; i >= 1; i-- {
		swap(i, int(interval(uint32(i), draw)))
	}
}

// Choice is choice(n, size, replace), which pandas' sample takes its rows by:
// size indices below n. Without replacement size must be at most n.
func (n *NumPy) Choice(population, size int, replace bool) []int {
	if replace {
		out := make([]int, size)
		for i := range out {
			out[i] = int(interval(uint32(population-1), n.mt.Uint32))
		}
		return out
	}
	all := make([]int, population)
	for i := range all {
		all[i] = i
	}
	shuffle(population, n.mt.Uint32, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:size]
}
