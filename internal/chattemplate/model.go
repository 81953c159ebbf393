package chattemplate

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"loadgen/internal/lazy"
)

// Renderer makes the prompt of a chat: a *Template, Harmony, DeepSeekV32 or DeepSeekV4.
type Renderer interface {
	Render(ctx context.Context, c Chat) (string, error)
}

// Model says whose chats are to be rendered.
type Model struct {
	// Name is the model's.
	Name string
	// Dir holds its tokenizer's files; "" where the tokenizer is the built-in one of
	// Llama 3.
	Dir string
	// Encoding is the alias of an encoding, such as deepseek_v32; "" for the model's own.
	Encoding string
}

// For returns what renders a model's chats: for GPT-OSS the harmony format, otherwise
// the template beside its tokenizer, or for DeepSeek V3.2 and V4, which have none, their encoding.
func For(m Model) (Renderer, error) {
	kind := m.Encoding
	if kind != "deepseek_v32" && kind != "deepseek_v4" {
		kind = m.family()
	}
	if kind == "gpt_oss" {
		return harmonyToday{}, nil
	}
	if m.Dir == "" {
		return llama3(m.Name)
	}
	if m.Encoding != "deepseek_v32" && m.Encoding != "deepseek_v4" {
		t, err := Load(m.Dir)
		if !errors.Is(err, ErrNone) {
			return t, err
		}
	}
	switch kind {
	case "deepseek_v32":
		return DeepSeekV32{}, nil
	case "deepseek_v4":
		return DeepSeekV4{}, nil
	}
	return nil, fmt.Errorf("%s: %w", m.Dir, ErrNone)
}

// families are the names of models whose chats need more than a template. A V3.2-Exp has one.
var families = []struct {
	kind string
	name lazy.Regexp
}{
	{"gpt_oss", `(?i)gpt[-_]?oss`},
	{"deepseek_v32", `(?i)deepseek[-_]?v3[._-]?2([^0-9]|$)`},
	{"deepseek_v4", `(?i)deepseek[-_]?v4`},
}

// family is the model_type of a model's config.json, or else what its name says.
func (m Model) family() string {
	var config struct {
		Type string `json:"model_type"`
	}
	if m.Dir != "" {
		if data, err := os.ReadFile(filepath.Join(m.Dir, "config.json")); err == nil && json.Unmarshal(data, &config) == nil && config.Type != "" {
			return config.Type
		}
	}
	for _, f := range families {
		if f.name.Get().MatchString(m.Name) {
			return f.kind
		}
	}
	return ""
}

// harmonyToday is the harmony format with the date of the rendering.
type harmonyToday struct{}

func (harmonyToday) Render(ctx context.Context, c Chat) (string, error) {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return Harmony{Date: now().Format(time.DateOnly)}.Render(ctx, c)
}

// llama3Template is written after the published format of Llama 3.
//
//go:embed llama3.jinja
var llama3Template string

// laterLlama3 matches the names of 3.1, 3.2 and 3.3.
var laterLlama3 = lazy.Regexp(`(?i)llama[-_ .]?3[._]([1-3])`)

// llama3 is the template for the built-in tokenizer.
func llama3(name string) (*Template, error) {
	t, err := Parse(llama3Template)
	if version := laterLlama3.Get().FindStringSubmatch(name); err == nil && version != nil {
		t.tokens = map[string]any{"later_llama3": true}
		if version[1] != "2" {
			t.tokens["date_string"] = "26 Jul 2024"
		}
	}
	return t, err
}
