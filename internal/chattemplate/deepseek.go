package chattemplate

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Texts of DeepSeek V3.2's encoding, which its repository has as Python code in
// the place of a template.
const (
	dsmlBOS   = "<｜begin▁of▁sentence｜>"
	dsmlEOS   = "<｜end▁of▁sentence｜>"
	dsmlToken = "｜DSML｜"
	dsmlTools = `## Tools
You have access to a set of tools you can use to answer the user's question.
You can invoke functions by writing a "<DSMLfunction_calls>" block like the following as part of your reply to the user:
<DSMLfunction_calls>
<DSMLinvoke name="$FUNCTION_NAME">
<DSMLparameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</DSMLparameter>
...
</DSMLinvoke>
<DSMLinvoke name="$FUNCTION_NAME2">
...
</DSMLinvoke>
</DSMLfunction_calls>
String and scalar parameters should be specified as is without any escaping or quotes, while lists and objects should use JSON format. The "string" attribute should be set to "true" for string type parameters and "false" for other types (numbers, booleans, arrays, objects).
If the thinking_mode is enabled, then after function results you should strongly consider outputting a thinking block. Here is an example:
<DSMLfunction_calls>
...
</DSMLfunction_calls>
<function_results>
...
</function_results>
<think>...thinking about results</think>
Here are the functions available in JSONSchema format:
<functions>
SCHEMAS
</functions>
`
)

// DeepSeekV32 is the encoding of DeepSeek V3.2.
type DeepSeekV32 struct {
	// Thinking asks for reasoning before the answer.
	Thinking bool
}

// Render returns the prompt of a chat. A list of tools goes into the first message, as
// servers do it.
func (e DeepSeekV32) Render(_ context.Context, c Chat) (_ string, err error) {
	defer caught(&err)
	list, err := chatMessages(c)
	if err != nil {
		return "", err
	}
	if list, err = withTools(list, c, "system"); err != nil {
		return "", err
	}
	d := &dsml{messages: list, thinking: e.Thinking, lastUser: -1}
	d.findUser()
	if e.Thinking && !d.dropReasoning() {
		return "", errors.New("with thinking, a developer message must not be before the last one of the user")
	}
	out := dsmlBOS
	for i := range d.messages {
		text, err := d.message(i)
		if err != nil {
			return "", fmt.Errorf("message %d of the chat: %w", i, err)
		}
		out += text
	}
	return out, nil
}

// withTools puts a chat's list of tools into the first message, where that is of the
// system or of the other role, and otherwise into a message of the system before it.
func withTools(list []message, c Chat, other string) ([]message, error) {
	if len(c.Tools) == 0 {
		return list, nil
	}
	tools, err := parseValue(c.Tools)
	if err != nil {
		return nil, fmt.Errorf("the tools of the chat are not JSON: %w", err)
	}
	if !truth(tools) {
		return list, nil
	}
	if len(list) == 0 || list[0].role() != "system" && list[0].role() != other {
		first := newDict()
		first.Set("role", "system")
		first.Set("content", "")
		list = append([]message{{first}}, list...)
	}
	list[0] = list[0].without("tools")
	list[0].Set("tools", tools)
	return list, nil
}

// message is one of a chat.
type message struct{ *Dict }

// without is a copy that lacks a key.
func (m message) without(key string) message {
	out := newDict()
	for _, k := range m.keys {
		if k != key {
			out.Set(k, m.values[hashed(k)])
		}
	}
	return message{out}
}

func (m message) value(key string) any {
	v, _ := m.Get(key)
	return v
}

func (m message) text(key string) string {
	if v := m.value(key); truth(v) {
		return str(v)
	}
	return ""
}

func (m message) role() string { return m.text("role") }

// chatMessages reads the messages of a chat.
func chatMessages(c Chat) ([]message, error) {
	v, err := parseValue(c.Messages)
	if err != nil {
		return nil, fmt.Errorf("the messages of the chat are not JSON: %w", err)
	}
	list, ok := v.(*List)
	if !ok {
		return nil, errors.New("the messages of the chat are not a list")
	}
	out := make([]message, len(list.Items))
	for i, x := range list.Items {
		d, ok := x.(*Dict)
		if !ok {
			return nil, fmt.Errorf("message %d of the chat is not an object", i)
		}
		out[i] = message{d}
	}
	return out, nil
}

type dsml struct {
	messages []message
	thinking bool
	lastUser int
}

func (d *dsml) findUser() {
	d.lastUser = -1
	for i, m := range d.messages {
		if r := m.role(); r == "user" || r == "developer" {
			d.lastUser = i
		}
	}
}

// dropReasoning takes the reasoning out of what is before the last user's message.
// It reports whether every message is of a role that may stand there.
func (d *dsml) dropReasoning() bool {
	var kept []message
	for i, m := range d.messages {
		switch role := m.role(); {
		case role == "user" || role == "system" || role == "tool" || i >= d.lastUser:
			kept = append(kept, m)
		case role == "assistant":
			kept = append(kept, m.without("reasoning_content"))
		}
	}
	whole := len(kept) == len(d.messages)
	d.messages = kept
	d.findUser()
	return whole
}

func dumps(v any) (string, error) {
	out, err := (&jsonStyle{item: ", ", key: ": "}).append(nil, v, 0)
	return string(out), err
}

