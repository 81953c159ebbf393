package dataset_test

import (
	"slices"
	"testing"

	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// TestExampleFiles loads the files of examples/datasets with a real tokenizer:
// every data set gives as many requests as it is asked for, of the lengths said.
func TestExampleFiles(t *testing.T) {
	const dir = "../../examples/datasets/"
	tok := tokenizer.Llama3()
	seen := map[string]bool{}
	for _, o := range []dataset.Options{
		{Name: "random", FromIDs: true},
		{Name: "random", Path: dir + "sharegpt.json"},
		{Name: "random_image", ImageWidth: 32, ImageHeight: 24, NumImages: 1, Chat: true},
		{Name: "sharegpt", Path: dir + "sharegpt.json"},
		{Name: "sonnet", Path: dir + "poem.txt", SonnetInputLen: 120, SonnetOutputLen: 16, SonnetPrefixLen: 60, Template: template("llama3")},
		{Name: "burstgpt", Path: dir + "burstgpt.csv"},
		{Name: "trtllm_custom", Path: dir + "custom.jsonl"},
		{Name: "hf", Path: dir + "likaixin/InstructCoder"},
		{Name: "jsonl", Path: dir + "prompts.jsonl"},
		{Name: "jsonl", Path: dir + "messages.jsonl", Chat: true},
		{Name: "prefix_repetition", Groups: 2, PrefixLen: 48, SuffixLen: 16},
		{Name: "conversations", Path: dir + "conversations.jsonl", Chat: true},
		{Name: "trace", Path: dir + "mooncake.jsonl"},
		{Name: "trace", Path: dir + "azure.csv"},
		{Name: "synthetic_text", RangeRatio: 0.5},
		{Name: "synthetic_text", PrefixLen: 30},
	} {
		o.Tokenizer, o.NumPrompts, o.InputLen, o.RandomOutputLen = tok, 4, 64, 16
		seen[o.Name] = true
		set, err := dataset.Load(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
			continue
		}
		if len(set.Requests) != 4 {
			t.Errorf("%s %s: %d requests", o.Name, o.Path, len(set.Requests))
		}
		for _, r := range set.Requests {
			if r.PromptLen < 1 || r.OutputLen < 1 || r.Prompt == "" && r.IDs == nil && r.Messages == nil {
				t.Errorf("%s %s: %+v", o.Name, o.Path, r)
			}
			if n := len(tok.Encode(r.Prompt, true)); o.Name == "synthetic_text" && (n != r.PromptLen || n < 32) {
				t.Errorf("a text of %d tokens has %d", r.PromptLen, n)
			}
		}
	}
	for _, name := range dataset.Names() {
		if !seen[name] {
			t.Errorf("no example of %s", name)
		}
	}
	if !slices.Contains(dataset.Names(), "trace") {
		t.Error("Names lacks trace")
	}
}
