package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// vocabulary stands in for a tokenizer where nothing but token ids is drawn: it is the
// number of ids. It has no texts.
type vocabulary int

func (v vocabulary) VocabSize() int                { return int(v) }
func (v vocabulary) Encode(string, bool) (_ []int) { return nil }
func (v vocabulary) Decode([]int, bool) (_ string) { return "" }

// sized is a tokenizer of which ids below n are drawn.
type sized struct {
	dataset.Tokenizer
	n int
}

func (s sized) VocabSize() int { return s.n }

// OnlyIDs reports whether all that the settings send is token ids drawn at random, for
// which the size of the vocabulary is enough.
func OnlyIDs(s *recording.Settings) bool {
	if !s.TokenizeOnClient || s.UseChatTemplate {
		return false
	}
	switch s.DatasetName {
	case "random":
		return s.RandomIDs
	case "prefix_repetition", "trace":
		return true
	}
	return false
}

// FindTokenizer returns the tokenizer that the settings name for a model, nil where only
// ids are sent and the size of the vocabulary is given.
func FindTokenizer(s *recording.Settings, model string, env func(string) string) (*tokenizer.Tokenizer, error) {
	name, alias := recording.Text(s.Tokenizer), recording.Text(s.CustomTokenizer)
	if name == "" {
		name = model
	}
	switch {
	case s.VocabSize != nil && OnlyIDs(s):
		return nil, nil
	case alias != "":
		return tokenizer.Custom(alias, name, env)
	case s.TokenizerMode == "mistral":
		return tokenizer.Custom("mistral_common", name, env)
	case s.TokenizerMode == "slow":
		return tokenizer.Slow(name, env)
	}
	return tokenizer.Find(name, env)
}

// findTokenizer loads the tokenizer that the settings name, or finds the size of the
// vocabulary where that is enough. For a model that the server named, or a path of its
// machine to a Llama 3, the built-in one stands in where there is no other.
func (b *Bench) findTokenizer(ctx context.Context) error {
	s := b.s
	name := recording.Text(s.Tokenizer)
	if name == "" {
		name = b.model
	}
	t, err := FindTokenizer(s, b.model, b.env)
	if err != nil && OnlyIDs(s) && isMissing(err) {
		n, from, wait := b.vocabSize(ctx, name)
		if wait != nil {
			return wait
		}
		if n > 0 {
			s.VocabSize = &n
			b.withoutTokenizer(from)
			return nil
		}
	}
	if b.fetchable(name, err) {
		if missing := b.fetchTokenizer(ctx, name); missing == nil {
			t, err = FindTokenizer(s, b.model, b.env)
		} else if stop := stopped(ctx); stop != nil {
			return stop
		} else {
			err = fmt.Errorf("%w; nor can it be downloaded: %w", err, missing)
		}
	}
	if errors.Is(err, tokenizer.ErrNotFound) && s.Tokenizer == nil && (s.Model == nil || tokenizer.IsLlama3(name)) {
		t, err = tokenizer.Llama3(), nil
		of := "the model, which is not known"
		if name != "" {
			of = strconv.Quote(name) + " here"
		}
		b.keep(recording.Note{Code: "tokenizer_assumed", Hint: "tokenizer_path",
			Text: fmt.Sprintf("no tokenizer for %s: the built-in Llama-3 vocabulary stands in, so the server may count other prompt lengths", of)})
	}
	switch {
	case err != nil:
		return err
	case t == nil:
		b.withoutTokenizer("as set")
		return nil
	}
	b.tokenizer, b.tokenizerName = t, t.Name
	if s.VocabSize != nil {
		b.tokenizer = sized{t, *s.VocabSize}
	}
	return nil
}

// withoutTokenizer draws ids of a vocabulary whose size is known from somewhere.
func (b *Bench) withoutTokenizer(from string) {
	b.tokenizer = vocabulary(*b.s.VocabSize)
	b.keep(recording.Note{Code: "no_tokenizer",
		Text: fmt.Sprintf("no tokenizer is read, as only token ids are sent: they are below %d (%s), and completions are as long as the server's usage says", *b.s.VocabSize, from)})
}

// isMissing reports whether an error says that there is no tokenizer that can be read.
func isMissing(err error) bool {
	return errors.Is(err, tokenizer.ErrNotFound) || errors.As(err, new(*tokenizer.KindError)) || errors.As(err, new(*tokenizer.UnsupportedError))
}

// vocabSize is the number of a model's ids as its config.json or else the server says,
// and which of them; 0 where neither does. The error is that of a server that is not ready.
func (b *Bench) vocabSize(ctx context.Context, name string) (n int, from string, err error) {
	if n, err := tokenizer.VocabSize(name, b.env); err == nil {
		return n, "vocab_size of the model's config.json", nil
	}
	if b.s.DryRun {
		return 0, "", nil
	}
	if err := b.awaitServer(ctx); err != nil {
		return 0, "", err
	}
	return b.client.VocabSize(ctx, b.model), "n_vocab of the server's list of models", nil
}
