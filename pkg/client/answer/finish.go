package answer

// finished are the finish reasons of an answer that ended as it should, by the
// documentation that lists them. Every other one is a failure under the strict rule.
//
//	stop, length                     OpenAI's completions and chat, trtllm-serve, vLLM, SGLang, llama.cpp
//	tool_calls                       OpenAI's chat, trtllm-serve since 1.2
//	function_call                    OpenAI's chat, deprecated
//	content_filter                   OpenAI's completions and chat: tokens came and were billed; some were left out
//	eos_token, stop_sequence, eos    Text Generation Inference, and servers that pass its reasons on
//
// No success: abort (vLLM, SGLang), error (vLLM, OpenRouter), cancelled, timeout,
// not_finished (trtllm-serve), insufficient_system_resource (DeepSeek), and what is not
// known. The stop_reason of vLLM and the matched_stop of SGLang are other keys: they
// say which stop word or id it was.
var finished = map[string]bool{
	"stop": true, "length": true, "tool_calls": true, "function_call": true, "content_filter": true,
	"eos_token": true, "stop_sequence": true, "eos": true,
}

// FinishedWell reports whether a finish reason is one of a success.
func FinishedWell(reason string) bool { return finished[reason] }
