package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"loadgen/internal/chattemplate"
	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// template renders chats as the model's server does.
type template struct {
	chattemplate.Renderer
	tokenizer dataset.Tokenizer
	// before and after are what stands around the prompt in a chat of one message.
	before, after string
}

// marker is a prompt that no template has.
const marker = "loadgen 7c1f prompt"

// findTemplate returns the model's template.
func (b *Bench) findTemplate(ctx context.Context) (*template, error) {
	m := chattemplate.Model{Name: b.model, Encoding: recording.Text(b.s.CustomTokenizer)}
	if b.tokenizerName != tokenizer.Llama3Name {
		m.Dir = filepath.Dir(b.tokenizerName)
	}
	r, err := chattemplate.For(m)
	if err != nil {
		return nil, err
	}
	t := &template{Renderer: r, tokenizer: b.tokenizer}
	text, err := t.render(ctx, []dataset.Message{{Role: "user", Content: marker}})
	if err != nil {
		return nil, err
	}
	var once bool
	if t.before, t.after, once = strings.Cut(text, marker); !once || strings.Contains(t.after, marker) {
		return nil, errors.New("the chat template does not have the user's message once")
	}
	return t, nil
}

// render returns the prompt of a chat, up to where the assistant's answer begins.
func (t *template) render(ctx context.Context, messages []dataset.Message) (string, error) {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	all := make([]message, len(messages))
	for i, m := range messages {
		all[i] = message(m)
	}
	data, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	text, err := t.Render(ctx, chattemplate.Chat{Messages: data, GenerationPrompt: true})
	if err != nil {
		return "", fmt.Errorf("the chat template fails: %w", err)
	}
	return text, nil
}

// count is the number of a text's tokens, none added around it.
func (t *template) count(text string) int { return len(t.tokenizer.Encode(text, false)) }

// around is how many tokens stand around the prompt in a chat of one message.
func (t *template) around() int { return t.count(t.before) + t.count(t.after) }

// withTemplate hands the data set the model's template where it needs it, and leaves room
// for the template in lengths that are drawn.
func (b *Bench) withTemplate(ctx context.Context, o dataset.Options) (_ dataset.Options, err error) {
	if !b.s.UseChatTemplate && o.Name != "sonnet" && o.Name != "hf" && (o.Name != "jsonl" || o.Chat) {
		return o, nil
	}
	t, err := b.findTemplate(ctx)
	switch {
	case err != nil && b.s.UseChatTemplate:
		return o, err
	case errors.Is(err, chattemplate.ErrNone):
		return o, nil // the data set says what it needs
	case err != nil: // and that it needs one, too
		o.Template = func([]dataset.Message) (string, error) { return "", err }
		return o, nil
	}
	o.Template = func(messages []dataset.Message) (string, error) { return t.render(ctx, messages) }
	if !b.s.UseChatTemplate {
		return o, nil
	}
	o.Chat = true // messages are rendered afterwards
	if o.Name == "random" || o.Name == "synthetic_text" {
		n := t.around()
		if o.InputLen <= n {
			return o, wrong("random_input_len", fmt.Sprintf("a prompt of %d tokens has no room for the chat template, which takes %d", o.InputLen, n))
		}
		o.InputLen -= n
	}
	b.template = t
	return o, nil
}

// applyTemplate renders the prompts of a data set, if that was asked for.
func (b *Bench) applyTemplate(ctx context.Context, set *dataset.Set) error {
	if b.template == nil {
		return nil
	}
	set.Keep()
	for i := range set.Requests {
		if err := b.template.apply(ctx, &set.Requests[i]); err != nil {
			return err
		}
	}
	return nil
}

// apply renders a request's prompt. A server puts a BOS before text where its tokenizer
// has one, so that of the template is left out.
func (t *template) apply(ctx context.Context, r *dataset.Request) error {
	switch {
	case r.IDs != nil:
		ids := t.tokenizer.Encode(t.before, false)
		ids = append(append(ids, r.IDs...), t.tokenizer.Encode(t.after, false)...)
		r.PromptLen += len(ids) - len(r.IDs)
		r.IDs = ids
		return nil
	case r.Images != nil || r.Conversation.ID != 0:
		return wrong("use_chat_template", "images and conversations need the chat API, whose server applies the template")
	}
	messages := r.Messages
	if messages == nil {
		messages = []dataset.Message{{Role: "user", Content: r.Prompt}}
	}
	text, err := t.render(ctx, messages)
	if err != nil {
		return err
	}
	r.PromptLen = t.count(text)
	if bos := t.tokenizer.Encode("", true); len(bos) > 0 {
		text = strings.TrimPrefix(text, t.tokenizer.Decode(bos[:1], false))
	}
	r.Prompt, r.Messages = text, nil
	return nil
}

// rendered is how many requests of several messages are rendered to find out how much the
// template adds to them.
const rendered = 200

// measureTemplate finds out what the server's chat template adds to the prompts, where
// that is known: for the built-in tokenizer only if the model is a Llama 3.
func (b *Bench) measureTemplate(ctx context.Context, request func(i int) dataset.Request, n int) error {
	if !b.s.Chat() || n == 0 || b.tokenizerName == "" {
		return nil
	}
	if b.tokenizerName == tokenizer.Llama3Name && !tokenizer.IsLlama3(b.model) {
		return nil
	}
	t, err := b.findTemplate(ctx)
	if err != nil {
		return nil // a server has one even so, and how much it adds is allowed for
	}
	single, total := t.around(), 0
	checked := min(n, rendered)
	for i := range checked {
		r := request(i)
		if len(r.Images) > 0 {
			return nil // which are tokens, too
		}
		if r.Messages == nil {
			total += single
			continue
		}
		text, err := t.render(ctx, r.Messages)
		if err != nil {
			return nil
		}
		total += t.count(text)
		for _, m := range r.Messages {
			total -= t.count(m.Content)
		}
		if err := stopped(ctx); err != nil {
			return err
		}
	}
	if b.s.DatasetName == "sonnet" {
		total = 0 // its lengths are those of rendered prompts
	}
	b.chat = &recording.Template{Added: float64(total) / float64(checked), Prefix: t.count(t.before)}
	return nil
}
