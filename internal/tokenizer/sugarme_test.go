package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	sugarme "github.com/sugarme/tokenizer/model/bpe"

	"loadgen/internal/golden"
)

// sugarme's BPE model is the second opinion on our merging: the same vocabulary
// and merges must give the same tokens. It works on text, so it takes words in
// the byte alphabet; it would panic on bytes that its vocabulary lacks. Where a
// pair occurs twice in a word, it merges the last first, which Hugging Face's
// does not ("éssss"): such words are left out.
func newOracle(t testing.TB, tok *Tokenizer) *sugarme.BPE {
	vocab := map[string]int{}
	for id, token := range tok.tokens.list[:tok.vocab] {
		vocab[toAlphabet(token)] = id
	}
	merges := sugarme.Merges{}
	for p, m := range tok.model.(*bpe).merges {
		merges[sugarme.Pair{C1: int(p >> 32), C2: int(uint32(p))}] = sugarme.PairVal{Rank: int(m.rank), NewId: int(m.id)}
	}
	return sugarme.NewBPE(vocab, merges)
}

func TestMergesAsSugarmeDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	for _, name := range []string{"llama3_1", "qwen3"} {
		tok, err := Find(golden.Tokenizer(t, name), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		oracle := newOracle(t, tok)
		tok.model.(*bpe).ignoreMerges = false
		rng := rand.New(rand.NewPCG(3, 4))
		letters := []string{"a", "e", "n", "t", "o", "r", " ", "é", "日", "\n", "1", "-", "X", "s", "l", "u", "c", "Q"}
		for range 5000 {
			var word strings.Builder
			for _, i := range rng.Perm(len(letters))[:1+rng.IntN(len(letters))] {
				word.WriteString(letters[i])
			}
			var want []int
			tokens, err := oracle.Tokenize(toAlphabet(word.String()))
			if err != nil {
				t.Fatal(err)
			}
			for _, token := range tokens {
				want = append(want, token.Id)
			}
			if got := tok.model.encode(nil, word.String(), &scratch{}); !slices.Equal(got, want) {
				t.Fatalf("%s %q: got %v, sugarme %v", name, word.String(), got, want)
			}
		}
	}
}

// BenchmarkMerge compares the merging of words, ours with sugarme's.
func BenchmarkMerge(b *testing.B) {
	tok, err := Find(golden.Tokenizer(b, "qwen3"), noEnv)
	if err != nil {
		b.Fatal(err)
	}
	oracle := newOracle(b, tok)
	const word = " internationalisation"
	spelled := toAlphabet(word)
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(word)))
		var s scratch
		for b.Loop() {
			tok.model.encode(nil, word, &s)
		}
	})
	b.Run("sugarme", func(b *testing.B) {
		b.SetBytes(int64(len(word)))
		for b.Loop() {
			oracle.MergeWord(spelled)
		}
	})
}
