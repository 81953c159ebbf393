package tokenizer

import (
	"runtime"
	"testing"
)

func TestIDFinder(t *testing.T) {
	tok := Llama3()
	f := newIDFinder(&tok.tokens, llama3Vocab)
	for id := range llama3Vocab {
		if got, ok := f.find(tok.tokens.of(id)); !ok || int(got) != id {
			t.Fatalf("token %d, %q: got %d, %v", id, tok.tokens.of(id), got, ok)
		}
	}
	for _, none := range []string{"", "<|begin_of_text|>", "no such token"} {
		if id, ok := f.find(none); ok {
			t.Errorf("%q: got %d", none, id)
		}
	}
}

// TestBuiltInIsSmall: the built-in tokenizer is in every run that names none, so what it
// allocates is in the memory of each.
func TestBuiltInIsSmall(t *testing.T) {
	var before, decoding, encoding runtime.MemStats
	runtime.ReadMemStats(&before)
	tok := Llama3()
	runtime.ReadMemStats(&decoding)
	tok.Encode("x", false)
	runtime.ReadMemStats(&encoding)
	if n := decoding.TotalAlloc - before.TotalAlloc; n > 200<<10 {
		t.Errorf("to decode, %d bytes were allocated", n)
	}
	if n := encoding.TotalAlloc - decoding.TotalAlloc; n > 1200<<10 {
		t.Errorf("to encode, %d bytes were allocated", n)
	}
}
