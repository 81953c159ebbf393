package trtsim

import (
	"strings"
	"testing"
)

func TestBadRequests(t *testing.T) {
	const completion, chat = `{"error":"1 validation error for CompletionRequest\n`, `{"error":"1 validation error for ChatCompletionRequest\n`
	const handler = `{"object":"error","message":"`
	withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
		for _, c := range []struct{ path, body, want string }{
			{"/v1/completions", `{"model":"m","prompt":"x","foo":1}`, completion + `foo\n  Extra inputs are not permitted`},
			{"/v1/completions", `{"model":"m"}`, completion + `prompt\n  Field required`},
			{"/v1/completions", `{"model":"m","prompt":null}`, completion + `prompt\n  Field required`},
			{"/v1/completions", `{`, completion + `  JSON decode error`},
			{"/v1/completions", ``, completion + `  JSON decode error`},
			{"/v1/completions", `[1]`, completion + `  Input should be a valid dictionary`},
			{"/v1/completions", `{"model":"m","prompt":"x","stream_options":{"include_usage":true}}`, completion + `  Value error, Stream options`},
			{"/v1/completions", `{"model":"m","prompt":"x","stream":true,"stream_options":{"usage":true}}`, completion + `stream_options.usage\n  Extra inputs`},
			{"/v1/completions", `{"model":"m","prompt":"x","stream":true,"stream_options":{"include_usage":"maybe"}}`, completion + `stream_options.include_usage\n  Input should be a valid boolean`},
			{"/v1/completions", `{"model":"m","prompt":"x","max_tokens":"many"}`, completion + `max_tokens\n  Input should be a valid integer [type=int_type, input_value=\"many\"]`},
			{"/v1/completions", `{"model":"m","prompt":"x","max_tokens":1.5}`, completion + `max_tokens\n  Input should be a valid integer`},
			{"/v1/completions", `{"model":"m","prompt":"x","temperature":"hot"}`, completion + `temperature\n  Input should be a valid number`},
			{"/v1/completions", `{"model":"m","prompt":"x","stream":2}`, completion + `stream\n  Input should be a valid boolean`},
			{"/v1/completions", `{"model":7,"prompt":"x"}`, completion + `model\n  Input should be a valid string`},
			{"/v1/completions", `{"model":"m","prompt":{"a":1},"max_tokens":2}`, completion + `prompt\n  Input should be a string, a list`},
			{"/v1/completions", `{"model":"m","prompt":["a",null]}`, completion + `prompt\n  Input should be a string, a list`},
			{"/v1/completions", `{"model":"m","prompt":[[1,null]]}`, completion + `prompt\n  Input should be a string, a list`},
			{"/v1/completions", `{"model":"m","prompt":["a",1]}`, completion + `prompt\n  Input should be a string, a list`},
			{"/v1/chat/completions", `{"model":"m","prompt_token_ids":[1]}`, chat + `messages\n  Field required`},
			{"/v1/chat/completions", `{"model":"m","messages":"Hi"}`, chat + `messages\n  Input should be a valid list of messages`},
			{"/v1/chat/completions", `{"model":"m","messages":[{"content":"Hi"}]}`, chat + `messages\n  Input should be a valid list of messages`},
			{"/v1/chat/completions", `{"model":"m","messages":[],"prompt":"x"}`, chat + `prompt\n  Extra inputs`},
			{"/v1/completions", `{"model":"m","prompt":"x","max_tokens":0}`, handler + `max_tokens must be at least 1`},
			{"/v1/completions", `{"model":"m","prompt":[],"max_tokens":1}`, handler + `the prompt is empty`},
			{"/v1/completions", `{"model":"m","prompt":[[1],[]],"max_tokens":1}`, handler + `the prompt is empty`},
			{"/v1/completions", `{"model":"m","prompt":[1,2],"max_tokens":200000}`, handler + `The sum of prompt length (2)`},
			{"/v1/completions", `{"model":"m","prompt":[1,-2],"echo":true}`, handler + `Token ID -2 is out of the vocabulary`},
			{"/v1/completions", `{"model":"m","prompt":[128256],"echo":true}`, handler + `Token ID 128256 is out of the vocabulary`},
			{"/v1/completions", `{"model":"m","prompt":"x","suffix":"y"}`, handler + `suffix is not supported`},
			{"/v1/completions", `{"model":"m","prompt":"x","n":0}`, handler + `n must be at least 1`},
		} {
			r, text := ask(p, "POST", c.path, c.body)
			if r.StatusCode != 400 || !strings.HasPrefix(text, c.want) {
				t.Errorf("%s: got %d %s, want %s", c.body, r.StatusCode, text, c.want)
			}
		}
	})
}

