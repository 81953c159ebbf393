package stream

import (
	"fmt"
	"strings"
	"testing"

	"loadgen/pkg/client/answer"
)

// api is one way to ask: the backend, and whether the answer is a stream.
type api struct {
	name      string
	api       API
	streaming bool
}

var apis = []api{{"completions", Completions, true}, {"chat", Chat, true}, {"whole completions", Completions, false}, {"whole chat", Chat, false}}

func (k api) options() Options { return Options{API: k.api, Streaming: k.streaming} }

// choice writes one choice of an answer.
func (k api) choice(index int, text, finish, more string) string {
	reason := "null"
	if finish != "" {
		reason = fmt.Sprintf("%q", finish)
	}
	held := fmt.Sprintf(`"text":%q`, text)
	switch {
	case k.api == Chat && k.streaming:
		held = fmt.Sprintf(`"delta":{"content":%q}`, text)
	case k.api == Chat:
		held = fmt.Sprintf(`"message":{"role":"assistant","content":%q}`, text)
	}
	return fmt.Sprintf(`{"index":%d,%s,"finish_reason":%s%s}`, index, held, reason, more)
}

const usage8 = `{"prompt_tokens":16,"completion_tokens":8,"total_tokens":24}`

// answer writes an answer: "a" and then an end with the given finish reason, more beside
// its choices and more in its choice.
func (k api) answer(finish, beside, inside string) string {
	if !k.streaming {
		return k.wrap(fmt.Sprintf(`{"id":"x","choices":[%s],"usage":%s%s}`, k.choice(0, "ab", finish, inside), usage8, beside))
	}
	return k.wrap(fmt.Sprintf("data: {\"choices\":[%s]}\n\ndata: {\"choices\":[%s]%s}\n\ndata: {\"choices\":[],\"usage\":%s}\n\n%s",
		k.choice(0, "a", "", ""), k.choice(0, "b", finish, inside), beside, usage8, done))
}

