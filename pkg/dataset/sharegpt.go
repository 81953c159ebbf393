package dataset

import (
	"context"
	"fmt"
)

// shareGPTExample is an entry of the right form.
const shareGPTExample = `[{"conversations": [{"from": "human", "value": "TEXT"}, {"from": "gpt", "value": "TEXT"}]}, ...]`

// pair is a prompt and the reply that the data set has for it.
type pair struct{ prompt, completion string }

// shareGPT takes the first two turns of conversations, shuffled (the original's
// ShareGPTDataset): the first NumPrompts of them, of which those with suitable
// lengths stay, oversampled.
func shareGPT(ctx context.Context, o *Options) (*Set, error) {
	if err := o.downloadShareGPT(ctx); err != nil {
		return nil, err
	}
	if err := o.needPath(); err != nil {
		return nil, err
	}
	src := localFile(o.Path, source{shape: jsonArray, columns: []string{"conversations"}, want: shareGPTExample})
	rows, err := src.find(ctx, func(at position, v any) (bool, error) {
		turns, err := turnsOf(at, v, "conversations")
		return len(turns) >= 2, err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, o.nothing("no conversation has two turns, so there is nothing to send")
	}
	set := o.newSet()
	set.rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	pairs, err := fetch(ctx, &src, rows[:min(o.NumPrompts, len(rows))], func(at position, v any) (pair, error) {
		return firstTurns(at, v, "conversations")
	})
	if err != nil {
		return nil, err
	}
	return set, o.pairs(ctx, set, pairs, pairRule{maxPrompt: 1024, maxTotal: 2048, always: true})
}

// pairRule is which samples of pairs stay.
type pairRule struct {
	maxPrompt, maxTotal int
	always              bool // the lengths count with an output length given, too
}

// pairs makes requests of prompts and completions, without those of unsuitable
// lengths, and oversamples.
func (o *Options) pairs(ctx context.Context, set *Set, pairs []pair, rule pairRule) error {
	all := make([]Request, len(pairs))
	err := each(ctx, len(pairs), func(i int) error {
		all[i] = Request{Prompt: pairs[i].prompt, PromptLen: len(o.Tokenizer.Encode(pairs[i].prompt, true))}
		if o.OutputLen != nil {
			all[i].OutputLen = *o.OutputLen
		} else {
			all[i].OutputLen = len(o.Tokenizer.Encode(pairs[i].completion, true))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		if o.OutputLen != nil && !rule.always || validLengths(r.PromptLen, r.OutputLen, o.OutputLen == nil, rule.maxPrompt, rule.maxTotal) {
			set.Requests = append(set.Requests, r)
		}
	}
	dropped := len(all) - len(set.Requests)
	if o.NumPrompts > 0 && len(set.Requests) == 0 {
		return o.nothing("nothing is left to send: the %d conversations drawn do not have %s", dropped, rule.text(o.OutputLen == nil))
	}
	if dropped > 0 {
		set.note("%d of %d conversations left out: they do not have %s", dropped, len(all), rule.text(o.OutputLen == nil))
	}
	set.oversample(o.NumPrompts)
	return nil
}

func (r pairRule) text(output bool) string {
	out := ""
	if output {
		out = ", at least 4 out"
	}
	return fmt.Sprintf("4 to %d tokens in%s and at most %d together", r.maxPrompt, out, r.maxTotal)
}

// turnsOf returns the turns of a conversation under the first of keys that it
// has; none if it has none of them.
func turnsOf(at position, v any, keys ...string) ([]any, error) {
	entry, ok := v.(object)
	if !ok {
		return nil, at.malformed(shareGPTExample, "found %s where a conversation should be", kindOf(v))
	}
	for _, key := range keys {
		turns, found := entry.get(key)
		if !found {
			continue
		}
		list, ok := turns.([]any)
		if !ok {
			return nil, at.malformed(shareGPTExample, "%q holds %s, not a list of turns", key, kindOf(turns))
		}
		return list, nil
	}
	return nil, nil
}

// firstTurns returns the texts of a conversation's first two turns.
func firstTurns(at position, v any, key string) (p pair, err error) {
	turns, err := turnsOf(at, v, key)
	if err != nil {
		return p, err
	}
	if p.prompt, err = turnText(at, turns, 0); err == nil {
		p.completion, err = turnText(at, turns, 1)
	}
	return p, err
}

// turnText returns the text of turn i, which must be there.
func turnText(at position, turns []any, i int) (string, error) {
	turn, ok := turns[i].(object)
	if !ok {
		return "", at.malformed(shareGPTExample, "turn %d is %s", i+1, kindOf(turns[i]))
	}
	value, found := turn.get("value")
	if !found {
		return "", at.malformed(shareGPTExample, `turn %d has no "value"`, i+1)
	}
	text, ok := value.(string)
	if !ok {
		return "", at.malformed(shareGPTExample, `the "value" of turn %d has no text but %s`, i+1, kindOf(value))
	}
	return text, checkText(text, fmt.Sprintf("turn %d", i+1), at)
}
