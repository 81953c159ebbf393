package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ids is a tokenizer whose text shows the ids.
type ids struct{}

func (ids) Encode(text string, special bool) []int {
	fields := strings.Fields(text)
	out := make([]int, len(fields))
	for i, f := range fields {
		fmt.Sscan(f, &out[i])
	}
	return out
}
func (ids) Decode(all []int, skipSpecial bool) string { return strings.Trim(fmt.Sprint(all), "[]") }
func (ids) VocabSize() int                            { return 50000 }

func TestPrefixRepetition(t *testing.T) {
	o := Options{Name: "prefix_repetition", Tokenizer: ids{}, NumPrompts: 100, Groups: 4, PrefixLen: 20, SuffixLen: 10, RandomOutputLen: 7, IDs: true}
	count := func(o Options) []int {
		t.Helper()
		set, err := Load(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		prefixes, whole := map[string]int{}, map[string]bool{}
		for _, r := range set.Requests {
			prefixes[fmt.Sprint(r.IDs[:o.PrefixLen])]++
			whole[fmt.Sprint(r.IDs)] = true
			if r.PromptLen != len(r.IDs) || r.OutputLen != 7 {
				t.Errorf("lengths %d, %d of %d ids", r.PromptLen, r.OutputLen, len(r.IDs))
			}
		}
		if len(whole) != o.NumPrompts {
			t.Errorf("%d different prompts", len(whole))
		}
		var out []int
		for _, n := range prefixes {
			out = append(out, n)
		}
		slices.Sort(out)
		return out
	}
	if got := count(o); !slices.Equal(got, []int{25, 25, 25, 25}) {
		t.Errorf("shares %v", got)
	}
	o.Zipf = 1 // 1, 1/2, 1/3, 1/4 of 25/12
	if got := count(o); !slices.Equal(got, []int{12, 16, 24, 48}) {
		t.Errorf("shares %v", got)
	}
	first, _ := Load(t.Context(), o)
	again, _ := Load(t.Context(), o)
	o.Seed = 1
	other, _ := Load(t.Context(), o)
	if first.Digest() != again.Digest() || first.Digest() == other.Digest() {
		t.Error("a seed does not decide the prompts")
	}
}

func TestJSONL(t *testing.T) {
	text := `{"prompt": "a b c", "max_tokens": 9, "body": {"top_p": 0.5, "stop": ["x"]}}
{"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]}

{"token_ids": [5, 6, 7], "prompt_len": 30, "id": 7}
{"prompt": "look", "images": ["http://h/a.png"]}
`
	set, _, err := load(t, "x.jsonl", text, Options{Name: "jsonl", Chat: true, RandomOutputLen: 4, NumPrompts: 5})
	if err != nil {
		t.Fatal(err)
	}
	want := []Request{
		{Prompt: "a b c", PromptLen: 3, OutputLen: 9, Fields: []Field{{"top_p", "0.5"}, {"stop", `["x"]`}}},
		{Messages: []Message{{"system", "be brief"}, {"user", "hi"}}, PromptLen: 3, OutputLen: 4},
		{IDs: []int{5, 6, 7}, PromptLen: 30, OutputLen: 4},
		{Prompt: "look", PromptLen: 1, OutputLen: 4, Images: []string{"http://h/a.png"}},
	}
	want = append(want, want[0])
	if got := fmt.Sprintf("%+v", set.Requests); got != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %s\nwant %+v", got, want)
	}
	if len(set.Notes) != 1 {
		t.Errorf("notes %q", set.Notes)
	}
	if _, _, err := load(t, "x.jsonl", text, Options{Name: "jsonl", NumPrompts: 5, RandomOutputLen: 1}); err == nil || !strings.Contains(err.Error(), "x.jsonl:2: ") {
		t.Errorf("messages without a template: %v", err)
	}
}

