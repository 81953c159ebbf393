package main

import (
	"bytes"
	"context"
	"encoding/pem"
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

	"loadgen/internal/bench/benchtest"
)

// runMain runs the program, and returns its exit code and all that it printed.
func runMain(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"loadgen"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// fewRequests are the flags of a small run against a server.
func fewRequests(base string, more ...string) []string {
	return append([]string{"--base-url", base, "--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "4",
		"--random-output-len", "2", "--num-prompts", "2", "--max-concurrency", "1", "--disable-tqdm"}, more...)
}

// completions answers every POST with a stream of two tokens.
var completions = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Method != "POST" {
		http.NotFound(w, r)
		return
	}
	io.WriteString(w, benchtest.SSE(false, 2))
})

// TestUnknownCertificate: the message names what makes the server trusted, each of which does.
func TestUnknownCertificate(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(completions)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--no-test-input"}, {"--wait-ready", "1"}} {
		code, _, stderr := runMain(t, fewRequests(s.URL, more...)...)
		for _, want := range []string{"unknown authority", "\nhint: --ca-cert FILE", "SSL_CERT_FILE", "--insecure"} {
			if code != exitFailed || !strings.Contains(stderr, want) {
				t.Errorf("%v: exit %d, no %q in %s", more, code, want, stderr)
			}
		}
	}
	if code, _, stderr := runMain(t, fewRequests(s.URL, "--ca-cert", ca)...); code != exitOK || strings.Contains(stderr, "certificate") {
		t.Errorf("trusted: exit %d: %s", code, stderr)
	}
	result := filepath.Join(t.TempDir(), "r.json")
	code, _, stderr := runMain(t, fewRequests(s.URL, "--insecure", "--save-result", "--result-filename", result)...)
	text, err := os.ReadFile(result)
	if code != exitOK || err != nil || !strings.Contains(stderr, "certificate was not checked") || !strings.Contains(stderr, "(--insecure)") ||
		!bytes.Contains(text, []byte(`"code": "insecure"`)) || !bytes.Contains(text, []byte(`"insecure": true`)) {
		t.Errorf("not checked: exit %d, %v: %s", code, err, stderr)
	}
	if code, _, stderr := runMain(t, fewRequests("http"+strings.TrimPrefix(s.URL, "https"))...); code != exitFailed || !strings.Contains(stderr, "--base-url https://") {
		t.Errorf("http to TLS: exit %d: %s", code, stderr)
	}
	plain := httptest.NewServer(completions)
	defer plain.Close()
	if code, _, stderr := runMain(t, fewRequests("https"+strings.TrimPrefix(plain.URL, "http"))...); code != exitFailed || !strings.Contains(stderr, "--base-url http://") {
		t.Errorf("https to plain: exit %d: %s", code, stderr)
	}
	if code, _, stderr := runMain(t, fewRequests(s.URL, "--client-key", ca)...); code != exitUsage || !strings.Contains(stderr, "(--client-cert, --client-key)") {
		t.Errorf("half a certificate: exit %d: %s", code, stderr)
	}
}

