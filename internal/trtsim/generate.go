package trtsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"loadgen/internal/pyjson"
)

// words are the tokens that the engine makes, each one token of Llama 3.
var words = [...]string{" the", " of", " and", " in", " to", " a", " is", " that", " for", " it", " as", " was", " with", " be", " by", " on"}

// token is the text of a generation's i-th token.
func token(i int) string { return words[i*7%len(words)] }

// generate answers a generation request.
func (s *Server) generate(ctx context.Context, body []byte, a *answer, chat bool) {
	r, err := parseRequest(body, chat)
	if err != nil {
		a.invalid(err.Error())
		return
	}
	prompt, err := s.promptLen(r, chat)
	if err != nil {
		a.badRequest("%v", err)
		return
	}
	output := s.o.Profile.MaxLen - prompt
	if given := r.MaxTokens; given != nil {
		output = *given
	} else if given := r.MaxCompletion; given != nil {
		output = *given
	}
	switch {
	case r.Suffix != nil && *r.Suffix != "":
		a.badRequest("suffix is not supported")
		return
	case r.N != nil && *r.N != 1:
		a.badRequest("the simulator makes one choice a request")
		return
	case output < 1:
		a.badRequest("max_tokens must be at least 1, got %d", output)
		return
	case prompt < 1:
		a.badRequest("the prompt is empty")
		return
	case prompt+output > s.o.Profile.MaxLen:
		a.badRequest("The sum of prompt length (%d) and max_tokens (%d) should not exceed max_seq_len (%d)", prompt, output, s.o.Profile.MaxLen)
		return
	}
	g := &generation{r: r, a: a, chat: chat, job: newJob(prompt, output), id: newID(chat), created: time.Now().Unix()}
	g.model = pyjson.AppendString(nil, r.Model)
	s.engine.submit(g.job)
	defer g.job.leave()
	if r.Stream {
		g.stream(ctx)
	} else {
		g.whole(ctx)
	}
}

func newID(chat bool) string {
	var b [16]byte
	rand.Read(b[:])
	if chat {
		return "chatcmpl-" + hex.EncodeToString(b[:])
	}
	return "cmpl-" + hex.EncodeToString(b[:])
}

// generation is one answer in the making.
type generation struct {
	r       *request
	a       *answer
	chat    bool
	job     *job
	id      string
	model   []byte
	created int64
	buf     []byte
}

// stream sends the events as they come: one chunk each.
func (g *generation) stream(ctx context.Context) {
	g.a.stream()
	include := g.r.StreamOptions != nil && g.r.StreamOptions.IncludeUsage
	continuous := include && g.r.StreamOptions.ContinuousUsage != nil && *g.r.StreamOptions.ContinuousUsage
	if g.chat {
		g.event(`{"index":0,"delta":{"role":"assistant"}}`, g.usage(continuous, 0), " ")
	}
	for sent := 0; sent < g.job.output && g.a.err == nil; {
		ready, err := g.job.wait(ctx, sent)
		if err != nil {
			g.a.err = err
			return
		}
		for ; sent < ready && g.a.err == nil; sent++ {
			g.event(g.choice(sent), g.usage(continuous, sent+1), "")
		}
	}
	if include {
		g.event("", g.usage(true, g.job.output), "")
	}
	g.a.chunk([]byte("data: [DONE]\n\n"))
	g.a.end()
}

// choice is the choice of the i-th token.
func (g *generation) choice(i int) string {
	last := i == g.job.output-1
	if g.chat {
		finish := ""
		if last {
			finish = `,"finish_reason":"length"`
		}
		return fmt.Sprintf(`{"index":0,"delta":{"content":"%s"}%s,"avg_decoded_tokens_per_iter":1.0}`, token(i), finish)
	}
	finish := "null"
	if last {
		finish = `"length"`
	}
	return fmt.Sprintf(`{"index":0,"text":"%s","token_ids":null,"logprobs":null,"finish_reason":%s,"stop_reason":null,"avg_decoded_tokens_per_iter":1.0}`, token(i), finish)
}

// usage is the usage object after n tokens, "" when it is not wanted.
func (g *generation) usage(wanted bool, n int) string {
	if !wanted {
		return ""
	}
	return fmt.Sprintf(`{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":0}}`,
		g.job.prompt, g.job.prompt+n, n)
}

// event sends one event. Completions write the nulls out, chat leaves them away.
func (g *generation) event(choice, usage, tail string) {
	object := "text_completion"
	if g.chat {
		object = "chat.completion.chunk"
	}
	g.buf = fmt.Appendf(g.buf[:0], `data: {"id":"%s","object":"%s","created":%d,"model":%s,"choices":[%s]`, g.id, object, g.created, g.model, choice)
	switch {
	case usage != "":
		g.buf = append(append(g.buf, `,"usage":`...), usage...)
	case !g.chat:
		g.buf = append(g.buf, `,"usage":null`...)
	}
	g.buf = append(append(append(g.buf, '}'), tail...), "\n\n"...)
	g.a.chunk(g.buf)
}

// whole sends the answer in one piece, when it is complete.
func (g *generation) whole(ctx context.Context) {
	for seen := 0; seen < g.job.output; {
		ready, err := g.job.wait(ctx, seen)
		if err != nil {
			g.a.err = err
			return
		}
		seen = ready
	}
	var text []byte
	for i := range g.job.output {
		text = append(text, token(i)...)
	}
	quoted := pyjson.AppendString(nil, string(text))
	const tail = `"finish_reason":"length","stop_reason":null,"disaggregated_params":null,"avg_decoded_tokens_per_iter":1.0`
	if g.chat {
		g.buf = fmt.Appendf(nil, `{"id":"%s","object":"chat.completion","created":%d,"model":%s,"choices":[{"index":0,"message":{"role":"assistant","content":%s,"reasoning_content":null,"reasoning":null,"tool_calls":[]},"logprobs":null,"mm_embedding_handle":null,%s}],"usage":%s,"prompt_token_ids":null}`,
			g.id, g.created, g.model, quoted, tail, g.usage(true, g.job.output))
	} else {
		g.buf = fmt.Appendf(nil, `{"id":"%s","object":"text_completion","created":%d,"model":%s,"choices":[{"index":0,"text":%s,"token_ids":null,"logprobs":null,"context_logits":null,%s}],"usage":%s,"prompt_token_ids":null}`,
			g.id, g.created, g.model, quoted, tail, g.usage(true, g.job.output))
	}
	g.a.whole(200, jsonType, g.buf)
}
