package faults

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"time"
)

// coded is a good answer in a content coding.
func coded(name string, code func(body string) string) func(x *Exchange) error {
	return func(x *Exchange) error {
		return x.whole("200 OK", x.contentType(), code(x.body()), "Content-Encoding: "+name)
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// bomb is 256 MiB of comments in 256 KiB.
func bomb() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	line := ": " + strings.Repeat("a", 65533) + "\n"
	for range 4096 {
		io.WriteString(w, line)
	}
	w.Close()
	return b.String()
}

var codingFaults = []Fault{
	both("gzip_unasked", Succeeds, coded("gzip", gzipped)),
	both("deflate_unasked", Succeeds, coded("deflate", deflated)),
	both("gzip_corrupt", Fails, coded("gzip", func(b string) string { z := gzipped(b); return z[:20] + strings.Repeat("~", 8) + z[28:] })),
	both("gzip_truncated", Either, coded("gzip", func(b string) string { z := gzipped(b); return z[:len(z)-12] })),
	both("gzip_in_name_only", Fails, coded("gzip", func(b string) string { return b })),
	both("coding_unknown", Either, coded("rot13", func(b string) string { return b })),
	both("gzip_bomb", Fails, coded("gzip", func(string) string { return bomb() })),
}

var paceFaults = []Fault{
	both("stall_after_head", Fails, func(x *Exchange) error { x.head(); return x.hang() }),
	both("stall_mid_answer", Fails, func(x *Exchange) error { x.head(); x.chunk(x.body()[:60]); return x.hang() }),
	both("byte_by_byte", Succeeds, func(x *Exchange) error {
		x.head()
		for _, b := range []byte(x.body()) {
			if err := x.chunk(string([]byte{b})); err != nil {
				return err
			}
		}
		return x.send("0\r\n\r\n")
	}),
	both("comments_endless", Fails, func(x *Exchange) error { x.head(); return x.repeat(chunked(": ping\n\n"), 100*time.Millisecond) }),
	both("comments_flood", Fails, func(x *Exchange) error { x.head(); return x.repeat(chunked(strings.Repeat(": ping\n\n", 1000)), 0) }),
	{"tokens_endless", Fails, Fails, func(x *Exchange) error { x.head(); return x.repeat(chunked(x.event(" tok", "")), time.Millisecond) }},
	{"tokens_flood", Fails, Fails, func(x *Exchange) error {
		x.head()
		return x.repeat(chunked(strings.Repeat(x.event(" tok", ""), 500)), 0)
	}},
	{"tokens_after_done", Either, Fails, func(x *Exchange) error {
		x.head()
		x.chunk(x.body())
		return x.repeat(chunked(x.event(" tok", "")), time.Millisecond)
	}},
	both("line_of_15_mb", Succeeds, func(x *Exchange) error {
		big := strings.Repeat("a", 15<<20)
		if !x.Stream {
			return x.whole("200 OK", x.contentType(), strings.Replace(x.wholeBody(), " tok", big, 1))
		}
		return x.stream(x.events(Tokens-2)+x.event(big, "")+x.event(" tok", "length")+usageEvent(goodUsage)+done, "")
	}),
	both("line_of_50_mb", Fails, func(x *Exchange) error {
		x.head()
		x.chunk(`data: {"choices":[{"index":0,"text":"`)
		for part := strings.Repeat("a", 1<<20); ; {
			if time.Since(x.read) > 20*time.Second || x.chunk(part) != nil {
				return errGone
			}
		}
	}),
}

// status is a plain failure.
func status(line, contentType, body string, header ...string) func(x *Exchange) error {
	return func(x *Exchange) error { return x.whole(line, contentType, body, header...) }
}

// instead is an event among good ones, or a whole answer.
func instead(text string) func(x *Exchange) error {
	return func(x *Exchange) error {
		return x.stream(x.event(" tok", "")+text+done, strings.TrimPrefix(text, "data: "))
	}
}

var errorFaults = []Fault{
	both("error_event", Fails, instead(data(`{"error":{"message":"CUDA out of memory","type":"InternalServerError","code":500}}`))),
	both("error_string", Fails, instead(data(`{"error":"boom"}`))),
	both("error_object", Fails, instead(data(`{"object":"error","message":"boom","type":"BadRequestError","code":400}`))),
	both("error_detail", Fails, instead(data(`{"detail":"engine died"}`))),
	{"error_named_event", Fails, Fails, func(x *Exchange) error {
		return x.stream(x.event(" tok", "")+"event: error\ndata: {\"message\":\"boom\"}\n\n"+done, `{"message":"boom"}`)
	}},
	{"error_comment", Fails, Fails, func(x *Exchange) error {
		return x.stream(x.event(" tok", "")+"event: error\n: engine died\n\n"+done, `null`)
	}},
	{"error_next_to_choices", Fails, Fails, func(x *Exchange) error {
		c := `{"choices":[` + x.choice(" tok", "") + `],"error":{"message":"boom"}}`
		return x.stream(x.event(" tok", "")+data(c)+done, c)
	}},
	both("error_escapes", Fails, instead(data(`{"error":{"message":"\u001b[31mRED\u001b]0;title\u0007\u001b[2J\r\nloadgen: verdict clean"}}`))),
	both("finish_abort", Fails, finish("abort")),
	both("finish_error", Fails, finish("error")),
	both("finish_cancelled", Fails, finish("cancelled")),
	both("finish_timeout", Fails, finish("timeout")),
	both("finish_stop", Succeeds, finish("stop")),
	both("finish_tool_calls", Succeeds, finish("tool_calls")),
	both("html_page", Fails, status("200 OK", "text/html", "<!doctype html><h1>Welcome to nginx!</h1>")),
	both("html_as_events", Fails, status("200 OK", "text/event-stream", "<html><script>alert(1)</script></html>\n")),
	both("nothing", Fails, status("200 OK", "text/event-stream", "")),
	both("done_alone", Fails, status("200 OK", "text/event-stream", done)),
	both("status_429", Fails, status("429 Too Many Requests", "application/json", `{"error":{"message":"Rate limit"}}`, "Retry-After: 3600")),
	both("status_503_loading", Fails, status("503 Service Unavailable", "application/json", `{"error":"model is loading"}`, "Retry-After: 5")),
	both("status_401", Fails, status("401 Unauthorized", "application/json", `{"error":{"message":"Incorrect API key"}}`)),
	both("status_204", Fails, func(x *Exchange) error { return x.send("HTTP/1.1 204 No Content\r\n\r\n") }),
	both("status_500_stalls", Fails, raw(constant("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000\r\n\r\n{\"err"))),
	both("status_500_endless", Fails, func(x *Exchange) error {
		x.send("HTTP/1.1 500 Internal Server Error\r\n\r\n")
		return x.repeat(strings.Repeat("x", 1<<20), 0)
	}),
}

// finish ends an answer with a reason, after three tokens.
func finish(reason string) func(x *Exchange) error {
	return func(x *Exchange) error {
		usage := `{"prompt_tokens":16,"completion_tokens":4,"total_tokens":20}`
		return x.stream(x.events(3)+x.event(" tok", reason)+usageEvent(usage)+done, x.wholeWith(goodUsage, reason))
	}
}

// among puts an event of a wrong kind among good ones; whole answers consist of it.
func among(completions, chat string) func(x *Exchange) error {
	return func(x *Exchange) error {
		text := completions
		if x.Chat {
			text = chat
		}
		return x.stream(x.events(Tokens-2)+data(text)+x.event(" tok", "length")+usageEvent(goodUsage)+done, text)
	}
}

func alike(text string) func(x *Exchange) error { return among(text, text) }

var jsonFaults = []Fault{
	both("json_truncated", Fails, alike(`{"choices":[{"te`)),
	both("json_null", Fails, alike(`null`)),
	{"json_array", Either, Fails, alike(`[]`)},
	{"json_number", Either, Fails, alike(`7`)},
	{"json_choices_null", Either, Fails, alike(`{"choices":null}`)},
	{"json_choices_object", Either, Fails, alike(`{"choices":{}}`)},
	{"json_choice_null", Either, Fails, alike(`{"choices":[null]}`)},
	{"json_delta_missing", Either, Either, alike(`{"choices":[{"index":0}]}`)},
	{"json_text_null", Either, Either, among(`{"choices":[{"text":null}]}`, `{"choices":[{"delta":null}]}`)},
	{"json_text_number", Either, Either, among(`{"choices":[{"text":7}]}`, `{"choices":[{"delta":{"content":7}}]}`)},
	{"json_text_parts", Either, Either, among(`{"choices":[{"text":["a"]}]}`, `{"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]}`)},
	{"json_nul_byte", Either, Either, among("{\"choices\":[{\"text\":\"a\x00b\"}]}", "{\"choices\":[{\"delta\":{\"content\":\"a\x00b\"}}]}")},
	{"json_not_utf8", Either, Either, among("{\"choices\":[{\"text\":\"a\xff\xfeb\"}]}", "{\"choices\":[{\"delta\":{\"content\":\"a\xff\xfeb\"}}]}")},
	{"json_10000_deep", Either, Fails, alike(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000))},
	{"json_million_deep", Fails, Fails, alike(strings.Repeat("[", 1_000_000))},
}

