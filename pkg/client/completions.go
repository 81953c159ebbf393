package client

import (
	"loadgen/internal/pyjson"
	"loadgen/pkg/dataset"
)

// completionsBody is the body of POST /v1/completions, its keys in the
// original's order (async_request_openai_completions).
func (c *Client) completionsBody(model *string, r dataset.Request) pyjson.Object {
	body := pyjson.Object{
		{Key: "model", Value: model},
		{Key: "prompt", Value: promptOf(r)},
		{Key: "temperature", Value: c.temperature()},
		{Key: "repetition_penalty", Value: 1.0},
		{Key: "max_tokens", Value: r.OutputLen},
		{Key: "logprobs", Value: c.o.Logprobs},
		{Key: "stream", Value: !c.o.NonStreaming},
	}
	return withFields(c.sampling(c.options(body)), r)
}

func promptOf(r dataset.Request) any {
	if r.IDs != nil {
		return r.IDs
	}
	return r.Prompt
}

// options appends what both backends send after "stream".
func (c *Client) options(body pyjson.Object) pyjson.Object {
	if !c.o.NonStreaming {
		o := pyjson.Object{{Key: "include_usage", Value: true}}
		if c.o.ContinuousUsage {
			o = append(o, pyjson.Member{Key: "continuous_usage_stats", Value: true})
		}
		body = append(body, pyjson.Member{Key: "stream_options", Value: o})
	}
	if c.o.IgnoreEOS {
		body = append(body, pyjson.Member{Key: "ignore_eos", Value: true})
	}
	return body
}
