package bench

import (
	"testing"

	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// TestMeasureTemplate counts what the chat template of Llama 3 adds: BOS, three tokens and
// a line break around each role, the end of each message, and the beginning of the answer.
func TestMeasureTemplate(t *testing.T) {
	one := dataset.Request{Prompt: "hello"}
	two := dataset.Request{Messages: []dataset.Message{{Role: "system", Content: "brief"}, {Role: "user", Content: "hello"}}}
	for _, c := range []struct {
		name, model, set string
		chat             bool
		requests         []dataset.Request
		want             *recording.Template
	}{
		{"one message", "llama3-8b", "random", true, []dataset.Request{one}, &recording.Template{Added: 10, Prefix: 5}},
		{"two messages", "llama3-8b", "jsonl", true, []dataset.Request{one, two}, &recording.Template{Added: 12.5, Prefix: 5}},
		{"counted already", "llama3-8b", "sonnet", true, []dataset.Request{one}, &recording.Template{Prefix: 5}},
		{"completions", "llama3-8b", "random", false, []dataset.Request{one}, nil},
		{"another model", "m", "random", true, []dataset.Request{one}, nil},
		{"images", "llama3-8b", "random_image", true, []dataset.Request{{Prompt: "x", Images: []string{"y"}}}, nil},
	} {
		s := recording.Defaults()
		s.DatasetName = c.set
		if c.chat {
			s.Backend = "openai-chat"
		}
		b := New(Options{Settings: s})
		b.model, b.tokenizer, b.tokenizerName = c.model, tokenizer.Llama3(), tokenizer.Llama3Name
		if err := b.measureTemplate(t.Context(), func(i int) dataset.Request { return c.requests[i] }, len(c.requests)); err != nil {
			t.Fatal(err)
		}
		switch {
		case (b.chat == nil) != (c.want == nil):
			t.Errorf("%s: %+v, want %+v", c.name, b.chat, c.want)
		case c.want != nil && *b.chat != *c.want:
			t.Errorf("%s: %+v, want %+v", c.name, *b.chat, *c.want)
		}
	}
}
