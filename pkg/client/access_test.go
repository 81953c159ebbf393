package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loadgen/internal/certtest"
	"loadgen/internal/stream"
	"loadgen/pkg/client/answer"
	"loadgen/pkg/dataset"
)

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		base, endpoint string
		chat           bool
		want, health   string
	}{
		{"http://h", "", false, "/v1/completions", "/health"},
		{"http://h", "", true, "/v1/chat/completions", "/health"},
		{"http://h/", "", false, "//v1/completions", "/health"},
		{"http://h/v1", "", false, "/v1/completions", "/health"},
		{"http://h/v1/", "", true, "/v1/chat/completions", "/health"},
		{"http://h/v1", "/completions", false, "/v1/completions", "/health"},
		{"http://h/v3", "", true, "/v3/chat/completions", "/health"},
		{"http://h", "/v3/chat/completions", true, "/v3/chat/completions", "/health"},
		{"http://h", "/generate", true, "/v1/chat/completions", "/health"},
		{"http://h/openai/v1", "", true, "/openai/v1/chat/completions", "/openai/health"},
		{"http://h/x/v1", "", false, "/x/v1/completions", "/x/health"},
		{"http://h/x/v1/", "", false, "/x/v1/completions", "/x/health"},
		{"http://h/x/v1/", "/v1/chat/completions", true, "/x/v1/chat/completions", "/x/health"},
		{"http://h/x/v1/", "completions", false, "/x/v1/completions", "/x/health"},
		{"http://h/v1beta", "", false, "/v1beta/v1/completions", "/v1beta/health"},
		{"http://h?a=1", "/v3/chat/completions?b=2", true, "/v3/chat/completions?b=2&a=1", "/health?a=1"},
		{"http://h/openai/deployments/d?api-version=1", "/chat/completions", true, "/openai/deployments/d/chat/completions?api-version=1", "/openai/deployments/d/health?api-version=1"},
		{"unix:/run/x.sock", "", false, "/v1/completions", "/health"},
	} {
		client, err := New(Options{BaseURL: c.base, Endpoint: c.endpoint, Chat: c.chat})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := client.Prepare(dataset.Request{Prompt: "x", OutputLen: 1})
		if health := client.root(client.ownPath("/health")); p.Target != c.want || health != c.health {
			t.Errorf("%s and %q: %s, %s; want %s, %s", c.base, c.endpoint, p.Target, health, c.want, c.health)
		}
		if models := client.url("/v1/models"); strings.Contains(models, "v1v1") || strings.Count(models, "/v1") != strings.Count(c.want, "/v1") && strings.Contains(c.base, "/v1/") {
			t.Errorf("%s lists its models at %s", c.base, models)
		}
	}
}

