package tokenizer

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// setAdded takes in the added tokens of the file and those that transformers
// adds from the settings.
func (t *Tokenizer) setAdded(tokens []addedToken, c *config, vocab map[string]int32) {
	known := map[string]bool{}
	next := int32(t.tokens.len())
	add := func(a addedToken) {
		if a.Content == "" || known[a.Content] || a.ID < 0 || a.ID >= maxID {
			return
		}
		known[a.Content] = true
		spelled := a.Content
		if t.decode == nil {
			if b, ok := fromAlphabet(spelled); ok {
				spelled = b
			}
		}
		t.setToken(a.ID, spelled)
		next = max(next, a.ID+1)
		if a.Special {
			t.special[a.ID] = true
		}
		if a.Normalized {
			for _, normalize := range t.normal {
				a.Content, _ = normalize(a.Content, 0)
			}
			t.normalized.add(&a)
		} else {
			t.raw.add(&a)
		}
	}
	for _, a := range tokens {
		add(a)
	}
	numbered := make([]addedToken, 0, len(c.AddedByNumber))
	for number, a := range c.AddedByNumber {
		if _, err := fmt.Sscan(number, &a.ID); err == nil {
			numbered = append(numbered, a)
		}
	}
	sort.Slice(numbered, func(i, j int) bool { return numbered[i].ID < numbered[j].ID })
	for _, a := range numbered {
		add(a)
	}
	for _, s := range append([]text{c.BOS, c.EOS, c.UNK, c.SEP, c.PAD, c.CLS, c.MASK}, c.Additional...) {
		id, ok := vocab[string(s)]
		if !ok {
			id = next
		}
		add(addedToken{ID: id, Content: string(s), Special: true})
	}
	if _, ok := t.model.(*unigram); ok { // only its list can have a token twice
		t.markSpecial()
	}
}

// markSpecial marks every id whose token is spelled as a special one: Hugging Face
// leaves out special tokens by their text.
func (t *Tokenizer) markSpecial() {
	texts := make(map[string]bool, len(t.special))
	for id := range t.special {
		texts[t.tokens.of(int(id))] = true
	}
	for id, token := range t.tokens.list {
		if texts[token] {
			t.special[int32(id)] = true
		}
	}
}

// setAround reads what the post-processor puts around a text. Some classes of
// transformers make their own from the settings.
func (t *Tokenizer) setAround(s *step, c *config) error {
	switch strings.TrimSuffix(c.Class, "Fast") {
	case "LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer":
		return t.aroundByConfig(c)
	}
	return t.process(s)
}

// aroundByConfig puts a BOS before and an EOS after a text where the settings say so.
func (t *Tokenizer) aroundByConfig(c *config) error {
	if c.AddBOS == nil || *c.AddBOS {
		if c.BOS == "" {
			return errors.New("tokenizer_config.json asks for a bos_token and names none")
		}
		t.before = t.added(string(c.BOS))
	}
	if c.AddEOS != nil && *c.AddEOS {
		if c.EOS == "" {
			return errors.New("tokenizer_config.json asks for an eos_token and names none")
		}
		t.after = t.added(string(c.EOS))
	}
	return nil
}

// added is the id of an added token.
func (t *Tokenizer) added(content string) []int {
	for _, tr := range []*trie{&t.raw, &t.normalized} {
		if a := tr.at(content, 0); a != nil && a.Content == content {
			return []int{int(a.ID)}
		}
	}
	return nil
}

func (t *Tokenizer) process(s *step) error {
	if s == nil {
		return nil
	}
	switch s.Type {
	case "ByteLevel":
	case "Sequence":
		for _, inner := range s.Processors {
			if err := t.process(inner); err != nil {
				return err
			}
		}
	case "BertProcessing", "RobertaProcessing":
		cls, okCls := pairID(s.Cls)
		sep, okSep := pairID(s.Sep)
		if !okCls || !okSep {
			return fmt.Errorf("its %s has no cls and sep of a token and an id each", s.Type)
		}
		t.before, t.after = append([]int{cls}, t.before...), append(t.after, sep)
	case "TemplateProcessing":
		var before, after []int
		around := &before
		for _, part := range s.Single {
			switch {
			case part.Sequence != nil:
				around = &after
			case part.SpecialToken != nil:
				*around = append(*around, s.SpecialTokens[part.SpecialToken.ID].IDs...)
			}
		}
		t.before, t.after = append(before, t.before...), append(t.after, after...)
	default:
		return unsupported("post-processor", s.Type)
	}
	return nil
}

// pairID is the id of a token given as [token, id].
func pairID(pair []any) (int, bool) {
	if len(pair) != 2 {
		return 0, false
	}
	id, ok := pair[1].(float64)
	return int(id), ok
}
