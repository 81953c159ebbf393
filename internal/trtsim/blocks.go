package trtsim

import "hash/maphash"

// blocksMost bounds the blocks of the KV cache: two million tokens in blocks of 32,
// about what Llama-3-8B has room for on two H200s.
const blocksMost = 1 << 16

// blocks is the KV cache's blocks of prompts, the oldest of which make room.
type blocks struct {
	size           int // tokens of a block; 0 keeps none
	seed           maphash.Seed
	there          map[uint64]bool
	order          []uint64 // a ring once it is full
	oldest         int
	reused, missed int
}

func newBlocks(size int) *blocks {
	return &blocks{size: size, seed: maphash.MakeSeed(), there: map[uint64]bool{}}
}

// take finds how many blocks at the beginning of a prompt are there, always less
// than all of it, and puts the others there.
func (b *blocks) take(ids []int) (hits, misses int) {
	if b.size <= 0 {
		return 0, 0
	}
	var h maphash.Hash
	h.SetSeed(b.seed)
	for i := b.size; i <= len(ids); i += b.size {
		for _, id := range ids[i-b.size : i] {
			h.Write([]byte{byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)})
		}
		key := h.Sum64()
		if misses == 0 && b.there[key] && i < len(ids) {
			hits++
			continue
		}
		misses++
		b.put(key)
	}
	b.reused += hits
	b.missed += misses
	return hits, misses
}

// put adds a block.
func (b *blocks) put(key uint64) {
	if b.there[key] {
		return
	}
	b.there[key] = true
	if len(b.order) < blocksMost {
		b.order = append(b.order, key)
		return
	}
	delete(b.there, b.order[b.oldest])
	b.order[b.oldest] = key
	b.oldest = (b.oldest + 1) % blocksMost
}
