package chattemplate

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

func render(t *testing.T, m Model, c Chat) string {
	t.Helper()
	r, err := For(m)
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	text, err := r.Render(t.Context(), c)
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	return text
}

// TestBuiltInLlama3 renders the golden chats of Llama 3, and those of 3.2 with its dates,
// with the template that is built in.
func TestBuiltInLlama3(t *testing.T) {
	var g struct {
		Chat []struct {
			Messages json.RawMessage
			Text     string
			Without  string `json:"text_without_generation_prompt"`
		}
	}
	golden.Read(t, filepath.Join(golden.Dir(t, "tokenizers"), "llama3_1.json"), &g)
	for _, c := range g.Chat {
		for generate, want := range map[bool]string{true: c.Text, false: c.Without} {
			got := render(t, Model{Name: "llama3"}, Chat{Messages: c.Messages, GenerationPrompt: generate})
			if got != want {
				t.Errorf("%s:\n got %q\nwant %q", c.Messages, got, want)
			}
		}
	}
	if len(g.Chat) == 0 {
		t.Error("no golden chat")
	}
	t.Logf("%d chats", len(g.Chat))
	v, count := readVectors(t), 0
	tmpl, err := v.parse(v.Templates["llama31"])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Chats {
		if len(c.Tools) > 0 && string(c.Tools) != "null" {
			continue
		}
		chat := Chat{Messages: c.Messages, GenerationPrompt: true, Now: fixed}
		want, err := tmpl.Render(t.Context(), chat)
		if err != nil || strings.Contains(string(c.Messages), "tool_calls") {
			continue
		}
		count++
		want = strings.Replace(want, v.Tokens["bos_token"], "<|begin_of_text|>", 1)
		got := render(t, Model{Name: "meta-llama/Llama-3.2-1B"}, chat)
		if got = strings.Replace(got, "Cutting Knowledge Date: December 2023\n", "", 1); got != want { // a line that the vectors' template does not have
			t.Errorf("%s:\n got %q\nwant %q", c.Messages, got, want)
		}
	}
	if count == 0 {
		t.Error("no chat")
	}
	t.Logf("%d more chats", count)
}

// TestFor finds what renders a model's chats by its files, its name and its alias.
func TestFor(t *testing.T) {
	directory := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	bare := directory(nil)
	own := directory(map[string]string{"chat_template.jinja": "own"})
	for _, c := range []struct {
		model Model
		want  string // that the text begins with
	}{
		{Model{Name: "openai/gpt-oss-120b", Dir: own}, "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\nCurrent date: 2026-03-05\n"},
		{Model{Name: "m", Dir: directory(map[string]string{"config.json": `{"model_type":"gpt_oss"}`})}, "<|start|>system<|message|>"},
		{Model{Name: "deepseek-ai/DeepSeek-V3.2", Dir: bare}, dsmlBOS + "<｜User｜>hi"},
		{Model{Name: "deepseek-ai/DeepSeek-V3.2", Dir: own}, "own"},
		{Model{Name: "m", Dir: own, Encoding: "deepseek_v32"}, dsmlBOS},
		{Model{Name: "m", Dir: directory(map[string]string{"config.json": `{"model_type":"deepseek_v32"}`})}, dsmlBOS},
		{Model{Name: "gpt-oss-like", Dir: directory(map[string]string{"config.json": `{"model_type":"llama"}`, "chat_template.jinja": "own"})}, "own"},
		{Model{Name: "deepseek-ai/DeepSeek-V4-Pro", Dir: bare}, dsmlBOS + "<｜User｜>hi<｜Assistant｜></think>"},
		{Model{Name: "deepseek-ai/DeepSeek-V4-Pro", Dir: own}, "own"},
		{Model{Name: "m", Dir: own, Encoding: "deepseek_v4"}, dsmlBOS},
		{Model{Name: "m", Dir: own, Encoding: "mistral_common"}, "own"},
		{Model{Name: "m"}, "<|begin_of_text|><|start_header_id|>user"},
		{Model{Name: "/models/Llama-3.3-70B"}, "<|begin_of_text|><|start_header_id|>system"},
	} {
		if got := render(t, c.model, Chat{Messages: []byte(`[{"role":"user","content":"hi"}]`), GenerationPrompt: true, Now: fixed}); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.model, got, c.want)
		}
	}
	for _, c := range []struct {
		model Model
		want  error
	}{
		{Model{Name: "m", Dir: bare}, ErrNone},
		{Model{Name: "deepseek-ai/DeepSeek-V3.2-Exp", Dir: bare}, nil},
	} {
		if _, err := For(c.model); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.model, err, c.want)
		}
	}
	tmpl, err := For(Model{Name: "m"})
	if err != nil {
		t.Fatal(err)
	}
	var raised *RaisedError
	if _, err := tmpl.Render(t.Context(), Chat{Messages: []byte(`[]`), Tools: []byte(`[{"type":"function"}]`)}); !errors.As(err, &raised) && (err == nil || !strings.Contains(err.Error(), "has no tools")) {
		t.Errorf("%v, want an error about tools", err)
	}
}
