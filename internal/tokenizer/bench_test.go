package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

// mixedText is English, Go and the texts of the golden tests, 0.4 MB of it, as
// bench/tokenizer_speed.py puts it together.
func mixedText(t testing.TB) string {
	t.Helper()
	root := filepath.Dir(filepath.Dir(golden.TestData("x")))
	paths, _ := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	source, _ := filepath.Glob(filepath.Join(root, "pkg", "dataset", "*.go"))
	var all strings.Builder
	for _, path := range append(append(paths, source...), golden.TestData("golden", "tokenizers", "texts.json")) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

// BenchmarkKinds encodes the same text with every kind of tokenizer; the speed is by
// processor time, which other work on the machine hardly changes.
func BenchmarkKinds(b *testing.B) {
	text := mixedText(b)
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
			start := processorTime(b)
			for b.Loop() {
				tok.Encode(text, false)
			}
			b.ReportMetric(float64(len(text))*float64(b.N)/(processorTime(b)-start).Seconds()/1e6, "cpu-MB/s")
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
