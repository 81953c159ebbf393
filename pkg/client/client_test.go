package client

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/fetch"
	"loadgen/pkg/dataset"
)

// server answers requests in memory; got holds them.
type server struct {
	mu     sync.Mutex
	got    []*http.Request
	answer func(n int, r *http.Request) string
}

func (s *server) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		r, err := http.ReadRequest(bufio.NewReader(there))
		if err != nil {
			return
		}
		body := make([]byte, max(r.ContentLength, 0))
		r.Body.Read(body)
		s.mu.Lock()
		n := len(s.got)
		s.got = append(s.got, r)
		s.mu.Unlock()
		fmt.Fprint(there, s.answer(n, r))
	}()
	return here, nil
}

func (s *server) client(t *testing.T, o Options) *Client {
	t.Helper()
	o.Dial = s.dial
	if o.BaseURL == "" {
		o.BaseURL = "http://127.0.0.1:8000"
	}
	o.Endpoint = cmp.Or(o.Endpoint, "/v1/completions")
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const good = "HTTP/1.1 200 OK\r\n\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: [DONE]\n\n"

func body(status, contentType, text string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, contentType, len(text), text)
}

func do(t *testing.T, c *Client) *Result {
	t.Helper()
	p, err := c.Prepare(dataset.Request{Prompt: "x", OutputLen: 1})
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	c.Do(context.Background(), p, &r)
	return &r
}

func TestRedirects(t *testing.T) {
	key := "geheim"
	s := &server{answer: func(n int, _ *http.Request) string {
		return []string{"HTTP/1.1 307 X\r\nLocation: /other\r\n\r\n", "HTTP/1.1 303 X\r\nLocation: http://127.0.0.2/get?a=b\r\n\r\n", good}[n]
	}}
	r := do(t, s.client(t, Options{APIKey: &key}))
	if r.Err != nil || string(r.Text) != "a" {
		t.Fatalf("%v %q", r.Err, r.Text)
	}
	var lines []string
	for _, q := range s.got {
		lines = append(lines, fmt.Sprintf("%s %s%s %d %v", q.Method, q.Host, q.RequestURI, q.ContentLength, q.Header.Get("Authorization") != ""))
	}
	want := "POST 127.0.0.1:8000/v1/completions 171 true; POST 127.0.0.1:8000/other 171 true; GET 127.0.0.2/get?a=b 0 false"
	if got := strings.Join(lines, "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	loop := &server{answer: func(int, *http.Request) string { return "HTTP/1.1 308 X\r\nLocation: /again\r\n\r\n" }}
	if r := do(t, loop.client(t, Options{})); r.Err == nil || r.Err.Class != "redirects" || len(loop.got) != fetch.MostRedirects {
		t.Errorf("%v after %d requests", r.Err, len(loop.got))
	}
}

// TestRedirectsAndTheTimeOfACancel: hops that follow have what is left of the first one's time.
func TestRedirectsAndTheTimeOfACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ *http.Request) string {
			time.Sleep(40 * time.Millisecond)
			return "HTTP/1.1 307 X\r\nLocation: /other\r\n\r\n"
		}}
		c := s.client(t, Options{})
		p, err := c.Prepare(dataset.Request{Prompt: "x", OutputLen: 1})
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		c.Do(context.Background(), p.CancelAfter(0, 100*time.Millisecond), &r)
		time.Sleep(time.Second) // for the server to notice
		synctest.Wait()
		if took := r.Ended - r.Start; r.Err == nil || r.Err.Class != Cancelled || took != 100*time.Millisecond || len(s.got) != 3 {
			t.Errorf("%v after %v and %d hops", r.Err, took, len(s.got))
		}
	})
}

func TestRedirectTargets(t *testing.T) {
	for location, want := range map[string]string{
		"/a b?c=d e&f=é%2F": "GET /a%20b?c=d+e&f=%C3%A9%2F",
		"?x":                "GET /v1/completions?x",
		"ftp://elsewhere/":  "redirects",
		"http://":           "redirects",
		"mailto:a@b":        "redirects",
	} {
		s := &server{answer: func(n int, _ *http.Request) string {
			return []string{"HTTP/1.1 301 Moved\r\nLocation: " + location + "\r\n\r\n", good}[n]
		}}
		r := do(t, s.client(t, Options{}))
		got := ""
		if len(s.got) > 1 {
			got = s.got[1].Method + " " + s.got[1].RequestURI
		} else if r.Err != nil && r.Err.Exception {
			got = string(r.Err.Class)
		}
		if got != want {
			t.Errorf("%s leads to %q, want %q", location, got, want)
		}
	}
}

