package tokenizer

import (
	_ "embed"

	"loadgen/internal/lazy"
)

// llama3Table is the vocabulary of Llama 3 in the order of its ids: each token's
// length in one byte, then its bytes; first those of the model, then the 256
// special ones. NOTICE names its licence.
//
//go:embed llama3.bin
var llama3Table string

// Llama3Name is the Name of the built-in tokenizer.
const Llama3Name = "llama3 (built in)"

const (
	llama3Vocab = 128000
	llama3BOS   = 128000
	// llama3Pattern is the split pattern of Llama 3.
	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// Llama3 returns the built-in tokenizer of Llama 3. Decoding needs nothing but
// the table; what encoding needs is built at the first call of Encode.
func Llama3() *Tokenizer {
	t := &Tokenizer{Name: Llama3Name, vocab: llama3Vocab, cleanUp: true, before: []int{llama3BOS}, special: map[int32]bool{}}
	t.tokens = tableOf(llama3Table, llama3Vocab+256)
	for id := llama3Vocab; id < t.tokens.len(); id++ {
		t.special[int32(id)] = true
	}
	t.prepare = t.prepareLlama3
	return t
}

func (t *Tokenizer) prepareLlama3() {
	split, err := parsePattern(llama3Pattern)
	if err != nil {
		panic(err) // a constant that the tests parse
	}
	t.splits = []splitter{splitAt(split.each, isolated, false)}
	m := &bpe{finder: newIDFinder(&t.tokens, llama3Vocab), ignoreMerges: true, byteLevel: true, unknown: -1, order: byPair}
	m.index()
	t.model = m
	for id := llama3Vocab; id < t.tokens.len(); id++ {
		t.raw.add(&addedToken{ID: int32(id), Content: t.tokens.of(id), Special: true})
	}
}

// llama3Family matches the names of models that share the vocabulary of Llama
// 3: 3, 3.1, 3.2 and 3.3, their variants and distillations, in any path; not
// Llama 4, nor sizes such as llama-30b or open_llama_3b.
var llama3Family = lazy.Regexp(`(?i)(^|[^a-z0-9])(meta[-_]?)?llama[-_ .]?3([._][0-3])?([^0-9a-z.]|[.]?$|[._][^0-9]|-)|r1-distill-llama-(8|70)b`)

// IsLlama3 reports whether a model of that name has the vocabulary of Llama 3.
func IsLlama3(name string) bool { return llama3Family.Get().MatchString(name) }
