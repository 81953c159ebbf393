package dataset

import (
	"context"
	_ "embed"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// corpus is paragraphs of plain English, written for this package.
//
//go:embed corpus.txt
var corpus string

// syntheticText makes prompts of real-looking text, which servers that decode
// speculatively accept as they would accept a user's: paragraphs of our corpus
// in random order, cut so that the tokenizer counts exactly the length drawn.
func syntheticText(ctx context.Context, o *Options) (*Set, error) {
	switch {
	case o.InputLen < 1 || o.InputLen >= maxLength:
		return nil, optionError("an input of %d tokens is out of range (1 to %d)", o.InputLen, maxLength-1)
	case !(o.RangeRatio >= 0 && o.RangeRatio < 1):
		return nil, optionError("a range ratio of %v is out of range (0 to 1, 1 excluded)", o.RangeRatio)
	case float64(o.NumPrompts)*float64(o.InputLen+o.PrefixLen) > maxTokens:
		return nil, optionError("%d prompts of %d tokens are more than a machine holds", o.NumPrompts, o.InputLen)
	}
	paragraphs := strings.Split(strings.TrimSpace(corpus), "\n\n")
	set := o.newSet()
	set.Requests = make([]Request, o.NumPrompts)
	prefix := ""
	if o.PrefixLen > 0 {
		prefix = o.exact(stream(o.Seed, kindPrefix, 0), paragraphs, "", o.PrefixLen) + "\n\n"
	}
	var off atomic.Int64
	err := each(ctx, o.NumPrompts, func(i int) error {
		r := stream(o.Seed, kindText, uint64(i))
		n := o.PrefixLen + max(1, spread(r, o.InputLen, o.RangeRatio))
		text := o.exact(r, paragraphs, prefix, n)
		q := Request{Prompt: text, PromptLen: len(o.Tokenizer.Encode(text, true)), OutputLen: max(1, spread(r, o.RandomOutputLen, o.RangeRatio))}
		if q.PromptLen != n {
			off.Add(1)
		}
		if o.IDs {
			q.IDs, q.Prompt = o.Tokenizer.Encode(text, true), ""
		}
		set.Requests[i] = q
		return nil
	})
	if n := off.Load(); n > 0 {
		set.note("%d of %d prompts are a few tokens off: no text of exactly that length was found", n, o.NumPrompts)
	}
	return set, err
}

// exact makes a text that begins with prefix and has n tokens, or nearly so
// where the tokenizer makes that impossible.
func (o *Options) exact(r *rand.Rand, paragraphs []string, prefix string, n int) string {
	count := func(text string) int { return len(o.Tokenizer.Encode(text, true)) }
	best, bestOff := "", -1
	for range 8 {
		var b strings.Builder
		b.WriteString(prefix)
		for b.Len() < 3*len(prefix)/2+8*n+1000 {
			for _, k := range r.Perm(len(paragraphs)) {
				b.WriteString(paragraphs[k])
				b.WriteString("\n\n")
			}
		}
		whole := b.String()
		if k := prefixOf(whole, len(prefix)+12*n+200); k < len(whole) {
			whole = whole[:k]
		}
		ids := o.Tokenizer.Encode(whole, false)
		for want, tries := n, 0; tries < 12; tries++ {
			text := o.Tokenizer.Decode(ids[:max(0, min(want, len(ids)))], false)
			off := n - count(text)
			if bestOff < 0 || max(off, -off) < bestOff {
				best, bestOff = text, max(off, -off)
			}
			if off == 0 {
				return text
			}
			want += off
		}
	}
	return best
}

// prefixOf is the end of the word that stands at byte n of text.
func prefixOf(text string, n int) int {
	if n >= len(text) {
		return len(text)
	}
	if k := strings.IndexByte(text[n:], ' '); k >= 0 {
		return n + k
	}
	return len(text)
}
