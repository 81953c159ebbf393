package client

import (
	"loadgen/internal/pyjson"
	"loadgen/pkg/dataset"
)

// chatBody is the body of POST /v1/chat/completions, its keys in the original's
// order (async_request_openai_chat_completions). A prompt of ids goes beside
// empty messages.
func (c *Client) chatBody(model *string, r dataset.Request) pyjson.Object {
	messages := []any{}
	if r.IDs == nil {
		messages = append(messages, pyjson.Object{
			{Key: "role", Value: "user"},
			{Key: "content", Value: []any{pyjson.Object{{Key: "type", Value: "text"}, {Key: "text", Value: r.Prompt}}}},
		})
	}
	body := pyjson.Object{
		{Key: "model", Value: model},
		{Key: "messages", Value: messages},
		{Key: "temperature", Value: c.temperature()},
		{Key: "max_completion_tokens", Value: r.OutputLen},
		{Key: "stream", Value: !c.o.NonStreaming},
	}
	if r.IDs != nil {
		body = append(body, pyjson.Member{Key: "prompt_token_ids", Value: r.IDs})
	}
	return c.sampling(c.options(body))
}
