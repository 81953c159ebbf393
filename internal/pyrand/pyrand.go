// Package pyrand holds the random streams of Python, NumPy and torch, draw for
// draw. Python, NumPy's legacy RandomState and torch run on the Mersenne Twister
// and differ in how they seed it and what they make of its words; NumPy's newer
// Generator runs on PCG64. A generator is not safe for concurrent use.
package pyrand

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mathext/prng"
)

// Python is the generator of Python's random module.
type Python struct{ mt *prng.MT19937 }

// NewPython is random.seed(seed).
func NewPython(seed uint64) *Python {
	keys := []uint32{uint32(seed)}
	if high := uint32(seed >> 32); high != 0 {
		keys = append(keys, high)
	}
	p := &Python{prng.NewMT19937()}
	p.mt.SeedFromKeys(keys)
	return p
}

// below is random._randbelow: a uniform draw from [0, n), n below 2^32.
func (p *Python) below(n int) int {
	if n <= 0 {
		return 0
	}
	shift := 32 - bits.Len(uint(n))
	for {
		if r := int(p.mt.Uint32() >> shift); r < n {
			return r
		}
	}
}

// Shuffle is random.shuffle of n things.
func (p *Python) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i >= 1; i-- {
		swap(i, p.below(i+1))
	}
}

// Choice is the index that random.choice takes of n things.
func (p *Python) Choice(n int) int { return p.below(n) }

// Float64 is random.random: a uniform draw from [0, 1) of 53 bits.
func (p *Python) Float64() float64 { return double(p.mt) }

// Choices is random.choices(range(n), k=k): k indices below n, drawn with replacement.
func (p *Python) Choices(n, k int) []int {
	out := make([]int, max(k, 0))
	for i := range out {
		out[i] = int(float64(n) * p.Float64())
	}
	return out
}

// double makes 53 random bits a number in [0, 1), as Python and NumPy do.
func double(mt *prng.MT19937) float64 {
	a, b := mt.Uint32()>>5, mt.Uint32()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// Torch is torch's CPU generator.
type Torch struct{ mt *prng.MT19937 }

// NewTorch is torch.Generator().manual_seed(seed).
func NewTorch(seed uint64) *Torch {
	t := &Torch{prng.NewMT19937()}
	t.mt.Seed(seed & math.MaxUint32)
	return t
}

// Int is one value of torch.randint(low, high): from [low, high), which must
// hold at least one and fewer than 2^28 numbers.
func (t *Torch) Int(low, high int) int {
	return low + int(t.mt.Uint32()%uint32(high-low))
}

// NumPy is NumPy's legacy RandomState.
type NumPy struct {
	mt    *prng.MT19937
	gauss float64 // the second value of the last pair
	spare bool
}

// NewNumPy is numpy.random.seed(seed).
func NewNumPy(seed uint32) *NumPy {
	n := &NumPy{mt: prng.NewMT19937()}
	n.mt.Seed(uint64(seed))
	return n
}

func (n *NumPy) double() float64 { return double(n.mt) }

func (n *NumPy) exponential() float64 { return -math.Log(1 - n.double()) }

// normal is the polar method of Marsaglia and Bray, which makes pairs.
func (n *NumPy) normal() float64 {
	if n.spare {
		n.spare = false
		return n.gauss
	}
	for {
		x1 := 2*n.double() - 1
		x2 := 2*n.double() - 1
		r2 := float64(x1*x1) + float64(x2*x2)
		if r2 < 1 && r2 != 0 {
			f := math.Sqrt(-2 * math.Log(r2) / r2)
			n.gauss, n.spare = f*x1, true
			return f * x2
		}
	}
}

// Gamma is numpy.random.gamma(shape, scale): for a shape below 1 by Ahrens and
// Dieter's rejection, above it by Marsaglia and Tsang's.
func (n *NumPy) Gamma(shape, scale float64) float64 { return scale * n.gamma(shape) }

func (n *NumPy) gamma(shape float64) float64 {
	switch {
	case shape == 1:
		return n.exponential()
	case shape == 0:
		return 0
	case shape < 1:
		return n.gammaBelowOne(shape)
	}
	b := shape - 1./3.
	c := 1 / math.Sqrt(9*b)
	for {
		var x, v float64
		for v <= 0 {
			x = n.normal()
			v = 1 + float64(c*x)
			if math.IsNaN(v) {
				return v
			}
		}
		v = v * v * v
		u := n.double()
		x2 := x * x
		if u < 1-float64(0.0331*x2*x2) || math.Log(u) < float64(0.5*x2)+float64(b*(1-v+math.Log(v))) {
			return b * v
		}
		if math.IsInf(b, 1) {
			return b
		}
	}
}

func (n *NumPy) gammaBelowOne(shape float64) float64 {
	for {
		u := n.double()
		v := n.exponential()
		if u <= 1-shape {
			if x := math.Pow(u, 1/shape); x <= v {
				return x
			}
			continue
		}
		y := -math.Log((1 - u) / shape)
		if x := math.Pow(1-shape+float64(shape*y), 1/shape); x <= v+y {
			return x
		}
	}
}
