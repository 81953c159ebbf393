package dataset

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// prefixRepetition makes prompts of random ids that begin with one of a number
// of shared prefixes, as many for each prefix, or by Zipf's law: the k-th prefix
// has a share proportional to k^-Zipf.
func prefixRepetition(ctx context.Context, o *Options) (*Set, error) {
	vocab := o.Tokenizer.VocabSize()
	switch {
	case o.Groups < 1 || o.Groups > maxPrompts:
		return nil, optionError("%d prefixes are out of range (1 to %d)", o.Groups, maxPrompts)
	case !(o.Zipf >= 0) || o.Zipf > 100:
		return nil, optionError("an exponent of %v is out of range (0 to 100)", o.Zipf)
	case !(o.RangeRatio >= 0 && o.RangeRatio < 1):
		return nil, optionError("a range ratio of %v is out of range (0 to 1, 1 excluded)", o.RangeRatio)
	case vocab <= 0:
		return nil, optionError("the tokenizer's vocabulary is empty")
	case float64(o.NumPrompts+o.Groups)*float64(o.PrefixLen+o.SuffixLen) > maxTokens:
		return nil, optionError("%d prompts of %d tokens are more than a machine holds", o.NumPrompts, o.PrefixLen+o.SuffixLen)
	}
	if err := o.checkSize(); err != nil {
		return nil, err
	}
	set := o.newSet()
	var groups []int
	for k, n := range apportion(o.NumPrompts, o.Groups, o.Zipf) {
		for range n {
			groups = append(groups, k)
		}
	}
	set.rng.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	prefixes := make([][]int, o.Groups)
	if err := each(ctx, o.Groups, func(k int) error {
		prefixes[k] = drawIDs(o.Seed, kindPrefix, uint64(k), o.PrefixLen, vocab)
		return nil
	}); err != nil {
		return nil, err
	}
	set.Requests = make([]Request, o.NumPrompts)
	return set, each(ctx, o.NumPrompts, func(i int) error {
		r := stream(o.Seed, kindLengths, uint64(i))
		suffix := spread(r, o.SuffixLen, o.RangeRatio)
		output := spread(r, o.RandomOutputLen, o.RangeRatio)
		ids := append(slices.Clip(slices.Clone(prefixes[groups[i]])), drawIDs(o.Seed, kindSuffix, uint64(i), suffix, vocab)...)
		set.Requests[i] = o.ofIDs(ids)
		set.Requests[i].PromptLen, set.Requests[i].OutputLen = len(ids), output
		return nil
	})
}

// apportion divides n among groups by Zipf's law: whole numbers, the largest
// remainders rounded up.
func apportion(n, groups int, exponent float64) []int {
	weights, total := make([]float64, groups), 0.0
	for k := range weights {
		weights[k] = math.Pow(float64(k+1), -exponent)
		total += weights[k]
	}
	out, rest, left := make([]int, groups), make([]int, groups), n
	for k := range out {
		weights[k] *= float64(n) / total
		out[k], rest[k] = int(weights[k]), k
		left -= out[k]
	}
	slices.SortStableFunc(rest, func(a, b int) int {
		return cmp.Compare(weights[b]-float64(out[b]), weights[a]-float64(out[a]))
	})
	for i := range left {
		out[rest[i%groups]]++
	}
	return out
}

// The streams of random numbers that data sets of ours draw from: one for each
// thing, so that a prompt does not depend on how many others there are.
const (
	kindPrefix = iota + 1
	kindSuffix
	kindLengths
	kindBlock
	kindText
)

// stream is the random numbers of a thing under a seed.
func stream(seed uint32, kind int, key uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed)<<8|uint64(kind), key))
}

func drawIDs(seed uint32, kind int, key uint64, n, vocab int) []int {
	r := stream(seed, kind, key)
	ids := make([]int, n)
	for i := range ids {
		ids[i] = r.IntN(vocab)
	}
	return ids
}

// spread draws a length evenly from (1-ratio) to (1+ratio) times the nominal.
func spread(r *rand.Rand, nominal int, ratio float64) int {
	low, high := int(float64(nominal)*(1-ratio)), int(float64(nominal)*(1+ratio))
	return low + r.IntN(high-low+1)
}
