package dataset

import (
	"context"
	"io"
	"math"
	"slices"
	"strings"

	"loadgen/internal/pyrand"
)

const sonnetPrompt = "Pick as many lines as you can from these poem lines:\n"

// sonnet asks for lines of a poem (the original's SonnetDataset): prompts that
// begin with the same lines and go on with lines drawn at random, counted by
// the model's chat template. Its seed is always 0.
func sonnet(ctx context.Context, o *Options) (*Set, error) {
	if err := o.needPath(); err != nil {
		return nil, err
	}
	if o.Template == nil {
		return nil, &Error{Kind: NeedsTemplate, Text: "the data set sonnet needs a chat template, and the tokenizer has none"}
	}
	lines, err := poem(o.Path)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, o.nothing("the file is empty")
	}
	average := o.meanTokens(lines)
	format := func(prompt string) (string, int, error) {
		text, err := o.Template([]Message{{"user", prompt}})
		return text, len(o.Tokenizer.Encode(text, true)), err
	}
	_, base, err := format(sonnetPrompt)
	switch {
	case err != nil:
		return nil, err
	case o.SonnetInputLen <= base:
		return nil, optionError("'input_len' must be higher than the base prompt length (%d).", base)
	case average == 0:
		return nil, o.nothing("no line has a token")
	case float64(o.SonnetInputLen)/average > maxPrompts:
		return nil, optionError("an input of %d tokens is out of range", o.SonnetInputLen)
	}
	inputLines := int(math.RoundToEven(float64(o.SonnetInputLen-base) / average))
	prefixLines := max(int(math.RoundToEven(float64(o.SonnetPrefixLen-base)/average)), 0)
	prefix := strings.Join(lines[:min(prefixLines, len(lines))], "")

	set := &Set{rng: pyrand.NewPython(0)}
	set.noteJSON(lines[0])
	const attempts = 10000 // in a row that were all too long
	for misses := 0; len(set.Requests) < o.NumPrompts; {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		var prompt strings.Builder
		prompt.WriteString(sonnetPrompt + prefix)
		for _, i := range set.rng.Choices(len(lines), inputLines-prefixLines) {
			prompt.WriteString(lines[i])
		}
		text, n, err := format(prompt.String())
		if err != nil {
			return nil, err
		}
		if n > o.SonnetInputLen {
			if misses++; misses == attempts {
				return nil, optionError("no prompt of the poem's lines is as short as %d tokens (tried %d): the prefix alone may be longer", o.SonnetInputLen, attempts)
			}
			continue
		}
		misses = 0
		r := Request{Prompt: text, PromptLen: n, OutputLen: o.SonnetOutputLen}
		if o.Chat {
			r.Prompt = prompt.String()
		}
		set.Requests = append(set.Requests, r)
	}
	return set, nil
}

// noteJSON notes that a poem whose first line this is looks like JSON, or JSON Lines.
func (s *Set) noteJSON(line string) {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	if line == "[" || line == "{" || strings.HasPrefix(line, "[{") || strings.HasPrefix(line, `{"`) {
		s.note("the file looks like JSON, whose lines are sent as they are: sonnet expects the lines of a text; sharegpt, jsonl, conversations and trtllm_custom read JSON")
	}
}

// meanTokens is how many tokens a line has in the mean.
func (o *Options) meanTokens(lines []string) float64 {
	total := 0
	for _, line := range lines {
		total += len(o.Tokenizer.Encode(line, true))
	}
	return float64(total) / float64(len(lines))
}

// poem reads lines with their ends, as Python's readlines does.
func poem(path string) (lines []string, err error) {
	in, err := open(path)
	if err != nil {
		return nil, err
	}
	defer in.close()
	text, err := io.ReadAll(io.LimitReader(in.r, maxRecord+1))
	switch {
	case err != nil:
		return nil, in.broken(err)
	case len(text) > maxRecord:
		return nil, in.tooLong(in.at())
	}
	if err := checkUTF8(text, in.at()); err != nil {
		return nil, err
	}
	all := strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\r", "\n")
	return slices.Collect(strings.Lines(all)), nil
}
