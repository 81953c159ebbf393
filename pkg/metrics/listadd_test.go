package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// someDurations are of all lengths, many of them 0, some too long for a block or negative.
func someDurations(random *rand.Rand, n int) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		switch random.IntN(400) {
		case 0:
			all[i] = time.Duration(random.Int64N(1e11))
		case 1:
			all[i] = -time.Duration(random.Int64N(1e9))
		default:
			all[i] = time.Duration(random.Int64N(4)) * time.Duration(random.Int64N(1e7))
		}
	}
	return all
}

// TestWaysToAdd: however values are added, alone or to a list that is like another, they are the
// same, to the last bit.
func TestWaysToAdd(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{0, 1, 127, 3 * blockSize, 5*blockSize + 3} {
		all := someDurations(random, n)
		if n == 3*blockSize { // whole blocks of nanoseconds
			for i := range all {
				all[i] = max(all[i], -all[i]) % 1e9
			}
		}
		var want []float64
		for _, d := range all {
			want = append(want, seconds(d))
		}
		original := new(List)
		for _, x := range want {
			original.Add(x)
		}
		for _, like := range [][]*List{nil, {original}} {
			for differs := range 2 {
				ways := map[string]func(l *List, from, to int){
					"Add": func(l *List, from, to int) {
						for _, x := range want[from:to] {
							l.Add(x)
						}
					},
					"AddAll":       func(l *List, from, to int) { l.AddAll(want[from:to]) },
					"AddDurations": func(l *List, from, to int) { l.AddDurations(all[from:to]) },
					"AddFrom":      func(l *List, from, to int) { l.AddFrom(original, from, to) },
				}
				for name, add := range ways {
					l := Like(like...)
					for from := 0; from < n; {
						to := min(n, from+1+random.IntN(300))
						add(l, from, to)
						from = to
					}
					expected := want
					if differs > 0 { // the list is like the other so far, and no longer
						l.AddAll([]float64{math.Pi})
						expected = append(want[:n:n], math.Pi)
					}
					if got := l.Values(); !slices.Equal(got, expected) {
						t.Errorf("%d values by %s, %d like another: %d differ", n, name, len(like), len(got))
					}
					if name == "AddDurations" && like != nil && differs == 0 && n > 0 && l.Origin() != original {
						t.Error("it takes memory for what it has in common")
					}
				}
			}
		}
		for _, limit := range []float64{0, 1e-6, 5e-3, 10} {
			below := 0
			for _, x := range want[n/3:] {
				if x < limit {
					below++
				}
			}
			if got := original.Below(n/3, n, limit); got != below {
				t.Errorf("%d of %d are below %g, want %d", got, n, limit, below)
			}
		}
	}
}

// TestRanksOfLongLists are those of the sorted values, where few values begin alike and where
// most are one and the same.
func TestRanksOfLongLists(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	const n = 3*sortedMost + 17
	for name, value := range map[string]func() float64{
		"nanoseconds": func() float64 { return float64(random.Int64N(3e9)) / 1e9 },
		"mostly zero": func() float64 { return float64(max(random.Int64N(1e9)-9e8, 0)) / 1e9 },
		"one value":   func() float64 { return 0.25 },
		"any":         func() float64 { return random.NormFloat64() },
		"few":         func() float64 { return math.Sqrt(float64(random.IntN(5))) },
	} {
		l := new(List)
		for range n {
			l.Add(value())
		}
		sorted := l.Values()
		slices.Sort(sorted)
		places := []int{0, 1, n / 2, n/2 + 1, n * 99 / 100, n - 2, n - 1}
		for i, x := range l.Ranks(places...) {
			if x != sorted[places[i]] {
				t.Errorf("%s: rank %d is %g, want %g", name, places[i], x, sorted[places[i]])
			}
		}
		if l.Median() != Median(sorted) || l.Stats([]float64{90}).Percentiles[0] != Percentile(sorted, 90) || l.Percentiles(90)[0] != Percentile(sorted, 90) {
			t.Errorf("%s: the median is %g, want %g", name, l.Median(), Median(sorted))
		}
	}
}

// TestAddNewest: a list takes over what is new in another if it has all that came before.
func TestAddNewest(t *testing.T) {
	var base, own List
	like, behind := Like(&base), Like(&base)
	for i := range 3 {
		base.AddAll([]float64{float64(i), 7})
		if !like.AddNewest(2) || own.AddNewest(2) {
			t.Fatal("only a list that is like another has values of it")
		}
		if i != 1 && behind.AddNewest(2) != (i == 0) {
			t.Errorf("after %d values of %d", behind.Len(), base.Len())
		}
	}
	if like.Origin() != &base || !slices.Equal(behind.Values(), []float64{0, 7}) {
		t.Errorf("%v and %v of %v", like.Values(), behind.Values(), base.Values())
	}
}
