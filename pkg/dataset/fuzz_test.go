package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"loadgen/internal/golden"
)

// FuzzJSON compares with encoding/json: the same texts are JSON, but for what
// Python allows beyond it.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,2.5e-3,-0,"x\n\u00e9\ud83d\ude00"],"b":{"c":null}}`, `[true,false,NaN,-Infinity]`, `"\ud83d"`, `01`, `{"a":1,"a":2}`, "\"a\x01\"", `[1,]`, `{,}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Infinity")) {
			return
		}
		v, bad := parseJSON(text)
		var want any
		err := json.Unmarshal(text, &want)
		if _, ok := err.(*json.UnmarshalTypeError); ok { // a number that no float64 can hold: Python's is infinite
			err = nil
		}
		if (bad == nil) != (err == nil) && !strings.Contains(string(text), strings.Repeat("[", 100)) && !strings.Contains(string(text), strings.Repeat("{", 10)) {
			t.Fatalf("%q: %v, encoding/json says %v", text, bad, err)
		}
		if s, ok := v.(string); ok && bad == nil && utf8.ValidString(s) && s != want {
			t.Errorf("%q: got %q, want %q", text, s, want)
		}
		if bad != nil && (bad.offset < 0 || bad.offset > len(text)) {
			t.Errorf("%q: offset %d", text, bad.offset)
		}
	})
}

// fuzzFile fuzzes a data set's file: no panic, and an error is one of ours.
func fuzzFile(f *testing.F, file string, options Options, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		o := options
		o.NumPrompts, o.Tokenizer, o.Chat, o.RandomOutputLen = 5, words{1000}, true, 3
		if o.Path == "" {
			o.Path = filepath.Join(dir, file)
			if err := os.WriteFile(o.Path, data, 0o666); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(filepath.Join(o.Path, file), data, 0o666); err != nil {
			t.Fatal(err)
		}
		for n := range strings.FieldsFuncSeq(string(data), func(r rune) bool { return r < '0' || r > '9' }) {
			if len(n) > 6 {
				return // lengths of millions only take time
			}
		}
		set, err := Load(t.Context(), o)
		var bad *Error
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%T %v", err, err)
		}
		if err == nil && len(set.Requests) == 0 {
			t.Error("neither requests nor an error")
		}
		if err == nil {
			for _, r := range set.Requests {
				if !utf8.ValidString(r.Prompt) {
					t.Errorf("a prompt is not UTF-8: %q", r.Prompt)
				}
			}
		}
	})
}

func FuzzShareGPT(f *testing.F) {
	fuzzFile(f, "x.json", Options{Name: "sharegpt"}, `[{"conversations":[{"value":"a b c d"},{"value":"a b c d"}]}]`, "[", "\xef\xbb\xbf[]", `[{"conversations":5}]`, "\x1f\x8b", "\x28\xb5\x2f\xfd")
}

func FuzzCustom(f *testing.F) {
	fuzzFile(f, "x.jsonl", Options{Name: "trtllm_custom"}, `{"input":{"messages":[{},{"content":"a"}],"max_tokens":5,"num_tokens":3}}`, `{"input":{"messages":[{},{"content":[1,2]}],"max_tokens":5}}`, "\n")
}

func FuzzJSONL(f *testing.F) {
	fuzzFile(f, "x.jsonl", Options{Name: "jsonl"}, `{"prompt":"a","body":{"x":[1]}}`, `{"messages":[{"role":"user","content":"a"}],"images":["http://x"]}`, `{"prompt":[1,2]}`)
}

func FuzzConversations(f *testing.F) {
	fuzzFile(f, "x.jsonl", Options{Name: "conversations"}, `{"messages":[{"role":"user","content":"a","think":1}]}`, `[{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}]`)
}

func FuzzTrace(f *testing.F) {
	fuzzFile(f, "x.jsonl", Options{Name: "trace"}, `{"timestamp": 1, "input_length": 20, "output_length": 2, "hash_ids": [1, "a"]}`, `[{"time":"2023-11-16 18:17:03.97","input_length":1,"output_length":1}]`)
}

func FuzzCSV(f *testing.F) {
	fuzzFile(f, "x.csv", Options{Name: "burstgpt"}, "Timestamp,Model,Request tokens,Response tokens\n1,GPT-4,5,6\n", "a,\"b\n", "Model,Response tokens,a,b\nGPT-4,1,,\n")
}

func FuzzParquet(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "lmarena-ai", "VisionArena-Chat")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(golden.TestData("golden", "datasets", "hf", "lmarena-ai", "VisionArena-Chat", "data", "train-00000-of-00001.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	fuzzFile(f, "train.parquet", Options{Name: "hf", Path: dir}, string(data), string(data[:len(data)/2]), "PAR1PAR1")
}

func FuzzImage(f *testing.F) {
	for _, s := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0", "RIFF\x24\x00\x00\x00WEBPVP8 ", "GIF89a", "hello"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		url, err := imageURL(position{file: "x", row: 1}, data)
		if (err == nil) == (url == "") {
			t.Errorf("%q %v", url, err)
		}
	})
}
