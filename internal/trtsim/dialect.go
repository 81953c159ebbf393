package trtsim

import (
	"fmt"
	"strings"
)

// Dialect is what differs between releases of trtllm-serve.
type Dialect struct {
	Name, Version string
	// FreshIDs: each chunk has an id and a creation time of its own.
	FreshIDs bool
	// ContinuousUsage: with include_usage every chunk has usage by default.
	ContinuousUsage bool
	// ChatUsage: the usage chunk of a completions stream is of the chat type.
	ChatUsage bool
	// ToolCalls, Reasoning: every chat delta has "tool_calls":[], or content an empty
	// "reasoning_content". PerIter: chat choices have avg_decoded_tokens_per_iter.
	ToolCalls, Reasoning, PerIter bool
	// Details: usage of completions has prompt_tokens_details.
	Details bool
	// ObjectErrors: a body that fails validation is answered with the error object.
	ObjectErrors bool
	// Logprobs: completions take logprobs.
	Logprobs bool
	// ErrorEvent: an error after the head of completions is an event; else, and in a
	// chat, the connection is cut.
	ErrorEvent bool
	// ReportsHealth: /health answers 503 when the executor has broken down.
	ReportsHealth bool
	// BindsFirst: the port is bound before the model is loaded, not listened on yet.
	BindsFirst bool
	// PerfFiles: times of requests can be written to files.
	PerfFiles bool
	// age orders the releases for the routes.
	age int
}

// dialects by release, oldest first.
var dialects = []Dialect{
	{Name: "1.1", Version: "1.1.0rc6", FreshIDs: true, ContinuousUsage: true, ChatUsage: true, ToolCalls: true, ObjectErrors: true, age: 0},
	{
		Name:            "1.2",
		Version:         "1.2.0rc2",
		FreshIDs:        true,
		ContinuousUsage: true,
		ChatUsage:       true,
		Reasoning:       true,
		PerIter:         true,
		Details:         true,
		ObjectErrors:    true,
		age:             1,
	},
	{Name: "latest", Version: "1.3.0rc25", PerIter: true, Details: true, Logprobs: true, ErrorEvent: true, ReportsHealth: true, BindsFirst: true, PerfFiles: true, age: 2},
}

// FindDialect returns the dialect of a name; "" is the newest.
func FindDialect(name string) (Dialect, error) {
	var names []string
	for _, d := range dialects {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	if name == "" {
		return dialects[len(dialects)-1], nil
	}
	return Dialect{}, fmt.Errorf("unknown dialect %q: there are %s", name, strings.Join(names, ", "))
}
