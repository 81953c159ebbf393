package chattemplate

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Harmony is what the system message of GPT-OSS says.
type Harmony struct {
	// Date is the current date, such as 2026-03-05; left out if it is empty.
	Date string
	// Effort is the reasoning effort: low, medium (also if empty) or high.
	Effort string
}

// Render returns the prompt of a chat in the harmony format of GPT-OSS, as
// openai-harmony renders it: system and developer messages are the developer's
// instructions; reasoning before the last final answer is left out.
func (h Harmony) Render(_ context.Context, c Chat) (_ string, err error) {
	defer caught(&err)
	list, err := chatMessages(c)
	if err != nil {
		return "", err
	}
	var tools any
	if len(c.Tools) > 0 {
		if tools, err = parseValue(c.Tools); err != nil {
			return "", fmt.Errorf("the tools of the chat are not JSON: %w", err)
		}
	}
	var out strings.Builder
	out.WriteString("<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n")
	if h.Date != "" {
		out.WriteString("Current date: " + h.Date + "\n")
	}
	effort := h.Effort
	if effort == "" {
		effort = "medium"
	}
	out.WriteString("\nReasoning: " + effort + "\n\n# Valid channels: analysis, commentary, final. Channel must be included for every message.")
	if truth(tools) {
		out.WriteString("\nCalls to these tools must go to the commentary channel: 'functions'.")
	}
	out.WriteString("<|end|>")
	var instructions []string
	rest := list
	for len(rest) > 0 && (rest[0].role() == "system" || rest[0].role() == "developer") {
		instructions = append(instructions, rest[0].text("content"))
		rest = rest[1:]
	}
	if err := developer(&out, strings.Join(instructions, "\n"), tools); err != nil {
		return "", err
	}
	final := -1 // of the last answer
	for i, m := range rest {
		if m.role() == "assistant" && m.text("content") != "" && !truth(m.value("tool_calls")) {
			final = i
		}
	}
	names := map[string]string{}
	for i, m := range rest {
		if err := harmonyMessage(&out, m, i > final, names); err != nil {
			return "", fmt.Errorf("message %d of the chat: %w", i+len(list)-len(rest), err)
		}
	}
	if c.GenerationPrompt {
		out.WriteString("<|start|>assistant")
	}
	return out.String(), nil
}

// developer writes the developer's message, if there is anything in it.
func developer(out *strings.Builder, instructions string, tools any) error {
	var parts []string
	if instructions != "" {
		parts = append(parts, "# Instructions", instructions)
	}
	if truth(tools) {
		text, err := toolNamespace(tools)
		if err != nil {
			return err
		}
		parts = append(parts, "# Tools", text)
	}
	if len(parts) > 0 {
		out.WriteString("<|start|>developer<|message|>" + strings.Join(parts, "\n\n") + "<|end|>")
	}
	return nil
}

func harmonyMessage(out *strings.Builder, m message, reasoning bool, names map[string]string) error {
	switch role := m.role(); role {
	case "user", "system", "developer":
		out.WriteString("<|start|>" + role + "<|message|>" + m.text("content") + "<|end|>")
	case "assistant":
		if text := m.text("reasoning_content"); text != "" && reasoning {
			out.WriteString("<|start|>assistant<|channel|>analysis<|message|>" + text + "<|end|>")
		}
		calls, _ := m.value("tool_calls").(*List)
		if calls == nil || len(calls.Items) == 0 {
			out.WriteString("<|start|>assistant<|channel|>final<|message|>" + m.text("content") + "<|end|>")
			return nil
		}
		for _, x := range calls.Items {
			call, _ := x.(*Dict)
			if call == nil {
				return errors.New("a tool call is not an object")
			}
			f, _ := message{call}.value("function").(*Dict)
			if f == nil {
				return errors.New("a tool call has no function")
			}
			name, arguments := message{f}.text("name"), message{f}.value("arguments")
			text, ok := arguments.(string)
			if !ok {
				var err error
				if text, err = dumps(arguments); err != nil {
					return err
				}
			}
			names[message{call}.text("id")] = name
			out.WriteString("<|start|>assistant to=functions." + name + "<|channel|>commentary <|constrain|>json<|message|>" + text + "<|call|>")
		}
	case "tool":
		name := m.text("name")
		if name == "" {
			name = names[m.text("tool_call_id")]
		}
		if name == "" {
			return errors.New("a tool's message names no tool and answers no tool call")
		}
		out.WriteString("<|start|>functions." + name + " to=assistant<|channel|>commentary<|message|>" + m.text("content") + "<|end|>")
	default:
		return fmt.Errorf("unknown role %q", role)
	}
	return nil
}

