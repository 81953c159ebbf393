package pyrand

import "math/bits"

// Generator is NumPy's default_rng: PCG64 (XSL-RR) seeded through a SeedSequence.
type Generator struct {
	high, low       uint64 // the state
	incHigh, incLow uint64
	spare           uint32 // the upper half of the last 64-bit word
	hasSpare        bool
}

// NewGenerator is numpy.random.default_rng(seed).
func NewGenerator(seed uint64) *Generator {
	words := seedSequence(seed)
	g := &Generator{
		incHigh: words[2]<<1 | words[3]>>63,
		incLow:  words[3]<<1 | 1,
	}
	g.step()
	var carry uint64
	g.low, carry = bits.Add64(g.low, words[1], 0)
	g.high, _ = bits.Add64(g.high, words[0], carry)
	g.step()
	return g
}

// seedSequence is SeedSequence(seed).generate_state(4, uint64): the seed's words
// are hashed into a pool of four, and the pool into eight words of output.
func seedSequence(seed uint64) (out [4]uint64) {
	const (
		initA, multA = 0x43b0d7e5, 0x931e8875
		initB, multB = 0x8b51f9dd, 0x58f38ded
		mixL, mixR   = 0xca01f9dd, 0x4973f715
	)
	var pool [4]uint32
	key := uint32(initA)
	hash := func(v uint32) uint32 {
		v ^= key
		key *= multA
		v *= key
		return v ^ v>>16
	}
	for i, word := range [4]uint32{uint32(seed), uint32(seed >> 32)} {
		pool[i] = hash(word)
	}
	for from := range pool {
		for to := range pool {
			if from != to {
				v := mixL*pool[to] - mixR*hash(pool[from])
				pool[to] = v ^ v>>16
			}
		}
	}
	key = initB
	for i := range 8 {
		v := pool[i%4] ^ key
		key *= multB
		v *= key
		out[i/2] |= uint64(v^v>>16) << (32 * (i % 2))
	}
	return out
}

// step advances the 128-bit linear congruential generator.
func (g *Generator) step() {
	const multHigh, multLow = 2549297995355413924, 4865540595714422341
	high, low := bits.Mul64(g.low, multLow)
	high += g.high*multLow + g.low*multHigh
	var carry uint64
	g.low, carry = bits.Add64(low, g.incLow, 0)
	g.high, _ = bits.Add64(high, g.incHigh, carry)
}

func (g *Generator) uint32() uint32 {
	if g.hasSpare {
		g.hasSpare = false
		return g.spare
	}
	g.step()
	word := bits.RotateLeft64(g.high^g.low, -int(g.high>>58))
	g.spare, g.hasSpare = uint32(word>>32), true
	return uint32(word)
}

// Int is one value of integers(0, n), for n from 1 to 2^32-1 (Lemire's method).
func (g *Generator) Int(n int) int {
	if n <= 1 {
		return 0
	}
	bound := uint32(n)
	m := uint64(g.uint32()) * uint64(bound)
	if uint32(m) < bound {
		for least := -bound % bound; uint32(m) < least; {
			m = uint64(g.uint32()) * uint64(bound)
		}
	}
	return int(m >> 32)
}

// Shuffle is shuffle of a list of n things.
func (g *Generator) Shuffle(n int, swap func(i, j int)) { shuffle(n, g.uint32, swap) }