// TestSecretsAreNotShown: a password, and keys in a query, a header and a file are sent, and
// are in nothing that a run prints or writes, even where the server repeats them.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2secret"
	got := make(chan *http.Request, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r
		if len(got) > 2 {
			w.WriteHeader(401)
			fmt.Fprintf(w, "no such key: %s in %s", secret, r.Header.Get("Authorization"))
			return
		}
		completions(w, r)
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		base string
		more []string
		sent func(*http.Request) bool
	}{
		"password": {"http://user:" + secret + "@" + host, nil, func(r *http.Request) bool {
			user, password, _ := r.BasicAuth()
			return user == "user" && password == secret
		}},
		"query":    {s.URL + "?api-key=" + secret, nil, func(r *http.Request) bool { return r.FormValue("api-key") == secret }},
		"endpoint": {s.URL, []string{"--endpoint", "/v1/completions?token=" + secret}, func(r *http.Request) bool { return r.Method != "POST" || r.FormValue("token") == secret }},
		"user": {"http://" + secret + "@" + host, nil, func(r *http.Request) bool {
			user, _, _ := r.BasicAuth()
			return user == secret
		}},
		"fragment": {s.URL + "#" + secret, nil, func(*http.Request) bool { return true }},
		"patch":    {s.URL, []string{"--body-patch", `{"extra": {"api_key": "` + secret + `"}}`}, func(*http.Request) bool { return true }},
		"odd name": {s.URL, []string{"--header", "K: " + secret}, func(r *http.Request) bool { return r.Header.Get("K") == secret }},
		"header":   {s.URL, []string{"--header", "X-Api-Key: " + secret}, func(r *http.Request) bool { return r.Header.Get("X-Api-Key") == secret }},
		"file": {s.URL, []string{"--api-key-file", key}, func(r *http.Request) bool {
			return r.Method != "POST" || r.Header.Get("Authorization") == "Bearer "+secret
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("SAVE_TO_PYTORCH_BENCHMARK_FORMAT", "1")
			var shown strings.Builder
			for _, more := range [][]string{{"--dry-run"}, {"--no-test-input", "--num-prompts", "5", "--save-result", "--save-detailed", "--result-filename", "r.json", "--save-timeline", "r.timeline"}, nil} {
				_, stdout, stderr := runMain(t, append(fewRequests(c.base, c.more...), more...)...)
				shown.WriteString(stdout + stderr)
			}
			sent := len(got)
			if sent == 0 {
				t.Error("nothing was sent")
			}
			for range sent {
				if r := <-got; !c.sent(r) {
					t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
				}
			}
			files, _ := filepath.Glob("*")
			if len(files) < 4 { // result, HDR log, PyTorch's, timeline
				t.Error(files)
			}
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				shown.Write(text)
			}
			for _, hidden := range []string{secret, "dXNlcjpodW50ZXIyc2VjcmV0", "aHVudGVyMnNlY3JldDo="} { // and in base 64
				if text := shown.String(); strings.Contains(text, hidden) {
					at := strings.Index(text, hidden)
					t.Errorf("shown: %s", text[max(0, at-300):at+len(hidden)])
				}
			}
		})
	}
}

// TestSecretsOfWrongCommandLines: what a wrong command line holds is not shown either.
func TestSecretsOfWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{
		{"--api-key", "hunter2secret"}, {"--api-key=hunter2secret"}, {"--token", "hunter2secret"}, {"--body-patch", `{"api_key": "hunter2secret"`},
		{"--base-url", "htp://hunter2secret@h"}, {"https://hunter2secret@h"}, {"--header", "hunter2secret"},
	} {
		code, stdout, stderr := runMain(t, append(fewRequests("http://127.0.0.1:1"), args...)...)
		if code == exitOK || strings.Contains(stdout+stderr, "hunter2") {
			t.Errorf("%q: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
	t.Setenv("OPENAI_API_KEY", "hunter2secret\r")
	if code, _, stderr := runMain(t, fewRequests("http://127.0.0.1:1")...); code != exitFailed || strings.Contains(stderr, "hunter2") || !strings.Contains(stderr, "OPENAI_API_KEY holds a line break") {
		t.Errorf("a key with a line break: exit %d: %s", code, stderr)
	}
}

// TestUnixSocket: a run over a Unix socket.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	go http.Serve(l, completions)
	if code, stdout, stderr := runMain(t, fewRequests("unix:"+path)...); code != exitOK || !strings.Contains(stdout, "Successful requests:                     2 ") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := runMain(t, fewRequests("unix:"+path+"x")...); code != exitFailed || !strings.Contains(stderr, path+"x") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestKeyFile: a file that holds no key is an error that names it and shows nothing of it.
func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{"": "is empty", " \n": "is empty", "geheim geheim": "more than one word"} {
		path := filepath.Join(dir, "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := runMain(t, fewRequests("http://127.0.0.1:1", "--api-key-file", path)...)
		if code == exitOK || !strings.Contains(stderr, path+" ") || !strings.Contains(stderr, want) || !strings.Contains(stderr, "(--api-key-file)") || strings.Contains(stderr, "geheim") {
			t.Errorf("%q: exit %d: %s", text, code, stderr)
		}
	}
	if code, _, stderr := runMain(t, fewRequests("http://127.0.0.1:1", "--api-key-file", dir)...); code == exitOK || !strings.Contains(stderr, "cannot read the API key from "+dir+": is a directory (--api-key-file)") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestHintsByCause: what a server answers decides the hint.
func TestHintsByCause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   []string
	}{
		{401, `{"error": "no key"}`, []string{"OPENAI_API_KEY", "--api-key-file", "--header"}},
		{403, `{"error": "not yours"}`, []string{"--api-key-file"}},
		{404, `{"detail":"Not Found"}`, []string{"POST http://127.0.0.1:", "/v1/completions", "--endpoint", "--backend"}},
		{405, `{"detail":"Method Not Allowed"}`, []string{"POST http://127.0.0.1:", "/v1/completions", "--endpoint", "--backend"}},
		{404, `{"error":{"message":"The model "m" does not exist.","code":404}}`, []string{"--served-model-name"}},
		{429, `slow down`, []string{"--max-concurrency", "--request-rate"}},
		{503, `loading`, []string{"--wait-ready"}},
		{400, `{"error":"unknown field"}`, []string{"--body-patch"}},
		{400, `<center>The plain HTTP request was sent to HTTPS port</center>`, []string{"--base-url https://"}},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(c.status); io.WriteString(w, c.body) }))
		for _, more := range [][]string{nil, {"--no-test-input"}} {
			code, _, stderr := runMain(t, fewRequests(s.URL, more...)...)
			_, hint, _ := strings.Cut(stderr, "\nhint: ")
			for _, want := range c.want {
				if code != exitFailed || !strings.Contains(hint, want) {
					t.Errorf("%d: exit %d, no %q in %s", c.status, code, want, stderr)
				}
			}
			if c.status != 400 && strings.Contains(hint, "body-patch") {
				t.Errorf("%d: %s", c.status, stderr)
			}
		}
		s.Close()
	}
}

