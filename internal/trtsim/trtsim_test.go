package trtsim

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// withServer runs f against a server in virtual time.
func withServer(t *testing.T, o Options, f func(t *testing.T, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		stop, cancel := context.WithCancel(context.Background())
		served := make(chan error)
		go func() { served <- New(o).Serve(context.Background(), stop, p) }()
		f(t, p)
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// ask sends one request and returns the answer's bytes.
func ask(p *pipes, method, path, body string) (*http.Response, string) {
	conn := p.dial()
	defer conn.Close()
	go io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n"+body)
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return &http.Response{}, err.Error()
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return r, err.Error()
	}
	return r, string(text)
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestRoutes(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
		for _, c := range []struct{ method, path, want string }{
			{"GET", "/health", "200 "}, {"GET", "/version", `200 {"version":"`}, {"GET", "/v1/models", `200 {"object":"list","data":[{"id":"m","object":"model","created":`},
			{"GET", "/nothing", `404 {"detail":"Not Found"}`}, {"POST", "/health", `405 {"detail":"Method Not Allowed"}`}, {"GET", "/v1/completions", `405 {"detail"`},
			{"GET", "/energy_metrics", `503 {"error":"`}, {"POST", "/start_profile", `200 {"message":"Profiling started"}`},
			{"POST", "/start_profile", `409 {"success":false,"message":"`}, {"POST", "/stop_profile", `200 {"message":"Profiling stopped"}`},
			{"HEAD", "/nothing", "404 "}, {"POST", "/steady_clock_offset", "200 "}, {"GET", "/steady_clock_offset", `200 {"receive_ts":`},
		} {
			r, body := ask(p, c.method, c.path, "")
			if got := itoa(r.StatusCode) + " " + body; !strings.HasPrefix(got, c.want) {
				t.Errorf("%s %s: got %s, want %s", c.method, c.path, got, c.want)
			}
		}
	})
}

var changing = regexp.MustCompile(`(cmpl-)[0-9a-f]{32}|("created":)\d+`)

func TestStreams(t *testing.T) {
	const usage = `,"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}}`
	for name, c := range map[string]struct{ path, body, want string }{
		"completions": {"/v1/completions", `{"model":"m","prompt":[1,2,3],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true}`,
			`data: {"id":"cmpl-I","object":"text_completion","created":C,"model":"m","choices":[{"index":0,"text":" the","token_ids":null,"logprobs":null,"finish_reason":null,"stop_reason":null,"avg_decoded_tokens_per_iter":1.0}],"usage":null}` + "\n\n" +
				`data: {"id":"cmpl-I","object":"text_completion","created":C,"model":"m","choices":[{"index":0,"text":" that","token_ids":null,"logprobs":null,"finish_reason":"length","stop_reason":null,"avg_decoded_tokens_per_iter":1.0}],"usage":null}` + "\n\n" +
				`data: {"id":"cmpl-I","object":"text_completion","created":C,"model":"m","choices":[]` + usage + "\n\ndata: [DONE]\n\n"},
		"chat": {"/v1/chat/completions", `{"model":"m","messages":[],"prompt_token_ids":[1,2,3],"max_completion_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`,
			`data: {"id":"chatcmpl-I","object":"chat.completion.chunk","created":C,"model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]} ` + "\n\n" +
				`data: {"id":"chatcmpl-I","object":"chat.completion.chunk","created":C,"model":"m","choices":[{"index":0,"delta":{"content":" the"},"avg_decoded_tokens_per_iter":1.0}]}` + "\n\n" +
				`data: {"id":"chatcmpl-I","object":"chat.completion.chunk","created":C,"model":"m","choices":[{"index":0,"delta":{"content":" that"},"finish_reason":"length","avg_decoded_tokens_per_iter":1.0}]}` + "\n\n" +
				`data: {"id":"chatcmpl-I","object":"chat.completion.chunk","created":C,"model":"m","choices":[]` + usage + "\n\ndata: [DONE]\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
				start := time.Now()
				r, body := ask(p, "POST", c.path, c.body)
				body = changing.ReplaceAllStringFunc(body, func(s string) string {
					if strings.HasPrefix(s, "cmpl") {
						return "cmpl-I"
					}
					return `"created":C`
				})
				if body != c.want || r.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
					t.Errorf("got\n%s\nwant\n%s", body, c.want)
				}
				// One prefill of 3 tokens, then one step of the batch of one.
				if took, want := time.Since(start), 3*ideal.Prefill+ideal.Step+ideal.PerRequest; took != want {
					t.Errorf("took %v, want %v", took, want)
				}
			})
		})
	}
}

