package tokenizer

import (
	"fmt"
	"strings"

	sugarmodel "github.com/sugarme/tokenizer/model"
	sugarme "github.com/sugarme/tokenizer/model/wordpiece"
)

// wordPiece is sugarme's WordPiece model, with the words seen so far remembered.
type wordPiece struct {
	model   sugarme.WordPiece
	longest int // in runes; longer words are unknown
	unknown int
}

func newWordPiece(vocab map[string]int32, unknown, prefix string, longest int) (*wordPiece, error) {
	ids := make(sugarmodel.Vocab, len(vocab))
	for token, id := range vocab {
		ids[token] = int(id)
	}
	id, ok := ids[unknown]
	if !ok {
		return nil, fmt.Errorf("its unknown token %q is not in the vocabulary", unknown)
	}
	b := sugarme.NewWordPieceBuilder().Vocab(&ids).UnkToken(unknown).ContinuingSubwordPrefix(prefix).MaxInputCharsPerWord(longest)
	return &wordPiece{b.Build(), longest, id}, nil
}

func (m *wordPiece) encode(dst []int, word string, s *scratch) []int {
	if len(word) > 4*m.longest {
		return append(dst, m.unknown)
	}
	if ids, ok := s.words[word]; ok {
		return append(dst, ids...)
	}
	tokens, err := m.model.Tokenize(word)
	if err != nil { // only for a vocabulary without the unknown token
		return append(dst, m.unknown)
	}
	n := len(dst)
	for _, t := range tokens {
		dst = append(dst, t.Id)
	}
	if s.words == nil || len(s.words) >= rememberedWords {
		s.words = map[string][]int{}
	}
	s.words[strings.Clone(word)] = append([]int(nil), dst[n:]...)
	return dst
}

// wordLevel has a token for every word that it knows.
type wordLevel struct {
	ids     map[string]int32
	unknown int32 // -1 if there is none
}

func (m *wordLevel) encode(dst []int, word string, _ *scratch) []int {
	id, ok := m.ids[word]
	if !ok {
		if id = m.unknown; id < 0 {
			return dst
		}
	}
	return append(dst, int(id))
}
