package load

// Chosen reports whether request i is one of a share that is drawn by a seed. Each request is
// drawn on its own, so that it does not matter how many there are, nor who sends which.
func Chosen(seed uint32, i int, share float64) bool {
	const golden = 0x9e3779b97f4a7c15 // SplitMix64 (Steele, Lea, Flood 2014), its i-th output
	x := uint64(seed)<<32 ^ uint64(i+1)*golden
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11)/(1<<53) < share
}