// usage is a good answer with these counts.
func usage(text string) func(x *Exchange) error {
	return func(x *Exchange) error {
		return x.stream(x.events(Tokens-1)+x.event(" tok", "length")+usageEvent(text)+done, x.wholeWith(text, "length"))
	}
}

func counts(prompt, completion string) func(x *Exchange) error {
	return usage(fmt.Sprintf(`{"prompt_tokens":%s,"completion_tokens":%s}`, prompt, completion))
}

var usageFaults = []Fault{
	both("usage_negative", Either, counts("-16", "-8")),
	both("usage_null", Either, counts("null", "null")),
	both("usage_fraction", Either, counts("16.5", "7.5")),
	both("usage_text", Either, counts(`"16"`, `"8"`)),
	both("usage_million", Either, counts("16", "1000000")),
	both("usage_beyond_64_bits", Either, counts("1e300", "1e300")),
	both("usage_too_small", Either, counts("16", "3")),
	both("usage_array", Either, usage(`[1]`)),
}

var eventFaults = []Fault{
	both("byte_order_mark", Succeeds, func(x *Exchange) error { return x.whole("200 OK", x.contentType(), "\ufeff"+x.body()) }),
	both("crlf_lines", Succeeds, func(x *Exchange) error {
		return x.whole("200 OK", x.contentType(), strings.ReplaceAll(x.body(), "\n", "\r\n"))
	}),
	{"data_never_ends", Fails, Fails, func(x *Exchange) error {
		x.head()
		return x.repeat(chunked(strings.Repeat("data: {\"a\":\n", 1000)), 0)
	}},
	{"finish_reason_missing", Fails, Either, func(x *Exchange) error { return x.stream(x.events(3), x.wholeWith(goodUsage, "")) }},
	{"usage_missing", Either, Either, func(x *Exchange) error {
		return x.stream(x.events(Tokens)+done, strings.Replace(x.wholeBody(), `"usage"`, `"other"`, 1))
	}},
	{"role_alone", Fails, Either, func(x *Exchange) error {
		return x.stream(data(`{"choices":[{"index":0,"delta":{"role":"assistant"},"text":""}]}`)+done, x.wholeBody())
	}},
	both("script_as_text", Succeeds, func(x *Exchange) error {
		text := "<script>alert(1)</script>\u2028\x1b[31m"
		return x.stream(x.event(text, "length")+usageEvent(`{"prompt_tokens":16,"completion_tokens":8}`)+done, strings.Replace(x.wholeBody(), " tok", "<script>alert(1)</script>", 1))
	}),
}