// wrap puts a body under a head.
func (k api) wrap(body string) string {
	kind := "application/json"
	if k.streaming {
		kind = "text/event-stream"
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
}

func class(a *Answer) Class {
	if a.Err == nil {
		return ""
	}
	return a.Err.Class
}

// TestFinishReasons: only the reasons that are documented as a success are one, of every
// API, and a failure keeps what came before it.
func TestFinishReasons(t *testing.T) {
	for reason, want := range map[string]Class{"stop": "", "length": "", "tool_calls": "", "function_call": "", "content_filter": "", "eos_token": "", "stop_sequence": "", "": "",
		"abort": FinishReason, "error": FinishReason, "cancelled": FinishReason, "timeout": FinishReason, "not_finished": FinishReason,
		"insufficient_system_resource": FinishReason, "repetition": FinishReason, "new in 2027": FinishReason} {
		for _, k := range apis {
			for _, n := range []int{1, 1 << 20} {
				a := feed(k.answer(reason, "", ""), n, k.options())
				if class(a) != want || string(a.Text) != "ab" || k.streaming && len(a.Events) < 2 || want != "" && !strings.Contains(a.Err.Message, reason) {
					t.Errorf("%s, %q: %v, text %q, %d events", k.name, reason, a.Err, a.Text, len(a.Events))
				}
				if a.OriginalFailed {
					t.Errorf("%s, %q: the original does not look at finish reasons", k.name, reason)
				}
			}
			o := k.options()
			if o.Mode = Original; class(feed(k.answer(reason, "", ""), 1<<20, o)) != "" {
				t.Errorf("%s, %q fails under the original's rule", k.name, reason)
			}
		}
	}
}

// TestByteOrderMark: the strict rule reads on behind one; the original does not.
func TestByteOrderMark(t *testing.T) {
	for _, k := range apis {
		_, body, _ := strings.Cut(k.answer("stop", "", ""), "\r\n\r\n")
		if a := feed(k.wrap("\ufeff"+body), 3, k.options()); a.Err != nil || !a.OriginalFailed {
			t.Errorf("%s: %v, original failed %v", k.name, a.Err, a.OriginalFailed)
		}
	}
}

// TestUnusualDeltas: what brings no text is no failure.
func TestUnusualDeltas(t *testing.T) {
	for choice, want := range map[string]struct {
		class Class
		text  string
		kind  Kind
	}{
		`{"index":0}`:              {"", "", Token},
		`{"index":0,"delta":null}`: {"", "", Token},
		`{"index":0,"delta":{}}`:   {"", "", Token},
		`{"index":0,"delta":{"content":[{"type":"text","text":"x"},{"type":"text","text":"\u00e9"}]}}`:  {"", "xé", Text},
		`{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"x"}]}]}}`: {"", "", Reasoning},
		`{"index":0,"delta":{"content":[]}}`:                                                        {"", "", Token},
		`{"index":0,"delta":{"reasoning":"x","reasoning_content":"x"}}`:                             {"", "", Reasoning},
		`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}}`: {"", "", ToolCall},
		`{"index":0,"delta":{"function_call":{"name":"f","arguments":"{}"}}}`:                       {"", "", ToolCall},
		`{"index":0,"text":"x","delta":null}`:                                                       {"", "x", Text},
		`{"index":0,"message":{"content":"x"}}`:                                                     {"", "x", Text},
		`{"index":0,"delta":"x"}`:                                                                   {BadEvent, "", 0},
		`{"index":0,"delta":{"content":7}}`:                                                         {BadEvent, "", Token},
	} {
		a := feed(sseHead+"data: {\"choices\":["+choice+"]}\n\n"+done, 1<<20, Options{API: Chat, Streaming: true})
		kind := Kind(0)
		if len(a.Events) > 0 {
			kind = a.Events[0].Kind
		}
		if class(a) != want.class || string(a.Text) != want.text || kind != want.kind {
			t.Errorf("%s: %v, text %q, kind %d", choice, a.Err, a.Text, kind)
		}
	}
}

// TestUsagePlaces: the server's count is known wherever it stands.
func TestUsagePlaces(t *testing.T) {
	e := func(text, rest string) string {
		return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"text\":%q%s\n\n", text, rest)
	}
	for name, c := range map[string]struct {
		body    string
		usage   int
		dialect answer.Dialect
	}{
		"alone":            {e("a", "}]}") + e("b", `,"finish_reason":"stop"}]}`) + `data: {"choices":[],"usage":` + usage8 + "}\n\n", 8, answer.UsageAlone},
		"beside the end":   {e("a", "}]}") + e("b", `,"finish_reason":"stop"}],"usage":`+usage8+"}"), 8, answer.UsageBeside},
		"continuous":       {e("a", `}],"usage":{"prompt_tokens":16,"completion_tokens":1}}`) + e("b", `,"finish_reason":"stop"}],"usage":`+usage8+"}"), 8, answer.UsageContinuous | answer.UsageBeside},
		"without the last": {e("a", `}],"usage":{"prompt_tokens":16,"completion_tokens":8}}`) + e("b", `,"finish_reason":"stop"}],"usage":{"completion_tokens":null}}`), 8, answer.UsageContinuous | answer.UsageBeside},
		"in the choice":    {e("a", "}]}") + e("b", `,"finish_reason":"stop","usage":`+usage8+"}]}"), 8, answer.UsageElsewhere},
		"x_groq":           {e("a", "}]}") + e("b", `,"finish_reason":"stop"}],"x_groq":{"usage":`+usage8+"}}"), 8, answer.UsageElsewhere},
		"timings":          {e("a", "}]}") + e("b", `,"finish_reason":"stop"}],"timings":{"predicted_n":8}}`), 8, answer.UsageElsewhere},
		"none":             {e("a", "}]}") + e("b", `,"finish_reason":"stop"}]}`), -1, 0},
	} {
		for _, n := range []int{1, 1 << 20} {
			a := feed(sseHead+c.body+done, n, completions(Strict))
			if a.Err != nil || a.SeenUsage.Completion != c.usage || a.SeenUsage.Cached != -1 || a.Dialect&^answer.ChoiceText != c.dialect {
				t.Errorf("%s: %v %+v %v", name, a.Err, a.SeenUsage, a.Dialect)
			}
			if alone := c.dialect == answer.UsageAlone; alone != (a.Usage.Completion == 8) {
				t.Errorf("%s: the original reads %d", name, a.Usage.Completion)
			}
		}
	}
	for details, want := range map[string]int{`,"prompt_tokens_details":null`: -1, `,"prompt_tokens_details":{}`: -1, `,"prompt_tokens_details":{"cached_tokens":0}`: 0, `,"prompt_tokens_details":{"cached_tokens":7}`: 7,
		`,"cached_tokens":5`: 5, `,"prompt_cache_hit_tokens":6`: 6} {
		a := feed(sseHead+e("a", `,"finish_reason":"stop"}]}`)+`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1`+details+"}}\n\n"+done, 1<<20, completions(Strict))
		if a.SeenUsage.Cached != want || a.Details != nil {
			t.Errorf("%s: cached %d %+v", details, a.SeenUsage.Cached, a.Details)
		}
	}
}

