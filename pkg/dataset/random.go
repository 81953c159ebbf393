package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"loadgen/internal/pyrand"
)

// RandomOptions describe the random data set. Lengths are in tokens.
type RandomOptions struct {
	NumPrompts          int
	InputLen, OutputLen int
	// PrefixLen tokens are shared by all prompts.
	PrefixLen int
	// RangeRatio spreads the lengths evenly over (1-r)..(1+r) times the nominal one.
	RangeRatio float64
	// IDs makes prompts of consecutive ids; else their text comes from Path.
	IDs bool
	// TokenizeOnClient sends the ids in place of their text.
	TokenizeOnClient bool
	Seed             uint32
	// Path is a ShareGPT file: a JSON list of conversations.
	Path string
}

// Random makes the prompts of --dataset-name random (the original's
// RandomDataset), equal to the original's for a seed.
func Random(ctx context.Context, tok Tokenizer, o RandomOptions) (*Set, error) {
	rng := pyrand.NewPython(uint64(o.Seed))
	var texts []string
	if !o.IDs {
		var err error
		if texts, err = conversations(o.Path, rng); err != nil {
			return nil, err
		}
	}
	d, err := draw(tok.VocabSize(), o)
	if err != nil {
		return nil, err
	}
	var plain []source
	if !o.IDs {
		if plain, err = tokenizeAll(ctx, tok, texts, o.NumPrompts); err != nil {
			return nil, err
		}
	}
	all := make([]Request, o.NumPrompts)
	keep := make([]bool, o.NumPrompts)
	err = each(ctx, o.NumPrompts, func(i int) error {
		n := d.inputLens[i]
		ids := append(make([]int, 0, len(d.prefix)+max(n, 0)), d.prefix...)
		if o.IDs {
			for j := range n {
				ids = append(ids, (d.offsets[i]+i+j)%tok.VocabSize())
			}
		} else {
			body := plain[i%len(plain)].cut(tok, n)
			if body == nil {
				return nil
			}
			ids = append(ids, body...)
		}
		keep[i] = true
		all[i] = Request{IDs: ids, PromptLen: o.PrefixLen + n, OutputLen: d.outputLens[i]}
		if !o.TokenizeOnClient {
			all[i].Prompt, all[i].IDs = tok.Decode(ids, false), nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	set := &Set{rng: rng}
	for i, r := range all {
		if keep[i] {
			set.Requests = append(set.Requests, r)
		}
	}
	return set, nil
}

// draws are the random numbers of a set.
type draws struct {
	prefix, inputLens, outputLens, offsets []int
}

// The most prompts, and tokens of all prompts together, that are drawn: no run
// wants more, and a slip of the command line is told rather than a crash.
const (
	maxPrompts = 1 << 28
	maxTokens  = 1 << 33
)

// draw draws them from torch's generator, in the original's order.
func draw(vocab int, o RandomOptions) (d draws, err error) {
	switch {
	case o.NumPrompts < 0:
		return d, fmt.Errorf("Trying to create tensor with negative dimension %d: [%d] (--num-prompts must not be negative)", o.NumPrompts, o.NumPrompts)
	case !(o.RangeRatio < 1):
		return d, errors.New("random_range_ratio must be < 1.0 to ensure a valid sampling range")
	case vocab <= 0:
		return d, errors.New("the tokenizer's vocabulary is empty")
	}
	if o.NumPrompts > maxPrompts || float64(max(o.NumPrompts, 1))*(float64(o.PrefixLen)+float64(o.InputLen)) > maxTokens {
		return d, fmt.Errorf("%d prompts of %.0f tokens are more than a machine holds (--num-prompts, --random-input-len, --random-prefix-len)", o.NumPrompts, float64(o.PrefixLen)+float64(o.InputLen))
	}
	rng := pyrand.NewTorch(uint64(o.Seed))
	values := func(n, low, high int) ([]int, error) {
		if low >= high {
			return nil, fmt.Errorf("random_ expects 'from' to be less than 'to', but got from=%d >= to=%d (--random-range-ratio must not be negative)", low, high)
		}
		if high-low >= 1<<28 {
			return nil, fmt.Errorf("a range of %d lengths or token ids is more than the random generator takes (%d)", high-low, 1<<28)
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
			return nil, fmt.Errorf("a length of %d tokens is out of range", nominal)
		}
		return values(o.NumPrompts, int(low), int(high)+1)
	}
	if o.PrefixLen > 0 {
		if o.PrefixLen > math.MaxInt32 {
			return d, fmt.Errorf("a prefix of %d tokens is out of range", o.PrefixLen)
		}
		if d.prefix, err = values(o.PrefixLen, 0, vocab); err != nil {
			return d, err
		}
	}
	if d.inputLens, err = lens(o.InputLen); err != nil {
		return d, err
	}
	if d.outputLens, err = lens(o.OutputLen); err != nil {
		return d, err
	}
	d.offsets, err = values(o.NumPrompts, 0, vocab)
	return d, err
}

// conversations reads the first turns of a ShareGPT file, shuffled.
func conversations(path string, rng *pyrand.Python) ([]string, error) {
	if path == "" {
		return nil, errors.New("Please provide a ShareGPT file with `--dataset-path`, or use the `--random-ids` option, which needs none; `--download-path` is not there: loadgen downloads nothing")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the ShareGPT file: %w", err)
	}
	type turns []struct{ Value any } // of the first turn a text; what others hold does not matter
	var entries []struct{ Conversations, Conversation *turns }
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("%s is not a ShareGPT file, a JSON list of {\"conversations\": [{\"value\": TEXT}, ...]}: %w", path, err)
	}
	var texts []string
	for _, e := range entries {
		said := e.Conversations
		if said == nil {
			said = e.Conversation
		}
		if said == nil || len(*said) < 2 {
			continue
		}
		text, isText := (*said)[0].Value.(string)
		if !isText {
			return nil, fmt.Errorf("%s: the first turn of a conversation has no text: {\"value\": %v}", path, (*said)[0].Value)
		}
		texts = append(texts, strip(text))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s holds no conversation of two turns", path)
	}
	rng.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	return texts, nil
}

// source is one text and its ids.
type source struct {
	text string
	ids  []int // special tokens included
}

func tokenizeAll(ctx context.Context, tok Tokenizer, texts []string, needed int) ([]source, error) {
	out := make([]source, len(texts))
	err := each(ctx, min(len(texts), needed), func(i int) error {
		out[i] = source{texts[i], tok.Encode(texts[i], true)}
		return nil
	})
	return out, err
}

// cut makes n ids of the text: it cuts a longer one, and repeats a shorter one.
// nil means that the text is empty.
func (s source) cut(tok Tokenizer, n int) []int {
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
