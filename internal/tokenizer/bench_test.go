package tokenizer

import (
	"path/filepath"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

// BenchmarkKinds encodes the same text with every kind of tokenizer.
func BenchmarkKinds(b *testing.B) {
	dirs := map[string]func() string{}
	for _, name := range []string{"llama2", "gemma3", "gptoss", "qwen3", "deepseek_v3"} {
		dirs[name] = func() string { return golden.Tokenizer(b, name) }
	}
	for _, name := range []string{"wordpiece_bert", "unigram_t5", "spm_unigram", "spm_bpe", "tekken", "tiktoken_kimi"} {
		dirs[name] = func() string {
			return readVectors(b, golden.TestData("tokenizers", "small", name+".json.gz")).directory(b)
		}
	}
	for name, dir := range dirs {
		tok, err := Find(filepath.Clean(dir()), noEnv)
		if err != nil {
			b.Fatal(err)
		}
		tok.Encode("x", false)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(benchText)))
			for b.Loop() {
				tok.Encode(benchText, false)
			}
		})
		b.Run(name+"/letter", func(b *testing.B) {
			text := strings.Repeat("a", 1<<20)
			b.SetBytes(1 << 20)
			for b.Loop() {
				tok.Encode(text, false)
			}
		})
	}
}