func TestConversations(t *testing.T) {
	text := `{"messages": [{"role": "system", "content": "sys"}, {"role": "user", "content": "one two"}, {"role": "assistant", "content": "r1 r1 r1"}, {"role": "user", "content": "three", "think": 1.5, "max_tokens": 8}, {"role": "assistant", "content": "r2"}, {"role": "user", "content": "four"}]}
{"conversations": [{"from": "gpt", "value": "lead"}, {"from": "human", "value": "alone"}, {"from": "gpt", "value": "r"}]}
`
	set, _, err := load(t, "x.jsonl", text, Options{Name: "conversations", Chat: true, RandomOutputLen: 6, NumPrompts: 4, Think: 2})
	if err != nil {
		t.Fatal(err)
	}
	byPrompt := map[string]int{}
	for i, r := range set.Requests {
		byPrompt[r.Prompt] = i
	}
	check := func(prompt string, promptLen, outputLen, number int, think time.Duration) {
		t.Helper()
		r := set.Requests[byPrompt[prompt]]
		if r.Prompt != prompt || r.PromptLen != promptLen || r.OutputLen != outputLen || r.Conversation.Number != number || r.Conversation.Think != think {
			t.Errorf("%q: %+v", prompt, r)
		}
	}
	check("one two", 3, 3, 0, 0)
	check("three", 7, 8, 1, 1500*time.Millisecond)
	check("four", 16, 6, 2, 2*time.Second)
	check("alone", 1, 1, 0, 0)
	got := set.Chat(byPrompt["four"], func(i int) string { return "real " + set.Requests[i].Prompt })
	want := []Message{{"system", "sys"}, {"user", "one two"}, {"assistant", "real one two"}, {"user", "three"}, {"assistant", "real three"}, {"user", "four"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := set.Chat(byPrompt["alone"], nil); !slices.Equal(got, []Message{{"user", "alone"}}) {
		t.Errorf("got %v", got)
	}
	set, _, err = load(t, "x.jsonl", text, Options{Name: "conversations", Chat: true, RandomOutputLen: 6, NumPrompts: 9, MaxTurns: 2})
	if err != nil || len(set.Requests) != 9 || len(set.Notes) == 0 {
		t.Errorf("%v %+v", err, set)
	}
}

func TestTrace(t *testing.T) {
	mooncake := `{"timestamp": 1000, "input_length": 1100, "output_length": 5, "hash_ids": [1, 2, 3]}
{"timestamp": 1500, "input_length": 1300, "output_length": 6, "hash_ids": [1, 2, 4]}
{"timestamp": 3000, "input_length": 100, "output_length": 0, "hash_ids": [9]}
`
	set, _, err := load(t, "x.jsonl", mooncake, Options{Name: "trace", Tokenizer: ids{}, IDs: true, NumPrompts: 10, Speedup: 2})
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := set.Requests[0], set.Requests[1], set.Requests[2]
	if !set.Timed || a.Due != 0 || b.Due != 250*time.Millisecond || c.Due != time.Second {
		t.Errorf("due %v %v %v", a.Due, b.Due, c.Due)
	}
	if len(a.IDs) != 1100 || len(b.IDs) != 1300 || a.PromptLen != 1100 || a.OutputLen != 5 || c.OutputLen != 1 {
		t.Errorf("lengths %d %d", len(a.IDs), len(b.IDs))
	}
	if !slices.Equal(a.IDs[:1024], b.IDs[:1024]) || slices.Equal(a.IDs[1024:1100], b.IDs[1024:1100]) || slices.Equal(a.IDs[:512], a.IDs[512:1024]) {
		t.Error("blocks of the same hash are not the same, or others are")
	}
	small := `{"timestamp": 0, "input_length": 40, "output_length": 1, "hash_ids": ["aa", "bb"]}
{"timestamp": 1, "input_length": 33, "output_length": 1, "hash_ids": ["aa", "cc"]}
`
	set, _, err = load(t, "x.jsonl", small, Options{Name: "trace", Tokenizer: ids{}, IDs: true, NumPrompts: 10})
	if err != nil || !slices.Equal(set.Requests[0].IDs[:16], set.Requests[1].IDs[:16]) || slices.Equal(set.Requests[0].IDs[16:32], set.Requests[1].IDs[16:32]) {
		t.Errorf("blocks of 16: %v", err)
	}
	for name, text := range map[string]string{
		"azure 2023": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.2299600,110,27\n",
		"azure 2024": "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.100000+00:00,4808,10\n2024-05-10 00:00:00.350000+00:00,110,27\n",
		"seconds":    "Timestamp,Model,Request tokens,Response tokens\n5,GPT-4,4808,10\n5.25,GPT-4,110,27\n",
		"unsorted":   "TIMESTAMP,ContextTokens,GeneratedTokens\n7.25,110,27\n7,4808,10\n",
	} {
		set, _, err := load(t, "x.csv", text, Options{Name: "trace", Tokenizer: ids{}, IDs: true, NumPrompts: 10})
		if err != nil || len(set.Requests) != 2 || len(set.Requests[0].IDs) != 4808 || set.Requests[1].OutputLen != 27 || set.Requests[1].Due != 250*time.Millisecond {
			t.Errorf("%s: %v %+v", name, err, set)
		}
	}
}

func TestSyntheticText(t *testing.T) {
	o := Options{Name: "synthetic_text", Tokenizer: words{1000}, NumPrompts: 20, InputLen: 50, RangeRatio: 0.5, RandomOutputLen: 10}
	set, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, r := range set.Requests {
		seen[r.PromptLen] = true
		if r.PromptLen < 25 || r.PromptLen > 75 || len(strings.Fields(r.Prompt)) != r.PromptLen {
			t.Errorf("%d tokens: %q", r.PromptLen, r.Prompt)
		}
	}
	if len(seen) < 5 || len(set.Notes) > 0 {
		t.Errorf("lengths %v, notes %q", seen, set.Notes)
	}
}

// TestHF: files of a directory, and what the settings at the head of a README say.
func TestSplitFiles(t *testing.T) {
	readme := "---\nconfigs:\n- config_name: a(b)\n  data_files:\n  - split: train\n    path: a(b)/train-*\n- config_name: c\n  data_files: c/*.jsonl\n---\ntext"
	for _, c := range []struct {
		names         []string
		readme        string
		subset, split string
		want          string
	}{
		{[]string{"train.jsonl", "README.md"}, "", "", "train", "[train.jsonl]"},
		{[]string{"data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet", "data/test-00000-of-00001.parquet"}, "", "", "train", "[data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet]"},
		{[]string{"data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"}, "", "", "", "a split has to be named; there are test, train"},
		{[]string{"some.json", "dataset_infos.json"}, "", "", "train", "[some.json]"},
		{[]string{"some.json"}, "", "", "test", `there is no split "test"; there are train`},
		{[]string{"dev/a.csv", "training/b.csv"}, "", "", "validation", "[dev/a.csv]"},
		{[]string{"a(b)/train-0.parquet", "c/x.parquet"}, readme, "a(b)", "train", "[a(b)/train-0.parquet]"},
		{[]string{"a(b)/train-0.parquet"}, readme, "", "train", "a subset has to be named; there are a(b), c"},
		{[]string{"a(b)/train-0.parquet"}, readme, "d", "train", `there is no subset "d"`},
		{[]string{"c/x.jsonl", "c/y.jsonl", "z.jsonl"}, readme, "c", "train", "[c/x.jsonl c/y.jsonl]"},
		{[]string{"x.bin"}, "", "", "train", "none of 1 files"},
	} {
		got, err := splitFiles("what", c.names, []byte(c.readme), c.subset, c.split)
		text := fmt.Sprint(got)
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("%v %q %q: %s, want %s", c.names, c.subset, c.split, text, c.want)
		}
	}
}

// TestPipe: a file that can be read once only is kept while it is read.
func TestPipe(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("no /dev/fd here")
	}
	go func() {
		defer w.Close()
		w.WriteString(`[{"conversations":[{"value":"a b c d"},{"value":"a b c d"}]}]`)
	}()
	set, err := Load(t.Context(), Options{Name: "sharegpt", Path: path, NumPrompts: 3, Tokenizer: words{1000}})
	if err != nil || len(set.Requests) != 3 {
		t.Fatal(err)
	}
	if kept, done, err := spool(os.DevNull); err != nil || kept == os.DevNull {
		t.Errorf("%q, %v", kept, err)
	} else {
		done()
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "loadgen-dataset-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDigest: other prompts, in another order or of another length, have other digests.
func TestDigest(t *testing.T) {
	seen := map[string]int{}
	for i, requests := range [][]Request{nil, {{Prompt: "a", OutputLen: 1}}, {{Prompt: "b", OutputLen: 1}}, {{Prompt: "a", OutputLen: 2}}, {{IDs: []int{1, 2}}}, {{IDs: []int{2, 1}}},
		{{Prompt: "a"}, {Prompt: "b"}}, {{Prompt: "b"}, {Prompt: "a"}}, {{Prompt: "ab"}, {}}, {{Images: []string{"a"}}}, {{Messages: []Message{{"user", "a"}}}}, {{Fields: []Field{{"a", "1"}}}}} {
		got := (&Set{Requests: requests}).Digest()
		if before, found := seen[got]; found || got != (&Set{Requests: requests}).Digest() {
			t.Errorf("%d has the digest of %d, or two", i, before)
		}
		seen[got] = i
	}
}

// TestIDStep: with a step above 1 no two prompts begin alike, in one set or in two of different
// steps; the same lengths are drawn, and a step of 1 is the original's.
func TestIDStep(t *testing.T) {
	load := func(o Options) *Set {
		t.Helper()
		o.Name, o.Tokenizer, o.FromIDs, o.IDs, o.InputLen, o.RandomOutputLen, o.RangeRatio, o.Seed = "random", ids{}, true, true, 16, 4, 0.5, 5
		set, err := Load(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	const n = 20000 // of 50,000 ids
	first := map[int]int{}
	begins := map[[2]int]bool{}
	for _, step := range []int{3, 7, 99991} {
		clear(first)
		plain, set := load(Options{NumPrompts: n}), load(Options{NumPrompts: n, IDStep: step})
		for i := range n {
			r := set.At(i)
			if first[r.IDs[0]]++; begins[[2]int(r.IDs[:2])] {
				t.Fatalf("step %d: prompt %d begins as another", step, i)
			}
			begins[[2]int(r.IDs[:2])] = true
			if p := plain.At(i); len(p.IDs) != len(r.IDs) || p.OutputLen != r.OutputLen || (r.IDs[1]-r.IDs[0]+2*50000-step)%50000 != 0 {
				t.Fatalf("step %d: prompt %d is %v", step, i, r.IDs)
			}
		}
		if len(first) != n {
			t.Errorf("step %d: %d different first ids", step, len(first))
		}
	}
	for _, step := range []int{0, 1} {
		a, b := load(Options{NumPrompts: 9}), load(Options{NumPrompts: 9, IDStep: step})
		if !slices.Equal(a.At(8).IDs, b.At(8).IDs) || a.At(8).IDs[1] != (a.At(8).IDs[0]+1)%50000 {
			t.Errorf("step %d: %v", step, b.At(8).IDs)
		}
	}
	if all := load(Options{NumPrompts: 2, IDStep: 50000}).At(0).IDs; all[0] == all[1] {
		t.Errorf("one id again and again: %v", all)
	}
	// More prompts than ids.
	if last := load(Options{NumPrompts: 50001, IDStep: 3}).At(50000).IDs; len(last) == 0 || last[0] < 0 || last[0] >= 50000 {
		t.Errorf("%v", last)
	}
}
