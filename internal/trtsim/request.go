package trtsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// request is what the simulator reads of a generation request.
type request struct {
	model         string
	texts         []string // prompts as text, or
	lists         [][]int  // as tokens
	messages      []message
	promptIDs     []int // in place of messages
	maxTokens     *int
	stream        bool
	usage         bool // wanted at the end of a stream
	continuous    *bool
	suffix        bool
	n             int
	logprobs      bool
	ignoreEOS     bool
	minTokens     int
	special       bool // BOS before a prompt that is text
	noText        bool // the tokens' ids are wanted
	echo          bool
	answerFollows bool // a chat's prompt ends with the answer's role
}

// message is one of a chat.
type message struct {
	Role    *string
	Content json.RawMessage
}

// generationFields are those that both routes accept, each with what it may hold.
const generationFields = `model:string frequency_penalty:number presence_penalty:number logit_bias:object n:integer seed:integer stop:any
stream:boolean stream_options:object temperature:number top_p:number user:string best_of:integer lora_request:any use_beam_search:boolean
top_k:integer top_p_min:number min_p:number repetition_penalty:number length_penalty:number early_stopping:any stop_token_ids:integers
include_stop_str_in_output:boolean ignore_eos:boolean min_tokens:integer skip_special_tokens:boolean spaces_between_special_tokens:boolean
truncate_prompt_tokens:integer add_special_tokens:boolean echo:boolean response_format:object disaggregated_params:object `

// models are the server's models of requests: what they are called, and their
// fields. Any other field is an error.
var (
	completionModel = model{name: "CompletionRequest", required: []string{"model", "prompt"}, all: generationFields + `prompt:prompt logprobs:integer
		max_tokens:integer suffix:string detokenize:boolean return_context_logits:boolean`}
	chatModel = model{name: "ChatCompletionRequest", required: []string{"model", "messages"}, all: generationFields + `messages:messages
		prompt_token_ids:integers logprobs:boolean top_logprobs:integer max_completion_tokens:integer max_tokens:integer tools:list
		tool_choice:any reasoning_effort:any add_generation_prompt:boolean documents:list chat_template:string
		chat_template_kwargs:object cache_salt:string`}
	streamOptionsModel = model{name: "StreamOptions", all: "include_usage:boolean continuous_usage_stats:boolean"}
)

// parseRequest reads and validates a body as the server does.
func parseRequest(body []byte, chat bool) (*request, error) {
	m := &completionModel
	if chat {
		m = &chatModel
	}
	f, wrong, err := m.read(body, "")
	if err != nil {
		return nil, err
	}
	options := fields{}
	if raw := f["stream_options"]; f.has("stream_options") && raw[0] == '{' {
		var more []string
		options, more, _ = streamOptionsModel.read(raw, "stream_options.") // an object has been read before
		wrong = append(wrong, more...)
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		return nil, m.error(wrong...)
	}
	r := &request{
		model:         f.text("model"),
		maxTokens:     f.pointer("max_tokens"),
		stream:        f.truth("stream", false),
		suffix:        f.text("suffix") != "",
		n:             f.integer("n", 1),
		ignoreEOS:     f.truth("ignore_eos", false),
		minTokens:     f.integer("min_tokens", 0),
		special:       f.truth("add_special_tokens", true),
		echo:          f.truth("echo", false),
		answerFollows: f.truth("add_generation_prompt", true),
	}
	if f.has("stream_options") && len(options) > 0 && !r.stream {
		return nil, m.error("  Value error, Stream options can only be defined when stream is true. [type=value_error]")
	}
	if f.has("stream_options") {
		r.usage = options.truth("include_usage", true)
	}
	if options.has("continuous_usage_stats") {
		continuous := options.truth("continuous_usage_stats", false)
		r.continuous = &continuous
	}
	if chat {
		if given := f.pointer("max_completion_tokens"); given != nil {
			r.maxTokens = given
		}
		r.logprobs = f.truth("logprobs", false)
		r.messages, _ = readMessages(f["messages"])
		r.promptIDs = f.integers("prompt_token_ids")
		return r, nil
	}
	r.logprobs, r.noText = f.integer("logprobs", 0) != 0, !f.truth("detokenize", true)
	r.texts, r.lists, _ = readPrompts(f["prompt"])
	return r, nil
}

// readPrompts reads a string, a list of strings, a list of tokens or a list of such.
func readPrompts(raw json.RawMessage) (texts []string, lists [][]int, ok bool) {
	var text string
	var ids []int
	switch {
	case bytes.Contains(raw, []byte("null")) && holdsNull(raw):
		return nil, nil, false
	case json.Unmarshal(raw, &text) == nil:
		return []string{text}, nil, true
	case json.Unmarshal(raw, &ids) == nil:
		return nil, [][]int{ids}, true
	case json.Unmarshal(raw, &texts) == nil:
		return texts, nil, true
	}
	err := json.Unmarshal(raw, &lists)
	return nil, lists, err == nil
}

// holdsNull reports whether a value is null or a list that holds one, which the decoder
// would take for an empty element.
func holdsNull(raw json.RawMessage) bool {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return false
	}
	return list == nil || slices.ContainsFunc(list, holdsNull)
}

// readMessages reads a chat's messages, each of which has a role.
func readMessages(raw json.RawMessage) (all []message, ok bool) {
	if json.Unmarshal(raw, &all) != nil {
		return nil, false
	}
	for _, m := range all {
		if m.Role == nil {
			return nil, false
		}
	}
	return all, true
}

// prompt is what a generation begins with.
type prompt struct {
	ids  []int
	text string // for an echo
}

// prompts are the prompts of a request: one, but for completions that bring a list.
func (s *Server) prompts(r *request, chat bool) (all []prompt, err error) {
	switch {
	case chat && r.promptIDs == nil:
		all = []prompt{{s.tok.Encode(r.template(), true), r.last()}}
	case chat:
		all = []prompt{{r.promptIDs, r.last()}}
	}
	for _, text := range r.texts {
		all = append(all, prompt{s.tok.Encode(text, r.special), text})
	}
	for _, ids := range r.lists {
		all = append(all, prompt{ids: ids})
	}
	for i, p := range all {
		for _, id := range p.ids {
			if id < 0 || id >= vocabulary {
				return nil, fmt.Errorf("Token ID %d is out of the vocabulary range [0, %d)", id, vocabulary)
			}
		}
		if r.echo && !chat && r.texts == nil {
			all[i].text = s.tok.Decode(p.ids, false)
		}
	}
	return all, nil
}

// template puts messages into Llama 3's chat template, but for BOS.
func (r *request) template() string {
	var text strings.Builder
	for _, m := range r.messages {
		fmt.Fprintf(&text, "<|start_header_id|>%s<|end_header_id|>\n\n%s<|eot_id|>", *m.Role, strings.TrimSpace(textOf(m.Content)))
	}
	if r.answerFollows {
		text.WriteString("<|start_header_id|>assistant<|end_header_id|>\n\n")
	}
	return text.String()
}

// last is the text of a chat's last message.
func (r *request) last() string {
	if len(r.messages) == 0 {
		return ""
	}
	return textOf(r.messages[len(r.messages)-1].Content)
}

// role is the role of a chat's answer.
func (r *request) role() string {
	if r.answerFollows || len(r.messages) == 0 {
		return "assistant"
	}
	return *r.messages[len(r.messages)-1].Role
}

// textOf is the text of a message's content: a string, or a list of parts.
func textOf(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []struct{ Text string }
	_ = json.Unmarshal(content, &parts) // content of another kind has no text
	var texts []string
	for _, p := range parts {
		if p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n")
}
