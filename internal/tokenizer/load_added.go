package tokenizer

import (
	"errors"
	"fmt"
	"sort"
)

// setAdded takes in the added tokens of the file and those that transformers
// adds from the settings.
func (t *Tokenizer) setAdded(f *file, c *config) {
	known := map[string]bool{}
	next := int32(len(t.model.tokens))
	add := func(a addedToken) {
		if a.Content == "" || known[a.Content] || a.ID < 0 || a.ID >= maxID {
			return
		}
		known[a.Content] = true
		t.grow(a.ID)
		t.model.tokens[a.ID] = a.Content
		next = max(next, a.ID+1)
		if a.Special {
			t.special[a.ID] = true
		}
		if a.Normalized {
			for _, form := range t.normal {
				a.Content = normalize(form, a.Content)
			}
			t.normalized.add(&a)
		} else {
			t.raw.add(&a)
		}
	}
	for _, a := range f.AddedTokens {
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
		id, ok := f.Model.Vocab[string(s)]
		if !ok {
			id = next
		}
		add(addedToken{ID: id, Content: string(s), Special: true})
	}
}

// setAround reads what the post-processor puts around a text. transformers'
// Llama classes make their own from the settings.
func (t *Tokenizer) setAround(s *step, c *config) error {
	switch c.Class {
	case "LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "CodeLlamaTokenizerFast":
		if c.AddBOS == nil || *c.AddBOS {
			if c.BOS == "" {
				return errors.New("tokenizer_config.json asks for a bos_token and names none")
			}
			t.before = t.added(string(c.BOS))
		}
		if c.AddEOS != nil && *c.AddEOS {
			t.after = t.added(string(c.EOS))
		}
		return nil
	}
	return t.process(s)
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
	case "TemplateProcessing":
		around := &t.before
		for _, part := range s.Single {
			switch {
			case part.Sequence != nil:
				around = &t.after
			case part.SpecialToken != nil:
				*around = append(*around, s.SpecialTokens[part.SpecialToken.ID].IDs...)
			}
		}
	default:
		return errOther("the post-processor is %s", s.Type)
	}
	return nil
}
