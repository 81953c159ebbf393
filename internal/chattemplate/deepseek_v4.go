package chattemplate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Texts of DeepSeek V4's encoding, which is Python code of its repository, as that of V3.2.
const (
	v4Effort = `Reasoning Effort: Absolute maximum with no shortcuts permitted.
You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.
Explicitly write out your entire deliberation process, documenting every intermediate step, considered alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.

`
	v4Tools = `## Tools

You have access to a set of tools to help answer the user's question. You can invoke tools by writing a "<DSMLtool_calls>" block like the following:

<DSMLtool_calls>
<DSMLinvoke name="$TOOL_NAME">
<DSMLparameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</DSMLparameter>
...
</DSMLinvoke>
<DSMLinvoke name="$TOOL_NAME2">
...
</DSMLinvoke>
</DSMLtool_calls>

String parameters should be specified as is and set ` + "`string=\"true\"`" + `. For all other types (numbers, booleans, arrays, objects), pass the value in JSON format and set ` + "`string=\"false\"`" + `.

If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside <think>...</think> BEFORE any tool calls or final response.

Otherwise, output directly after </think> with tool calls or final response.

### Available Tool Schemas

SCHEMAS

You MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.
`
)

// v4Tasks are what the model classifies a request for.
var v4Tasks = []string{"action", "query", "authority", "domain", "title", "read_url"}

// DeepSeekV4 is the encoding of DeepSeek V4.
type DeepSeekV4 struct {
	// Thinking asks for reasoning before the answer.
	Thinking bool
	// Effort is how much of it: "max" or "".
	Effort string
}

// v4Message is a message in the form that is encoded: results of tools are blocks of
// a user's message.
type v4Message struct {
	message
	blocks []v4Block // of a user's message
}

// v4Block is a part of a user's message: its text, or the result of a tool.
type v4Block struct {
	tool    bool
	id      string // of the call that a result answers
	content any
}

type v4 struct {
	DeepSeekV4
	messages []v4Message
	keep     bool // the reasoning of earlier answers
	lastUser int
}

// Render returns the prompt of a chat. A list of tools goes into the first message where
// that is of the system or the developer, as servers do it.
func (e DeepSeekV4) Render(_ context.Context, c Chat) (_ string, err error) {
	defer caught(&err)
	list, err := chatMessages(c)
	if err != nil {
		return "", err
	}
	if list, err = withTools(list, c, "developer"); err != nil {
		return "", err
	}
	v := &v4{DeepSeekV4: e, messages: mergeResults(list)}
	v.sortResults()
	v.keep = slices.ContainsFunc(v.messages, func(m v4Message) bool { return truth(m.value("tools")) })
	v.findUser()
	if e.Thinking && !v.keep {
		v.dropReasoning()
	}
	out := dsmlBOS
	if e.Thinking && e.Effort == "max" && len(v.messages) > 0 {
		out += v4Effort
	}
	for i := range v.messages {
		text, err := v.message(i)
		if err != nil {
			return "", fmt.Errorf("message %d of the chat: %w", i, err)
		}
		next, err := v.transition(i)
		if err != nil {
			return "", fmt.Errorf("message %d of the chat: %w", i, err)
		}
		out += text + next
	}
	return out, nil
}

// mergeResults makes blocks of the messages of users and tools; those that follow each
// other are one message.
func mergeResults(list []message) []v4Message {
	var out []v4Message
	for _, m := range list {
		role := m.role()
		if role != "user" && role != "tool" {
			out = append(out, v4Message{message: m})
			continue
		}
		content, given := m.Get("content")
		if !given {
			content = ""
		}
		block := v4Block{tool: role == "tool", id: m.text("tool_call_id"), content: content}
		if n := len(out); n > 0 && out[n-1].blocks != nil && (block.tool || out[n-1].value("task") == nil) {
			out[n-1].blocks = append(out[n-1].blocks, block)
			continue
		}
		user := newDict()
		user.Set("role", "user")
		if task := m.value("task"); role == "user" && task != nil {
			user.Set("task", task)
		}
		out = append(out, v4Message{message{user}, []v4Block{block}})
	}
	return out
}

// sortResults brings the results of tools into the order of the calls.
func (v *v4) sortResults() {
	var order map[string]int
	for _, m := range v.messages {
		if calls, ok := m.value("tool_calls").(*List); ok && m.role() == "assistant" && len(calls.Items) > 0 {
			order = map[string]int{}
			for i, x := range calls.Items {
				if call, ok := x.(*Dict); ok {
					if id := callID(message{call}); id != "" {
						order[id] = i
					}
				}
			}
		}
		var results []v4Block
		for _, b := range m.blocks {
			if b.tool {
				results = append(results, b)
			}
		}
		slices.SortStableFunc(results, func(a, b v4Block) int { return order[a.id] - order[b.id] })
		for i := range m.blocks {
			if m.blocks[i].tool {
				m.blocks[i], results = results[0], results[1:]
			}
		}
	}
}

