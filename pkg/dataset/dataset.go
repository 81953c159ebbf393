// Package dataset makes the requests of a run: what to send, before anything
// is sent. One file a data set.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"loadgen/internal/pyrand"
)

// Request is one prompt and what is known of it beforehand.
type Request struct {
	// Prompt is the text to send; unused when IDs is set.
	Prompt string
	// IDs are token ids sent in place of text (--tokenize-on-client); nil for text.
	IDs []int
	// PromptLen is the nominal prompt length in tokens, as the data set counts it.
	PromptLen int
	// OutputLen is the number of tokens asked for.
	OutputLen int
	// LoRA is the model name drawn for this request; "" when none was.
	LoRA string
}

// Tokenizer is what data sets need of a tokenizer. It must be safe for
// concurrent use.
type Tokenizer interface {
	// Encode returns the ids of text, with the special tokens the tokenizer
	// adds around a text (BOS) if special is set.
	Encode(text string, special bool) []int
	// Decode returns the text of ids, without the special tokens among them if
	// skipSpecial is set, spaces cleaned up as the tokenizer's settings say.
	Decode(ids []int, skipSpecial bool) string
	// VocabSize is the size of the model's vocabulary, added tokens not counted.
	VocabSize() int
}

// Set is the requests of a run, in order.
type Set struct {
	Requests []Request
	// rng is Python's random as the data set left it.
	rng *pyrand.Python
}

// Digest identifies what the requests ask: their prompts and lengths, in order.
func (s *Set) Digest() string {
	h := sha256.New()
	var number [8]byte
	add := func(n int) {
		binary.LittleEndian.PutUint64(number[:], uint64(n))
		h.Write(number[:])
	}
	for _, r := range s.Requests {
		add(r.OutputLen)
		add(len(r.Prompt))
		io.WriteString(h, r.Prompt)
		add(len(r.IDs))
		for _, id := range r.IDs {
			add(id)
		}
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)[:16])
}

// DrawLoRA draws a model name for each request with random.choice; without
// names it does nothing.
func (s *Set) DrawLoRA(names []string) {
	if len(names) == 0 {
		return
	}
	for i := range s.Requests {
		s.Requests[i].LoRA = names[s.rng.Choice(len(names))]
	}
}

// each runs f for every index below n on all cores and returns the first error.
func each(ctx context.Context, n int, f func(i int) error) error {
	var next atomic.Int64
	var once sync.Once
	var first error
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				err := context.Cause(ctx)
				if err == nil {
					err = f(i)
				}
				if err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
					return
				}
			}
		})
	}
	workers.Wait()
	return first
}

// strip is Python's str.strip.
func strip(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f })
}
