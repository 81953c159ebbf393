package tokenizer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

func writeFiles(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOtherDirectories names what a directory holds that is no tokenizer.
func TestOtherDirectories(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"holds nothing":     {},
		"model.safetensors": {"model.safetensors": "x", "config.json": "{}"},
		"holds vocab.json":  {"vocab.json": "{}"},
		"tokenizer_class \"ClipTokenizer\" is not known": {"vocab.json": "{}", "merges.txt": "", "tokenizer_config.json": `{"tokenizer_class":"ClipTokenizer"}`},
		"tekken.json: its vocabulary has 0 tokens":       {"tekken.json": `{"config":{"pattern":"x","default_vocab_size":4,"default_num_special_tokens":1},"vocab":[]}`},
		"not a SentencePiece model":                      {"tokenizer.model": "\x00\x01\x02"},
		"line 1 is \"nonsense\"":                         {"tiktoken.model": "nonsense\n"},
		"the family of the model":                        {"tiktoken.model": "IQ== 0\n"},
		"tokenizer_config.json: line 2":                  {"tokenizer.json": "{}", "tokenizer_config.json": "{\n]"},
		"whose ids are not those of the file":            {"spiece.model": "x", "tokenizer_config.json": `{"tokenizer_class":"XLMRobertaTokenizer"}`},
	} {
		_, err := Find(writeFiles(t, files), noEnv)
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(strings.ReplaceAll(err.Error(), " is not a tokenizer_config.json", ""), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "--") {
			t.Errorf("the message names a flag: %v", err)
		}
	}
	var kind *KindError
	if _, err := Find(t.TempDir(), noEnv); !errors.As(err, &kind) {
		t.Errorf("%v, want a KindError", err)
	}
}

// TestUnreadableCache holds that the cache never stops the built-in vocabulary.
func TestUnreadableCache(t *testing.T) {
	home := writeFiles(t, map[string]string{
		"hub/models--llama3/refs/main/x": "", "hub/models--meta-llama--Llama-3.1-8B/refs/main/x": "", "hub/models--Qwen--Qwen3-8B/refs/main/x": "", // a directory cannot be read as a file
	})
	snapshot := "hub/models--meta-llama--Llama-3.2-1B/snapshots/s/"
	broken := writeFiles(t, map[string]string{"hub/models--meta-llama--Llama-3.2-1B/refs/main": "s", snapshot + "tokenizer.json": `{"model": {`})
	env := func(name string) string { return map[string]string{"HF_HOME": broken}[name] }
	if tok, err := Find("meta-llama/Llama-3.2-1B", env); err != nil || tok.VocabSize() != llama3Vocab {
		t.Errorf("a truncated file in the cache: %v", err)
	}
	env = func(name string) string { return map[string]string{"HF_HOME": home}[name] }
	for _, name := range []string{"llama3", "meta-llama/Llama-3.1-8B"} {
		if tok, err := Find(name, env); err != nil || tok.VocabSize() != llama3Vocab {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Find("Qwen/Qwen3-8B", env); err == nil || !strings.Contains(err.Error(), "cache") {
		t.Errorf("%v, want an error about the cache", err)
	}
}

func TestCustom(t *testing.T) {
	tekken := readVectors(t, golden.TestData("tokenizers", "small", "tekken.json.gz")).directory(t)
	if tok, err := Custom("mistral_common", tekken, noEnv); err != nil || filepath.Base(tok.Name) != "tekken.json" {
		t.Errorf("%v", err)
	}
	if tok, err := Custom("deepseek_v32", golden.Tokenizer(t, "deepseek_v3"), noEnv); err != nil || tok.VocabSize() != 128000 {
		t.Errorf("%v", err)
	}
	var alias *AliasError
	if tok, err := Custom("deepseek_v32", "llama3", noEnv); err != nil || tok.Name != Llama3Name {
		t.Errorf("the vocabulary that is built in, by its name: %v", err)
	}
	if _, err := Custom("my.module.Tokenizer", tekken, noEnv); !errors.As(err, &alias) || alias.Alias != "my.module.Tokenizer" || !alias.Python {
		t.Errorf("%v, want an AliasError for Python", err)
	}
	if name, err := Alias("Mistral-Common"); name != "mistral_common" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := Custom("deepseek_v32", tekken, noEnv); err == nil || !strings.Contains(err.Error(), "tekken.json") {
		t.Errorf("%v, want what the directory holds", err)
	}
	if _, err := Custom("other", tekken, noEnv); err == nil || !strings.Contains(err.Error(), "mistral_common") {
		t.Errorf("%v, want the aliases there are", err)
	}
}

// TestSlow prefers the files of the slow tokenizers.
func TestSlow(t *testing.T) {
	dir := readVectors(t, golden.TestData("tokenizers", "small", "spm_bpe_llama.json.gz")).directory(t)
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if tok, err := Slow(dir, noEnv); err != nil || filepath.Base(tok.Name) != "tokenizer.model" {
		t.Errorf("%v", err)
	}
	if tok, err := Slow("llama3", noEnv); err != nil || tok.VocabSize() != llama3Vocab {
		t.Errorf("%v", err)
	}
}

func TestVocabSize(t *testing.T) {
	for text, want := range map[string]int{
		`{"vocab_size": 32000}`: 32000, `{"text_config": {"vocab_size": 7}}`: 7, `{}`: 0, `{`: 0, `{"vocab_size":"x"}`: 0,
	} {
		got, err := VocabSize(writeFiles(t, map[string]string{"config.json": text}), noEnv)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	home := writeFiles(t, map[string]string{"hub/models--a--b/refs/main": "s", "hub/models--a--b/snapshots/s/config.json": `{"vocab_size": 9}`})
	env := func(name string) string { return map[string]string{"HF_HOME": home}[name] }
	if got, err := VocabSize("a/b", env); got != 9 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := VocabSize("a/c", env); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}

// FuzzFiles reads foreign tokenizer files: no panic, and what can be read encodes.
func FuzzFiles(f *testing.F) {
	names := []string{"tokenizer.json", "tokenizer.model", "tiktoken.model", "tekken.json", "tokenizer_config.json"}
	for _, name := range []string{"wordpiece_bert", "decoder_ctc", "unigram_plain", "spm_bpe_llama", "tiktoken_kimi"} {
		for file, text := range readVectors(f, golden.TestData("tokenizers", "small", name+".json.gz")).Files {
			for i, n := range names {
				if n == file && len(text) < 1<<16 {
					f.Add(uint8(i), []byte(text))
				}
			}
		}
	}
	f.Add(uint8(0), []byte(`{"model":{"type":"Unigram","vocab":[["a",-1]]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAAA"}}`))
	f.Add(uint8(1), []byte("\x0a\x07\x0a\x01a\x15\x00\x00\x80\xbf"))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		name := names[int(kind)%len(names)]
		dir := writeFiles(t, map[string]string{name: string(data)})
		tok, err := Find(dir, noEnv)
		if err != nil {
			return
		}
		for _, text := range []string{"Hello,  wörld! 12", "\xff\x00▁<s>", strings.Repeat("a ", 50)} {
			tok.Decode(tok.Encode(text, true), false)
		}
	})
}