// TestRedirectHint: a redirect that makes a GET of the request is named, with where it leads; one
// that does not is a finding.
func TestRedirectHint(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		301: "hint: the server redirects http://127.0.0.1:",
		307: "finding redirected: the server redirects requests",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !strings.HasPrefix(r.URL.Path, "/moved"):
				http.Redirect(w, r, "/moved"+r.URL.Path, status)
			case r.Method != http.MethodPost:
				w.WriteHeader(http.StatusMethodNotAllowed)
			default:
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
			}
		}))
		_, _, stderr := runMain(t, fewRequests(s.URL)...)
		flat := strings.Join(strings.Fields(stderr), " ")
		if !strings.Contains(flat, want) || !strings.Contains(flat, s.URL+"/moved/v1/completions") || !strings.Contains(flat, "--base-url") {
			t.Errorf("%d: %s", status, stderr)
		}
		s.Close()
	}
}

// TestPromptLimit: how servers say that a prompt is too long.
func TestPromptLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4872 in the messages, 128 in the completion).":                          "4096",
		"'max_tokens' or 'max_completion_tokens' is too large: 128. This model's maximum context length is 4097 tokens and your request has 4000 input tokens.":          "4097",
		"The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller than the number of text tokens.": "4096",
		"The input (5000 tokens) is longer than the model's context length (4096 tokens).":                                                                               "4096",
		"Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 9000 tokens":                                          "8192",
		`{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens)","n_prompt_tokens":5000,"n_ctx":4096}}`:                  "4096",
		"request (5000 tokens) exceeds the available context size (2048 tokens), try increasing it":                                                                      "2048",
		"`inputs` must have less than 1024 tokens. Given: 5000":                                                                                                          "1024",
		"`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 5000 `inputs` tokens and 128 `max_new_tokens`":                                                       "2048",
		"The sum of prompt length (5000.0), query length (0) should not exceed max_num_tokens (4096)":                                                                    "4096",
		"`default_max_tokens` (-904) should be greater than 0, `default_max_tokens` (-904) = max_seq_len (4096) - `splited_prompt_len` (5000)":                           "4096",
		"Prompt length (5000) exceeds maximum input length (4096). Set log level to info":                                                                                "4096",
		"rate limit of 3 requests":        "",
		"temperature must be at most 2.0": "",
		"unknown field: top_k":            "",
	} {
		if got := promptLimit(text); got != want {
			t.Errorf("%q, want %q: %s", got, want, text)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		io.WriteString(w, `{"message": "This model's maximum context length is 2 tokens."}`)
	}))
	defer s.Close()
	if _, _, stderr := runMain(t, fewRequests(s.URL)...); !strings.Contains(stderr, "\nhint: the server's limit is 2 tokens, and this request has a prompt of 4 and asks for 2: --random-input-len") {
		t.Error(stderr)
	}
}
