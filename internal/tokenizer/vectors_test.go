package tokenizer

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

// vectors is what a reference library makes of a small tokenizer; see
// testdata/tokenizers/make_vectors.py.
type vectors struct {
	Files     map[string]string
	VocabSize int `json:"vocab_size"`
	Kind      string
	Encode    [][3]json.RawMessage
	Decode    [][3]json.RawMessage
}

func readVectors(t testing.TB, path string) *vectors {
	t.Helper()
	var v vectors
	readGzip(t, path, &v)
	return &v
}

// readGzip decodes a compressed JSON file into v.
func readGzip(t testing.TB, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// directory writes the tokenizer's files.
func (v *vectors) directory(t testing.TB) string {
	dir := t.TempDir()
	for name, text := range v.Files {
		data := []byte(text)
		if name == "tokenizer.model" {
			data, _ = base64.StdEncoding.DecodeString(text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// smallTokenizers are the files with vectors: those of testdata, or those of a directory
// that make_vectors.py or make_random.py wrote.
func smallTokenizers(t testing.TB) []string {
	if dir := os.Getenv("LOADGEN_TOKENIZERS"); dir != "" {
		return golden.Glob(t, filepath.Join(dir, "*.json.gz"))
	}
	return golden.Glob(t, golden.TestData("tokenizers", "small", "*.json.gz"))
}

// TestVectors compares every kind of tokenizer with the library that it comes
// from: tokenizers, transformers, sentencepiece, tiktoken and mistral-common.
func TestVectors(t *testing.T) {
	total := 0
	for _, path := range smallTokenizers(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".json.gz")
		t.Run(name, func(t *testing.T) {
			v := readVectors(t, path)
			tok, err := Find(v.directory(t), noEnv)
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			wrong := func(format string, args ...any) {
				if bad++; bad <= 4 {
					t.Errorf(format, args...)
				}
			}
			for _, c := range v.Encode {
				var text string
				var ids, plain []int
				read(t, c[0], &text)
				read(t, c[1], &ids)
				read(t, c[2], &plain)
				if got := tok.Encode(text, true); !slices.Equal(got, ids) {
					wrong("encode %.90q:\n got %v\nwant %v\n got %q\nwant %q", text, got, ids, tok.Decode(got, false), tok.Decode(ids, false))
				}
				if got := tok.Encode(text, false); !slices.Equal(got, plain) {
					wrong("encode plainly %.90q:\n got %v\nwant %v", text, got, plain)
				}
			}
			for _, c := range v.Decode {
				var ids []int
				var text, skip string
				read(t, c[0], &ids)
				read(t, c[1], &text)
				read(t, c[2], &skip)
				if got := tok.Decode(ids, false); got != text {
					wrong("decode %v:\n got %q\nwant %q", ids, got, text)
				}
				if got := tok.Decode(ids, true); got != skip {
					wrong("decode %v without special tokens:\n got %q\nwant %q", ids, got, skip)
				}
			}
			if bad > 4 {
				t.Errorf("%d more", bad-4)
			}
			total += len(v.Encode) + len(v.Decode)
		})
	}
	if total == 0 {
		t.Error("there is nothing to compare with")
	}
	t.Logf("%d texts and id lists", total)
}

func read(t testing.TB, data json.RawMessage, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
