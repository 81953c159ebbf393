package tokenizer

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"loadgen/internal/golden"
)

var update = flag.Bool("update", false, "write llama3.bin anew from the test data")

func noEnv(string) string { return "" }

// goldenTokenizer is what Hugging Face made of texts and ids.
type goldenTokenizer struct {
	VocabSize int  `json:"vocab_size"`
	CleanUp   bool `json:"clean_up_tokenization_spaces"`
	Encode    []struct {
		Text  int
		IDs   []int
		Plain any
	}
	Decode []struct {
		IDs       []int
		Text      string
		Skip      string  `json:"text_skip_special"`
		NoCleanUp *string `json:"text_no_cleanup"`
	}
}

// check compares a tokenizer with them.
func (g *goldenTokenizer) check(t *testing.T, tok *Tokenizer, texts []string) {
	t.Helper()
	if tok.VocabSize() != g.VocabSize || tok.cleanUp != g.CleanUp {
		t.Errorf("vocabulary of %d, clean-up %v; want %d, %v", tok.VocabSize(), tok.cleanUp, g.VocabSize, g.CleanUp)
	}
	for _, c := range g.Encode {
		text := texts[c.Text]
		if got := tok.Encode(text, true); !slices.Equal(got, c.IDs) {
			t.Errorf("encode %.60q:\n got %v\nwant %v", text, got, c.IDs)
		}
		plain := c.IDs
		switch p := c.Plain.(type) {
		case string:
			if p == "without the first" {
				plain = plain[1:]
			}
		case []any:
			plain = nil
			for _, id := range p {
				plain = append(plain, int(id.(float64)))
			}
		}
		if got := tok.Encode(text, false); !slices.Equal(got, plain) {
			t.Errorf("encode plainly %.60q:\n got %v\nwant %v", text, got, plain)
		}
	}
	for _, c := range g.Decode {
		if got := tok.Decode(c.IDs, false); got != c.Text {
			t.Errorf("decode %v:\n got %q\nwant %q", c.IDs, got, c.Text)
		}
		if got := tok.Decode(c.IDs, true); got != c.Skip {
			t.Errorf("decode %v without special tokens:\n got %q\nwant %q", c.IDs, got, c.Skip)
		}
		if c.NoCleanUp != nil {
			tok.cleanUp = false
			if got := tok.Decode(c.IDs, false); got != *c.NoCleanUp {
				t.Errorf("decode %v without clean-up:\n got %q\nwant %q", c.IDs, got, *c.NoCleanUp)
			}
			tok.cleanUp = g.CleanUp
		}
	}
}

func TestGoldenTokenizers(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	var texts []string
	golden.Read(t, filepath.Join(golden.Dir(t, "tokenizers"), "texts.json"), &texts)
	total := 0
	for _, file := range golden.Files(t, "tokenizers", "*.json") {
		name := golden.Name(file)
		if name == "texts" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var g goldenTokenizer
			golden.Read(t, file, &g)
			tok := Llama3()
			if name != "llama3" {
				var err error
				if tok, err = Find(golden.Tokenizer(t, name), noEnv); err != nil {
					t.Fatal(err)
				}
			}
			g.check(t, tok, texts)
			total += len(g.Encode) + len(g.Decode)
		})
	}
	if total == 0 {
		t.Error("there is nothing to compare with")
	}
	t.Logf("%d texts and id lists", total)
}

// textsFrom are the tokens of a vocabulary from an id on.
func textsFrom(v *vocabulary, id int) (texts []string) {
	for ; id < v.len(); id++ {
		texts = append(texts, v.of(id))
	}
	return texts
}

