package trtsim

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// request is what the simulator reads of a generation request.
type request struct {
	Model    string
	Prompt   json.RawMessage
	Messages []struct {
		Role    string
		Content json.RawMessage
	}
	PromptIDs     []int `json:"prompt_token_ids"`
	MaxTokens     *int  `json:"max_tokens"`
	MaxCompletion *int  `json:"max_completion_tokens"`
	Stream        bool
	StreamOptions *struct {
		IncludeUsage    bool  `json:"include_usage"`
		ContinuousUsage *bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
	Suffix     *string
	N          *int
	Logprobs   json.RawMessage
	IgnoreEOS  bool  `json:"ignore_eos"`
	MinTokens  int   `json:"min_tokens"`
	Special    *bool `json:"add_special_tokens"`
	Detokenize *bool
	Echo       bool
}

// logprobs tells whether log probabilities are asked for.
func (r *request) logprobs() bool {
	switch string(r.Logprobs) {
	case "", "null", "0", "false":
		return false
	}
	return true
}

// fields are those that both routes accept; any other is an error.
const fields = `model frequency_penalty presence_penalty logit_bias n seed stop stream stream_options temperature top_p user
best_of lora_request use_beam_search top_k top_p_min min_p repetition_penalty length_penalty early_stopping stop_token_ids
include_stop_str_in_output ignore_eos min_tokens skip_special_tokens spaces_between_special_tokens truncate_prompt_tokens
add_special_tokens echo response_format disaggregated_params `

const completionFields = "prompt logprobs max_tokens suffix detokenize return_context_logits"

const chatFields = `messages prompt_token_ids logprobs top_logprobs max_completion_tokens max_tokens tools tool_choice reasoning_effort
add_generation_prompt documents chat_template chat_template_kwargs cache_salt`

// parseRequest reads and validates a body as the server's models do.
func parseRequest(body []byte, chat bool) (*request, error) {
	kind, names := "CompletionRequest", fields+completionFields
	if chat {
		kind, names = "ChatCompletionRequest", fields+chatFields
	}
	known := map[string]bool{}
	for _, name := range strings.Fields(names) {
		known[name] = true
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("1 validation error for %s\n  JSON decode error [type=json_invalid]: %w", kind, err)
	}
	var wrong []string
	for name := range all {
		if !known[name] {
			wrong = append(wrong, fmt.Sprintf("%s\n  Extra inputs are not permitted [type=extra_forbidden, input_value=%.60s]", name, all[name]))
		}
	}
	required := []string{"model", "prompt"}
	if chat {
		required = []string{"model", "messages"}
	}
	for _, name := range required {
		if v := all[name]; v == nil || string(v) == "null" {
			wrong = append(wrong, name+"\n  Field required [type=missing]")
		}
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		return nil, fmt.Errorf("%d validation error%s for %s\n%s", len(wrong), plural(len(wrong)), kind, strings.Join(wrong, "\n"))
	}
	r := &request{}
	if err := json.Unmarshal(body, r); err != nil {
		return nil, fmt.Errorf("1 validation error for %s\n  %w", kind, err)
	}
	if r.StreamOptions != nil && !r.Stream {
		return nil, fmt.Errorf("1 validation error for %s\n  Value error, Stream options can only be defined when stream is true. [type=value_error]", kind)
	}
	return r, nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// prompt is what a generation begins with.
type prompt struct {
	ids  []int
	text string // for an echo
}

// prompts are the prompts of a request: one, but for completions that bring a list.
func (s *Server) prompts(r *request, chat bool) ([]prompt, error) {
	if chat {
		return []prompt{s.chatPrompt(r)}, nil
	}
	var text string
	var ids []int
	var texts []string
	var lists [][]int
	var all []prompt
	switch {
	case json.Unmarshal(r.Prompt, &text) == nil:
		texts = []string{text}
	case json.Unmarshal(r.Prompt, &ids) == nil:
		lists = [][]int{ids}
	case json.Unmarshal(r.Prompt, &texts) == nil:
	case json.Unmarshal(r.Prompt, &lists) == nil:
		texts = nil
	default:
		return nil, fmt.Errorf("prompt must be a string, a list of strings, a list of token ids or a list of such lists")
	}
	for _, text := range texts {
		all = append(all, prompt{s.tok.Encode(text, r.Special == nil || *r.Special), text})
	}
	for _, ids := range lists {
		p := prompt{ids: ids}
		if r.Echo {
			p.text = s.tok.Decode(ids, false)
		}
		all = append(all, p)
	}
	return all, nil
}

// chatPrompt puts messages into Llama 3's chat template.
func (s *Server) chatPrompt(r *request) prompt {
	var text strings.Builder
	last := ""
	for _, m := range r.Messages {
		last = textOf(m.Content)
		fmt.Fprintf(&text, "<|start_header_id|>%s<|end_header_id|>\n\n%s<|eot_id|>", m.Role, strings.TrimSpace(last))
	}
	if r.PromptIDs != nil {
		return prompt{r.PromptIDs, last}
	}
	text.WriteString("<|start_header_id|>assistant<|end_header_id|>\n\n")
	return prompt{s.tok.Encode(text.String(), true), last}
}

// textOf is the text of a message's content: a string, or a list of parts.
func textOf(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []struct{ Text string }
	_ = json.Unmarshal(content, &parts) // content of another kind has no text
	for _, p := range parts {
		text += p.Text
	}
	return text
}