// opening is the tag that begins or skips the reasoning.
func (d *dsml) opening(yes bool) string {
	if yes && d.thinking {
		return "<think>"
	}
	return "</think>"
}

func (d *dsml) message(i int) (string, error) {
	m := d.messages[i]
	content := m.text("content")
	switch role := m.role(); role {
	case "system":
		more, err := m.additions(dsmlTools)
		return content + more, err
	case "developer":
		if content == "" {
			return "", errors.New("a developer message needs content")
		}
		more, err := m.additions(dsmlTools)
		return "<｜User｜>" + more + "\n\n# The user's message is: " + content + "<｜Assistant｜>" + d.opening(i == d.lastUser), err
	case "user":
		return "<｜User｜>" + str(m.value("content")) + "<｜Assistant｜>" + d.opening(i == d.lastUser), nil
	case "tool":
		return d.toolResult(i, m)
	case "assistant":
		return d.answer(i, m)
	default:
		return "", fmt.Errorf("unknown role %q", role)
	}
}

// additions are the tools, as a text says it, and the response format of a message.
func (m message) additions(about string) (string, error) {
	out := ""
	if list, ok := m.value("tools").(*List); ok && len(list.Items) > 0 {
		schemas := make([]string, len(list.Items))
		for i, x := range list.Items {
			tool, _ := x.(*Dict)
			if tool == nil {
				return "", errors.New("a tool is not an object")
			}
			f, ok := tool.Get("function")
			if !ok {
				return "", errors.New("a tool has no function")
			}
			var err error
			if schemas[i], err = dumps(f); err != nil {
				return "", err
			}
		}
		text := strings.ReplaceAll(about, "DSML", dsmlToken)
		out += "\n\n" + strings.Replace(text, "SCHEMAS", strings.Join(schemas, "\n"), 1)
	}
	if format := m.value("response_format"); truth(format) {
		schema, err := dumps(format)
		if err != nil {
			return "", err
		}
		out += "\n\n## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n" + schema
	}
	return out, nil
}

func (d *dsml) toolResult(i int, m message) (string, error) {
	k := i - 1
	for k >= 0 && d.messages[k].role() == "tool" {
		k--
	}
	if k < 0 || d.messages[k].role() != "assistant" {
		return "", errors.New("a tool's message must follow one of the assistant")
	}
	calls, _ := d.messages[k].value("tool_calls").(*List)
	order := i - k
	if calls == nil || len(calls.Items) < order {
		return "", errors.New("a tool's message has no tool call before it")
	}
	out := ""
	if order == 1 {
		out = "\n\n<function_results>"
	}
	out += "\n<result>" + str(m.value("content")) + "</result>"
	if order == len(calls.Items) {
		out += "\n</function_results>\n\n" + d.opening(i >= d.lastUser)
	}
	return out, nil
}

func (d *dsml) answer(i int, m message) (string, error) {
	called, err := m.calls("function_calls", false)
	if err != nil {
		return "", err
	}
	reasoning := ""
	if d.thinking && i > d.lastUser {
		if reasoning = m.text("reasoning_content"); reasoning == "" && called == "" {
			return "", errors.New("with thinking, the assistant's last message needs reasoning_content or tool_calls")
		}
		reasoning += "</think>"
	}
	return reasoning + m.text("content") + called + dsmlEOS, nil
}

// calls are the tool calls of an answer in a block of some name. Where loose is set,
// arguments that are not JSON are passed on as they are.
func (m message) calls(block string, loose bool) (string, error) {
	calls, _ := m.value("tool_calls").(*List)
	if calls == nil || len(calls.Items) == 0 {
		return "", nil
	}
	parts := make([]string, len(calls.Items))
	for k, x := range calls.Items {
		var err error
		if parts[k], err = invocation(x, loose); err != nil {
			return "", err
		}
	}
	return "\n\n<" + dsmlToken + block + ">\n" + strings.Join(parts, "\n") + "\n</" + dsmlToken + block + ">", nil
}

// invocation is a tool call.
func invocation(x any, loose bool) (string, error) {
	call, _ := x.(*Dict)
	if call == nil {
		return "", errors.New("a tool call is not an object")
	}
	f, _ := message{call}.value("function").(*Dict)
	if f == nil {
		return "", errors.New("a tool call has no function")
	}
	arguments := message{f}.value("arguments")
	if text, ok := arguments.(string); ok {
		var err error
		arguments, err = parseValue([]byte(text))
		if err != nil && loose {
			whole := newDict()
			whole.Set("arguments", text)
			arguments, err = whole, nil
		}
		if err != nil {
			return "", fmt.Errorf("the arguments of a tool call are not JSON: %w", err)
		}
	}
	given, ok := arguments.(*Dict)
	if !ok {
		return "", errors.New("the arguments of a tool call are not a JSON object")
	}
	var lines []string
	for _, key := range given.keys {
		v := given.values[hashed(key)]
		text, isText := v.(string)
		if !isText {
			var err error
			if text, err = dumps(v); err != nil {
				return "", err
			}
		}
		lines = append(lines, fmt.Sprintf(`<%sparameter name="%s" string="%v">%s</%sparameter>`, dsmlToken, key, isText, text, dsmlToken))
	}
	return fmt.Sprintf("<%sinvoke name=\"%s\">\n%s\n</%sinvoke>", dsmlToken, str(message{f}.value("name")), strings.Join(lines, "\n"), dsmlToken), nil
}
