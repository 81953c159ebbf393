package trtsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"loadgen/internal/pyjson"
)

// words are the tokens that the engine makes, each one token of Llama 3.
var words = [...]string{" the", " of", " and", " in", " to", " a", " is", " that", " for", " it", " as", " was", " with", " be", " by", " on"}

// tokens is the text of a generation's tokens from up to to.
func tokens(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		text.WriteString(words[i*7%len(words)])
	}
	return text.String()
}

// generate answers a generation request.
func (s *Server) generate(ctx context.Context, body []byte, a *answer, chat bool, asked string) {
	fault := s.dice.fault(asked)
	switch fault {
	case FaultSlowHeaders:
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	case FaultNull:
		a.whole(200, jsonType, []byte("null"))
		return
	case Fault500:
		a.whole(500, "text/plain; charset=utf-8", []byte("Internal Server Error"))
		return
	case Fault503:
		a.whole(503, "text/plain; charset=utf-8", []byte(unavailable))
		return
	}
	g, words := s.accept(body, chat)
	if g == nil {
		words(a)
		return
	}
	g.a, g.fault = a, fault
	g.record = s.truth.begin(s.now(), fault)
	s.engine.submit(g.job)
	defer g.job.leave()
	if g.r.Stream {
		g.stream(ctx)
	} else {
		g.whole(ctx)
	}
}

const unavailable = "LLM is unavailable. Please check the server logs for more details."

// accept turns a body into a generation, or into the answer that refuses it.
func (s *Server) accept(body []byte, chat bool) (*generation, func(a *answer)) {
	bad := func(format string, args ...any) (*generation, func(a *answer)) {
		return nil, func(a *answer) { a.badRequest(format, args...) }
	}
	r, err := parseRequest(body, chat)
	if err != nil {
		if s.o.Dialect.ObjectErrors {
			return bad("%v", err)
		}
		return nil, func(a *answer) { a.invalid(err.Error()) }
	}
	if !chat && r.logprobs() && !s.o.Dialect.Logprobs {
		return bad("logprobs is not supported")
	}
	ids, err := s.prompt(r, chat)
	if err != nil {
		return bad("%v", err)
	}
	most := s.o.Profile.MaxLen - len(ids)
	output := most
	if given := r.MaxTokens; given != nil {
		output = *given
	} else if given := r.MaxCompletion; given != nil {
		output = *given
	}
	switch {
	case r.Suffix != nil && *r.Suffix != "":
		return bad("suffix is not supported")
	case r.N != nil && *r.N != 1:
		return bad("the simulator makes one choice a request")
	case output < 1:
		return bad("max_tokens must be at least 1, got %d", output)
	case len(ids) < 1:
		return bad("the prompt is empty")
	case output > most:
		return bad("The sum of prompt length (%d) and max_tokens (%d) should not exceed max_seq_len (%d)", len(ids), output, s.o.Profile.MaxLen)
	}
	g := &generation{s: s, r: r, chat: chat, id: newID(chat), created: time.Now().Unix(), finish: "length"}
	if s.o.EarlyStop && !r.IgnoreEOS {
		if n := s.dice.length(output); n < output {
			output, g.finish = n, "stop"
		}
	}
	g.job = newJob(ids, output)
	g.model = pyjson.AppendString(nil, r.Model)
	return g, nil
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
	s       *Server
	r       *request
	a       *answer
	chat    bool
	job     *job
	id      string
	model   []byte
	created int64
	finish  string
	fault   Fault
	record  *record
	cached  int // prompt tokens that the KV cache held; 0 before the first token
	buf     []byte
	held    []byte // events of a burst that has not been sent yet
	holds   int
}

