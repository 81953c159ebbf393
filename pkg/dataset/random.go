package dataset

import (
	"context"
	"math"
	"strings"

	"loadgen/internal/pyrand"
)

// random makes prompts of random ids or of ShareGPT text cut to length (the
// original's RandomDataset).
func random(ctx context.Context, o *Options) (*Set, error) {
	set := o.newSet()
	if o.FromIDs {
		return set, o.randomIDs(ctx, set)
	}
	texts, err := o.shareGPTTexts(ctx, set.rng)
	if err != nil {
		return nil, err
	}
	d, err := o.draw(pyrand.NewTorch(uint64(o.Seed)))
	if err != nil {
		return nil, err
	}
	plain, err := o.encodeAll(ctx, texts)
	if err != nil {
		return nil, err
	}
	all := make([]Request, o.NumPrompts)
	keep := make([]bool, o.NumPrompts)
	err = each(ctx, o.NumPrompts, func(i int) error {
		body := plain[i%len(plain)].cut(o.Tokenizer, d.inputLens[i])
		if body == nil {
			return nil
		}
		keep[i] = true
		all[i] = o.drawn(&d, i, append(append(make([]int, 0, len(d.prefix)+len(body)), d.prefix...), body...))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, r := range all {
		if keep[i] {
			set.Requests = append(set.Requests, r)
		}
	}
	return set, nil
}

// A set of random ids that takes more memory than so many ids is drawn as it is needed. A
// request takes as much as each, apart from its ids.
const (
	idsKept   = 4 << 20
	idsOfEach = 40
)

// randomIDs makes a set of random ids.
func (o *Options) randomIDs(ctx context.Context, set *Set) error {
	d, err := o.draw(pyrand.NewTorch(uint64(o.Seed)))
	if err != nil {
		return err
	}
	set.draw, set.drawn = func(i int) Request { return o.drawn(&d, i, d.ids(i)) }, o.NumPrompts
	if float64(o.NumPrompts)*(float64(o.PrefixLen)+float64(o.InputLen)+idsOfEach) > idsKept {
		return nil
	}
	return set.keep(ctx)
}

// drawn is request i, which has these ids.
func (o *Options) drawn(d *draws, i int, ids []int) Request {
	r := o.ofIDs(ids)
	r.PromptLen, r.OutputLen = o.PrefixLen+d.inputLens[i], d.outputLens[i]
	return r
}

// ofIDs is a request of ids, or of their text.
func (o *Options) ofIDs(ids []int) Request {
	if o.IDs {
		return Request{IDs: ids}
	}
	return Request{Prompt: o.Tokenizer.Decode(ids, false)}
}

// draws are the random numbers of a set.
type draws struct {
	vocab, step                            int
	prefix, inputLens, outputLens, offsets []int
}

// ids are prompt i: the prefix and consecutive ids from its offset, or every step-th one.
func (d *draws) ids(i int) []int {
	n := max(d.inputLens[i], 0)
	ids := append(make([]int, 0, len(d.prefix)+n), d.prefix...)
	for j := range n {
		ids = append(ids, (d.offsets[i]+i+j*d.step)%d.vocab)
	}
	return ids
}

// draw draws them from torch's generator, in the original's order.
func (o *Options) draw(rng *pyrand.Torch) (d draws, err error) {
	d.vocab, d.step = o.Tokenizer.VocabSize(), max(o.IDStep, 1)
	switch {
	case !(o.RangeRatio < 1):
		return d, optionError("random_range_ratio must be < 1.0 to ensure a valid sampling range")
	case d.vocab <= 0:
		return d, optionError("the tokenizer's vocabulary is empty")
	case o.NumPrompts > maxPrompts || float64(max(o.NumPrompts, 1))*(float64(o.PrefixLen)+float64(o.InputLen)) > maxTokens:
		return d, optionError("%d prompts of %.0f tokens are more than a machine holds", o.NumPrompts, float64(o.PrefixLen)+float64(o.InputLen))
	}
	values := func(n, low, high int) ([]int, error) {
		if low >= high {
			return nil, optionError("random_ expects 'from' to be less than 'to', but got from=%d >= to=%d (the range ratio must not be negative)", low, high)
		}
		if high-low >= 1<<28 {
			return nil, optionError("a range of %d lengths or token ids is more than the random generator takes (%d)", high-low, 1<<28)
		}
		out := make([]int, n)
		for i := range out {
			out[i] = rng.Int(low, high)
		}
		return out, nil
	}
	lens := func(nominal int) ([]int, error) {
		low := math.Trunc(float64(nominal) * (1 - o.RangeRatio))
		high := math.Trunc(float64(nominal) * (1 + o.RangeRatio))
		if math.Abs(low) > math.MaxInt32 || math.Abs(high) > math.MaxInt32 {
			return nil, optionError("a length of %d tokens is out of range", nominal)
		}
		return values(o.NumPrompts, int(low), int(high)+1)
	}
	if o.PrefixLen > 0 {
		if o.PrefixLen > math.MaxInt32 {
			return d, optionError("a prefix of %d tokens is out of range", o.PrefixLen)
		}
		if d.prefix, err = values(o.PrefixLen, 0, d.vocab); err != nil {
			return d, err
		}
	}
	if d.inputLens, err = lens(o.InputLen); err != nil {
		return d, err
	}
	if d.outputLens, err = lens(o.RandomOutputLen); err != nil {
		return d, err
	}
	if d.step > 1 && d.step%d.vocab == 0 { // which would be one id again and again
		d.step++
	}
	if d.offsets, err = values(o.NumPrompts, 0, d.vocab); err == nil && d.step > 1 {
		d.spreadStarts()
	}
	return d, err
}

// spreadStarts moves the prompts that would begin with the id of an earlier one to the next id
// that none begins with. When there is no such id left it begins anew.
func (d *draws) spreadStarts() {
	taken := make([]bool, d.vocab)
	for i := range d.offsets {
		if i > 0 && i%d.vocab == 0 {
			clear(taken)
		}
		at := (d.offsets[i] + i) % d.vocab
		for taken[at] {
			at = (at + 1) % d.vocab
		}
		taken[at] = true
		d.offsets[i] = at - i
	}
}

// shareGPTTexts reads the first turns of a ShareGPT file, shuffled: as many as
// there are prompts.
func (o *Options) shareGPTTexts(ctx context.Context, rng *pyrand.Python) ([]string, error) {
	if err := o.downloadShareGPT(ctx); err != nil {
		return nil, err
	}
	if err := o.needShareGPT(); err != nil {
		return nil, err
	}
	keys := []string{"conversations", "conversation"}
	src := localFile(o.Path, source{shape: jsonArray, columns: keys, want: shareGPTExample})
	rows, err := src.find(ctx, func(at position, v any) (bool, error) {
		turns, err := turnsOf(at, v, keys...)
		if err == nil && len(turns) >= 2 {
			_, err = turnText(at, turns, 0)
		}
		return len(turns) >= 2, err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, o.nothing("no conversation has two turns, so there is no text to take")
	}
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return fetch(ctx, &src, rows[:min(len(rows), max(o.NumPrompts, 1))], func(at position, v any) (string, error) {
		turns, err := turnsOf(at, v, keys...)
		if err != nil {
			return "", err
		}
		text, err := turnText(at, turns, 0)
		return strip(text), err
	})
}

// text is a text and its ids, special tokens included.
type text struct {
	text string
	ids  []int
}

func (o *Options) encodeAll(ctx context.Context, texts []string) ([]text, error) {
	out := make([]text, len(texts))
	err := each(ctx, len(texts), func(i int) error {
		out[i] = text{texts[i], o.Tokenizer.Encode(texts[i], true)}
		return nil
	})
	return out, err
}

// cut makes n ids of the text: it cuts a longer one, and repeats a shorter one.
// nil means that the text is empty.
func (s text) cut(tok Tokenizer, n int) []int {
	if len(s.ids) > n {
		return pythonHead(s.ids, n)
	}
	plain := len(tok.Encode(s.text, false))
	if plain == 0 {
		return nil
	}
	text := strings.TrimSuffix(strings.Repeat(s.text+" ", (n+plain)/plain), " ")
	ids := tok.Encode(text, true)
	for len(ids) < n {
		text += " " + text
		ids = tok.Encode(text, true)
	}
	return pythonHead(ids, n)
}

// pythonHead is ids[:n], with a negative n as Python has it.
func pythonHead(ids []int, n int) []int {
	if n < 0 {
		n = max(0, len(ids)+n)
	}
	return ids[:min(n, len(ids))]
}
