package dataset

import (
	"context"
	"math"
	"strconv"
	"time"
)

const conversationExample = `{"messages": [{"role": "user", "content": "TEXT", "think": 1.5}, {"role": "assistant", "content": "TEXT"}]} or ` +
	`{"conversations": [{"from": "human", "value": "TEXT"}, {"from": "gpt", "value": "TEXT"}]}`

// chat is a conversation as a file has it.
type chat struct {
	system string
	turns  []chatTurn
}

type chatTurn struct {
	prompt, reply string
	output        int           // tokens to ask for; 0 if the file does not say
	think         time.Duration // before the turn; negative if the file does not say
}

// conversations makes the turns of conversations, shuffled, until there are
// NumPrompts: each turn is a request whose history has the replies that the
// server gave (Set.Chat).
func conversations(ctx context.Context, o *Options) (*Set, error) {
	if err := o.needPath(); err != nil {
		return nil, err
	}
	if err := o.checkAPI(); err != nil {
		return nil, err
	}
	switch {
	case !(o.Think >= 0 && o.Think < 1e6):
		return nil, optionError("a think time of %v seconds is out of range (0 to 1000000)", o.Think)
	case o.MaxTurns < 0:
		return nil, optionError("%d turns are out of range (1 or more, 0 for all)", o.MaxTurns)
	}
	src := localFile(o.Path, source{want: conversationExample})
	total := 0
	rows, err := src.find(ctx, func(at position, v any) (bool, error) {
		total++
		c, err := readChat(at, v)
		return len(c.turns) > 0, err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, o.nothing("none of %d conversations has a message of the user", total)
	}
	set := o.newSet()
	set.system, set.turns = map[int]string{}, map[int][]int{}
	set.rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	chats, err := fetch(ctx, &src, rows[:min(len(rows), o.NumPrompts)], readChat)
	if err != nil {
		return nil, err
	}
	for round := 0; len(set.Requests) < o.NumPrompts; round++ {
		for _, c := range chats {
			set.addChat(o, c)
		}
		if round == 1 {
			set.note("%d conversations, used again from the first to make %d requests", len(chats), o.NumPrompts)
		}
	}
	return set, o.countChats(ctx, set)
}

// addChat appends the turns of a conversation, as far as NumPrompts goes.
func (s *Set) addChat(o *Options, c chat) {
	id := len(s.turns) + 1
	for k, t := range c.turns {
		if len(s.Requests) == o.NumPrompts || o.MaxTurns > 0 && k == o.MaxTurns {
			return
		}
		think := t.think
		if think < 0 {
			think = time.Duration(o.Think * float64(time.Second))
		}
		if k == 0 {
			think = 0
			s.system[id] = c.system
		}
		s.turns[id] = append(s.turns[id], len(s.Requests))
		s.Requests = append(s.Requests, Request{Prompt: t.prompt, OutputLen: t.output,
			Conversation: Turn{ID: id, Number: k, Think: think, Reply: t.reply}})
	}
}

// countChats counts tokens: what is asked for is the reply's length, and a
// prompt's nominal length is that of its history, the recorded replies in it.
func (o *Options) countChats(ctx context.Context, set *Set) error {
	own := make([]int, len(set.Requests))
	err := each(ctx, len(own), func(i int) error {
		r := &set.Requests[i]
		own[i] = len(o.Tokenizer.Encode(r.Prompt, false))
		switch {
		case o.OutputLen != nil:
			r.OutputLen = *o.OutputLen
		case r.OutputLen == 0 && r.Conversation.Reply != "":
			r.OutputLen = max(1, len(o.Tokenizer.Encode(r.Conversation.Reply, false)))
		case r.OutputLen == 0:
			r.OutputLen = o.RandomOutputLen
		}
		return nil
	})
	for id, turns := range set.turns {
		history := len(o.Tokenizer.Encode(set.system[id], false))
		for _, i := range turns {
			history += own[i]
			set.Requests[i].PromptLen = history
			history += set.Requests[i].OutputLen
		}
	}
	return err
}

// readChat reads a conversation: ShareGPT's form or messages.
func readChat(at position, v any) (c chat, err error) {
	entry, ok := v.(object)
	if !ok {
		return c, at.malformed(conversationExample, "found %s where a conversation should be", kindOf(v))
	}
	for _, key := range []string{"messages", "conversations", "conversation", "turns"} {
		value, found := entry.get(key)
		if !found {
			continue
		}
		list, ok := value.([]any)
		if !ok {
			return c, at.malformed(conversationExample, "%q is %s, not a list of messages", key, kindOf(value))
		}
		for i, v := range list {
			if err := c.add(at, i, v); err != nil {
				return c, err
			}
		}
		return c, nil
	}
	return c, at.malformed(conversationExample, `there is no "messages" and no "conversations"`)
}

// add reads message i. A message of the user begins a turn, further ones before
// a reply belong to it; replies before the first turn are left out.
func (c *chat) add(at position, i int, v any) error {
	m, ok := v.(object)
	if !ok {
		return at.malformed(conversationExample, "message %d is %s", i+1, kindOf(v))
	}
	field := func(names ...string) (any, string) {
		for _, name := range names {
			if value, found := m.get(name); found {
				return value, name
			}
		}
		return nil, names[0]
	}
	value, name := field("content", "value")
	text, ok := value.(string)
	if !ok {
		return at.malformed(conversationExample, "the %q of message %d is %s, not text", name, i+1, kindOf(value))
	}
	if err := checkText(text, "message "+strconv.Itoa(i+1), at); err != nil {
		return err
	}
	value, name = field("role", "from")
	role, _ := value.(string)
	last := len(c.turns) - 1
	switch role {
	case "system":
		c.system = text
	case "user", "human":
		t := chatTurn{prompt: text, think: -1}
		if err := t.options(at, field); err != nil {
			return err
		}
		if last >= 0 && c.turns[last].reply == "" {
			c.turns[last].prompt += "\n" + text
			return nil
		}
		c.turns = append(c.turns, t)
	case "assistant", "gpt", "chatgpt", "bing", "bard", "model":
		if last >= 0 {
			c.turns[last].reply += text
		}
	case "tool", "function", "observation":
	default:
		return at.malformed(conversationExample, "the %q of message %d is %s; it has to be user, assistant or system", name, i+1, kindOf(value))
	}
	return nil
}

// options reads a turn's think time in seconds and its length.
func (t *chatTurn) options(at position, field func(...string) (any, string)) error {
	if value, name := field("think", "think_time", "delay"); value != nil {
		text, _ := value.(number)
		seconds, err := strconv.ParseFloat(string(text), 64)
		if err != nil || !(seconds >= 0 && seconds < 1e6) {
			return at.malformed(conversationExample, "%q is %s, not a number of seconds", name, kindOf(value))
		}
		t.think = time.Duration(math.Round(seconds * float64(time.Second)))
	}
	if value, name := field("max_tokens", "output_len"); value != nil {
		n, ok := wholeNumber(value)
		if !ok || n < 1 {
			return at.malformed(conversationExample, "%q is %s, not a number of tokens", name, kindOf(value))
		}
		t.output = n
	}
	return nil
}
