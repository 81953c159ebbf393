package client

import (
	"fmt"
	"strconv"

	"loadgen/internal/pyjson"
	"loadgen/internal/stream"
)

// Limits bound what an answer may hold; 0 stands for the default. An answer beyond
// them is a failure of class too_long, line_too_long or bad_http, and its connection
// is closed.
type Limits struct {
	// HeadBytes bounds the head of an answer, informational ones included: 256 KiB.
	HeadBytes int
	// EventBytes bounds one line of a stream: 16 MiB; 512 KiB under the original's rules.
	EventBytes int
	// Events bounds the events of a stream: 4,096 and 64 for each token asked for, of
	// each choice. Where the body asks for no number of tokens, it stands for 1,000,000.
	Events int
	// BodyBytes bounds a body, after decompression: 16 MiB and 4 KiB for each event
	// that a stream may have.
	BodyBytes int
}

// The defaults: far more than any server sends that obeys max_tokens, and little
// enough that a thousand streams that never end fit into memory.
const (
	eventsBase     = 4096
	eventsPerToken = 64
	tokensUnasked  = 1_000_000
	bytesBase      = 16 << 20
	bytesPerEvent  = 4 << 10
)

// of is the bounds of the answer to a request.
func (l Limits) of(p *Prepared) stream.Limits {
	const most = 1 << 40
	tokens := p.asked
	if tokens <= 0 {
		tokens = tokensUnasked
	}
	choices := max(p.number, 1)
	out := stream.Limits{Head: l.HeadBytes, Line: l.EventBytes, Events: l.Events, Body: l.BodyBytes}
	expected := (eventsBase + eventsPerToken*min(tokens, most/eventsPerToken)) * min(choices, 1024)
	if out.Events <= 0 {
		out.Events = expected
	}
	if out.Body <= 0 {
		out.Body = bytesBase + bytesPerEvent*min(max(expected, out.Events), most)
	}
	return out
}

// readAsked keeps what a body asks for.
func (p *Prepared) readAsked(body pyjson.Object) {
	for _, key := range []string{"max_tokens", "max_completion_tokens"} {
		p.asked = max(p.asked, whole(body.Get(key)))
	}
	p.number = max(whole(body.Get("n")), 1)
	p.generated = max(whole(body.Get("best_of")), p.number)
	if list, ok := body.Get("prompt").([]any); ok && len(list) > 0 {
		if _, isNumber := list[0].(pyjson.Raw); !isNumber { // several prompts
			p.number, p.generated = p.number*len(list), p.generated*len(list)
		}
	}
}

// whole is a JSON value as a whole number, 0 where it is none.
func whole(v any) int {
	switch v := v.(type) {
	case int:
		return max(v, 0)
	case pyjson.Raw:
		if f, err := strconv.ParseFloat(string(v), 64); err == nil && f > 0 {
			return int(min(f, 1<<40))
		}
	}
	return 0
}

// mostReasoning is how many tokens of reasoning nobody sees are believed of an answer.
const mostReasoning = 128 << 10

// ContradictsCount reports why the server's count of completion tokens cannot be true
// of what it sent: more tokens than were asked for, and more than the bytes and events
// of the answer can hold. asked is the number of tokens asked for, of all that is generated
// (n or best_of choices), 0 for no limit. It returns "" where the count may be true.
//
// A token that brings no text is possible (special tokens, parts of a character), and
// several may come in an event; so the count contradicts the answer only where it is
// above twice what was asked for and 64 more, and above the bytes of all texts and 64
// for each event. Reasoning that the server counts apart and does not send is allowed, as
// much as the longest thinking budgets have.
func (r *Result) ContradictsCount(asked int) string {
	count, bytes := r.SeenUsage.Completion, 0
	for _, c := range r.Generated() {
		bytes += len(c.Text) + len(c.Reasoning) + len(c.ToolCalls)
	}
	events := max(len(r.Events), 1)
	if d := r.Details; d != nil {
		count -= min(max(d.ReasoningTokens, 0), mostReasoning)
	}
	if asked > 0 && count <= 2*min(asked, 1<<40)+64 || count <= bytes+64*events {
		return ""
	}
	text := fmt.Sprintf("the server counts %d tokens in %d bytes of text", r.SeenUsage.Completion, bytes)
	if len(r.Events) > 0 {
		text += fmt.Sprintf(" and %d events", len(r.Events))
	}
	if asked > 0 {
		text += fmt.Sprintf("; %d were asked for", asked)
	}
	return text
}
