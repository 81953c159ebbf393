package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/pyrand"
)

// TestDigest: other prompts, in another order or of another length, are told apart.
func TestDigest(t *testing.T) {
	seen := map[string]int{}
	for i, requests := range [][]Request{nil, {{Prompt: "a", OutputLen: 1}}, {{Prompt: "b", OutputLen: 1}}, {{Prompt: "a", OutputLen: 2}}, {{IDs: []int{1, 2}}}, {{IDs: []int{2, 1}}},
		{{Prompt: "a"}, {Prompt: "b"}}, {{Prompt: "b"}, {Prompt: "a"}}, {{Prompt: "ab"}, {}}} {
		got := (&Set{Requests: requests}).Digest()
		if before, found := seen[got]; found || got != (&Set{Requests: requests}).Digest() {
			t.Errorf("%d has the digest of %d, or two", i, before)
		}
		seen[got] = i
	}
}

// TestWhatIsReadAlone: messages and turns that are not used may hold anything.
func TestWhatIsReadAlone(t *testing.T) {
	for line, want := range map[string]string{
		`{"input":{"messages":[{"content":[{"type":"text"}]},{"content":"hi"},{"content":7}],"max_tokens":3}}`: "hi",
		`{"input":{"messages":[{"content":"a"},{"content":["hi"]}],"max_tokens":3}}`:                           "content is no text",
		`{"input":{"messages":[{"content":"a"},{}],"max_tokens":3}}`:                                           "has no content",
	} {
		all, err := customLines(strings.NewReader(line + "\n"))
		if err == nil && (len(all) != 1 || all[0].Prompt != want) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v", line, all, err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.json")
	for text, want := range map[string]string{
		`[{"conversations":[{"value":" hi "},{"value":5}]},{"conversations":[{"value":7}]}]`: "hi",
		`[{"conversations":[{"value":5},{"value":"hi"}]}]`:                                   "has no text",
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		all, err := conversations(path, pyrand.NewPython(0))
		if err == nil && !slices.Equal(all, []string{want}) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v", text, all, err)
		}
	}
}
