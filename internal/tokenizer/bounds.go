package tokenizer

import (
	"bytes"
	"fmt"
)

// Limits of a tokenizer: a small file must not make texts that no memory holds, or take
// time out of proportion to the text.
const (
	// maxGrowth is by how much its steps may make a text longer, one after the other.
	maxGrowth = 1000
	// maxToken is the length of the longest token, in bytes.
	maxToken = 16 << 10
)

// growth is by what factor a step, with all that it consists of, makes a text longer at most,
// but for the few bytes of Unicode's own rules.
func (s *step) growth() float64 {
	if s == nil {
		return 1
	}
	by := 1.0
	for _, list := range [][]*step{s.Normalizers, s.Pretokenizers, s.Decoders} {
		for _, inner := range list {
			by *= inner.growth()
		}
	}
	switch s.Type {
	case "Replace":
		if s.Content == nil {
			break
		}
		if p := s.Pattern.String; p != nil && *p != "" {
			by *= max(1, float64(len(*s.Content))/float64(len(*p)))
		} else { // a pattern may match a byte, or nothing
			by *= 1 + float64(len(*s.Content))
		}
	case "Metaspace":
		by *= max(1, float64(len(s.Replacement)))
	}
	return by
}

// checkGrowth refuses steps that make texts too long.
func (f *file) checkGrowth() error {
	for _, part := range []struct {
		name string
		by   float64
	}{{"normalizer and pre-tokenizer make", f.Normalizer.growth() * f.PreTokenizer.growth()}, {"decoder makes", f.Decoder.growth()}} {
		if part.by > maxGrowth {
			return fmt.Errorf("its %s a text up to %.3g times as long; %d times is the most", part.name, part.by, maxGrowth)
		}
	}
	return nil
}

// checkTokens refuses tokens that are too long.
func (v *vocabulary) checkTokens() error {
	for id := range v.list { // those of a table are short
		if n := len(v.list[id]); n > maxToken {
			return fmt.Errorf("the token %d is %d bytes long; %d is the most", id, n, maxToken)
		}
	}
	return nil
}

// checkTexts refuses texts of a character map that are too long: each stands for a character.
func checkTexts(texts []byte) error {
	for text := range bytes.SplitSeq(texts, []byte{0}) {
		if len(text) > maxGrowth {
			return fmt.Errorf("its character map has a text of %d bytes; %d is the most", len(text), maxGrowth)
		}
	}
	return nil
}
