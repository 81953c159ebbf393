package dataset

import (
	"context"
	"slices"
	"strconv"
)

const customExample = `{"input": {"messages": [{"role": "system", "content": ""}, {"role": "user", "content": "TEXT"}], "max_tokens": 128}}`

// custom reads JSON lines, shuffled; the prompt is the content of the second
// message, a text or a list of token ids (the original's CustomDataset). A file
// with fewer lines than NumPrompts is used again from its start.
func custom(ctx context.Context, o *Options) (*Set, error) {
	if err := o.needPath(); err != nil {
		return nil, err
	}
	src := localFile(o.Path, source{shape: jsonLines, columns: []string{"input"}, want: customExample})
	counted := true // every line has a positive num_tokens
	rows, err := src.find(ctx, func(at position, v any) (bool, error) {
		counted = counted && customTokens(v) > 0
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, o.nothing("the file is empty")
	}
	set := o.newSet()
	set.rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	set.Requests, err = fetch(ctx, &src, rows[:min(o.NumPrompts, len(rows))], func(at position, v any) (Request, error) {
		return customRequest(o, at, v)
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, len(set.Requests), func(i int) error {
		switch r := &set.Requests[i]; {
		case counted:
		case r.IDs != nil:
			r.PromptLen = len(r.IDs)
		default:
			r.PromptLen = len(o.Tokenizer.Encode(r.Prompt, true))
		}
		return nil
	})
	if have := len(set.Requests); err == nil && have < o.NumPrompts {
		for i := range o.NumPrompts - have {
			set.Requests = append(set.Requests, set.Requests[i])
		}
		set.note("%d lines, used again from the first to make %d requests", have, o.NumPrompts)
	}
	return set, err
}

// customRequest reads one line. PromptLen is its num_tokens, 0 without one.
func customRequest(o *Options, at position, v any) (r Request, err error) {
	wrong := func(format string, args ...any) (Request, error) {
		return r, at.malformed(customExample, format, args...)
	}
	entry, ok := v.(object)
	if !ok {
		return wrong("found %s where an object should be", kindOf(v))
	}
	value, found := entry.get("input")
	input, ok := value.(object)
	if !found {
		return wrong(`there is no "input"`)
	} else if !ok {
		return wrong(`"input" is %s, not an object`, kindOf(value))
	}
	value, found = input.get("messages")
	messages, ok := value.([]any)
	switch {
	case !found:
		return wrong(`"input" has no "messages"`)
	case !ok:
		return wrong(`"messages" is %s, not a list`, kindOf(value))
	case len(messages) < 2:
		return wrong(`"messages" has %d of at least 2 messages; the prompt is the second`, len(messages))
	}
	second, ok := messages[1].(object)
	if !ok {
		return wrong("the second message is %s, not an object", kindOf(messages[1]))
	}
	value, found = second.get("content")
	switch content := value.(type) {
	case string:
		r.Prompt = content
		if err := checkText(content, "the second message", at); err != nil {
			return r, err
		}
	case []any:
		if r.IDs, ok = tokenIDs(content); !ok {
			return wrong("the second message's content is no text and no list of token ids")
		}
	default:
		if !found {
			return wrong("the second message has no content")
		}
		return wrong("the second message's content is %s; it has to be text or a list of token ids", kindOf(value))
	}
	value, found = input.get("max_tokens")
	switch n, ok := wholeNumber(value); {
	case o.OutputLen != nil:
		r.OutputLen = *o.OutputLen
	case !found:
		return wrong(`"input" has no "max_tokens"`)
	case !ok:
		return wrong(`"max_tokens" is %s, not a whole number`, kindOf(value))
	default:
		r.OutputLen = n
	}
	r.PromptLen = customTokens(entry)
	return r, nil
}

// customTokens returns the input.num_tokens of a line; 0 if it has none.
func customTokens(v any) int {
	entry, _ := v.(object)
	value, _ := entry.get("input")
	input, _ := value.(object)
	value, _ = input.get("num_tokens")
	n, _ := wholeNumber(value)
	return max(n, 0)
}

// tokenIDs reads a list of ids; at least one.
func tokenIDs(list []any) ([]int, bool) {
	ids := make([]int, len(list))
	for i, v := range list {
		n, ok := wholeNumber(v)
		if !ok || n < 0 {
			return nil, false
		}
		ids[i] = n
	}
	return slices.Clip(ids), len(ids) > 0
}

// wholeNumber reads a number without a fraction, below maxLength either way.
func wholeNumber(v any) (int, bool) {
	text, ok := v.(number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(string(text), 64)
		if n = int64(f); err != nil || float64(n) != f {
			return 0, false
		}
	}
	return int(n), -maxLength < n && n < maxLength
}
