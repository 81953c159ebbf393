package dataset

import "hash/fnv"

// Salt makes the beginning of every prompt new, so that no server has it in its prefix
// cache; prompts that begin alike still do. Texts begin with the salt; where keep is set as
// much is taken from their end, which keeps their length. Of token ids the first few are
// others, below vocab.
func (s *Set) Salt(salt string, tok Tokenizer, keep bool) {
	text := "[" + salt + "] "
	h := fnv.New32a()
	h.Write([]byte(salt))
	shift := int(h.Sum32() >> 1)
	added := len(tok.Encode(text, false))
	for id, system := range s.system {
		if system != "" {
			s.system[id] = text + system
		}
	}
	s.Keep()
	for i := range s.Requests {
		r := &s.Requests[i]
		switch {
		case r.IDs != nil:
			r.IDs = shifted(r.IDs, shift, tok.VocabSize())
			continue
		case len(r.Messages) > 0:
			messages := append([]Message(nil), r.Messages...)
			messages[0].Content = text + messages[0].Content
			r.Messages = messages
		case r.Conversation.ID == 0 || r.Conversation.Number == 0 && s.system[r.Conversation.ID] == "":
			r.Prompt = text + r.Prompt
		}
		if !keep {
			r.PromptLen += added
			continue
		}
		if ids := tok.Encode(r.Prompt, false); len(ids) > 2*added {
			r.Prompt = tok.Decode(ids[:len(ids)-added], false)
		}
	}
}

// shifted are ids of which the first four are others, equal for equal ones.
func shifted(ids []int, by, vocab int) []int {
	out := append([]int(nil), ids...)
	for k := range out[:min(4, len(out))] {
		if vocab > 1 {
			out[k] = (out[k]%vocab + 1 + (by>>(7*k))%(vocab-1)) % vocab
		}
	}
	return out
}