// stream sends the events as they come.
func (g *generation) stream(ctx context.Context) {
	g.a.stream()
	include := g.r.StreamOptions != nil && g.r.StreamOptions.IncludeUsage
	continuous := include && g.s.o.Dialect.ContinuousUsage
	if include && g.r.StreamOptions.ContinuousUsage != nil {
		continuous = *g.r.StreamOptions.ContinuousUsage
	}
	if g.chat {
		g.event(g.role(), g.usage(continuous, 0), " ")
	}
	half := (g.job.output + 1) / 2
	for sent := 0; sent < g.job.output && g.a.err == nil; {
		ready, err := g.job.wait(ctx)
		if err != nil {
			g.a.err = err
			return
		}
		for _, d := range ready {
			if g.breaks(ctx, sent, half) || g.a.err != nil {
				return
			}
			g.cached = d.cached
			g.event(g.choice(sent, d), g.usage(continuous, d.tokens), "")
			g.s.truth.wrote(g.record, g.s.now())
			sent = d.tokens
		}
	}
	g.sendHeld()
	if include && g.fault != FaultNoUsage {
		g.event("", g.usage(true, g.job.output), "")
	}
	if g.fault != FaultNoDone {
		g.send([]byte("data: [DONE]\n\n"))
	}
	g.sendHeld()
	g.a.end()
	if g.a.err == nil {
		g.s.perf.add(g.perf(g.s.truth.end(g.record)))
	}
}

// breaks ends the stream in its middle where the fault says so.
func (g *generation) breaks(ctx context.Context, sent, half int) bool {
	if sent < half {
		return false
	}
	switch g.fault {
	case FaultError:
		if g.s.o.Dialect.ErrorEvent {
			g.send([]byte(`data: {"error": {"message": "the simulated engine has failed", "type": "server_error", "code": null, "param": null}}` + "\n\n"))
			g.send([]byte("data: [DONE]\n\n"))
			g.send([]byte("data: [DONE]\n\n"))
			g.a.end()
			return true
		}
		g.a.err = errCut
		return true
	case FaultCut:
		g.a.err = errCut
		return true
	case FaultStall:
		<-g.a.gone(ctx)
		g.a.err = errCut
		return true
	}
	return false
}

// role is the choice of a chat's first event.
func (g *generation) role() string {
	if g.s.o.Dialect.ToolCalls {
		return `{"index":0,"delta":{"role":"assistant","tool_calls":[]}}`
	}
	return `{"index":0,"delta":{"role":"assistant"}}`
}

// choice is the choice that brings the tokens from sent on.
func (g *generation) choice(sent int, d delivery) string {
	last := d.tokens == g.job.output
	text := tokens(sent, d.tokens)
	switch {
	case g.fault == FaultEmptyText && sent%2 == 1:
		text = ""
	case g.fault == FaultSplitUTF8:
		text = " ☂"
	}
	perIter := pyjson.FormatFloat(float64(d.tokens) / float64(d.steps))
	if !g.chat {
		finish := "null"
		if last {
			finish = `"` + g.finish + `"`
		}
		return fmt.Sprintf(`{"index":0,"text":"%s","token_ids":null,"logprobs":null,"finish_reason":%s,"stop_reason":null,"avg_decoded_tokens_per_iter":%s}`, text, finish, perIter)
	}
	c := `{"index":0,"delta":{"content":"` + text + `"`
	if g.s.o.Dialect.Reasoning {
		c += `,"reasoning_content":""`
	}
	if g.s.o.Dialect.ToolCalls {
		c += `,"tool_calls":[]`
	}
	c += "}"
	if last {
		c += `,"finish_reason":"` + g.finish + `"`
	}
	if g.s.o.Dialect.PerIter {
		c += `,"avg_decoded_tokens_per_iter":` + perIter
	}
	return c + "}"
}

// usage is the usage object after n tokens, "" when it is not wanted.
func (g *generation) usage(wanted bool, n int) string {
	if !wanted || g.fault == FaultNoUsage {
		return ""
	}
	if g.fault == FaultWrongUsage {
		n += 7
	}
	details := ""
	if g.s.o.Dialect.Details {
		details = fmt.Sprintf(`,"prompt_tokens_details":{"cached_tokens":%d}`, g.cached)
	}
	return fmt.Sprintf(`{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d%s}`, g.job.prompt, g.job.prompt+n, n, details)
}

