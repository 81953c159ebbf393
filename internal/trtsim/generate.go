package trtsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"loadgen/internal/pyjson"
)

// generate answers a generation request.
func (s *Server) generate(ctx context.Context, body []byte, a *answer, chat bool, asked string) {
	fault := s.dice.fault(asked)
	if s.broken() {
		fault = Fault500
	}
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
	g.record = s.truth.begin(a.arrived, fault)
	for _, c := range g.choices {
		s.engine.submit(c.job)
	}
	defer g.box.leave()
	if g.r.Stream {
		g.stream(ctx)
	} else {
		g.whole(ctx)
	}
}

const unavailable = "LLM is unavailable. Please check the server logs for more details."

// choicesMost bounds the choices of one request.
const choicesMost = 1024

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
	if r.Suffix != nil && *r.Suffix != "" {
		return bad("suffix is not supported")
	}
	prompts, err := s.prompts(r, chat)
	if err != nil {
		return bad("%v", err)
	}
	g := &generation{s: s, r: r, chat: chat, n: 1, id: newID(chat), created: time.Now().Unix(), model: pyjson.AppendString(nil, r.Model), box: newMailbox()}
	if r.N != nil {
		g.n = *r.N
	}
	if g.n < 1 || g.n > choicesMost || g.n*len(prompts) > choicesMost {
		return bad("n must be at least 1, and all choices at most %d: got %d of each of %d prompts", choicesMost, g.n, len(prompts))
	}
	for _, p := range prompts {
		if err := g.add(p); err != nil {
			return bad("%v", err)
		}
	}
	return g, nil
}

// add adds the choices of a prompt.
func (g *generation) add(p prompt) error {
	most := g.s.o.Profile.MaxLen - len(p.ids)
	output := most
	if given := g.r.MaxTokens; given != nil {
		output = *given
	} else if given := g.r.MaxCompletion; given != nil {
		output = *given
	}
	switch {
	case output < 1:
		return fmt.Errorf("max_tokens must be at least 1, got %d", output)
	case len(p.ids) < 1:
		return fmt.Errorf("the prompt is empty")
	case output > most:
		return fmt.Errorf("The sum of prompt length (%d) and max_tokens (%d) should not exceed max_seq_len (%d)", len(p.ids), output, g.s.o.Profile.MaxLen)
	}
	for range g.n {
		c := &choice{job: newJob(p.ids, output), finish: "length"}
		if g.s.o.EarlyStop && !g.r.IgnoreEOS {
			if drawn := max(g.s.dice.length(output), g.r.MinTokens); drawn < output {
				c.output, c.finish = drawn, "stop"
			}
		}
		if g.r.Echo {
			c.echo = p.text
		}
		c.index, c.box = len(g.choices), g.box
		g.choices = append(g.choices, c)
		g.output += c.output
	}
	return nil
}

func newID(chat bool) string {
	var b [16]byte
	rand.Read(b[:])
	if chat {
		return "chatcmpl-" + hex.EncodeToString(b[:])
	}
	return "cmpl-" + hex.EncodeToString(b[:])
}

// choice is one of the texts that an answer brings.
type choice struct {
	*job
	finish string
	echo   string   // of the prompt, to be sent before the first token
	last   delivery // what has been delivered
}

// generation is one answer in the making.
type generation struct {
	s       *Server
	r       *request
	a       *answer
	chat    bool
	n       int       // choices of each prompt
	choices []*choice // of the first prompt, then of the next
	output  int       // tokens of all of them
	box     *mailbox
	id      string
	model   []byte
	created int64
	fault   Fault
	record  *record
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
	for sent := 0; sent < g.output && g.a.err == nil; {
		ready, err := g.box.wait(ctx)
		if err != nil {
			g.a.err = err
			return
		}
		for _, m := range ready {
			if g.breaks(ctx, sent) || g.a.err != nil {
				return
			}
			c := g.choices[m.index]
			sent += m.tokens - c.last.tokens
			g.deliver(c, m.delivery, continuous)
			if include && g.fault != FaultNoUsage && m.tokens == c.output && g.complete(m.index/g.n) {
				g.event("", g.usageOf(m.index/g.n), "")
			}
		}
	}
	g.finished()
	if g.fault != FaultNoDone {
		g.send([]byte("data: [DONE]\n\n"))
	}
	g.sendHeld()
	g.a.end()
}

// deliver sends what has come of a choice. In a chat its role, and an echo, go before.
func (g *generation) deliver(c *choice, d delivery, continuous bool) {
	if c.last.tokens == 0 && g.chat {
		g.event(g.role(c.index), g.usage(continuous, c, 0, 0), " ")
		if c.echo != "" {
			g.event(g.delta(c.index, c.echo, "", ""), g.usage(continuous, c, 0, 0), " ")
		}
	}
	g.event(g.choice(c, d), g.usage(continuous, c, d.tokens, d.cached), "")
	c.last = d
	g.s.truth.wrote(g.record, g.s.now())
}

// complete tells whether all choices of a prompt have been delivered.
func (g *generation) complete(prompt int) bool {
	for _, c := range g.choices[prompt*g.n : (prompt+1)*g.n] {
		if c.last.tokens < c.output {
			return false
		}
	}
	return true
}

// finished remembers an answer before its last bytes: who has these finds it remembered.
func (g *generation) finished() {
	if g.a.err != nil {
		return
	}
	id := g.s.truth.end(g.record)
	for _, c := range g.choices {
		g.s.perf.add(g.perf(id, c.job))
	}
}

// breaks ends the stream in its middle where the fault says so.
func (g *generation) breaks(ctx context.Context, sent int) bool {
	if 2*sent < g.output {
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

// whole sends the answer in one piece, when it is complete.
func (g *generation) whole(ctx context.Context) {
	for sent := 0; sent < g.output; {
		ready, err := g.box.wait(ctx)
		if err != nil {
			g.a.err = err
			return
		}
		for _, m := range ready {
			c := g.choices[m.index]
			sent += m.tokens - c.last.tokens
			c.last = m.delivery
		}
	}
	if g.fault == FaultStall || g.fault == FaultCut || g.fault == FaultError {
		if g.fault == FaultStall {
			<-g.a.gone(ctx)
		}
		g.a.err = errCut
		return
	}
	g.s.truth.wrote(g.record, g.s.now())
	g.finished()
	g.a.whole(200, jsonType, g.wholeBody())
}
