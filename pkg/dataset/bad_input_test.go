package dataset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// load loads a data set whose file holds text.
func load(t *testing.T, file, text string, o Options) (*Set, string, error) {
	t.Helper()
	o.Path = filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(o.Path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if o.Tokenizer == nil {
		o.Tokenizer = words{1000}
	}
	if o.NumPrompts == 0 {
		o.NumPrompts = 3
	}
	set, err := Load(t.Context(), o)
	return set, o.Path, err
}

// TestBadInput: every message names the file and the line, what was found, and
// where there is one the right form; never a Go type.
func TestBadInput(t *testing.T) {
	const good = `{"input":{"messages":[{"content":"s"},{"content":"a b c d"}],"max_tokens":5}}` + "\n"
	const talk = `{"conversations":[{"value":"a b c d"},{"value":"a b c d"}]}`
	for _, c := range []struct {
		name, data, file, text string
		kind                   Kind
		line                   int // 0: no line is named
		want                   []string
	}{
		{"blank line", "trtllm_custom", "x.jsonl", good + "\n" + good, Malformed, 2, []string{"blank", `"max_tokens"`}},
		{"array for lines", "trtllm_custom", "x.jsonl", "[" + strings.TrimSpace(good) + "]", Malformed, 1, []string{"JSON list", "each line"}},
		{"no input", "trtllm_custom", "x.jsonl", `{"prompt":"a"}`, Malformed, 1, []string{`no "input"`}},
		{"one message", "trtllm_custom", "x.jsonl", `{"input":{"messages":[{"content":"a"}],"max_tokens":5}}`, Malformed, 1, []string{"1 of at least 2 messages"}},
		{"no content", "trtllm_custom", "x.jsonl", `{"input":{"messages":[{},{}],"max_tokens":5}}`, Malformed, 1, []string{"has no content"}},
		{"content is no text", "trtllm_custom", "x.jsonl", `{"input":{"messages":[{},{"content":["a"]}],"max_tokens":5}}`, Malformed, 1, []string{"no text"}},
		{"no max_tokens", "trtllm_custom", "x.jsonl", `{"input":{"messages":[{},{"content":"a"}]}}`, Malformed, 1, []string{`no "max_tokens"`}},
		{"max_tokens is text", "trtllm_custom", "x.jsonl", `{"input":{"messages":[{},{"content":"a"}],"max_tokens":"5"}}`, Malformed, 1, []string{`the text "5"`}},
		{"empty", "trtllm_custom", "x.jsonl", "", Empty, 0, []string{"empty"}},
		{"cut off", "trtllm_custom", "x.jsonl", good + `{"input":{"mess`, Malformed, 2, []string{"column 11", "no closing quote"}},
		{"latin-1", "trtllm_custom", "x.jsonl", good + good + strings.Replace(good, "a b", "caf\xe9", 1), Malformed, 3, []string{"0xe9", "UTF-8", "caf"}},
		{"half a surrogate", "trtllm_custom", "x.jsonl", strings.Replace(good, "a b", `\ud83d`, 1), Malformed, 1, []string{"surrogate", "ud83d"}},

		{"object for list", "sharegpt", "x.json", "\n\n5", Malformed, 3, []string{`"5"`, "list"}},
		{"truncated", "sharegpt", "x.json", "[\n" + talk + ",\n" + talk[:30], Malformed, 3, []string{"cut off"}},
		{"no end", "sharegpt", "x.json", "[\n" + talk + "\n", Malformed, 3, []string{"cut off after 1 entries"}},
		{"no comma", "sharegpt", "x.json", "[" + talk + "\n" + talk + "]", Malformed, 2, []string{`"{"`, `","`}},
		{"text after", "sharegpt", "x.json", "[" + talk + "]\n]", Malformed, 2, []string{"after the end"}},
		{"bad JSON", "sharegpt", "x.json", "[{\"conversations\":\n [{'value':1}]}]", Malformed, 2, []string{"column 4", "key in quotes"}},
		{"turn without value", "sharegpt", "x.json", `[{"conversations":[{"value":"a"},{}]}]`, Malformed, 1, []string{`turn 2 has no "value"`}},
		{"turn of a number", "sharegpt", "x.json", `[{"conversations":[{"value":7},{"value":"a"}]}]`, Malformed, 1, []string{"the number 7"}},
		{"turns are text", "sharegpt", "x.json", `[{"conversations":"hello"}]`, Malformed, 1, []string{`the text "hello"`}},
		{"entry is text", "sharegpt", "x.json", `["hello"]`, Malformed, 1, []string{`the text "hello"`}},
		{"one turn", "sharegpt", "x.json", `[{"conversations":[{"value":"a"}]}]`, Empty, 0, []string{"no conversation has two turns"}},
		{"all too short", "sharegpt", "x.json", `[{"conversations":[{"value":"a"},{"value":"b"}]}]`, Empty, 0, []string{"nothing is left", "1 conversations", "4 to 1024 tokens in"}},
		{"empty file", "sharegpt", "x.json", "", Malformed, 1, []string{"empty"}},
		{"UTF-16", "sharegpt", "x.json", "\xff\xfe[\x00]\x00", Malformed, 1, []string{"UTF-16"}},
		{"not gzip", "sharegpt", "x.json.gz", "\x1f\x8bhello there", Unreadable, 0, []string{"gzip"}},
		{"deep", "sharegpt", "x.json", "[" + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "]", Malformed, 1, []string{"levels of nesting"}},

		{"no columns", "burstgpt", "x.csv", "a,b\n1,2\n", Malformed, 1, []string{`"Model"`, "the columns are a,b"}},
		{"no number", "burstgpt", "x.csv", "Timestamp,Model,Request tokens,Response tokens\n1,GPT-4,5,6\n2,GPT-4,5,six\n", Malformed, 3, []string{`"six"`, "not a number"}},
		{"no length", "burstgpt", "x.csv", "Timestamp,Model,Request tokens,Response tokens\n1,GPT-4,,6\n", Malformed, 2, []string{"Request tokens", "not a length"}},
		{"ragged", "burstgpt", "x.csv", "Timestamp,Model,Request tokens,Response tokens\n1,GPT-4\n", Malformed, 2, []string{"number of fields"}},
		{"all filtered", "burstgpt", "x.csv", "Timestamp,Model,Request tokens,Response tokens\n1,ChatGPT,5,6\n2,GPT-4,5,0\n", Empty, 0, []string{"none of the 2 rows", "GPT-4"}},
		{"latin-1 in CSV", "burstgpt", "x.csv", "Timestamp,Model,Request tokens,Response tokens\n1,GPT-\xe9,5,6\n", Malformed, 2, []string{"0xe9"}},
		{"empty CSV", "burstgpt", "x.csv", "", Malformed, 1, []string{"empty"}},

		{"empty poem", "sonnet", "x.txt", "", Empty, 0, []string{"empty"}},
		{"latin-1 poem", "sonnet", "x.txt", "a\nb\xff\n", Malformed, 2, []string{"0xff"}},

		{"no prompt", "jsonl", "x.jsonl", `{"question":"a"}`, Malformed, 1, []string{"question", `"prompt"`}},
		{"prompt of a number", "jsonl", "x.jsonl", "{\"prompt\":\"a\"}\n{\"prompt\":5}", Malformed, 2, []string{"the number 5"}},
		{"negative length", "jsonl", "x.jsonl", `{"prompt":"a","max_tokens":-1}`, Malformed, 1, []string{"max_tokens", "-1"}},
		{"body is text", "jsonl", "x.jsonl", `{"prompt":"a","body":"x"}`, Malformed, 1, []string{`"body"`}},
		{"messages without role", "jsonl", "x.jsonl", `{"messages":[{"content":"a"}]}`, Malformed, 1, []string{`"role"`}},
		{"not Parquet", "jsonl", "x.parquet", "PAR1 this is none PAR1", Malformed, 0, []string{"Parquet"}},

		{"no timestamp", "trace", "x.jsonl", `{"input_length":1,"output_length":1}`, Malformed, 1, []string{`"timestamp"`, "hash_ids"}},
		{"bad timestamp", "trace", "x.jsonl", `{"timestamp":"soon","input_length":1,"output_length":1}`, Malformed, 1, []string{`"soon"`}},
		{"bad length", "trace", "x.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n1,x,2\n", Malformed, 2, []string{"input_length"}},
		{"bad hashes", "trace", "x.jsonl", `{"timestamp":1,"input_length":1,"output_length":1,"hash_ids":[{}]}`, Malformed, 1, []string{"hash_ids"}},
		{"no block size", "trace", "x.jsonl", `{"timestamp":1,"input_length":100,"output_length":1,"hash_ids":[1,2,3,4,5,6,7,8,9,10,11]}`, BadOption, 0, []string{"block size"}},
		{"empty trace", "trace", "x.jsonl", "\n", Malformed, 2, []string{"empty"}},

		{"no user", "conversations", "x.jsonl", `{"messages":[{"role":"assistant","content":"a"}]}`, Empty, 0, []string{"none of 1 conversations"}},
		{"odd role", "conversations", "x.jsonl", `{"messages":[{"role":"robot","content":"a"}]}`, Malformed, 1, []string{`"robot"`}},
		{"bad think time", "conversations", "x.jsonl", `{"messages":[{"role":"user","content":"a","think":-1}]}`, Malformed, 1, []string{"think", "-1"}},
	} {
		t.Run(c.data+" "+c.name, func(t *testing.T) {
			_, path, err := load(t, c.file, c.text, Options{Name: c.data, Chat: true, RandomOutputLen: 5, SonnetInputLen: 50, SonnetOutputLen: 5,
				Template: func(m []Message) (string, error) { return m[0].Content, nil }})
			var bad *Error
			if !errors.As(err, &bad) {
				t.Fatalf("got %v", err)
			}
			if bad.Kind != c.kind || bad.Line != c.line || bad.File != path {
				t.Errorf("kind %d, line %d, file %s of %v; want %d, %d, %s", bad.Kind, bad.Line, bad.File, err, c.kind, c.line, path)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
			for _, gone := range []string{"interface", "map[", "struct", "Go ", "invalid character", "dataset.", "panic"} {
				if strings.Contains(err.Error(), gone) {
					t.Errorf("%v\nholds %q", err, gone)
				}
			}
		})
	}
}

// TestBadOptions: options that are out of range or missing.
func TestBadOptions(t *testing.T) {
	three, none := 3, 0
	for want, o := range map[string]Options{
		"there is no data set":       {Name: "x"},
		"must not be negative":       {Name: "jsonl", NumPrompts: -1},
		"are too many":               {Name: "burstgpt", NumPrompts: 1 << 30},
		"more than a machine holds":  {Name: "random", NumPrompts: 1 << 30, FromIDs: true},
		"an output of 0 tokens":      {Name: "sharegpt", OutputLen: &none},
		"needs a file":               {Name: "burstgpt"},
		"needs a ShareGPT file":      {Name: "random", NumPrompts: three},
		"needs the id of a data set": {Name: "hf"},
		"is not one that can be":     {Name: "hf", Path: "a/b"},
		"cannot read the data set":   {Name: "trtllm_custom", Path: "/nonexistent/x"},
		"is a directory":             {Name: "sharegpt", Path: t.TempDir()},
		"only supported on":          {Name: "random_image"},
		"out of range (1 to 16384":   {Name: "random_image", Chat: true, ImageWidth: -1},
		"make no prompt":             {Name: "prefix_repetition", Groups: 2},
		"prefixes are out of range":  {Name: "prefix_repetition"},
		"needs a chat template":      {Name: "sonnet", Path: "dataset.go"},
		"to a chat endpoint only":    {Name: "conversations", Path: "dataset.go"},
		"a speed-up of -1":           {Name: "trace", Path: "dataset.go", Speedup: -1},
		"an input of 0 tokens":       {Name: "synthetic_text", NumPrompts: 1},
	} {
		o.Tokenizer = words{1000}
		_, err := Load(t.Context(), o)
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
		if err != nil && strings.Contains(err.Error(), "--") && !strings.Contains(err.Error(), "Multi-modal") {
			t.Errorf("a flag is named: %v", err)
		}
	}
}

// TestCompressed: gzip and zstd, whole and cut off, and a byte order mark.
func TestCompressed(t *testing.T) {
	text := "\xef\xbb\xbf" + strings.Repeat(`{"prompt":"hello world"}`+"\n", 5000)
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write([]byte(text))
	w.Close()
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	z.Write([]byte(text))
	z.Close()
	for name, data := range map[string]string{"x.jsonl": text, "x.jsonl.gz": gz.String(), "x.jsonl.zst": zs.String()} {
		set, _, err := load(t, name, data, Options{Name: "jsonl", NumPrompts: 5000, RandomOutputLen: 1})
		if err != nil || len(set.Requests) != 5000 || set.Requests[4999].Prompt != "hello world" {
			t.Errorf("%s: %v", name, err)
		}
		if name == "x.jsonl" {
			continue
		}
		_, path, err := load(t, name, data[:len(data)-9], Options{Name: "jsonl", NumPrompts: 5001, RandomOutputLen: 1})
		var bad *Error
		if !errors.As(err, &bad) || bad.File != path {
			t.Errorf("%s cut off: %v", name, err)
		}
	}
}
