package main

import (
	"bufio"

	"loadgen/internal/bench"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// printSettings prints the dry run's first line: the arguments as parsed and
// what the run would use.
func (m *benchmark) printSettings(b *bench.Bench) {
	effective := b.Effective()
	line := pyjson.Object{
		{Key: "args", Value: m.cfg.namespace()},
		{Key: "effective", Value: effective.Object()},
	}
	m.s.out.Write(append(pyjson.Append(nil, line), '\n'))
}

// printRequests prints a line for each measured request, in order.
func (m *benchmark) printRequests(b *bench.Bench) error {
	arrivals, err := b.Arrivals()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(m.s.out)
	var line []byte
	for i := range b.Requests() {
		r, err := b.Request(i)
		if err != nil {
			return err
		}
		lines := r.Header()
		headers := make([]any, len(lines))
		for k, h := range lines {
			headers[k] = []string{h[0], client.RedactHeader(h[0], h[1])}
		}
		request := pyjson.Object{
			{Key: "index", Value: b.Place(i)},
			{Key: "due_s", Value: nil}, // when its slot is free
			{Key: "method", Value: r.Method},
			{Key: "path", Value: client.Redact(r.Target)},
			{Key: "headers", Value: headers},
		}
		if arrivals != nil {
			request.Set("due_s", recording.Plain(arrivals[b.Place(i)]))
		}
		body := string(r.Body)
		if recording.Text(m.cfg.BodyPatch) != "" {
			body = client.RedactJSON(body)
		}
		request = append(request, bodyLimits(r.Body)...)
		request = append(request, pyjson.Member{Key: "prompt_len", Value: r.PromptLen},
			pyjson.Member{Key: "output_len", Value: r.OutputLen},
			pyjson.Member{Key: "body", Value: body})
		if turn := b.Turn(i); turn.Conversation > 0 {
			if turn.Number > 0 { // when it is due depends on the answer before it
				request.Set("due_s", nil)
			}
			request = append(request, pyjson.Member{Key: "conversation", Value: turn.Conversation},
				pyjson.Member{Key: "turn", Value: turn.Number + 1}, pyjson.Member{Key: "think_s", Value: turn.Think.Seconds()})
		}
		line = pyjson.Append(line[:0], request)
		out.Write(append(line, '\n'))
	}
	return out.Flush()
}

// bodyLimits are the members of a body that bound its completion, as they are after a patch.
func bodyLimits(body []byte) (out pyjson.Object) {
	parsed, _ := pyjson.Parse(body) // a body that is no object has none
	object, _ := parsed.(pyjson.Object)
	for _, m := range object {
		if m.Key == "max_tokens" || m.Key == "max_completion_tokens" {
			out = append(out, m)
		}
	}
	return out
}
