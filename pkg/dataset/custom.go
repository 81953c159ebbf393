package dataset

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"loadgen/internal/pyrand"
)

// Custom reads the prompts of --dataset-name trtllm_custom (the original's
// CustomDataset): JSON lines {"input": {"messages": [...], "max_tokens": N}},
// shuffled; the prompt is the content of the second message. There are never
// more requests than lines.
func Custom(ctx context.Context, tok Tokenizer, path string, n int, seed uint32) (*Set, error) {
	if path == "" {
		return nil, errors.New("--dataset-path is not provided")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the data set: %w", err)
	}
	defer f.Close()
	all, err := customLines(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	set := &Set{rng: pyrand.NewPython(uint64(seed))}
	set.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	set.Requests = all[:min(max(n, 0), len(all))]
	return set, each(ctx, len(set.Requests), func(i int) error {
		r := &set.Requests[i]
		r.PromptLen = len(tok.Encode(r.Prompt, true))
		return nil
	})
}

func customLines(r io.Reader) (all []Request, err error) {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err == io.EOF {
			return all, nil
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		var entry struct {
			Input struct {
				Messages  []struct{ Content any }
				MaxTokens *int `json:"max_tokens"`
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return nil, fmt.Errorf("line %d is blank: every line must be a JSON object", n)
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		m := entry.Input.Messages
		prompt, isText := "", false
		if len(m) > 1 { // what the others hold does not matter
			prompt, isText = m[1].Content.(string)
		}
		switch {
		case len(m) < 2:
			return nil, fmt.Errorf("line %d: input.messages has %d messages: the prompt is the second one (list index out of range)", n, len(m))
		case m[1].Content == nil:
			return nil, fmt.Errorf("line %d: the second message has no content", n)
		case !isText:
			return nil, fmt.Errorf("line %d: the second message's content is no text", n)
		case entry.Input.MaxTokens == nil:
			return nil, fmt.Errorf("line %d: input.max_tokens is missing", n)
		}
		all = append(all, Request{Prompt: prompt, OutputLen: *entry.Input.MaxTokens})
	}
}
