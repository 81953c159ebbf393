package tokenizer

import (
	"slices"
	"testing"

	sugarmedecoder "github.com/sugarme/tokenizer/decoder"
	sugarmeunigram "github.com/sugarme/tokenizer/model/unigram"
	sugarmenormalizer "github.com/sugarme/tokenizer/normalizer"
	"github.com/sugarme/tokenizer/util"
)

// TestSugarmesParts shows which parts of sugarme v0.3.0 differ from Hugging Face's
// tokenizers, and are therefore not used. What is used (WordPiece, the decoders
// WordPiece, BPE and CTC) is right in TestVectors.
func TestSugarmesParts(t *testing.T) {
	t.Run("unigram", func(t *testing.T) { // finds no token over 20 bytes
		const long = "abcdefghijklmnopqrstuvwxyz"
		m, err := sugarmeunigram.New([]sugarmeunigram.TokenScore{{Token: "<unk>"}, {Token: long, Score: -1}}, util.NewParams(map[string]any{"unk_id": 0}))
		if err != nil {
			t.Fatal(err)
		}
		own, err := newUnigram([]string{"<unk>", long}, []float64{0, -1}, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := own.encode(nil, long+long, &scratch{}); !slices.Equal(got, []int{1, 1}) {
			t.Errorf("got %v, want 1, 1", got)
		}
		if tokens, err := m.Tokenize(long + long); err == nil && len(tokens) == 2 && tokens[0].Id == 1 {
			t.Error("sugarme's Unigram is right now: it can be used")
		}
	})
	t.Run("normalizer", func(t *testing.T) { // keeps a no-break space that BERT's makes a blank
		n, err := sugarmenormalizer.NewBertNormalizer(true, false, false, false).Normalize(sugarmenormalizer.NewNormalizedFrom("a\u00a0b\tc"))
		if err != nil {
			t.Fatal(err)
		}
		if got := n.GetNormalized(); got == "a b c" {
			t.Error("sugarme's BertNormalizer is right now: it can be used")
		}
	})
	t.Run("byte fallback", func(t *testing.T) { // panics on what is not hexadecimal
		if !panics(func() { sugarmedecoder.NewByteFallback().DecodeChain([]string{"<0xZZ>"}) }) {
			t.Error("sugarme's ByteFallback is right now: it can be used")
		}
	})
	t.Run("strip", func(t *testing.T) { // panics on an empty token
		if !panics(func() { sugarmedecoder.NewStrip(" ", 1, 0).DecodeChain([]string{" ", ""}) }) {
			t.Error("sugarme's Strip is right now: it can be used")
		}
	})
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}
