package trtsim

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// request is what the simulator reads of a generation request.
type request struct {
	Model         string
	Prompt        json.RawMessage
	Messages      []struct{ Content json.RawMessage }
	PromptIDs     []int `json:"prompt_token_ids"`
	MaxTokens     *int  `json:"max_tokens"`
	MaxCompletion *int  `json:"max_completion_tokens"`
	Stream        bool
	StreamOptions *struct {
		IncludeUsage    bool  `json:"include_usage"`
		ContinuousUsage *bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
	Suffix    *string
	N         *int
	Logprobs  json.RawMessage
	IgnoreEOS bool `json:"ignore_eos"`
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
		if all[name] == nil {
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

// Llama 3's chat template around a message, and before the answer.
const (
	messageHead = "<|start_header_id|>user<|end_header_id|>\n\n"
	messageTail = "<|eot_id|>"
	answerHead  = "<|start_header_id|>assistant<|end_header_id|>\n\n"
)

// prompt is the tokens of a request's prompt.
func (s *Server) prompt(r *request, chat bool) ([]int, error) {
	if chat {
		if r.PromptIDs != nil {
			return r.PromptIDs, nil
		}
		var text strings.Builder
		for _, m := range r.Messages {
			text.WriteString(messageHead + textOf(m.Content) + messageTail)
		}
		return s.tok.Encode(text.String()+answerHead, true), nil
	}
	var text string
	var ids []int
	var texts []string
	switch {
	case json.Unmarshal(r.Prompt, &text) == nil:
		return s.tok.Encode(text, true), nil
	case json.Unmarshal(r.Prompt, &ids) == nil:
		return ids, nil
	case json.Unmarshal(r.Prompt, &texts) == nil && len(texts) == 1:
		return s.tok.Encode(texts[0], true), nil
	}
	return nil, fmt.Errorf("the simulator takes one prompt a request: a string, or a list of token ids")
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
