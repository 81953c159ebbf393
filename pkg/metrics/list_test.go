package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// kinds are values of many kinds.
func kinds(rng *rand.Rand) map[string]func() float64 {
	return map[string]func() float64{
		"latencies": func() float64 { return rng.ExpFloat64() / 100 },
		"ns":        func() float64 { return float64(rng.Int64N(1e7)) / 1e9 },
		"seconds":   func() float64 { return float64(rng.Int64N(6e9)) / 1e9 },
		"signs":     func() float64 { return rng.NormFloat64() * 1e9 },
		"few":       func() float64 { return float64(rng.IntN(3)) },
		"one":       func() float64 { return 1 },
		"infinite":  func() float64 { return math.Inf(rng.IntN(2) - 1) },
		"nan":       func() float64 { return math.Log(rng.Float64() - 1e-5) },
	}
}

// same reports whether two values have the same bits, or are both NaN.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// TestListIsASlice: a list gives back what was added, in its order and by rank, and its
// statistics are those of a slice, to the last bit.
func TestListIsASlice(t *testing.T) {
	percentiles := []float64{0, 1, 50, 99, 99.9, 100}
	for name, value := range kinds(rand.New(rand.NewPCG(1, 2))) {
		for _, n := range []int{0, 1, 7, 8, 129, blockSize, 2*blockSize + 1, sortedMost + 3*blockSize + 77} {
			want, l := make([]float64, n), List{}
			for i := range want {
				want[i] = value()
				l.Add(want[i])
			}
			if l.Len() != n || !slices.EqualFunc(l.Values(), want, same) || n > 0 && !same(l.At(n/2), want[n/2]) {
				t.Fatalf("%s: %d values are not those that were added", name, n)
			}
			if got := l.Read(make([]float64, n-n/3), n/3); !slices.EqualFunc(got, want[n/3:], same) {
				t.Errorf("%s: the last of %d values are not those that were added", name, n)
			}
			s, mean, std := l.Stats(percentiles), Mean(want), Std(want)
			slices.Sort(want)
			wanted := []float64{mean, std, Median(want)}
			for _, p := range percentiles {
				wanted = append(wanted, Percentile(want, p))
			}
			if got := append([]float64{s.Mean, s.Std, s.Median}, s.Percentiles...); !slices.EqualFunc(got, wanted, same) {
				t.Errorf("%s, %d values: %v, want %v", name, n, got, wanted)
			}
			if n > 0 {
				ranks := []int{n - 1, n / 3, n / 3, 0}
				for i, x := range l.Ranks(ranks...) {
					if !same(x, want[ranks[i]]) {
						t.Errorf("%s, %d values: rank %d is %v, want %v", name, n, ranks[i], x, want[ranks[i]])
					}
				}
			}
		}
	}
}

// bytes is the memory of a list's values; blocks that share it count once.
func (l *List) bytes() (n int) {
	seen := map[*uint32]bool{}
	for _, b := range l.blocks {
		n += 8 * cap(b.wide)
		if cap(b.ns) > 0 && !seen[&b.ns[:1][0]] {
			seen[&b.ns[:1][0]] = true
			n += 4 * cap(b.ns)
		}
	}
	return n
}

// TestListMemory: gaps take four bytes, one value again and again none, and one that does not
// fit makes eight of its block alone.
func TestListMemory(t *testing.T) {
	const n = 100 * blockSize
	var gaps, one, mixed List
	for i := range n {
		gaps.Add(float64(i%4e9) / 1e9)
		one.Add(1)
		mixed.Add(float64(i) / 1e9)
	}
	mixed.Add(5)
	if got := gaps.bytes(); got > 4*n+1<<16 {
		t.Errorf("%d bytes for %d gaps", got, n)
	}
	if got := one.bytes(); got > 3*4*blockSize {
		t.Errorf("%d bytes for %d times the same", got, n)
	}
	if got := mixed.bytes(); got > 4*n+1<<16 {
		t.Errorf("%d bytes for %d gaps and a long one", got, n)
	}
}

// TestLike: a list that is like another has its values and takes no memory, until it differs;
// it may go on like a second one then.
func TestLike(t *testing.T) {
	var base List
	follows := Like(&base)
	differs := Like(&base, follows)
	again := Like(&base, follows, differs)
	nan := Like(&base)
	var want []float64
	for i := range 3 * blockSize {
		x := float64(i) / 1e9
		base.Add(x)
		follows.Add(x)
		nan.Add(x)
		if i == 2*blockSize {
			x = 7
		}
		differs.Add(x)
		again.Add(x)
		want = append(want, x)
	}
	nan.Add(math.NaN())
	var one, two List
	for i, x := range []float64{1, 2, 3} {
		one.Add(x)
		two.Add(float64(i))
	}
	part := Like(&one, &two)
	part.Add(1)
	part.Add(1)
	if !slices.Equal(part.Values(), []float64{1, 1}) {
		t.Errorf("%v, like a list that begins otherwise", part.Values())
	}
	if follows.Origin() != &base || follows.bytes() != 0 {
		t.Errorf("%d bytes for the same values", follows.bytes())
	}
	if differs.Origin() != differs || !slices.Equal(differs.Values(), want) {
		t.Error("a list that differs does not have its values")
	}
	if again.Origin() != differs || again.bytes() != 0 || !slices.Equal(again.Values(), want) || again.At(2*blockSize) != 7 {
		t.Error("a list that is like one that differs does not have its values")
	}
	if nan.Len() != base.Len()+1 || nan.Origin() != nan || !math.IsNaN(nan.At(nan.Len()-1)) || nan.At(5) != base.At(5) {
		t.Error("a list that is longer does not have its values")
	}
	base.Add(1)
	if follows.Origin() != follows || follows.Len() != 3*blockSize || follows.Mean() != Mean(follows.Values()) {
		t.Error("a list that is shorter is not the other")
	}
	if empty := Like(&base); empty.Len() != 0 || len(empty.Values()) != 0 || !slices.Equal(empty.Percentiles(50, 99), []float64{0, 0}) {
		t.Error("an empty list has values")
	}
}

// TestListGrows: statistics are those of all values, also after some were asked for before.
func TestListGrows(t *testing.T) {
	var l List
	for range 2 {
		for range sortedMost + 1 {
			l.Add(float64(1000000-l.Len()) / 1e9)
		}
		least, n := float64(1000001-l.Len())/1e9, l.Len()
		if s := l.Stats(nil); s.Min != least || !(math.Abs(s.Median-(least+1e-3)/2) <= 1e-12) || !(math.Abs(l.Mean()-s.Median) <= 1e-12) {
			t.Errorf("%+v, mean %v of %d values from %v", s, l.Mean(), n, least)
		}
		if got := l.Ranks(0, 7, n-1); !slices.Equal(got, []float64{least, float64(1000008-n) / 1e9, 1e-3}) {
			t.Errorf("ranks of %d values: %v", n, got)
		}
	}
}
