package trtsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"loadgen/internal/pause"
)

// generate answers a generation request.
func (s *Server) generate(ctx context.Context, body []byte, a *answer, chat bool, asked string) {
	fault, err := s.dice.fault(asked)
	if err != nil {
		a.badRequest("%s: %v", faultHeader, err)
		return
	}
	if s.broken() {
		fault = Fault500
	}
	ctx, release := a.watch(ctx)
	defer release()
	switch fault {
	case FaultSlowHeaders:
		pause.For(ctx, 2*time.Second)
	case FaultNull, Fault500, Fault503:
		s.truth.leave(s.truth.begin(a.arrived, fault))
		a.refuse(fault)
		return
	}
	g, refusal := s.accept(body, chat)
	if g == nil {
		refusal(a)
		return
	}
	g.a, g.fault = a, fault
	g.record = s.truth.begin(a.arrived, fault)
	defer s.truth.leave(g.record)
	for _, c := range g.choices {
		s.engine.submit(c.job)
	}
	defer g.box.leave()
	if g.r.stream {
		g.stream(ctx)
	} else {
		g.whole(ctx)
	}
}

// refuse answers as a server does that generates nothing.
func (a *answer) refuse(fault Fault) {
	switch fault {
	case FaultNull:
		a.whole(200, jsonType, []byte("null"))
	case Fault503:
		a.whole(503, "text/plain; charset=utf-8", []byte(unavailable))
	default:
		a.crash()
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
	if !chat && r.logprobs && !s.o.Dialect.Logprobs {
		return bad("logprobs is not supported")
	}
	if r.suffix {
		return bad("suffix is not supported")
	}
	prompts, err := s.prompts(r, chat)
	if err != nil {
		return bad("%v", err)
	}
	g := &generation{s: s, r: r, chat: chat, id: newID(chat), created: time.Now().Unix(), model: jsonText(r.model), box: newMailbox()}
	if r.n < 1 || r.n > choicesMost || r.n*len(prompts) > choicesMost {
		return bad("n must be at least 1, and all choices at most %d: got %d of each of %d prompts", choicesMost, r.n, len(prompts))
	}
	if len(prompts) == 0 {
		return bad("the prompt is empty")
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
	if g.r.maxTokens != nil {
		output = *g.r.maxTokens
	}
	switch {
	case len(p.ids) < 1:
		return errors.New("the prompt is empty")
	case g.r.maxTokens != nil && output < 1:
		return fmt.Errorf("max_tokens must be at least 1, got %d", output)
	case output > most || most < 1:
		return fmt.Errorf("The sum of prompt length (%d) and max_tokens (%d) should not exceed max_seq_len (%d)", len(p.ids), max(output, 1), g.s.o.Profile.MaxLen)
	}
	for range g.r.n {
		c := &choice{job: newJob(p.ids, output), finish: "length"}
		if g.s.o.EarlyStop && !g.r.ignoreEOS {
			if drawn := max(g.s.dice.length(output), g.r.minTokens); drawn < output {
				c.output, c.finish = drawn, "stop"
			}
		}
		if g.r.echo {
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
	// written is when the first token was about to be written to the client.
	written time.Time
}

// generation is one answer in the making.
type generation struct {
	s       *Server
	r       *request
	a       *answer
	chat    bool
	choices []*choice // of the first prompt, then of the next
	output  int       // tokens of all of them
	box     *mailbox
	id      string
	model   []byte // as JSON
	opened  bool   // a chat's roles have been sent
	created int64
	fault   Fault
	record  *record
	buf     []byte
	held    []byte // events of a burst that has not been sent yet
	unsent  []unsent
	holds   int
}

// unsent are tokens of a choice that have not been sent yet.
type unsent struct {
	c   *choice
	due time.Time
}

// stream sends the events as they come.
func (g *generation) stream(ctx context.Context) {
	g.a.stream()
	continuous := g.r.usage && g.s.o.Dialect.ContinuousUsage
	if g.r.usage && g.r.continuous != nil {
		continuous = *g.r.continuous
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
			if prompt := m.index / g.r.n; g.r.usage && g.fault != FaultNoUsage && m.tokens == c.output && g.complete(prompt) {
				g.event("", g.usageOf(prompt), "")
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

// deliver sends what has come of a choice.
func (g *generation) deliver(c *choice, d delivery, continuous bool) {
	if g.chat && !g.opened {
		g.opened = true
		g.open(d.cached, continuous)
	}
	g.unsent = append(g.unsent, unsent{c, d.due})
	g.event(g.choice(c, d), g.usage(continuous, c, d.tokens, d.cached), "")
	c.last = d
}

// note records the tokens that are about to be written. Afterwards would be too late: a
// client that a write wakes may well run before the writer goes on.
func (g *generation) note() {
	for _, u := range g.unsent {
		if g.a.err == nil {
			at := g.s.now()
			g.s.truth.wrote(g.record, at, u.due.Sub(g.s.began))
			if u.c != nil && u.c.written.IsZero() {
				u.c.written = g.s.began.Add(at)
			}
		}
	}
	g.unsent = g.unsent[:0]
}

// open sends the roles of all choices of a chat, and what it echoes, which go before
// the first token.
func (g *generation) open(cached int, continuous bool) {
	for _, c := range g.choices {
		usage := g.usage(continuous, c, 0, cached)
		g.event(g.role(c.index), usage, " ")
		if c.echo != "" {
			g.event(g.delta(c.index, c.echo, "", ""), usage, " ")
		}
	}
}

// complete reports whether all choices of a prompt have been delivered.
func (g *generation) complete(prompt int) bool {
	for _, c := range g.choices[prompt*g.r.n : (prompt+1)*g.r.n] {
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
	g.s.truth.end(g.record, g.output)
	for _, c := range g.choices {
		g.s.keepPerf(g.perf(c))
		g.s.meters.add(g, c)
	}
}

// breaks ends the stream in its middle where the fault says so.
func (g *generation) breaks(ctx context.Context, sent int) bool {
	if 2*sent < g.output {
		return false
	}
	switch {
	case g.fault == FaultError && g.s.o.Dialect.ErrorEvent && !g.chat:
		g.send([]byte(`data: {"error": {"message": "the simulated engine has failed", "type": "server_error", "code": null, "param": null}}` + "\n\n"))
		g.send([]byte("data: [DONE]\n\n"))
		g.send([]byte("data: [DONE]\n\n"))
		g.a.end()
		return true
	case g.fault == FaultError || g.fault == FaultCut:
		g.a.err = errCut
		return true
	case g.fault == FaultStall:
		<-ctx.Done()
		g.a.err = errCut
		return true
	}
	return false
}

// whole sends the answer in one piece, when it is complete.
func (g *generation) whole(ctx context.Context) {
	var due time.Time
	for sent := 0; sent < g.output; {
		ready, err := g.box.wait(ctx)
		if err != nil {
			g.a.err = err
			return
		}
		for _, m := range ready {
			c := g.choices[m.index]
			sent += m.tokens - c.last.tokens
			c.last, due = m.delivery, m.due
		}
	}
	if g.fault == FaultStall || g.fault == FaultCut || g.fault == FaultError {
		if g.fault == FaultStall {
			<-ctx.Done()
		}
		g.a.err = errCut
		return
	}
	g.unsent = append(g.unsent, unsent{due: due})
	g.note()
	g.finished()
	g.a.whole(200, jsonType, g.wholeBody())
}
