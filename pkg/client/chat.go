package client

import (
	"loadgen/internal/pyjson"
	"loadgen/pkg/dataset"
)

// chatBody is the body of POST /v1/chat/completions, its keys in the original's
// order (async_request_openai_chat_completions). A prompt of ids goes beside
// empty messages.
func (c *Client) chatBody(model *string, r dataset.Request) pyjson.Object {
	messages := messagesOf(r)
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
	return withFields(c.sampling(c.options(body)), r)
}

// messagesOf are the messages of a chat request: its own, or the prompt and its
// images as one message of the user.
func messagesOf(r dataset.Request) []any {
	messages := []any{}
	for _, m := range r.Messages {
		messages = append(messages, pyjson.Object{{Key: "role", Value: m.Role}, {Key: "content", Value: m.Content}})
	}
	if r.IDs != nil || r.Messages != nil {
		return messages
	}
	parts := []any{pyjson.Object{{Key: "type", Value: "text"}, {Key: "text", Value: r.Prompt}}}
	for _, url := range r.Images {
		parts = append(parts, pyjson.Object{{Key: "type", Value: "image_url"}, {Key: "image_url", Value: pyjson.Object{{Key: "url", Value: url}}}})
	}
	return append(messages, pyjson.Object{{Key: "role", Value: "user"}, {Key: "content", Value: parts}})
}

// withFields sets the members that the data set has for a request's body.
func withFields(body pyjson.Object, r dataset.Request) pyjson.Object {
	for _, f := range r.Fields {
		body.Set(f.Name, pyjson.Raw(f.JSON))
	}
	return body
}