// TestFieldsAreReadAsPydanticDoes has numbers in strings, truth values in numbers
// and fields that are null.
func TestFieldsAreReadAsPydanticDoes(t *testing.T) {
	r, err := parseRequest([]byte(`{"model":"m","prompt":"x","max_tokens":"7","n":2.0,"stream":"yes","ignore_eos":1,"stop":null,"logprobs":null,"min_tokens":true,"stream_options":{}}`), false)
	if err != nil {
		t.Fatal(err)
	}
	if *r.maxTokens != 7 || r.n != 2 || !r.stream || !r.ignoreEOS || r.logprobs || r.minTokens != 1 || !r.usage {
		t.Errorf("%+v", r)
	}
	r, err = parseRequest([]byte(`{"model":"m","messages":[],"prompt_token_ids":[1,2],"max_tokens":3,"max_completion_tokens":4}`), true)
	if err != nil || *r.maxTokens != 4 || len(r.promptIDs) != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestChatTemplate(t *testing.T) {
	const system = "<|start_header_id|>system<|end_header_id|>\n\nBe short.<|eot_id|>"
	for body, want := range map[string]string{
		`"messages":[{"role":"system","content":" Be short. "}]`:                                                              system + "<|start_header_id|>assistant<|end_header_id|>\n\n",
		`"messages":[{"role":"system","content":"Be short."}],"add_generation_prompt":false`:                                  system,
		`"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]}]`: "<|start_header_id|>user<|end_header_id|>\n\na\nb<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
	} {
		if r, err := parseRequest([]byte(`{"model":"m",`+body+`}`), true); err != nil || r.template() != want {
			t.Errorf("%s: got %q (%v), want %q", body, r.template(), err, want)
		}
	}
}

func TestJSONText(t *testing.T) {
	if got, want := string(jsonText("a\"\\\b\f\n\r\t\x01\x7fé☂\u2028</\xff")), `"a\"\\\b\f\n\r\t\u0001`+"\x7fé☂\u2028</\uFFFD"+`"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzRequests has bodies refused or turned into generations, never worse.
func FuzzRequests(f *testing.F) {
	for _, body := range []string{`{"model":"m","prompt":["Hello","é"],"n":2,"echo":true,"stream":true,"stream_options":{}}`, `{"model":"m","messages":[{"role":"user","content":[{"text":"Hi"}]}],"max_tokens":"7"}`,
		`{"model":"m","prompt":[[1],[2,3]],"echo":1,"detokenize":false}`, `{"model":"m","messages":[],"prompt_token_ids":[1],"add_generation_prompt":false}`, `[{}]`, `{"stream_options":3}`, "null"} {
		f.Add(body, true)
		f.Add(body, false)
	}
	s := New(Options{Profile: ideal, EarlyStop: true})
	f.Fuzz(func(t *testing.T, body string, chat bool) {
		g, refuse := s.accept([]byte(body), chat)
		if (g == nil) != (refuse != nil) {
			t.Fatal("neither a generation nor an answer that refuses it")
		}
		if g == nil {
			return
		}
		for _, c := range g.choices {
			if c.output < 1 || c.prompt+c.output > ideal.MaxLen {
				t.Errorf("%d tokens after %d", c.output, c.prompt)
			}
		}
	})
}