// toolNamespace writes tools as TypeScript.
func toolNamespace(tools any) (string, error) {
	list, ok := tools.(*List)
	if !ok {
		return "", errors.New("the tools of the chat are not a list")
	}
	var out strings.Builder
	out.WriteString("## functions\n\nnamespace functions {\n\n")
	for _, x := range list.Items {
		tool, _ := x.(*Dict)
		if tool == nil {
			return "", errors.New("a tool is not an object")
		}
		f, _ := message{tool}.value("function").(*Dict)
		if f == nil {
			return "", errors.New("a tool has no function")
		}
		for _, line := range strings.Split(message{f}.text("description"), "\n") {
			out.WriteString("// " + line + "\n")
		}
		out.WriteString("type " + message{f}.text("name") + " = ")
		parameters, _ := message{f}.value("parameters").(*Dict)
		if parameters == nil {
			out.WriteString("() => any;\n\n")
			continue
		}
		out.WriteString("(_: " + objectType(message{parameters}, "") + ") => any;\n\n")
	}
	out.WriteString("} // namespace functions")
	return out.String(), nil
}

func orEmpty(d *Dict) *Dict {
	if d == nil {
		return newDict()
	}
	return d
}

func objectType(schema message, indent string) string {
	properties, _ := schema.value("properties").(*Dict)
	required, _ := schema.value("required").(*List)
	var out strings.Builder
	out.WriteString("{\n")
	for _, key := range orEmpty(properties).keys {
		p, _ := properties.values[hashed(key)].(*Dict)
		s := message{orEmpty(p)}
		if text := s.text("description"); text != "" {
			out.WriteString(indent + "// " + text + "\n")
		}
		optional := "?"
		for _, name := range requiredNames(required) {
			if name == str(key) {
				optional = ""
			}
		}
		out.WriteString(indent + str(key) + optional + ":")
		if union, ok := s.value("oneOf").(*List); ok {
			out.WriteString("\n")
			for _, x := range union.Items {
				d, _ := x.(*Dict)
				out.WriteString(indent + " | " + scriptType(message{orEmpty(d)}, indent) + "\n")
			}
			out.WriteString(indent + ",\n")
			continue
		}
		out.WriteString(" " + scriptType(s, indent) + ",")
		if v, ok := s.Get("default"); ok {
			text, isText := v.(string)
			if !isText {
				text, _ = dumps(v) // what came from JSON goes back to it
			} else if _, isEnum := s.value("enum").(*List); !isEnum {
				text = `"` + text + `"`
			}
			out.WriteString(" // default: " + text)
		}
		out.WriteString("\n")
	}
	return out.String() + indent + "}"
}

func requiredNames(list *List) (names []string) {
	if list != nil {
		for _, x := range list.Items {
			names = append(names, str(x))
		}
	}
	return names
}

// scriptType is the TypeScript of a JSON schema.
func scriptType(s message, indent string) string {
	nullable := ""
	if truth(s.value("nullable")) {
		nullable = " | null"
	}
	if enum, ok := s.value("enum").(*List); ok {
		parts := make([]string, len(enum.Items))
		for i, x := range enum.Items {
			if parts[i] = `"` + str(x) + `"`; !typeIs[string](x) {
				parts[i], _ = dumps(x)
			}
		}
		return strings.Join(parts, " | ") + nullable
	}
	switch kind := s.value("type").(type) {
	case string:
		switch kind {
		case "object":
			return objectType(s, indent+"    ") + nullable
		case "array":
			items, _ := s.value("items").(*Dict)
			if items == nil {
				return "Array<any>" + nullable
			}
			return scriptType(message{items}, indent) + "[]" + nullable
		case "integer", "number":
			return "number" + nullable
		case "string", "boolean", "null":
			return kind + nullable
		}
	case *List:
		parts := make([]string, len(kind.Items))
		for i, x := range kind.Items {
			if parts[i] = str(x); parts[i] == "integer" {
				parts[i] = "number"
			}
		}
		return strings.Join(parts, " | ") + nullable
	}
	return "any" + nullable
}
