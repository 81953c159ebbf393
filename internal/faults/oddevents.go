package faults

import (
	"strings"
)

// tail is a good stream with something after its tokens in place of usage and [DONE].
func tail(text string) func(x *Exchange) error {
	return func(x *Exchange) error {
		return x.stream(x.events(Tokens-1)+x.event(" tok", "length")+text, x.wholeBody())
	}
}

// with is a good answer with members added to the top of each object.
func with(members string) func(x *Exchange) error {
	return func(x *Exchange) error {
		add := func(text string) string { return strings.ReplaceAll(text, `"object":"x"`, `"object":"x",`+members) }
		return x.stream(add(x.body()), add(x.wholeBody()))
	}
}

// replaced is a good answer with a text in place of another.
func replaced(old, new string) func(x *Exchange) error {
	return func(x *Exchange) error {
		return x.stream(strings.ReplaceAll(x.body(), old, new), strings.ReplaceAll(x.wholeBody(), old, new))
	}
}

var oddEvents = []Fault{
	both("done_then_error", Succeeds, tail(usageEvent(goodUsage)+done+data(`{"error":{"message":"late"}}`))),
	both("error_then_done", Either, tail(data(`{"error":{"message":"late"}}`)+done)),
	both("done_twice", Succeeds, tail(usageEvent(goodUsage)+done+done)),
	both("done_in_lower_case", Either, tail(usageEvent(goodUsage)+"data: [done]\n\n")),
	both("done_before_usage", Either, tail(done+usageEvent(goodUsage))),
	both("usage_twice", Either, tail(usageEvent(goodUsage)+usageEvent(`{"prompt_tokens":1,"completion_tokens":999}`)+done)),
	both("usage_shrinks", Either, tail(usageEvent(goodUsage)+usageEvent(`{"prompt_tokens":16,"completion_tokens":2}`)+done)),
	both("usage_of_huge_digits", Either, counts("16", strings.Repeat("9", 100_000))),
	both("usage_exponent", Either, counts("1.6e1", "8e0")),
	both("usage_minus_zero", Either, counts("-0", "-0")),
	both("usage_nan", Either, counts("NaN", "Infinity")),
	both("usage_true", Either, counts("true", "false")),
	both("usage_details_wrong", Either, usage(`{"prompt_tokens":16,"completion_tokens":8,"prompt_tokens_details":[7],"completion_tokens_details":"x"}`)),
	both("usage_cached_beyond_prompt", Either, usage(`{"prompt_tokens":16,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":9999999}}`)),
	both("usage_reasoning_huge", Either, usage(`{"prompt_tokens":16,"completion_tokens":2000000000,"completion_tokens_details":{"reasoning_tokens":1999999999}}`)),
	both("usage_everywhere", Either, with(`"usage":{"prompt_tokens":16,"completion_tokens":1e9},"x_groq":{"usage":{"completion_tokens":-7}},"timings":{"predicted_n":1e300}`)),
	both("error_null", Succeeds, with(`"error":null`)),
	both("error_false", Either, with(`"error":false`)),
	both("error_empty", Either, with(`"error":{}`)),
	both("error_zero", Either, with(`"error":0`)),
	both("keys_twice", Either, with(`"choices":null,"choices":7,"usage":null,"usage":[]`)),
	both("index_huge", Either, replaced(`"index":0`, `"index":9223372036854775808`)),
	both("index_negative", Either, replaced(`"index":0`, `"index":-1`)),
	both("index_fraction", Either, replaced(`"index":0`, `"index":0.5`)),
	both("index_text", Either, replaced(`"index":0`, `"index":"0"`)),
	both("index_missing", Succeeds, replaced(`"index":0,`, ``)),
	both("finish_number", Either, replaced(`"finish_reason":"length"`, `"finish_reason":7`)),
	both("finish_object", Either, replaced(`"finish_reason":"length"`, `"finish_reason":{"a":[]}`)),
	both("finish_escapes", Fails, finish("\x1b[31mfail\r\nloadgen: verdict clean\u202e")),
	both("model_escapes", Succeeds, replaced(`"model":"m"`, `"model":"\u001b[31mm\u0000/../../etc\u202e"`)),
	both("id_escapes", Succeeds, replaced(`"id":"x"`, `"id":"\u001b]0;x\u0007`+strings.Repeat("y", 100_000)+`"`)),
	both("text_lone_surrogates", Either, replaced(" tok", `\ud800 \udc00\udbff`)),
	both("text_nul", Either, replaced(" tok", `\u0000\u0000`)),
	both("text_zalgo", Succeeds, replaced(" tok", strings.Repeat("Z\u0351\u0343\u034b", 200))),
	both("text_bad_escape", Fails, replaced(" tok", `\q`)),
	both("text_raw_newline_cr", Either, replaced(" tok", "a\rb")),
	both("text_empty", Either, replaced(" tok", "")),
	both("lines_end_with_cr", Either, func(x *Exchange) error {
		return x.whole("200 OK", x.contentType(), strings.ReplaceAll(x.body(), "\n", "\r"))
	}),
	{"data_over_lines", Succeeds, Succeeds, func(x *Exchange) error {
		return x.stream(strings.ReplaceAll(x.body(), `"model":"m",`, "\"model\":\"m\",\ndata: "), x.wholeBody())
	}},
	{"events_named", Succeeds, Succeeds, func(x *Exchange) error {
		return x.stream(strings.ReplaceAll(x.body(), "data: {", "event: completion\nid: 7\nretry: 1\ndata: {"), x.wholeBody())
	}},
	{"events_without_blank_lines", Succeeds, Succeeds, func(x *Exchange) error {
		return x.stream(strings.ReplaceAll(x.body(), "\n\n", "\n"), x.wholeBody())
	}},
	{"event_without_line_end", Either, Succeeds, func(x *Exchange) error {
		return x.stream(x.events(Tokens-1)+strings.TrimRight(x.event(" tok", "length"), "\n"), x.wholeBody())
	}},
	{"comment_of_1_mb", Succeeds, Succeeds, func(x *Exchange) error {
		return x.stream(": "+strings.Repeat("c", 1<<20)+"\n\n"+x.body(), x.wholeBody())
	}},
	{"whole_in_place_of_stream", Either, Either, func(x *Exchange) error { return x.whole("200 OK", "application/json", x.wholeBody()) }},
	{"stream_in_place_of_whole", Either, Either, func(x *Exchange) error {
		x.Stream = true
		return x.stream(x.body(), "")
	}},
	{"json_then_garbage", Either, Fails, func(x *Exchange) error { return x.stream(x.body()+"garbage", x.wholeBody()+"garbage") }},
	{"json_twice", Either, Fails, func(x *Exchange) error { return x.stream(x.body()+x.body(), x.wholeBody()+x.wholeBody()) }},
	both("decoded_per_iter_huge", Either, replaced(`"finish_reason"`, `"avg_decoded_tokens_per_iter":1e308,"finish_reason"`)),
	both("decoded_per_iter_text", Either, replaced(`"finish_reason"`, `"avg_decoded_tokens_per_iter":"\u001b[31m","finish_reason"`)),
	both("decoded_per_iter_negative", Either, replaced(`"finish_reason"`, `"avg_decoded_tokens_per_iter":-3.5,"finish_reason"`)),
	both("decoded_per_iter_beyond", Either, replaced(`"finish_reason"`, `"avg_decoded_tokens_per_iter":1e999,"finish_reason"`)),
}