// TestOddCounts: invalid counts are kept as they were sent, and are unknown.
func TestOddCounts(t *testing.T) {
	for value, want := range map[string]struct {
		what  string
		count int
	}{"8": {"", 8}, "null": {"null", -1}, "-8": {"negative", -1}, "7.5": {"fractional", 7}, "1000000": {"", 1000000}, "1e12": {"too large", 1e12},
		`"8"`: {"a string", 8}, "true": {"not a number", -1}, "[]": {"not a number", -1}, "NaN": {"not a number", -1}} {
		for _, k := range apis {
			_, body, _ := strings.Cut(k.answer("stop", "", ""), "\r\n\r\n")
			a := feed(k.wrap(strings.ReplaceAll(body, `"completion_tokens":8`, `"completion_tokens":`+value)), 1<<20, k.options())
			what := ""
			if a.Details != nil && len(a.Details.OddCounts) == 1 && a.Details.OddCounts[0].Key == "completion_tokens" && a.Details.OddCounts[0].Value == value {
				what = a.Details.OddCounts[0].What
			}
			if what != want.what || a.SeenUsage.Completion != want.count || a.SeenUsage.Prompt != 16 {
				t.Errorf("%s, %s: %q, %+v", k.name, value, what, a.SeenUsage)
			}
		}
	}
}

// TestTextTwice: a choice may have its text in several members, or all text so far in one.
func TestTextTwice(t *testing.T) {
	for name, choice := range map[string]string{
		"delta, text":         `"delta":{"content":"b"},"text":"b"`,
		"text, delta":         `"text":"b","delta":{"content":"b"}`,
		"delta, empty text":   `"delta":{"content":"b"},"text":""`,
		"empty text, delta":   `"text":"","delta":{"content":"b"}`,
		"delta, so far":       `"delta":{"content":"b"},"message":{"content":"ab"}`,
		"so far, delta":       `"message":{"content":"ab"},"delta":{"content":"b"}`,
		"delta, null message": `"delta":{"content":"b"},"message":null`,
	} {
		for _, n := range []int{1, 1 << 20} {
			first := strings.ReplaceAll(strings.ReplaceAll(choice, `"ab"`, `"a"`), `"b"`, `"a"`)
			a := feed(sseHead+"data: {\"choices\":[{"+first+"}]}\n\ndata: {\"choices\":[{"+choice+",\"finish_reason\":\"stop\"}]}\n\n"+done, n, apis[1].options())
			if a.Err != nil || string(a.Text) != "ab" || a.Events[1].Kind != answer.Text {
				t.Errorf("%s: %v, %q", name, a.Err, a.Text)
			}
			if !strings.Contains(choice, "message") { // the same of completions
				if a := feed(sseHead+"data: {\"choices\":[{"+choice+",\"finish_reason\":\"stop\"}]}\n\n"+done, n, completions(Strict)); a.Err != nil || string(a.Text) != "b" {
					t.Errorf("completions, %s: %v, %q", name, a.Err, a.Text)
				}
			}
		}
	}
}