func TestWholeAnswers(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
		for path, body := range map[string]string{
			"/v1/completions":      `{"model":"m","prompt":"Hello","max_tokens":3}`,
			"/v1/chat/completions": `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}],"max_tokens":3}`,
		} {
			_, text := ask(p, "POST", path, body)
			var v struct {
				Choices []struct {
					Text    string
					Message struct{ Content string }
				}
				Usage struct {
					Completion int `json:"completion_tokens"`
				}
			}
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if got := v.Choices[0].Text + v.Choices[0].Message.Content; len(strings.Fields(got)) != 3 || v.Usage.Completion != 3 {
				t.Errorf("%q %v", got, v.Usage)
			}
		}
	})
}

func TestStatisticsAreDrained(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m", Watts: 700}, func(t *testing.T, p *pipes) {
		for range 2 {
			ask(p, "POST", "/v1/completions", `{"model":"m","prompt":"Hello, a prompt of more than one block of the cache: one two three four five six seven eight nine ten eleven twelve thirteen","max_tokens":3,"stream":true}`)
		}
		for path, want := range map[string]int{"/metrics": 6, "/perf_metrics": 2} {
			for _, n := range []int{want, 0} {
				var list []map[string]any
				_, body := ask(p, "GET", path, "")
				if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != n {
					t.Errorf("%s: %d entries, want %d (%v) %s", path, len(list), n, err, body)
				}
			}
		}
		if _, body := ask(p, "GET", "/prometheus/metrics", ""); !strings.Contains(body, "trtllm_request_success_total{model_name=\"m\"} 2\n") {
			t.Error(body)
		}
		if r, body := ask(p, "GET", "/energy_metrics", ""); r.StatusCode != 200 || !strings.HasPrefix(body, `{"total_energy_j":`) {
			t.Error(body)
		}
	})
}

// texts puts together what a stream brings of each choice, and its usages.
func texts(stream string) (texts map[int]string, usages []string) {
	texts = map[int]string{}
	for line := range strings.Lines(stream) {
		var v struct {
			Choices []struct {
				Index int
				Text  string
				IDs   []int `json:"token_ids"`
				Delta struct{ Content string }
			}
			Usage json.RawMessage
		}
		if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &v) != nil {
			continue
		}
		for _, c := range v.Choices {
			texts[c.Index] += c.Text + c.Delta.Content
			for _, id := range c.IDs {
				texts[c.Index] += "<" + itoa(id) + ">"
			}
		}
		if len(v.Choices) == 0 {
			usages = append(usages, string(v.Usage))
		}
	}
	return texts, usages
}

func TestSeveralChoices(t *testing.T) {
	const counts = `{"prompt_tokens":%p,"total_tokens":%t,"completion_tokens":%c,"prompt_tokens_details":{"cached_tokens":0}}`
	usage := func(p, c int) string {
		return strings.NewReplacer("%p", itoa(p), "%t", itoa(p+c), "%c", itoa(c)).Replace(counts)
	}
	const tail = `,"max_tokens":2,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`
	for name, c := range map[string]struct {
		path, body string
		texts      map[int]string
		usages     []string
	}{
		"prompts": {"/v1/completions", `{"model":"m","n":2,"prompt":["Hello","Hello world"]` + tail,
			map[int]string{0: " the that", 1: " the that", 2: " the that", 3: " the that"}, []string{usage(2, 4), usage(3, 4)}},
		"lists of ids": {"/v1/completions", `{"model":"m","prompt":[[1,2],[3]]` + tail, map[int]string{0: " the that", 1: " the that"}, []string{usage(2, 2), usage(1, 2)}},
		"echo":         {"/v1/completions", `{"model":"m","echo":true,"prompt":"Hello"` + tail, map[int]string{0: "Hello the that"}, []string{usage(2, 2)}},
		"no text":      {"/v1/completions", `{"model":"m","detokenize":false,"prompt":"Hello"` + tail, map[int]string{0: "<279><430>"}, []string{usage(2, 2)}},
		"no BOS":       {"/v1/completions", `{"model":"m","add_special_tokens":false,"prompt":"Hello"` + tail, map[int]string{0: " the that"}, []string{usage(1, 2)}},
		"chat": {"/v1/chat/completions", `{"model":"m","n":2,"echo":true,"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi"}]` + tail,
			map[int]string{0: "Hi the that", 1: "Hi the that"}, []string{usage(19, 4)}},
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
				_, stream := ask(p, "POST", c.path, c.body)
				texts, usages := texts(stream)
				if fmt.Sprint(texts) != fmt.Sprint(c.texts) || !slices.Equal(usages, c.usages) {
					t.Errorf("%v %v, want %v %v in\n%s", texts, usages, c.texts, c.usages, stream)
				}
				_, whole := ask(p, "POST", c.path, strings.Replace(c.body, `,"stream":true,"stream_options":{"include_usage":true}`, "", 1))
				var v struct {
					Choices []struct{ Index int }
					Usage   struct {
						Completion int `json:"completion_tokens"`
					}
				}
				if err := json.Unmarshal([]byte(whole), &v); err != nil || len(v.Choices) != len(c.texts) || v.Usage.Completion != 2*len(c.texts) {
					t.Errorf("%v %+v: %s", err, v, whole)
				}
			})
		})
	}
}