// event sends one event. Completions write the nulls out, chat leaves them away.
func (g *generation) event(choice, usage, tail string) {
	chat := g.chat || choice == "" && g.s.o.Dialect.ChatUsage
	id, created := g.id, g.created
	if g.s.o.Dialect.FreshIDs || chat != g.chat {
		id, created = newID(chat), time.Now().Unix()
	}
	object := "text_completion"
	if chat {
		object = "chat.completion.chunk"
	}
	g.buf = fmt.Appendf(g.buf[:0], `data: {"id":"%s","object":"%s","created":%d,"model":%s,"choices":[%s]`, id, object, created, g.model, choice)
	switch {
	case usage != "":
		g.buf = append(append(g.buf, `,"usage":`...), usage...)
	case !g.chat:
		g.buf = append(g.buf, `,"usage":null`...)
	}
	g.buf = append(append(append(g.buf, '}'), tail...), "\n\n"...)
	g.send(g.buf)
}

// send sends the bytes of an event: one HTTP chunk, unless a fault says otherwise.
func (g *generation) send(data []byte) {
	switch g.fault {
	case FaultOneByte:
		for i := range data {
			g.a.chunk(data[i : i+1])
		}
	case FaultSplitUTF8:
		if i := strings.Index(string(data), "☂"); i >= 0 {
			g.a.chunk(data[:i+1])
			data = data[i+1:]
		}
		g.a.chunk(data)
	case FaultBurst:
		g.held = append(fmt.Appendf(g.held, "%x\r\n%s", len(data), data), "\r\n"...)
		if g.holds++; g.holds == 8 {
			g.sendHeld()
		}
	default:
		g.a.chunk(data)
	}
}

// sendHeld sends the events of a burst.
func (g *generation) sendHeld() {
	if len(g.held) > 0 {
		g.a.buf = append(g.a.buf[:0], g.held...)
		g.a.flush()
		g.held, g.holds = g.held[:0], 0
	}
}

// whole sends the answer in one piece, when it is complete.
func (g *generation) whole(ctx context.Context) {
	var d delivery
	for d.tokens < g.job.output {
		ready, err := g.job.wait(ctx)
		if err != nil {
			g.a.err = err
			return
		}
		d = ready[len(ready)-1]
		g.cached = d.cached
	}
	if g.fault == FaultStall || g.fault == FaultCut || g.fault == FaultError {
		if g.fault == FaultStall {
			<-g.a.gone(ctx)
		}
		g.a.err = errCut
		return
	}
	quoted := pyjson.AppendString(nil, tokens(0, g.job.output))
	tail := fmt.Sprintf(`"finish_reason":"%s","stop_reason":null,"disaggregated_params":null,"avg_decoded_tokens_per_iter":%s`,
		g.finish, pyjson.FormatFloat(float64(d.tokens)/float64(d.steps)))
	usage := g.usage(true, g.job.output)
	if usage == "" {
		usage = "null"
	}
	if g.chat {
		g.buf = fmt.Appendf(nil, `{"id":"%s","object":"chat.completion","created":%d,"model":%s,"choices":[{"index":0,"message":{"role":"assistant","content":%s,"reasoning_content":null,"reasoning":null,"tool_calls":[]},"logprobs":null,"mm_embedding_handle":null,%s}],"usage":%s,"prompt_token_ids":null}`,
			g.id, g.created, g.model, quoted, tail, usage)
	} else {
		g.buf = fmt.Appendf(nil, `{"id":"%s","object":"text_completion","created":%d,"model":%s,"choices":[{"index":0,"text":%s,"token_ids":null,"logprobs":null,"context_logits":null,%s}],"usage":%s,"prompt_token_ids":null}`,
			g.id, g.created, g.model, quoted, tail, usage)
	}
	g.s.truth.wrote(g.record, g.s.now())
	g.a.whole(200, jsonType, g.buf)
	g.s.perf.add(g.perf(g.s.truth.end(g.record)))
}
