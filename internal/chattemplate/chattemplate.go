// Package chattemplate makes prompts of chats: it renders the Jinja templates
// that models carry as Hugging Face transformers 4.57 does, and the formats that
// are not templates: harmony of GPT-OSS and the encoding of DeepSeek V3.2.
//
// It takes a template and messages as JSON and gives the text of a prompt. It
// reads no file but those of a model's directory, reaches nothing but the
// variables given, and bounds steps, output and nesting.
//
// The engine is our own: gonja v2.9.1 adds 4.5 MB and 10 modules, and rendered 79
// of 96 templates as jinja2 does (an index of -1 into a list of one message, the
// order of keys in tojson and replace with two arguments are wrong there).
package chattemplate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// Template is a parsed template. It is safe for concurrent use.
type Template struct {
	body    []node
	tokens  map[string]any
	withUse *Template // another template, for chats with tools
}

// Parse reads a Jinja template.
func Parse(text string) (*Template, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	body, err := p.body()
	if err != nil {
		return nil, err
	}
	return &Template{body: body}, nil
}

// Chat is what a template renders.
type Chat struct {
	// Messages is a JSON array of objects with role and content.
	Messages []byte
	// Tools is a JSON array of tools, empty if there are none.
	Tools []byte
	// Documents is a JSON array of documents, empty if there are none.
	Documents []byte
	// GenerationPrompt asks for the beginning of the assistant's answer.
	GenerationPrompt bool
	// Extra are further variables, as JSON, such as enable_thinking: false.
	Extra map[string]json.RawMessage
	// Now is what strftime_now reads; time.Now if it is nil.
	Now func() time.Time
}

// Render returns the text of a chat.
func (t *Template) Render(ctx context.Context, c Chat) (text string, err error) {
	use := t
	values := map[string]any{"tools": nil, "documents": nil, "add_generation_prompt": c.GenerationPrompt}
	for name, v := range t.tokens {
		values[name] = v
	}
	for _, part := range []struct {
		name string
		data []byte
	}{{"messages", c.Messages}, {"tools", c.Tools}, {"documents", c.Documents}} {
		if len(part.data) == 0 {
			continue
		}
		v, err := parseValue(part.data)
		if err != nil {
			return "", fmt.Errorf("the %s of the chat are not JSON: %w", part.name, err)
		}
		values[part.name] = v
		if part.name == "tools" && v != nil && t.withUse != nil {
			use = t.withUse
		}
	}
	for name, data := range c.Extra {
		v, err := parseValue(data)
		if err != nil {
			return "", fmt.Errorf("the variable %s of the chat template is not JSON: %w", name, err)
		}
		values[name] = v
	}
	e := &evaluator{ctx: ctx, now: c.Now, out: &strings.Builder{}, scope: &scope{values: values}, line: 1}
	if e.now == nil {
		e.now = time.Now
	}
	if err := e.render(use.body); err != nil {
		if err == errBreak || err == errContinue {
			err = fail(e.line, "break or continue outside of a loop")
		}
		return "", err
	}
	return e.out.String(), nil
}

// ErrNone is wrapped by the error for a directory without a chat template.
var ErrNone = errors.New("there is no chat template")

// Load reads the template of a model's directory: chat_template.jinja,
// chat_template.json or tokenizer_config.json, whose special tokens it gets too.
func Load(dir string) (*Template, error) {
	path := filepath.Join(dir, "tokenizer_config.json")
	var config map[string]json.RawMessage
	if data, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &config); err != nil {
			return nil, fmt.Errorf("%s is not JSON: %w", path, err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the chat template: %w", err)
	}
	sources, from, err := templates(dir, config, path)
	if err != nil {
		return nil, err
	}
	text, ok := sources["default"]
	if !ok {
		var names []string
		for name := range sources {
			names = append(names, name)
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%s: %w", dir, ErrNone)
		}
		sort.Strings(names)
		return nil, fmt.Errorf("%s has the chat templates %s, and no default", from, strings.Join(names, ", "))
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if text, ok := sources["tool_use"]; ok {
		if t.withUse, err = Parse(text); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
	}
	t.tokens = specialTokens(config)
	return t, nil
}

// templates returns the templates of a directory by name.
func templates(dir string, config map[string]json.RawMessage, configPath string) (map[string]string, string, error) {
	path := filepath.Join(dir, "chat_template.jinja")
	if data, err := os.ReadFile(path); err == nil {
		out := map[string]string{"default": string(data)}
		more, _ := filepath.Glob(filepath.Join(dir, "additional_chat_templates", "*.jinja"))
		for _, path := range more {
			if data, err := os.ReadFile(path); err == nil {
				out[strings.TrimSuffix(filepath.Base(path), ".jinja")] = string(data)
			}
		}
		return out, path, nil
	}
	raw, from := config["chat_template"], configPath
	path = filepath.Join(dir, "chat_template.json")
	if data, err := os.ReadFile(path); err == nil {
		var holder struct {
			Template json.RawMessage `json:"chat_template"`
		}
		if err := json.Unmarshal(data, &holder); err != nil {
			return nil, "", fmt.Errorf("%s is not JSON: %w", path, err)
		}
		raw, from = holder.Template, path
	}
	var text string
	var named []struct{ Name, Template string }
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, from, nil
	case json.Unmarshal(raw, &text) == nil:
		return map[string]string{"default": text}, from, nil
	case json.Unmarshal(raw, &named) == nil:
		out := map[string]string{}
		for _, n := range named {
			out[n.Name] = n.Template
		}
		return out, from, nil
	}
	return nil, from, fmt.Errorf("%s: its chat_template is neither a text nor a list of named texts", from)
}

// specialTokens are the variables that transformers takes from the settings.
func specialTokens(config map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	text := func(data json.RawMessage) (string, bool) {
		var s *string
		if json.Unmarshal(data, &s) == nil && s != nil {
			return *s, true
		}
		var object struct{ Content *string }
		if json.Unmarshal(data, &object) == nil && object.Content != nil {
			return *object.Content, true
		}
		return "", false
	}
	for _, name := range []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"} {
		if s, ok := text(config[name]); ok {
			out[name] = s
		}
	}
	var more []json.RawMessage
	if json.Unmarshal(config["additional_special_tokens"], &more) == nil && len(more) > 0 {
		list := &List{}
		for _, data := range more {
			if s, ok := text(data); ok {
				list.Items = append(list.Items, s)
			}
		}
		out["additional_special_tokens"] = list
	}
	return out
}
