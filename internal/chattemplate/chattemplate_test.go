package chattemplate

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadgen/internal/golden"
)

// vectors are what transformers makes; see testdata/chattemplates/make_vectors.py.
type vectors struct {
	Tokens    map[string]string
	Templates map[string]string
	Chats     []struct {
		Messages, Tools json.RawMessage
		Extra           map[string]json.RawMessage
	}
	Rendered [][4]json.RawMessage
}

func fixed() time.Time { return time.Date(2026, 3, 5, 14, 7, 9, 0, time.UTC) }

func readVectors(t testing.TB) *vectors {
	f, err := os.Open(golden.TestData("chattemplates", "vectors.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.NewDecoder(z).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func (v *vectors) parse(text string) (*Template, error) {
	t, err := Parse(text)
	if err != nil {
		return nil, err
	}
	t.tokens = map[string]any{}
	for name, token := range v.Tokens {
		t.tokens[name] = token
	}
	return t, nil
}

func TestRendersAsTransformers(t *testing.T) {
	v := readVectors(t)
	refused := 0
	for _, r := range v.Rendered {
		var name string
		var chat int
		var generate bool
		var want *string
		for i, to := range []any{&name, &chat, &generate, &want} {
			if err := json.Unmarshal(r[i], to); err != nil {
				t.Fatal(err)
			}
		}
		got, err := "", error(nil)
		tmpl, err := v.parse(v.Templates[name])
		if err == nil {
			c := v.Chats[chat]
			got, err = tmpl.Render(context.Background(), Chat{Messages: c.Messages, Tools: c.Tools, GenerationPrompt: generate, Extra: c.Extra, Now: fixed})
		}
		switch {
		case want == nil && err == nil:
			t.Errorf("%s, chat %d: got %q, want an error\n%s", name, chat, got, v.Templates[name])
		case want != nil && err != nil:
			t.Errorf("%s, chat %d: %v, want %q", name, chat, err, *want)
		case want != nil && got != *want:
			t.Errorf("%s, chat %d, generation prompt %v:\n got %q\nwant %q", name, chat, generate, got, *want)
		case want == nil:
			refused++
		}
	}
	if len(v.Rendered) == 0 {
		t.Error("there is nothing to compare with")
	}
	t.Logf("%d renders of %d templates, %d of them errors there and here", len(v.Rendered), len(v.Templates), refused)
}

// TestGoldenChats renders the templates of the golden tokenizers' settings.
func TestGoldenChats(t *testing.T) {
	count := 0
	for _, name := range []string{"llama3_1", "qwen3", "deepseek_v3", "gemma3"} {
		tmpl, err := Load(golden.Tokenizer(t, name))
		if err != nil {
			t.Fatal(err)
		}
		var g struct {
			Chat []struct {
				Messages json.RawMessage
				Text     string
				Without  string `json:"text_without_generation_prompt"`
			}
		}
		golden.Read(t, filepath.Join(golden.Dir(t, "tokenizers"), name+".json"), &g)
		for _, c := range g.Chat {
			for _, generate := range []bool{true, false} {
				want := c.Text
				if !generate {
					want = c.Without
				}
				got, err := tmpl.Render(context.Background(), Chat{Messages: c.Messages, GenerationPrompt: generate, Now: fixed})
				if err != nil || got != want {
					t.Errorf("%s: %v\n got %q\nwant %q", name, err, got, want)
				}
				count++
			}
		}
	}
	if count == 0 {
		t.Error("there is nothing to compare with")
	}
	t.Logf("%d chats", count)
}

// TestHostileTemplates holds that no template takes for ever, or all memory.
func TestHostileTemplates(t *testing.T) {
	for name, text := range map[string]string{
		"loops":         `{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}`,
		"recursion":     `{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`,
		"two macros":    `{% macro f() %}{{ g() }}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}`,
		"long text":     `{{ 'a' * 999999999 }}`,
		"doubling":      `{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}`,
		"doubled lists": `{% set ns = namespace(s=[1,2,3,4]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
		"power":         `{{ 9 ** 999999999 }}`,
		"padding":       `{{ 'a'.rjust(999999999) }}`,
		"nesting":       strings.Repeat("(", 100000),
		"nested lists":  `{{ ` + strings.Repeat("[", 100000) + ` }}`,
		"nested ifs":    strings.Repeat("{% if 1 %}", 100000),
		"negations":     `{{ ` + strings.Repeat("not ", 100000) + `1 }}`,
		"minuses":       `{{ ` + strings.Repeat("-", 100000) + `1 }}`,
		"class":         `{{ ''.__class__.__mro__ }}`,
		"globals":       `{{ raise_exception.__globals__.x }}`,
		"include":       `{% include '/etc/passwd' %}`,
		"import":        `{% import 'os' as os %}`,
		"not closed":    `{% if x`,
		"no comment":    `{# x`,
		"replaced":      `{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('a', 'aaaaaaaaaaaaaaaa') %}{% endfor %}`,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		tmpl, err := Parse(text)
		if err == nil {
			_, err = tmpl.Render(ctx, Chat{Messages: []byte(`[{"role":"user","content":"x"}]`)})
		}
		var bad *Error
		if name == "nesting" { // it is text
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tmpl, err := Parse(`{% for a in range(99999) %}{% for b in range(99) %}{% endfor %}{% endfor %}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Render(ctx, Chat{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, ErrNone) {
		t.Errorf("%v, want ErrNone", err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	render := func(tools string) string {
		tmpl, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Render(context.Background(), Chat{Messages: []byte(`[]`), Tools: []byte(tools)})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	write("tokenizer_config.json", `{"bos_token":{"content":"<s>"},"chat_template":[{"name":"default","template":"d{{ bos_token }}"},{"name":"tool_use","template":"t{{ tools }}"}]}`)
	if got := render(""); got != "d<s>" {
		t.Errorf("got %q", got)
	}
	if got := render("[1]"); got != "t[1]" {
		t.Errorf("got %q", got)
	}
	write("chat_template.json", `{"chat_template":"json"}`)
	if got := render(""); got != "json" {
		t.Errorf("got %q", got)
	}
	write("chat_template.jinja", "jinja{{ bos_token }}")
	if got := render(""); got != "jinja<s>" {
		t.Errorf("got %q", got)
	}
	write("chat_template.jinja", "{% if %}")
	var bad *Error
	if _, err := Load(dir); !errors.As(err, &bad) || !strings.Contains(err.Error(), "chat_template.jinja") {
		t.Errorf("%v", err)
	}
}

func FuzzTemplate(f *testing.F) {
	v := readVectors(f)
	for _, text := range v.Templates {
		f.Add(text)
	}
	for _, text := range endless {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tmpl, err := Parse(text)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = tmpl.Render(ctx, Chat{Messages: v.Chats[3].Messages, Tools: v.Chats[4].Tools, Now: fixed}) // no panic, no hang
	})
}
