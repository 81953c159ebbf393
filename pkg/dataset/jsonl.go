package dataset

import (
	"context"
	"fmt"
	"strings"
)

const jsonlExample = `{"prompt": "TEXT", "max_tokens": 128} or {"messages": [{"role": "user", "content": "TEXT"}]} or {"prompt": [1, 2, 3]}`

// jsonl sends what a file of JSON lines (or a list, or Parquet) holds, in its
// order, and from its start again if it is too short: a line is a prompt (text
// or token ids) or messages, with optional lengths, images and further members
// of the body.
func jsonl(ctx context.Context, o *Options) (*Set, error) {
	if err := o.needPath(); err != nil {
		return nil, err
	}
	src := localFile(o.Path, source{want: jsonlExample})
	set := o.newSet()
	if o.NumPrompts == 0 {
		return set, nil
	}
	err := src.walk(ctx, nil, func(n int, at position, v any) error {
		r, err := o.jsonlRequest(at, v)
		if err != nil {
			return err
		}
		if set.Requests = append(set.Requests, r); len(set.Requests) == o.NumPrompts {
			return errStop
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	have := len(set.Requests)
	if have == 0 {
		return nil, o.nothing("the file is empty")
	}
	if err := each(ctx, have, func(i int) error { return o.count(&set.Requests[i]) }); err != nil {
		return nil, err
	}
	for i := range o.NumPrompts - have {
		set.Requests = append(set.Requests, set.Requests[i])
	}
	if have < o.NumPrompts {
		set.note("%d lines, used again from the first to make %d requests", have, o.NumPrompts)
	}
	return set, nil
}

// count counts the tokens of a request that does not say them.
func (o *Options) count(r *Request) (err error) {
	switch {
	case r.PromptLen > 0:
	case r.IDs != nil:
		r.PromptLen = len(r.IDs)
	case r.Messages != nil && o.Template != nil:
		var text string
		text, err = o.Template(r.Messages)
		r.PromptLen = len(o.Tokenizer.Encode(text, false))
	case r.Messages != nil:
		for _, m := range r.Messages {
			r.PromptLen += len(o.Tokenizer.Encode(m.Content, false))
		}
	default:
		r.PromptLen = len(o.Tokenizer.Encode(r.Prompt, true))
	}
	return err
}

// jsonlRequest reads one line.
func (o *Options) jsonlRequest(at position, v any) (r Request, err error) {
	line, ok := v.(object)
	if !ok {
		return r, at.malformed(jsonlExample, "found %s where an object should be", kindOf(v))
	}
	if err := o.jsonlPrompt(&r, at, line); err != nil {
		return r, err
	}
	length := func(names ...string) (int, error) {
		for _, name := range names {
			value, found := line.get(name)
			if !found || value == nil {
				continue
			}
			if text, ok := value.(string); ok { // a CSV cell
				value = number(text)
			}
			n, ok := wholeNumber(value)
			if !ok || n < 1 {
				return 0, at.malformed(jsonlExample, "%q is %s, not a number of tokens", name, kindOf(value))
			}
			return n, nil
		}
		return 0, nil
	}
	if r.PromptLen, err = length("prompt_len", "input_len", "num_tokens"); err != nil {
		return r, err
	}
	if r.OutputLen, err = length("max_tokens", "max_completion_tokens", "output_len", "output_tokens"); err != nil {
		return r, err
	}
	switch {
	case o.OutputLen != nil:
		r.OutputLen = *o.OutputLen
	case r.OutputLen == 0:
		r.OutputLen = o.RandomOutputLen
	}
	value, _ := line.get("images")
	if images, _ := value.([]any); len(images) > 0 {
		if !o.Chat {
			return r, &Error{Kind: NeedsChat, File: at.file, Line: at.line, Text: "images can be sent to a chat endpoint only"}
		}
		for _, image := range images {
			url, err := imageURL(at, image)
			if err != nil {
				return r, err
			}
			r.Images = append(r.Images, url)
		}
	}
	r.Fields, err = extraFields(at, line)
	return r, err
}

// jsonlPrompt reads what is to be sent.
func (o *Options) jsonlPrompt(r *Request, at position, line object) (err error) {
	if value, found := line.get("messages"); found {
		if r.Messages, err = readMessages(at, value, jsonlExample); err != nil {
			return err
		}
		if !o.Chat {
			if o.Template == nil {
				return &Error{Kind: NeedsTemplate, File: at.file, Line: at.line, Text: "messages for a completions endpoint need a chat template, and the tokenizer has none"}
			}
			r.Prompt, err = o.Template(r.Messages)
			r.Messages = nil
		}
		return err
	}
	for _, name := range []string{"prompt", "text", "token_ids", "prompt_token_ids"} {
		value, found := line.get(name)
		if !found {
			continue
		}
		switch value := value.(type) {
		case string:
			r.Prompt = value
			return checkText(value, fmt.Sprintf("%q", name), at)
		case []any:
			var ok bool
			if r.IDs, ok = tokenIDs(value); ok {
				return nil
			}
			return at.malformed(jsonlExample, "%q is no text and no list of token ids", name)
		}
		return at.malformed(jsonlExample, "%q is %s, not text and not a list of token ids", name, kindOf(value))
	}
	var names []string
	for _, m := range line {
		names = append(names, m.key)
	}
	return at.malformed(jsonlExample, `there is no "prompt" and no "messages", only %s`, strings.Join(names, ", "))
}

// readMessages reads a chat's messages.
func readMessages(at position, value any, want string) ([]Message, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, at.malformed(want, `"messages" is %s, not a list of messages`, kindOf(value))
	}
	out := make([]Message, len(list))
	for i, v := range list {
		role, err := textOf(at, v, "role", want)
		if err != nil {
			return nil, err
		}
		content, err := textOf(at, v, "content", want)
		if err != nil {
			return nil, err
		}
		out[i] = Message{role, content}
	}
	return out, nil
}

// extraFields reads the further members of the body.
func extraFields(at position, line object) ([]Field, error) {
	for _, name := range []string{"body", "extra_body"} {
		value, found := line.get(name)
		if !found || value == nil {
			continue
		}
		body, ok := value.(object)
		if !ok {
			return nil, at.malformed(`{"prompt": "TEXT", "body": {"temperature": 0.7}}`, "%q is %s, not an object", name, kindOf(value))
		}
		var out []Field
		for _, m := range body {
			if m.raw == nil {
				return nil, at.malformed("", "%q can be read from JSON only", name)
			}
			out = append(out, Field{m.key, string(m.raw)})
		}
		return out, nil
	}
	return nil, nil
}
