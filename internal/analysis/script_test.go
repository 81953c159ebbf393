package analysis_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/judge"
)

// piece is what a scripted server writes at once, after a wait.
type piece struct {
	wait time.Duration
	text string
}

// script is a server that answers every request in the same way.
type script struct {
	chat, whole bool
	pieces      func(i int) []piece // of the i-th answer: a stream, or a body in one piece
	status      string              // of answers in one piece, "" for 200 OK
}

// text is a choice's member that brings text.
func (s *script) text(t string) string {
	switch {
	case s.chat && s.whole:
		return fmt.Sprintf(`"message":{"role":"assistant","content":%q}`, t)
	case s.chat:
		return fmt.Sprintf(`"delta":{"content":%q}`, t)
	}
	return fmt.Sprintf(`"text":%q`, t)
}

// event is an event with one choice; more is what stands beside the choices.
func (s *script) event(t, finish, more string) string {
	reason := "null"
	if finish != "" {
		reason = fmt.Sprintf("%q", finish)
	}
	return fmt.Sprintf(`data: {"model":"m","choices":[{"index":0,%s,"finish_reason":%s}]%s}`+"\n\n", s.text(t), reason, more)
}

func usage(prompt, completion int, more string) string {
	return fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d%s}`, prompt, completion, prompt+completion, more)
}

func alone(usage string) string { return `data: {"model":"m","choices":[],` + usage + "}\n\n" }

// run runs a benchmark of 10 requests, two at a time, against the server in virtual time.
func (s *script) run(t *testing.T, args ...string) (a *analysis.Analysis, found map[string]judge.Finding, file map[string]any) {
	t.Helper()
	backend := "openai"
	if s.chat {
		backend = "openai-chat"
	}
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		m := &benchtest.Memory{}
		m.Handle = func(x *benchtest.Exchange) {
			if x.Method != "POST" {
				x.Reply("404 Not Found", "text/plain", "")
				return
			}
			i := int(n.Add(1)) - 1
			if s.whole || s.status != "" {
				p := s.pieces(i)[0]
				time.Sleep(p.wait)
				status := s.status
				if status == "" {
					status = "200 OK"
				}
				x.Reply(status, "application/json", p.text)
				return
			}
			fmt.Fprint(x.Conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
			for _, p := range s.pieces(i) {
				time.Sleep(p.wait)
				if p.text == "" { // cut here
					return
				}
				fmt.Fprintf(x.Conn, "%x\r\n%s\r\n", len(p.text), p.text)
			}
			fmt.Fprint(x.Conn, "0\r\n\r\n")
		}
		given := []string{"--backend", backend, "--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "64", "--random-output-len", "7",
			"--num-prompts", "10", "--max-concurrency", "2", "--no-test-input", "--metric-percentiles", "50"}
		settings := benchtest.Settings(t, append(given, args...))
		settings.NonStreaming = s.whole
		out, err := benchtest.Run(t, settings, nil, m.Dial)
		if err != nil {
			t.Fatal(err)
		}
		m.Wait()
		a = out.Analysis
		if err := json.Unmarshal(out.File, &file); err != nil {
			t.Fatal(err)
		}
	})
	found = map[string]judge.Finding{}
	for _, f := range append(a.Findings, a.Notes...) {
		found[f.Code] = f
		if strings.Contains(f.Text, "%!") {
			t.Errorf("%s: %s", f.Code, f.Text)
		}
	}
	return a, found, file
}

// with reports whether the findings are there, and others are not.
func with(t *testing.T, found map[string]judge.Finding, there []string, not ...string) {
	t.Helper()
	for _, code := range there {
		if _, ok := found[code]; !ok {
			t.Errorf("%s is missing: %v", code, found)
		}
	}
	for _, code := range not {
		if f, ok := found[code]; ok {
			t.Errorf("%s: %s", code, f.Text)
		}
	}
}

// tokens is six tokens, of which the finish event brings no text, though the server counts it.
func (s *script) tokens(beside func(k int) string, after string) []piece {
	var p []piece
	for k := range 6 {
		p = append(p, piece{10 * ms, s.event(" a", "", beside(k+1))})
	}
	return append(p, piece{0, s.event("", "length", beside(7)) + after + done})
}
