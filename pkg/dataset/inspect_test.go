package dataset_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadgen/pkg/dataset"
)

// A file is found to be wrong without a tokenizer, and one that is right only with one that
// counts otherwise is not.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pairs := file("pairs.json", `[{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}]`)
	single := file("single.json", `[{"conversations": [{"from": "human", "value": "a"}]}]`)
	lines := file("lines.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": 1}\n")
	poem := file("poem.txt", "one line\n")
	empty := file("empty.txt", "")
	for _, c := range []struct {
		name, path, want string
	}{
		{"sharegpt", pairs, ""},
		{"random", pairs, ""},
		{"sonnet", poem, ""},
		{"synthetic_text", "", ""},
		{"sharegpt", single, "no conversation has two turns"},
		{"random", single, "no conversation has two turns"},
		{"sharegpt", poem, "where a JSON list should begin"},
		{"jsonl", lines, "lines.jsonl:2: "},
		{"trace", lines, "lines.jsonl:1: "},
		{"burstgpt", poem, "none of the 0 rows"},
		{"sonnet", empty, "the file is empty"},
		{"jsonl", filepath.Join(dir, "none"), "cannot read the data set"},
		{"sharegpt", dir, ""}, // what is no file is left to Load
	} {
		err := dataset.Inspect(t.Context(), dataset.Options{Name: c.name, Path: c.path, NumPrompts: 3, InputLen: 1000, RandomOutputLen: 4, SonnetInputLen: 1})
		if got := (*dataset.Error)(nil); c.want == "" && err != nil || c.want != "" && (!errors.As(err, &got) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of %s: %v, want %q", c.name, c.path, err, c.want)
		}
	}
}