// TestLlama3Table checks the built-in vocabulary against the test data; with
// -update it is written anew.
func TestLlama3Table(t *testing.T) {
	tok, err := Find(golden.Tokenizer(t, "llama3_1"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	own := Llama3()
	if *update {
		var table []byte
		for _, token := range slices.Concat(tok.tokens.list[:llama3Vocab], textsFrom(&own.tokens, llama3Vocab)) {
			table = append(append(table, byte(len(token))), token...)
		}
		if err := os.WriteFile("llama3.bin", table, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(textsFrom(&own.tokens, 0)[:llama3Vocab], tok.tokens.list[:llama3Vocab]) || own.tokens.len() != llama3Vocab+256 {
		t.Error("the built-in vocabulary is not that of the test data")
	}
	// Without a list of merges, the built-in model must merge as the list says.
	own.Encode("x", false)
	ownModel, listModel := own.model.(*bpe), tok.model.(*bpe)
	for p, m := range listModel.merges {
		if _, id := ownModel.rank(int32(p>>32), int32(uint32(p)), tok.tokens.of(int(p>>32))+tok.tokens.of(int(uint32(p)))); id != m.id {
			t.Fatalf("%v makes %d, want %d", p, id, m.id)
		}
	}
	listModel.ignoreMerges, ownModel.ignoreMerges = false, false
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		word := make([]byte, 1+rng.IntN(60))
		for i := range word {
			word[i] = "aab \xe2\x82xn"[rng.IntN(8)]
		}
		a, b := ownModel.encode(nil, string(word), &scratch{}), listModel.encode(nil, string(word), &scratch{})
		if !slices.Equal(a, b) {
			t.Fatalf("%q: %v without the list of merges, %v with it", word, a, b)
		}
	}
}

func TestLlama3Names(t *testing.T) {
	for name, want := range map[string]bool{
		"meta-llama/Meta-Llama-3-8B-Instruct": true, "meta-llama/Llama-3.1-8B": true, "Llama-3.2-1B-Instruct-FP8": true,
		"nvidia/Llama-3.3-70B-Instruct-FP4": true, "/models/llama3-8b": true, "llama3.1": true, "llama-3.1": true, "engine_llama3_fp16_2gpu": true,
		"deepseek-ai/DeepSeek-R1-Distill-Llama-8B": true, "NousResearch/Hermes-3-Llama-3.1-8B": true, "llama_3_1_8b": true,
		"Llama3": true, "llama-3": true, "meta_llama3_8b": true, "nvidia/Llama-3_3-Nemotron-Super-49B-v1": true,
		"meta-llama/Llama-4-Scout-17B-16E": false, "meta-llama/Llama-2-7b-hf": false, "open_llama_3b": false, "llama-30b": false, "llama3b": false,
		"codellama-34b": false, "TinyLlama-1.1B": false, "Qwen/Qwen3-8B": false, "gpt2": false, "llama-3.5-8b": false, "llama-33b": false, "llama-3b": false, "": false,
	} {
		if got := IsLlama3(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// TestOneLetterIsLinear encodes what an algorithm whose time grows with the square
// of a word's length would take far longer for.
func TestOneLetterIsLinear(t *testing.T) {
	const size, most = 1 << 17, 5 * time.Second
	tok := Llama3()
	for _, text := range []string{"a", " ", "\n", "A", "1", "<", "é", "' "} {
		start := processorTime(t)
		ids := tok.Encode(strings.Repeat(text, size/len(text)), false)
		if took := processorTime(t) - start; took > most || len(ids) == 0 {
			t.Errorf("%d bytes of %q took %v", size, text, took)
		}
	}
}

// processorTime is what the process has used: unlike the clock, it does not
// count what a busy machine gives to others.
func processorTime(t testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func TestFindInTheCache(t *testing.T) {
	src := golden.Tokenizer(t, "qwen3")
	home := t.TempDir()
	env := func(name string) string { return map[string]string{"HF_HOME": home}[name] }
	if _, err := Find("Qwen/Qwen3-8B", env); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	repo := filepath.Join(home, "hub", "models--Qwen--Qwen3-8B")
	snapshot := filepath.Join(repo, "snapshots", "abc123")
	for _, dir := range []string{filepath.Join(repo, "refs"), filepath.Dir(snapshot)} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(src, snapshot); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"", "abc123\n"} { // a pinned revision has no refs/main
		if ref != "" {
			os.WriteFile(filepath.Join(repo, "refs", "main"), []byte(ref), 0o666)
		}
		tok, err := Find("Qwen/Qwen3-8B", env)
		if err != nil || tok.VocabSize() != 151643 {
			t.Errorf("%v %v", tok, err)
		}
	}
	if tok, err := Find("meta-llama/Llama-3.1-8B", env); err != nil || tok.VocabSize() != llama3Vocab {
		t.Errorf("no built-in vocabulary for its family: %v", err)
	}
	if _, err := Find("./no/such/Llama-3-8B", env); err == nil {
		t.Error("a path that is not there is found")
	}
}

func TestBrokenFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no JSON": "{", "a list": "[]", "no model": "{}",
		"unigram":       `{"model":{"type":"Unigram","vocab":{}}}`,
		"other model":   `{"model":{"type":"Other","vocab":{"a":0}}}`,
		"other decoder": `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"decoder":{"type":"Other"}}`,
		"other pre":     `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Other"}}`,
		"other norm":    `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Other"}}`,
		"other post":    `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"post_processor":{"type":"Other"}}`,
		"charsmap":      `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA/w=="}}`,
		"no unknown":    `{"model":{"type":"WordPiece","vocab":{"a":0},"unk_token":"[UNK]"}}`,
		"a bad score":   `{"model":{"type":"Unigram","vocab":[["a","b"]]}}`,
		"bad id":        `{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]},"decoder":{"type":"ByteLevel"}}`,
		"huge id":       `{"model":{"type":"BPE","vocab":{"a":2000000000},"merges":[]},"decoder":{"type":"ByteLevel"}}`,
		"bad merge":     `{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]},"decoder":{"type":"ByteLevel"}}`,
		"odd merge":     `{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]},"decoder":{"type":"ByteLevel"}}`,
		"bad pattern":   `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"decoder":{"type":"ByteLevel"},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}}`,
	} {
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		os.WriteFile(path, []byte(text), 0o666)
		if _, err := Find(path, noEnv); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLossyIsRusts(t *testing.T) {
	for in, want := range map[string]string{
		"a\xffb": "a\ufffdb", "\xe2\x82": "\ufffd", "\xe2\x82x": "\ufffdx", "\xe2\x28\xa1": "\ufffd(\ufffd", "\xf0\x9f\x98": "\ufffd",
		"\xc0\xaf": "\ufffd\ufffd", "\xed\xa0\x80": "\ufffd\ufffd\ufffd", "\xf4\x90\x80\x80": "\ufffd\ufffd\ufffd\ufffd", "é\xc3": "é\ufffd", "\ufffd": "\ufffd",
	} {
		if got := lossy(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzTokenizer(f *testing.F) {
	own := Llama3()
	other, err := Find(golden.Tokenizer(f, "deepseek_v3"), noEnv)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"Hello, world!  \n\n 123456 it's", "<|begin_of_text|>a\xff\xe2\x82", "日本語ｱﾞ é", "\r\n \t\u00a0x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range []*Tokenizer{own, other} {
			ids := tok.Encode(text, true)
			back := tok.Decode(ids[1:], false)
			if !utf8.ValidString(back) {
				t.Errorf("%q comes back as %q", text, back)
			}
			if tok == other && utf8.ValidString(text) && back != text {
				t.Errorf("%q comes back as %q", text, back)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add(llama3Pattern, "it's 12345 \n x")
	f.Add(`[^a-c\s]{2,3}(?i:x|y)?(?=z)\p{^L}`, "dez")
	f.Fuzz(func(t *testing.T, expression, text string) {
		p, err := parsePattern(expression)
		if err != nil || len(text) > 1000 {
			return
		}
		var joined strings.Builder
		p.each(text, func(piece string, _ bool) { joined.WriteString(piece) })
		if joined.String() != text {
			t.Errorf("%q splits %q into %q", expression, text, joined.String())
		}
	})
}

var benchText = strings.Repeat("The quick brown fox jumps over 13 lazy dogs; it's fun, isn't it? Größe ☂ 日本 internationalisation\n", 2000)

func BenchmarkEncode(b *testing.B) {
	tok := Llama3()
	tok.Encode("x", false)
	b.SetBytes(int64(len(benchText)))
	for b.Loop() {
		tok.Encode(benchText, false)
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := Llama3()
	ids := tok.Encode(benchText, false)
	b.SetBytes(int64(len(benchText)))
	for b.Loop() {
		tok.Decode(ids, false)
	}
}

func BenchmarkLlama3Start(b *testing.B) {
	for _, encode := range []bool{false, true} {
		b.Run(fmt.Sprintf("encode=%v", encode), func(b *testing.B) {
			for b.Loop() {
				tok := Llama3()
				if encode {
					tok.Encode("x", false)
				}
			}
		})
	}
}
