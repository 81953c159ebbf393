package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"loadgen/internal/pyjson"
	"loadgen/internal/stream"
	"loadgen/pkg/dataset"
)

// Counter asks the server how many tokens a request's prompt has.
type Counter struct {
	c *Client
	// Route is where prompts are counted; "" where requests of one token are sent for it,
	// which puts their prompts into the server's prefix cache.
	Route string
	key   string // the body's member that holds the prompt
	// added is what the server counts beyond that: its chat template.
	added int
}

// tokenizeRoutes are the routes that count, with the member that holds the prompt: those of
// trtllm-serve, then of vLLM and SGLang, then of llama.cpp.
var tokenizeRoutes = [][2]string{{"/v1/tokenize", "prompt"}, {"/_internal/tokenize", "prompt"}, {"/tokenize", "prompt"}, {"/tokenize", "content"}}

// NewCounter finds out how this server counts; sample is one of the requests. What a chat
// template adds to text, and a server to ids, is learned from that request's usage.
func (c *Client) NewCounter(ctx context.Context, sample dataset.Request) (*Counter, error) {
	usage := &Counter{c: c}
	if len(sample.Messages)+len(sample.Images) > 0 { // which no route counts
		_, err := usage.Count(ctx, sample)
		return usage, err
	}
	counter, n := &Counter{c: c, Route: ids}, len(sample.IDs)
	for _, route := range tokenizeRoutes {
		if sample.IDs != nil {
			break
		}
		counter = &Counter{c: c, Route: route[0], key: route[1]}
		var err error
		if n, err = counter.Count(ctx, sample); err == nil && n > 0 {
			break
		} else if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		counter = nil
	}
	if counter != nil && !c.o.Chat && sample.IDs == nil {
		return counter, nil
	}
	all, err := usage.Count(ctx, sample)
	if counter == nil || err != nil {
		return usage, err
	}
	counter.added = all - n
	return counter, nil
}

// ids is the Route of counting ids.
const ids = "the usage of one request"

// What an answer with tokens may take, in bytes: itself, and for each of the prompt's bytes.
const (
	countBase    = 64 << 10
	countPerByte = 64
)

// Count is the number of tokens that the server counts in a prompt, what it adds included.
func (t *Counter) Count(ctx context.Context, r dataset.Request) (int, error) {
	switch {
	case t.Route == "" || (r.IDs != nil) != (t.Route == ids) || len(r.Messages)+len(r.Images) > 0:
		return t.byUsage(ctx, r)
	case r.IDs != nil:
		return len(r.IDs) + t.added, nil
	case t.c.o.Chat:
		r.Prompt = strings.TrimSpace(r.Prompt) // as chat templates do
	}
	body := pyjson.Object{{Key: "model", Value: t.c.o.Model}, {Key: t.key, Value: r.Prompt}}
	if t.key == "content" {
		body = pyjson.Object{{Key: t.key, Value: r.Prompt}, {Key: "add_special", Value: true}}
	}
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p := &Prepared{Method: "POST", Target: t.c.target(t.Route), Body: pyjson.Append(nil, body)}
	if t.Route == "/tokenize" || t.Route == "/_internal/tokenize" {
		p.Target = t.c.root(t.Route)
	}
	t.c.setHeader(p, !t.c.o.KeepAlive)
	var a Result
	t.c.do(limited, p, &a, stream.Options{Raw: true, Limits: stream.Limits{Body: countBase + countPerByte*len(r.Prompt)}})
	var counted struct {
		Count  *int              `json:"count"`
		Tokens []json.RawMessage `json:"tokens"`
	}
	switch {
	case a.Err != nil:
		return 0, a.Err
	case a.Status != 200:
		return 0, fmt.Errorf("%s answers %d: %s", t.Route, a.Status, excerpt(a.Body))
	}
	if err := json.Unmarshal(a.Body, &counted); err != nil {
		return 0, fmt.Errorf("%s does not answer with tokens: %s", t.Route, excerpt(a.Body))
	}
	if counted.Count != nil {
		return *counted.Count + t.added, nil
	}
	return len(counted.Tokens) + t.added, nil
}

// byUsage sends the request for one token.
func (t *Counter) byUsage(ctx context.Context, r dataset.Request) (int, error) {
	r.OutputLen = 1
	p, err := t.c.Prepare(r)
	if err != nil {
		return 0, err
	}
	var a Result
	t.c.Do(ctx, p, &a)
	switch {
	case a.Err != nil:
		return 0, a.Err
	case a.SeenUsage.Prompt < 0:
		return 0, errors.New("the server's answers have no usage with the number of prompt tokens")
	}
	return a.SeenUsage.Prompt, nil
}