func TestBodyPatch(t *testing.T) {
	for patch, want := range map[string]string{
		`{"ignore_eos": null, "repetition_penalty": null}`:                                                   `{"model": "m", "prompt": "x", "temperature": 0.0, "max_tokens": 7, "logprobs": null, "stream": true, "stream_options": {"include_usage": true}}`,
		`{"seed": 1.50, "stream_options": {"include_usage": null, "b": [1, {"c": null}]}, "temperature": 1}`: `{"model": "m", "prompt": "x", "temperature": 1, "repetition_penalty": 1.0, "max_tokens": 7, "logprobs": null, "stream": true, "stream_options": {"b": [1, {"c": null}]}, "ignore_eos": true, "seed": 1.50}`,
	} {
		c := (&server{}).client(t, Options{Model: new("m"), IgnoreEOS: true, BodyPatch: patch})
		for range 2 { // the patch itself must not change
			p, err := c.Prepare(dataset.Request{Prompt: "x", OutputLen: 7})
			if err != nil || string(p.Body) != want {
				t.Errorf("got  %s\nwant %s (%v)", p.Body, want, err)
			}
		}
	}
	for _, bad := range []string{"{", "[]", "3", `{"a":1} x`, `{"a":1}{}`} {
		if _, err := New(Options{BaseURL: "http://h", BodyPatch: bad}); err == nil || !strings.Contains(err.Error(), "body patch") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestOwnHeadersReplaceOurs(t *testing.T) {
	s := &server{answer: func(int, *http.Request) string { return good }}
	do(t, s.client(t, Options{Header: [][2]string{{"authorization", "Basic x"}, {"X-A", "1"}, {"X-A", "2"}}}))
	h := s.got[0].Header
	if h.Get("Authorization") != "Basic x" || len(h["Authorization"]) != 1 || strings.Join(h["X-A"], ",") != "1,2" {
		t.Errorf("%v", h)
	}
}

func TestModel(t *testing.T) {
	for answer, want := range map[string]string{
		body("200 OK", "application/json", `{"data":[{"id":"a/b"},{"id":"c"}]}`): "a/b",
		body("200 OK", "application/json", `{"data":[]}`):                        "error: lists no model",
		body("200 OK", "text/html", "<html>"):                                    "error: does not answer as",
		body("401 Unauthorized", "application/json", `{"error":"key"}`):          "error: answers 401",
		"": "error: no server at http://127.0.0.1:8000/v1/models",
	} {
		s := &server{answer: func(int, *http.Request) string { return answer }}
		got, err := s.client(t, Options{BaseURL: "http://127.0.0.1:8000/"}).Model(context.Background())
		if err != nil {
			got = "error: " + err.Error()
		}
		if words := strings.TrimPrefix(want, "error: "); !strings.Contains(got, words) || (err != nil) != (words != want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestVocabSize(t *testing.T) {
	for answer, want := range map[string]int{
		body("200 OK", "application/json", `{"data":[{"id":"a","meta":{"n_vocab":5}},{"id":"b","meta":{"n_vocab":7}}]}`): 7,
		body("200 OK", "application/json", `{"data":[{"id":"a","meta":{"n_vocab":5}}]}`):                                 0,
		body("200 OK", "application/json", `{"data":[{"id":"b","meta":{"n_vocab":-1}}]}`):                                0,
		body("200 OK", "application/json", `{"data":[{"id":"b","meta":null}]}`):                                          0,
		body("404 X", "text/plain", ""): 0,
	} {
		s := &server{answer: func(int, *http.Request) string { return answer }}
		if got := s.client(t, Options{BaseURL: "http://127.0.0.1:8000/"}).VocabSize(context.Background(), "b"); got != want {
			t.Errorf("%s: %d, want %d", answer, got, want)
		}
	}
}

func TestWaitReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, r *http.Request) string {
			if n < 5 {
				return body("503 X", "text/plain", "loading")
			}
			return body("200 OK", "text/plain", "")
		}}
		c := s.client(t, Options{})
		start := time.Now()
		var lines []string
		waiting := func(url string, why error) { lines = append(lines, url+": "+why.Error()) }
		if err := c.WaitReady(context.Background(), time.Minute, waiting); err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if len(lines) != 5 || lines[0] != `http://127.0.0.1:8000/health: it answers 503 "loading"` {
			t.Errorf("%q", lines)
		}
		s.answer = func(int, *http.Request) string { return body("503 X", "text/plain", "loading") }
		start = time.Now()
		err := c.WaitReady(context.Background(), 7500*time.Millisecond, nil)
		if err == nil || !strings.Contains(err.Error(), "loading") || time.Since(start) != 7500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestEnergy(t *testing.T) {
	for answer, want := range map[string]string{
		body("200 OK", "application/json", `{"total_energy_j":900,"query_time":2}`):      "&{900 true 2}",
		body("200 OK", "application/json", `{"total_energy_j":1e3,"query_time":2.5}`):    "&{1000 false 2.5}",
		body("200 OK", "text/plain", `{"total_energy_j":900,"query_time":2}`):            "<nil>",
		body("503 X", "application/json", `{"total_energy_j":900,"query_time":2}`):       "<nil>",
		body("200 OK", "application/json", `{"total_energy_j":900}`):                     "<nil>",
		body("200 OK", "application/json", `{"total_energy_j":"much","query_time":"x"}`): "<nil>",
	} {
		s := &server{answer: func(int, *http.Request) string { return answer }}
		if got := fmt.Sprint(s.client(t, Options{}).Energy(context.Background())); got != want {
			t.Errorf("%q: got %s, want %s", answer, got, want)
		}
	}
}

func TestBadURLs(t *testing.T) {
	for _, u := range []string{"", "foo", "127.0.0.1:9", "ftp://h", "http://", "http://h:99999", "http://h:-1", "http://::1:9", "http://a b:80", "http://h:0"} {
		c, err := New(Options{BaseURL: u, Endpoint: "/v1/completions"})
		if err != nil {
			t.Fatal(err)
		}
		if r := do(t, c); r.Err == nil || r.Err.Class != "bad_url" || !strings.Contains(r.Err.Message, "expected http://") {
			t.Errorf("%q: %v", u, r.Err)
		}
	}
}
