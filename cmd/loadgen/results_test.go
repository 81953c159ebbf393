package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// TestResultIsNeverLost takes the result's directory away during the run.
func TestResultIsNeverLost(t *testing.T) {
	dir := t.TempDir()
	spare := filepath.Join(dir, "spare")
	for _, tmp := range []string{spare, filepath.Join(dir, "missing")} {
		t.Setenv("TMPDIR", tmp)
		os.Mkdir(spare, 0o777)
		cfg, err := parse([]string{"--model", "m", "--save-result", "--result-dir", filepath.Join(dir, "gone"), "--result-filename", "r.json"})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		p := &benchmark{cfg: cfg, s: streams{err: &log}}
		if err := p.checkResult(); err != nil {
			t.Fatal(err)
		}
		rec := &recording.Recording{Settings: cfg.Settings, Ended: time.Now()}
		a := &analysis.Analysis{Summary: metrics.Compute([]metrics.Sample{{Success: true, OutputTokens: 1, TTFT: 1, Latency: 1}}, 1, metrics.Options{})}
		file := a.File(rec, false)
		os.Remove(filepath.Join(dir, "gone"))
		err = p.save(file, "r.json", rec, a)
		if err == nil {
			t.Fatal("no error")
		}
		if saved, _ := os.ReadFile(filepath.Join(spare, "r.json")); tmp == spare && (!bytes.Contains(saved, []byte(`"completed": 1`)) || !strings.Contains(err.Error(), spare)) {
			t.Errorf("%v; %q", err, saved)
		}
		if again := p.save(file, "r.json", rec, a); tmp == spare && (again == nil || again.Error() == err.Error()) {
			t.Errorf("another result with the same name takes its place: %v", again)
		}
		if tmp != spare && !strings.Contains(log.String(), `"completed": 1`) {
			t.Errorf("%v; %s", err, log.String())
		}
	}
}

// TestTheFirstErrorThatSaysSomething: a hint is found by what the server says, in whichever of
// the failures of a class it does.
func TestTheFirstErrorThatSaysSomething(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(404)
		if r.Method == "POST" && n.Add(1) == 2 {
			io.WriteString(w, `{"message":"The model 'm' does not exist."}`)
		}
	}))
	defer s.Close()
	code, _, stderr := runMain(t, fewRequests(s.URL, "--no-test-input")...)
	if code != exitFailed || !strings.Contains(stderr, "The first error: Not Found") || !strings.Contains(stderr, "--served-model-name NAME names one that the server has") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

// TestRejections: what servers say of ids that their vocabulary does not have, and of prompts
// where messages should be.
func TestRejections(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"message":"Prompt contains invalid tokens"}}`:                           "--vocab-size N", // llama.cpp
		`{"message":"ids must not be greater than the vocab size"}`:                        "--vocab-size N",
		`{"message":"Token id 128255 is out of vocabulary"}`:                               "--vocab-size N", // vLLM
		`{"message":"invalid value for field top_k"}`:                                      "--body-patch",
		`{"message":"max_tokens is out of range"}`:                                         "--body-patch",
		`{"error":{"code":400,"message":"'messages' is required"}}`:                        "--backend openai-chat", // llama.cpp
		`{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required"}]}`: "--backend openai-chat",
		`{"message":"missing required parameter: 'messages'"}`:                             "--backend openai-chat",
	} {
		hint := failureHint(&bench.Failure{Err: &client.Error{}, Status: 400, Body: body})
		if !strings.Contains(hint, want) {
			t.Errorf("%s: %s", body, hint)
		}
	}
	for want, f := range map[string]bench.Failure{
		"--client-cert FILE": {Err: &client.Error{Class: "closed"}, Base: "https://h:1"},
		"--base-url https":   {Err: &client.Error{Class: "reset"}, Base: "http://h:1"},
		"--wait-ready":       {Err: &client.Error{Class: "refused"}, Base: "http://h:1"},
		"its last slash":     {Err: &client.Error{}, Status: 404, Base: "http://h:1/", URL: "http://h:1//v1/completions"},
		"--endpoint PATH":    {Err: &client.Error{}, Status: 404, Base: "http://h:1/", URL: "http://h:1/v1/completions?next=//x"},
	} {
		if hint := failureHint(&f); !strings.Contains(hint, want) {
			t.Errorf("no %q: %s", want, hint)
		}
	}
	whole := bench.Failure{Err: &client.Error{Class: "not_sse"}, Status: 200, Body: `{"choices":[{"text":"a"}]}`}
	if hint := failureHint(&whole); !strings.Contains(hint, "--non-streaming asks for that") {
		t.Error(hint)
	}
}
