package dataset

import "testing"

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