func callID(call message) string {
	if id := call.text("id"); id != "" {
		return id
	}
	if f, ok := call.value("function").(*Dict); ok {
		return message{f}.text("id")
	}
	return ""
}

func (v *v4) findUser() {
	v.lastUser = -1
	for i, m := range v.messages {
		if r := m.role(); r == "user" || r == "developer" {
			v.lastUser = i
		}
	}
}

// dropReasoning takes out what only concerned answers before the last user's message.
func (v *v4) dropReasoning() {
	var kept []v4Message
	for i, m := range v.messages {
		switch role := m.role(); {
		case i >= v.lastUser || role == "user" || role == "system" || role == "latest_reminder":
			kept = append(kept, m)
		case role == "assistant":
			kept = append(kept, v4Message{message: m.without("reasoning_content")})
		}
	}
	v.messages = kept
	v.findUser()
}

func (v *v4) message(i int) (string, error) {
	m := v.messages[i]
	content := m.text("content")
	switch role := m.role(); role {
	case "system":
		more, err := m.additions(v4Tools)
		return content + more, err
	case "developer":
		if content == "" {
			return "", errors.New("a developer message needs content")
		}
		more, err := m.additions(v4Tools)
		return "<｜User｜>" + content + more, err
	case "user":
		text, err := m.user()
		return "<｜User｜>" + text, err
	case "latest_reminder":
		return "<｜latest_reminder｜>" + str(m.value("content")), nil
	case "assistant":
		return v.answer(i, m)
	default:
		return "", fmt.Errorf("unknown role %q", role)
	}
}

// user is the text of a user's message.
func (m v4Message) user() (string, error) {
	parts := make([]string, len(m.blocks))
	for i, b := range m.blocks {
		list, isList := b.content.(*List)
		text, isText := b.content.(string)
		switch {
		case b.tool && isList:
			text = partsOf(list)
		case b.tool:
			text = str(b.content)
		case !isText:
			return "", errors.New("the content of a user's message must be text")
		}
		if b.tool {
			text = "<tool_result>" + text + "</tool_result>"
		}
		parts[i] = text
	}
	return strings.Join(parts, "\n\n"), nil
}

// partsOf joins the texts of a content in parts.
func partsOf(list *List) string {
	texts := make([]string, len(list.Items))
	for i, x := range list.Items {
		part, ok := x.(*Dict)
		switch {
		case ok && message{part}.text("type") == "text":
			texts[i] = message{part}.text("text")
		case ok:
			texts[i] = "[Unsupported " + str(message{part}.value("type")) + "]"
		}
	}
	return strings.Join(texts, "\n\n")
}

func (v *v4) answer(i int, m v4Message) (string, error) {
	called, err := m.calls("tool_calls", true)
	if err != nil {
		return "", err
	}
	reasoning := ""
	forTask := i > 0 && v.messages[i-1].value("task") != nil
	if v.Thinking && !forTask && (v.keep || i > v.lastUser) {
		reasoning = m.text("reasoning_content") + "</think>"
	}
	out := reasoning + m.text("content") + called
	if !truth(m.value("wo_eos")) {
		out += dsmlEOS
	}
	return out, nil
}

// transition is what leads from a message to the answer.
func (v *v4) transition(i int) (string, error) {
	m := v.messages[i]
	if i+1 < len(v.messages) {
		if next := v.messages[i+1].role(); next != "assistant" && next != "latest_reminder" {
			return "", nil
		}
	}
	opening := "</think>"
	if v.Thinking && (v.keep || i >= v.lastUser) {
		opening = "<think>"
	}
	task := m.value("task")
	switch role := m.role(); {
	case task != nil && !slices.Contains(v4Tasks, str(task)):
		return "", fmt.Errorf("unknown task %q; the tasks are %s", str(task), strings.Join(v4Tasks, ", "))
	case str(task) == "action":
		if v.Thinking {
			opening = "<think>"
		}
		return "<｜Assistant｜>" + opening + "<｜action｜>", nil
	case task != nil:
		return "<｜" + str(task) + "｜>", nil
	case role == "user" || role == "developer":
		return "<｜Assistant｜>" + opening, nil
	}
	return "", nil
}