func TestUserOfTheURL(t *testing.T) {
	key := "sk-1"
	for base, want := range map[string]string{
		"http://user:p%40ss@127.0.0.1:8000": "Basic dXNlcjpwQHNz",
		"http://user@127.0.0.1:8000":        "Basic dXNlcjo=",
		"http://127.0.0.1:8000":             "Bearer sk-1",
	} {
		s := &server{answer: func(int, *http.Request) string { return good }}
		c := s.client(t, Options{BaseURL: base, APIKey: &key})
		do(t, c)
		c.WaitReady(context.Background(), time.Nanosecond, nil)
		if got := s.got[0].Header.Get("Authorization"); got != want {
			t.Errorf("%s: %q, want %q", base, got, want)
		}
	}
	_, err := (&server{answer: func(int, *http.Request) string { return body("404 X", "text/plain", "no") }}).client(t, Options{BaseURL: "http://user:hunter2@127.0.0.1:8000?api_key=hunter2"}).Model(context.Background())
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"http://h:8000/v1":                        "http://h:8000/v1",
		"http://user:pw@h/x":                      "http://user:***@h/x",
		"http://user:p@w@h/x":                     "http://user:***@h/x",
		"http://sk-key@h/x":                       "http://***@h/x",
		"user@h/x":                                "user@h/x",
		"http://h/#abc":                           "http://h/#***",
		"//user:pw@h":                             "//user:***@h",
		"https://h/x?api-version=1&api-key=abc":   "https://h/x?api-version=1&api-key=***",
		"/v1/completions?key=abc&x=1":             "/v1/completions?key=***&x=1",
		"/x?X-Amz-Signature=abc&access_token=abc": "/x?X-Amz-Signature=***&access_token=***",
		"/x?%6bey=abc#top":                        "/x?%6bey=***",
		"/x?model=a%2Fb&monkey=1":                 "/x?model=a%2Fb&monkey=1",
		"http://user:pw@h:bad/%zz?token=1":        "http://user:***@h:bad/%zz?token=***",
		"/x?accessToken=abc&maxTokens=1":          "/x?accessToken=***&maxTokens=1",
		"user:pw@h:8000/x":                        "user:***@h:8000/x",
		"unix:/run/a:b@c":                         "unix:/run/a:b@c",
	} {
		if got := Redact(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for header, want := range map[[2]string]string{
		{"Authorization", "Bearer abc"}: "Bearer ***", {"authorization", "abc"}: "***", {"Proxy-Authorization", "Basic abc"}: "Basic ***",
		{"api-key", "abc"}: "***", {"X-Api-Key", "abc"}: "***", {"Cookie", "abc"}: "***", {"Content-Type", "text/plain"}: "text/plain",
		{"Authorization", "Bearer None"}: "Bearer None", {"X-Goog-Api-Key-2", "abc"}: "***", {"X-Auth", "abc"}: "***",
		{"K", "abc"}: "***", {"X-Custom", "abc"}: "***", {"User-Agent", "abc"}: "abc",
	} {
		if got := RedactHeader(header[0], header[1]); got != want {
			t.Errorf("%v: %q", header, got)
		}
	}
}

func TestRedactJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{ "max_tokens": 3, "stop_token_ids": [1] }`:                          `{ "max_tokens": 3, "stop_token_ids": [1] }`,
		`{"api_key":"a","n":1}`:                                               `{"api_key": "***", "n": 1}`,
		`{"extra":{"accessToken":"a","keys":["b"]},"password":["a",{"x":1}]}`: `{"extra": {"accessToken": "***", "keys": ["b"]}, "password": ["***", {"x": 1}]}`,
		`{"secret":12345678}`:                                                 `{"secret": "***"}`,
		`{"code":{"type":"string"}}`:                                          `{"code":{"type":"string"}}`,
		`not JSON, with a key`:                                                "***",
	} {
		if got := RedactJSON(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestRecordsAreBounded: a server cannot answer with more records than there is room for.
func TestRecordsAreBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat(" ", 2000)) }))
	defer s.Close()
	c, err := New(Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for most, ok := range map[int]bool{3000: true, 1000: false, 0: false, -5: false} {
		text, err := c.PerfMetrics(t.Context(), most)
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "too_long") || len(text) > max(most, 0) {
			t.Errorf("%d: %d bytes, %v", most, len(text), err)
		}
	}
}

// TestServerRepeatsAKey: a server's message that holds the key it was sent does not show it.
func TestServerRepeatsAKey(t *testing.T) {
	key := "sk-geheim"
	for base, o := range map[string]Options{
		"http://127.0.0.1:4/":                {APIKey: &key},
		"http://user:sk-geheim@127.0.0.1":    {},
		"http://127.0.0.1?api_key=sk-geheim": {},
		"http://sk-geheim@127.0.0.1":         {},
		"http://127.0.0.1:13/":               {BodyPatch: `{"metadata": {"token": "sk-geheim"}}`},
		"http://127.0.0.1:14/":               {Header: [][2]string{{"K", "sk-geheim"}}},
		"http://127.0.0.1?key=sk%2Dgeheim":   {},
		"http://127.0.0.1:1/":                {Header: [][2]string{{"X-Api-Key", "sk-geheim"}}},
		"http://127.0.0.1:2/":                {Header: [][2]string{{"Authorization", "Bearer sk-geheim"}}},
		"http://127.0.0.1:3/":                {Endpoint: "/v1/completions?token=sk-geheim"},
	} {
		s := &server{answer: func(int, *http.Request) string {
			return body("401 Key sk-geheim", "text/plain", "no such key: sk-geheim, Basic dXNlcjpzay1nZWhlaW0=")
		}}
		o.BaseURL = base
		c := s.client(t, o)
		r := do(t, c)
		if r.Status != 401 {
			t.Errorf("%s: %v", base, r.Err)
		}
		_, err := c.Model(context.Background())
		text := fmt.Sprint(r.Err.Message, string(r.Body), err, c.RequestURL())
		if strings.Contains(text, "geheim") || o.APIKey == nil && len(o.Header) == 0 && o.Endpoint == "" && strings.Contains(base, "user") && strings.Contains(text, "dXNlcjpzay1nZWhlaW0=") {
			t.Errorf("%s: %s", base, text)
		}
	}
}

// TestTLS: an unknown certificate is refused unless it is trusted by file or all are;
// the client's own is shown to a server that asks for one.
func TestTLS(t *testing.T) {
	a := certtest.New(t)
	pair := a.Sign(t, "good", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	a.Sign(t, "other", &x509.Certificate{})
	ca, cert, key := a.File("ca.pem"), a.File("good.pem"), a.File("good.key")
	both := a.File("both.pem")
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		if err == nil {
			var out *os.File
			if out, err = os.OpenFile(both, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
				_, err = out.Write(text)
				out.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"%d\"}]}\n\ndata: [DONE]\n\n", len(r.TLS.PeerCertificates))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes
	s.StartTLS()
	defer s.Close()
	for name, c := range map[string]struct {
		tls  TLS
		want string
	}{
		"unknown":     {TLS{}, "tls"},
		"trusted":     {TLS{CAFile: ca}, "0"},
		"insecure":    {TLS{Insecure: true}, "0"},
		"own":         {TLS{CAFile: ca, CertFile: cert, KeyFile: key}, "1"},
		"both in one": {TLS{CAFile: ca, CertFile: both}, "1"},
		"no file":     {TLS{CAFile: ca + "x"}, "ca_cert"},
		"no PEM":      {TLS{CAFile: key}, "ca_cert"},
		"half":        {TLS{CertFile: cert}, "client_cert"},
		"half, too":   {TLS{KeyFile: key}, "client_cert"},
		"another's":   {TLS{CertFile: cert, KeyFile: a.File("other.key")}, "client_cert"},
	} {
		client, err := New(Options{BaseURL: s.URL, TLS: c.tls})
		var problem *Problem
		got := ""
		if errors.As(err, &problem) {
			got = problem.Code
		} else if r := do(t, client); r.Err != nil {
			got = string(r.Err.Class)
		} else {
			got = string(r.Text)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestLimits: an answer that is longer than asked for is none that never ends.
func TestLimits(t *testing.T) {
	events := func(n int) string { return strings.Repeat("data: {\"choices\":[{\"text\":\"a\"}]}\n\n", n) }
	for _, c := range []struct {
		name  string
		patch string
		n     int
		want  Class
	}{
		{"128 times as long", "", 1024, ""},
		{"never ends", "", 5000, "too_long"},
		{"what the patch asks for", `{"max_tokens":100000}`, 5000, ""},
		{"several choices", `{"n":4}`, 5000, ""},
		{"no limit asked for", `{"max_tokens":null}`, 5000, ""},
	} {
		s := &server{answer: func(int, *http.Request) string {
			return "HTTP/1.1 200 OK\r\n\r\n" + events(c.n) + "data: [DONE]\n\n"
		}}
		r := do(t, s.client(t, Options{BodyPatch: c.patch}))
		got := Class("")
		if r.Err != nil {
			got = r.Err.Class
		}
		if got != c.want || c.want == "" && len(r.Events) != c.n {
			t.Errorf("%s: %v, %d events", c.name, r.Err, len(r.Events))
		}
	}
	s := &server{answer: func(int, *http.Request) string { return "HTTP/1.1 200 OK\r\n\r\n" + events(20) }}
	for name, l := range map[string]Limits{"events": {Events: 10}, "bytes": {BodyBytes: 100}} {
		if r := do(t, s.client(t, Options{Limits: l})); r.Err == nil || r.Err.Class != "too_long" {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
	// The bound itself: 4,096 events and 64 for each of 2 x 8 tokens.
	p := &Prepared{asked: 8, number: 2}
	if got := (Limits{}).of(p); got.Events != 2*(4096+64*8) || got.Body != 16<<20+got.Events*4096 || got != (Limits{}).of(p) || got == (stream.Limits{}) {
		t.Errorf("%+v", got)
	}
}

// TestGenerated: the texts and the traits of answers that hold little.
func TestGenerated(t *testing.T) {
	var a answer.Answer
	if a.Generated() != nil {
		t.Error("an answer without choices has generated something")
	}
	a.Events = []answer.Event{{Choices: true}}
	if len(a.Generated()) != 1 {
		t.Error("a choice without text is one")
	}
	both := answer.ChoiceDelta | answer.UsageAlone
	if (both|answer.ReasoningKey).Shape() != both || both.String() != "choices.delta, usage alone" {
		t.Errorf("%v", both)
	}
}

// TestUnixSocket: requests go to the socket, those that follow a redirect to the same
// server, too; an HTTP/1.0 server ends its answer with the connection.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	targets := make(chan string, 3)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				conn.Close()
				continue
			}
			io.Copy(io.Discard, r.Body)
			targets <- r.Host + r.RequestURI
			if r.RequestURI == "/v1/completions" {
				io.WriteString(conn, "HTTP/1.0 307 Temporary Redirect\r\nLocation: /other\r\n\r\n")
			} else {
				io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\ndata: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}\n\n")
			}
			conn.Close()
		}
	}()
	for _, keepAlive := range []bool{false, true} {
		c, err := New(Options{BaseURL: "unix:" + path, KeepAlive: keepAlive})
		if err != nil {
			t.Fatal(err)
		}
		r := do(t, c)
		if first, second := <-targets, <-targets; r.Err != nil || string(r.Text) != "a" || first != "localhost/v1/completions" || second != "localhost/other" {
			t.Errorf("%v %q %s %s", r.Err, r.Text, first, second)
		}
		c.Close()
	}
	if _, err := New(Options{BaseURL: "unix:" + path, Stamps: KernelStamps}); err == nil {
		t.Error("the kernel stamps no Unix socket")
	}
	c, err := New(Options{BaseURL: "unix:" + path + "x"})
	if err != nil {
		t.Fatal(err)
	}
	if r := do(t, c); r.Err == nil {
		t.Error("a socket that is not there answers")
	}
}
