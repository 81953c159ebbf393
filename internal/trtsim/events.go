package trtsim

import (
	"fmt"
	"strings"
	"time"

	"loadgen/internal/pyjson"
)

// words are the tokens that the engine makes, each one token of Llama 3.
var words = [...]string{" the", " of", " and", " in", " to", " a", " is", " that", " for", " it", " as", " was", " with", " be", " by", " on"}

// word is the number of a generation's token i among the words.
func word(i int) int { return i * 7 % len(words) }

// vocabulary is the number of Llama 3's tokens, and eos the one that ends an answer.
const vocabulary, eos = 128256, 128009

// tokens is the text of a generation's tokens from up to to.
func tokens(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		text.WriteString(words[word(i)])
	}
	return text.String()
}

// content is the text of a choice's tokens, and their ids as JSON where the
// request asks for no text. The token that ends an answer has no text. In a chat an
// echo has an event of its own.
func (g *generation) content(c *choice, from, to int) (text, ids string) {
	ends := c.finish == "stop" && to == c.output
	if ends {
		to--
	}
	if g.r.noText {
		all := []int{}
		for i := from; i < to; i++ {
			all = append(all, g.s.tok.Encode(words[word(i)], false)...)
		}
		if ends {
			all = append(all, eos)
		}
		return "", compact(all)
	}
	if text = tokens(from, to); from == 0 && !g.chat {
		text = c.echo + text
	}
	return text, "null"
}

// role is the choice of a chat's first event.
func (g *generation) role(index int) string {
	tools := ""
	if g.s.o.Dialect.ToolCalls {
		tools = `,"tool_calls":[]`
	}
	return fmt.Sprintf(`{"index":%d,"delta":{"role":%s%s}}`, index, jsonText(g.r.role()), tools)
}

// delta is the choice of a chat that brings text.
func (g *generation) delta(index int, text, finish, perIter string) string {
	c := fmt.Appendf(nil, `{"index":%d,"delta":{"content":%s`, index, jsonText(text))
	if g.s.o.Dialect.Reasoning {
		c = append(c, `,"reasoning_content":""`...)
	}
	if g.s.o.Dialect.ToolCalls {
		c = append(c, `,"tool_calls":[]`...)
	}
	c = append(c, '}')
	if finish != "" {
		c = append(c, `,"finish_reason":"`+finish+`"`...)
	}
	if g.s.o.Dialect.PerIter && perIter != "" {
		c = append(c, `,"avg_decoded_tokens_per_iter":`+perIter...)
	}
	return string(append(c, '}'))
}

// choice is the choice that brings the tokens after those that c has delivered.
func (g *generation) choice(c *choice, d delivery) string {
	finish := ""
	if d.tokens == c.output {
		finish = c.finish
	}
	from, perIter := c.last.tokens, pyjson.FormatFloat(float64(d.tokens)/float64(d.steps))
	text, ids := g.content(c, from, d.tokens)
	switch {
	case g.fault == FaultEmptyText && from%2 == 1:
		text = ""
	case g.fault == FaultSplitUTF8 && text != "":
		text = " ☂"
	}
	params := ""
	if g.s.o.Disaggregated && from == 0 {
		params = fmt.Sprintf(`,"disaggregated_params":{"request_type":"generation_only","ctx_request_id":%d}`, g.record.number)
	}
	if g.chat {
		d := g.delta(c.index, text, finish, perIter)
		return d[:len(d)-1] + params + "}"
	}
	if finish == "" {
		finish = "null"
	} else {
		finish = `"` + finish + `"`
	}
	return fmt.Sprintf(`{"index":%d,"text":%s,"token_ids":%s,"logprobs":null,"finish_reason":%s,"stop_reason":null,"avg_decoded_tokens_per_iter":%s%s}`,
		c.index, jsonText(text), ids, finish, perIter, params)
}

// usage is the usage object after n tokens of a choice, "" when it is not wanted.
func (g *generation) usage(wanted bool, c *choice, n, cached int) string {
	if !wanted || g.fault == FaultNoUsage {
		return ""
	}
	return g.counts(c.prompt, n, cached)
}

// usageOf is the usage object of a prompt whose choices are complete.
func (g *generation) usageOf(prompt int) string {
	n := 0
	for _, c := range g.choices[prompt*g.r.n : (prompt+1)*g.r.n] {
		n += c.output
	}
	first := g.choices[prompt*g.r.n]
	return g.counts(first.prompt, n, first.last.cached)
}

// counts is a usage object.
func (g *generation) counts(prompt, n, cached int) string {
	if g.fault == FaultWrongUsage {
		n += 7
	}
	details := ""
	if g.s.o.Dialect.Details {
		details = fmt.Sprintf(`,"prompt_tokens_details":{"cached_tokens":%d}`, cached)
	}
	return fmt.Sprintf(`{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d%s}`, prompt, prompt+n, n, details)
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
	if g.fault != FaultBurst {
		g.note()
	}
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
		g.held = g.a.frame(g.held, data)
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
		g.note()
		g.a.buf = append(g.a.buf[:0], g.held...)
		g.a.flush()
		g.held, g.holds = g.held[:0], 0
	}
}

// wholeBody is the answer that is sent in one piece.
func (g *generation) wholeBody() []byte {
	object, between := "text_completion", ""
	if g.chat {
		object = "chat.completion"
	}
	b := fmt.Appendf(nil, `{"id":"%s","object":"%s","created":%d,"model":%s,"choices":[`, g.id, object, g.created, g.model)
	prompt, n, cached := 0, 0, 0
	for i, c := range g.choices {
		if i%g.r.n == 0 {
			prompt, cached = prompt+c.prompt, cached+c.last.cached
		}
		n += c.output
		b = fmt.Appendf(b, `%s{"index":%d,`, between, c.index)
		between = ","
		text, ids := g.content(c, 0, c.output)
		if g.chat {
			b = fmt.Appendf(b, `"message":{"role":%s,"content":%s,"reasoning_content":null,"reasoning":null,"tool_calls":[]},"logprobs":null`, jsonText(g.r.role()), jsonText(c.echo+text))
		} else {
			b = fmt.Appendf(b, `"text":%s,"token_ids":%s,"logprobs":null,"context_logits":null`, jsonText(text), ids)
		}
		handle := ""
		if g.chat {
			handle = `"mm_embedding_handle":null,`
		}
		b = fmt.Appendf(b, `,"finish_reason":"%s","stop_reason":null,%s"disaggregated_params":null,"avg_decoded_tokens_per_iter":%s}`,
			c.finish, handle, pyjson.FormatFloat(float64(c.last.tokens)/float64(c.last.steps)))
	}
	usage := "null"
	if g.fault != FaultNoUsage {
		usage = g.counts(prompt, n, cached)
	}
	return fmt.Appendf(b, `],"usage":%s,"prompt_token_ids":null}`, usage)
}