// TestTextSoFar: behind an empty delta all text so far is none.
func TestTextSoFar(t *testing.T) {
	for _, choice := range []string{`"delta":{"content":""},"message":{"content":"a"}`, `"message":{"content":"a"},"delta":{"content":""}`, `"delta":{},"message":{"content":"a"}`, `"message":{"content":"a"},"delta":{}`} {
		a := feed(sseHead+"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"message\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{"+choice+",\"finish_reason\":\"stop\"}]}\n\n"+done, 1<<20, apis[1].options())
		if a.Err != nil || string(a.Text) != "a" {
			t.Errorf("%s: %v, %q", choice, a.Err, a.Text)
		}
	}
}

// TestEndOfAnswer: [DONE], or a finish reason and the usage, end an answer that goes on
// or whose connection stays open, is reset, or ends.
func TestEndOfAnswer(t *testing.T) {
	text := `data: {"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}` + "\n\n"
	counts := `data: {"choices":[],"usage":` + usage8 + "}\n\n"
	more := "data: " + event("more") + "\n\n"
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	start := func(reuse bool, text string) (*Decoder, *Answer, bool) {
		a := &Answer{}
		d := NewDecoder(Options{Streaming: true, Reuse: reuse}, a)
		return d, a, d.Feed([]byte(text), 5)
	}
	var d *Decoder
	_, a, over := start(false, head+chunk(text+counts+done))
	if !over || a.Err != nil || !a.Done {
		t.Errorf("[DONE]: over %v, %v", over, a.Err)
	}
	if _, a, over = start(false, head+chunk(text+counts+done+more)); !over || string(a.Text) != "a" {
		t.Errorf("[DONE] is not the end: %q", a.Text)
	}
	if d, a, over = start(true, head+chunk(text+counts+done)); over || !d.Failing() {
		t.Error("a connection that is to be used again: the end of the body is not awaited")
	}
	if over = d.Feed([]byte("0\r\n\r\n"), 9); !over || !a.Reusable || a.LastByte != 5 || a.Err != nil {
		t.Errorf("over %v, reusable %v, last byte %v, %v", over, a.Reusable, a.LastByte, a.Err)
	}
	if d, a, _ = start(true, head+chunk(text+counts+done)+chunk(more)); string(a.Text) != "a" {
		t.Errorf("after [DONE]: %q", a.Text)
	}
	if d.End(9, &Error{Class: Reset}); a.Err != nil || a.Reusable {
		t.Errorf("a reset after [DONE]: %v", a.Err)
	}
	for name, end := range map[string]*Error{"closed": nil, "reset": {Class: Reset}, "timeout": {Class: "timeout"}} {
		if d, a, over = start(false, head+chunk(text+counts)); over || !d.Failing() {
			t.Error("finish reason and usage: [DONE] is to be awaited, but not for long")
		}
		if d.End(9, end); a.Err != nil {
			t.Errorf("finish reason and usage, then %s: %v", name, a.Err)
		}
		d, a, _ = start(false, head+chunk(text))
		if d.Failing() {
			t.Error("the usage that was asked for is not awaited")
		}
		if d.End(9, end); a.Err == nil {
			t.Errorf("a finish reason without usage, then %s: no failure", name)
		}
	}
	// Two choices were asked for: the end of one is not the end.
	a = &Answer{}
	d = NewDecoder(Options{Streaming: true, Choices: 2}, a)
	if d.Feed([]byte(head+chunk(text+counts)), 1); d.Failing() {
		t.Error("one of two choices has ended")
	}
	// An error is one at once; what follows is awaited for a while.
	if d, a, _ = start(false, head+chunk(`data: {"error":"boom"}`+"\n\n")); !d.Failing() {
		t.Error("an error is not worth a long wait")
	}
	if d.End(9, nil); class(a) != ErrorEvent {
		t.Errorf("%v", a.Err)
	}
}