func TestABrokenExecutor(t *testing.T) {
	for _, dialect := range dialects {
		withServer(t, Options{Profile: ideal, UnhealthyAfter: time.Minute, Dialect: dialect}, func(t *testing.T, p *pipes) {
			if r, _ := ask(p, "GET", "/health", ""); r.StatusCode != 200 {
				t.Errorf("%s: /health %d before", dialect.Name, r.StatusCode)
			}
			time.Sleep(time.Minute)
			want := map[bool]int{false: 200, true: 503}[dialect.Name == "latest"]
			if r, _ := ask(p, "GET", "/health", ""); r.StatusCode != want {
				t.Errorf("%s: /health %d, want %d", dialect.Name, r.StatusCode, want)
			}
			if r, _ := ask(p, "GET", "/health_generate", ""); r.StatusCode != 500 {
				t.Errorf("%s: /health_generate %d", dialect.Name, r.StatusCode)
			}
			if r, _ := ask(p, "POST", "/v1/completions", `{"model":"m","prompt":"x","max_tokens":1}`); r.StatusCode != 500 {
				t.Errorf("%s: /v1/completions %d", dialect.Name, r.StatusCode)
			}
		})
	}
}

func TestExpectContinue(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
		conn := p.dial()
		defer conn.Close()
		const body = `{"model":"m","prompt":"Hello","max_tokens":1}`
		go io.WriteString(conn, "POST /v1/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n")
		in := bufio.NewReader(conn)
		for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
			if line, err := in.ReadString('\n'); err != nil || line != want {
				t.Fatalf("%q %v, want %q", line, err, want)
			}
		}
		go io.WriteString(conn, body)
		if r, err := http.ReadResponse(in, nil); err != nil || r.StatusCode != 200 {
			t.Errorf("%v %v", r, err)
		}
	})
}

// TestTheTokenThatEndsAnAnswerHasNoText has answers that end by themselves: their
// last chunk carries the reason, counts as a token and is empty.
func TestTheTokenThatEndsAnAnswerHasNoText(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m", EarlyStop: true}, func(t *testing.T, p *pipes) {
		for fields, want := range map[string]string{
			`"prompt":"x"`:                      `"text":"","token_ids":null,"logprobs":null,"finish_reason":"stop"`,
			`"prompt":"x","detokenize":false`:   `"text":"","token_ids":[128009],"logprobs":null,"finish_reason":"stop"`,
			`"messages":[],"min_tokens":1`:      `"delta":{"content":""},"finish_reason":"stop"`,
			`"prompt":"x","min_tokens":1000`:    `,"token_ids":null,"logprobs":null,"finish_reason":"length"`,
			`"prompt":"x","ignore_eos":true`:    `,"token_ids":null,"logprobs":null,"finish_reason":"length"`,
			`"messages":[],"ignore_eos":"true"`: `,"finish_reason":"length"`,
		} {
			path := "/v1/completions"
			if strings.Contains(fields, "messages") {
				path = "/v1/chat/completions"
			}
			_, stream := ask(p, "POST", path, `{"model":"m","max_tokens":100,"stream":true,"stream_options":{"include_usage":true},`+fields+`}`)
			_, usages := texts(stream)
			events := strings.Count(stream, "avg_decoded")
			if !strings.Contains(stream, want) || len(usages) != 1 || !strings.Contains(usages[0], `"completion_tokens":`+itoa(events)+`,`) {
				t.Errorf("%s: %d tokens, no %s in\n%s", fields, events, want, stream)
			}
		}
	})
}

// TestSplitUTF8 finds a character whose bytes come in two chunks.
func TestSplitUTF8(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
		const body = `{"model":"m","prompt":"x","max_tokens":2,"stream":true}`
		got, _ := exchange(p, "POST /v1/completions HTTP/1.1\r\nHost: h\r\nX-Sim-Fault: split_utf8\r\nConnection: close\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n"+body)
		if strings.Count(got, "\xe2\r\n") != 2 || strings.Count(got, "\r\n\x98\x82") != 2 {
			t.Errorf("%q", got)
		}
	})
}
