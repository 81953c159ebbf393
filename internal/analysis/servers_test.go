package analysis_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/judge"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

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

const done = "data: [DONE]\n\n"

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

// TestUsageInEveryPlace: wherever the server counts, its count is known, and the original's
// keys rest on what the original takes.
func TestUsageInEveryPlace(t *testing.T) {
	nothing := func(int) string { return "" }
	at := func(k int) func(int) string {
		return func(i int) string {
			if i == k {
				return "," + usage(64, 7, "")
			}
			return ""
		}
	}
	for name, place := range map[string]struct {
		beside   func(int) string
		after    string
		source   metrics.Source
		original int // tokens of an answer
	}{
		"alone":                 {nothing, alone(usage(64, 7, "")), metrics.ByServer, 7},
		"beside the end":        {at(7), "", metrics.ByServer, 6},
		"beside the last text":  {at(6), "", metrics.ByServer, 6},
		"continuous":            {func(k int) string { return "," + usage(64, k, "") }, "", metrics.ByServer, 6},
		"continuous and alone":  {func(k int) string { return "," + usage(64, k, "") }, alone(usage(64, 7, "")), metrics.ByServer, 7},
		"beside and null alone": {at(7), alone(`"usage":null`), metrics.ByServer, 6},
		"nowhere":               {nothing, "", metrics.ByTokenizer, 6},
		"null":                  {nothing, alone(`"usage":null`), metrics.ByTokenizer, 6},
	} {
		for _, chat := range []bool{false, true} {
			for _, rule := range []string{"strict", "original"} {
				t.Run(fmt.Sprintf("%s/chat %v/%s", name, chat, rule), func(t *testing.T) {
					s := &script{chat: chat}
					s.pieces = func(int) []piece { return s.tokens(place.beside, place.after) }
					a, found, file := s.run(t, "--failures", rule)
					if a.Counts.Tokens.Requests[place.source] != 10 || a.Summary.OutputTokens != 10*place.original {
						t.Errorf("by source %v, %d tokens", a.Counts.Tokens.Requests, a.Summary.OutputTokens)
					}
					own := file["loadgen"].(map[string]any)
					if n := own["token_counts"].(map[string]any)[place.source.String()]; n != 10.0 {
						t.Errorf("token_counts %v", own["token_counts"])
					}
					if place.source == metrics.ByServer {
						under := own["metrics"].(map[string]any)["by_token_count"].(map[string]any)["server"].(map[string]any)
						if under["tokens"] != 70.0 || under["tpot_ms"].(map[string]any)["mean"].(float64) != 50.0/6 {
							t.Errorf("%v", under)
						}
					}
					with(t, found, nil, "multi_token_chunks", "token_count_disagrees", "long_outputs", "no_tokens_counted")
					if _, ok := found["short_outputs"]; ok != (place.source == metrics.ByTokenizer) { // 6 of 7
						t.Errorf("%v", found)
					}
					if _, ok := found["token_source"]; ok != (place.original == 6) {
						t.Errorf("%v", found)
					}
					if place.source == metrics.ByServer && place.original == 6 && (!strings.Contains(found["token_source"].Text, "60 tokens") || !strings.Contains(found["token_source"].Text, "70")) {
						t.Error(found["token_source"].Text)
					}
				})
			}
		}
	}
}

// TestWholeUsage: of answers in one piece usage is counted, and TTFT and TPOT are not measured.
func TestWholeUsage(t *testing.T) {
	for _, chat := range []bool{false, true} {
		s := &script{chat: chat, whole: true}
		s.pieces = func(int) []piece {
			return []piece{{50 * ms, `{"model":"m","choices":[{"index":0,` + s.text(" a a a a a a a") + `,"finish_reason":"length"}],` + usage(64, 7, "") + "}"}}
		}
		a, found, _ := s.run(t)
		if a.Counts.Tokens.Requests[metrics.ByServer] != 10 || a.Summary.OutputTokens != 70 {
			t.Errorf("%+v", a.Counts.Tokens)
		}
		with(t, found, []string{"whole_answers"}, "token_source", "short_outputs", "coalesced")
		if text := found["whole_answers"].Text; !strings.Contains(text, "TTFT and TPOT are not measured") {
			t.Error(text)
		}
	}
}

// TestWhoseCount: what the server counts is not that of what came, or nothing was counted.
func TestWhoseCount(t *testing.T) {
	of := func(n, count int, text string) func(s *script) []piece {
		return func(s *script) (p []piece) {
			for range n {
				p = append(p, piece{10 * ms, s.event(text, "", "")})
			}
			after := ""
			if count >= 0 {
				after = alone(usage(64, count, ""))
			}
			return append(p, piece{0, s.event("", "length", "") + after + done})
		}
	}
	for name, c := range map[string]struct {
		pieces func(s *script) []piece
		asked  int
		source metrics.Source
		there  []string
		not    []string
	}{
		"1 for 8 chunks":         {of(8, 1, " a"), 8, metrics.ByTokenizer, []string{"token_count_disagrees", "token_source"}, []string{"short_outputs", "long_outputs", "multi_token_chunks"}},
		"8 for 14 chunks":        {of(14, 8, " a"), 14, metrics.ByTokenizer, []string{"token_count_disagrees"}, []string{"short_outputs"}},
		"8 for 13 chunks":        {of(13, 8, " a"), 13, metrics.ByServer, nil, []string{"token_count_disagrees", "token_source"}},
		"40 in 2 chunks":         {of(2, 40, " a"), 40, metrics.ByServer, []string{"token_count_disagrees"}, []string{"short_outputs", "multi_token_chunks"}},
		"7 above what was asked": {of(32, 39, " a"), 32, metrics.ByServer, []string{"token_count_disagrees"}, []string{"long_outputs", "multi_token_chunks"}},
		"90 in 20 chunks of 2":   {of(20, 90, " a b"), 40, metrics.ByServer, []string{"token_count_disagrees"}, []string{"long_outputs", "multi_token_chunks"}},
		"80 for 40 asked in 2":   {of(2, 80, " a"), 40, metrics.ByServer, []string{"token_count_disagrees"}, []string{"long_outputs", "multi_token_chunks"}},
		"40 in 20 chunks":        {of(20, 40, " a b"), 40, metrics.ByServer, []string{"multi_token_chunks"}, []string{"token_count_disagrees", "short_outputs"}},
		"one a chunk":            {of(8, 8, " a"), 8, metrics.ByServer, nil, []string{"token_count_disagrees", "multi_token_chunks", "token_source", "odd_token_counts"}},
		"longer than asked":      {of(24, 24, " a"), 8, metrics.ByServer, []string{"long_outputs"}, []string{"short_outputs"}},
		"shorter than asked":     {of(4, 4, " a"), 8, metrics.ByServer, []string{"short_outputs"}, []string{"long_outputs", "token_count_disagrees"}},
		"no text, no count":      {of(8, -1, ""), 8, metrics.ByEvents, []string{"token_source"}, []string{"no_tokens_counted"}},
		"negative": {func(s *script) []piece {
			return append(of(7, -1, " a")(s), piece{0, alone(usage(64, -5, ""))})[:8]
		}, 7, metrics.ByTokenizer, []string{"token_source"}, []string{"short_outputs"}},
	} {
		for _, chat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chat %v", name, chat), func(t *testing.T) {
				s := &script{chat: chat}
				s.pieces = func(int) []piece { return c.pieces(s) }
				a, found, _ := s.run(t, "--random-output-len", fmt.Sprint(c.asked), "--ignore-eos")
				if a.Counts.Tokens.Requests[c.source] != 10 {
					t.Errorf("%v", a.Counts.Tokens.Requests)
				}
				with(t, found, c.there, c.not...)
			})
		}
	}
}

// TestHiddenReasoning: tokens that the server counts and does not send are in no chunk, and
// TPOT over the others is said.
func TestHiddenReasoning(t *testing.T) {
	for _, sent := range []bool{false, true} {
		s := &script{chat: true}
		reasoning := ""
		if sent {
			reasoning = `data: {"model":"m","choices":[{"index":0,"delta":{"reasoning":" a b c d e f g h i j k l m n o p q r s t"}}]}` + "\n\n"
		}
		s.pieces = func(int) []piece {
			p := []piece{{90 * ms, reasoning + s.event(" a", "", "")}}
			for range 5 {
				p = append(p, piece{10 * ms, s.event(" a", "", "")})
			}
			return append(p, piece{0, s.event("", "length", "") + alone(usage(64, 26, `,"completion_tokens_details":{"reasoning_tokens":20}`)) + done})
		}
		a, found, _ := s.run(t, "--random-output-len", "26")
		f, ok := found["hidden_reasoning"]
		if ok == sent || ok && (!strings.Contains(f.Text, "10 of 10 answers the server counts 200 tokens") || !strings.Contains(f.Text, "it is 10ms")) {
			t.Errorf("reasoning sent %v: %+v", sent, found)
		}
		with(t, found, nil, "token_count_disagrees", "short_outputs", "long_outputs")
		if got := a.Extended.TokensPerChunk.Mean; !sent && got > 1 {
			t.Errorf("%g tokens a chunk", got)
		}
		if _, ok := found["multi_token_chunks"]; ok != sent {
			t.Errorf("reasoning sent %v: %+v", sent, found)
		}
	}
}

// TestCandidates: choices that a server generates and does not send make no answer longer
// than asked for, nor one shorter that does not count them.
func TestCandidates(t *testing.T) {
	for _, whole := range []bool{false, true} {
		for _, best := range []int{2, 8} {
			for _, counted := range []int{1, best} {
				s := &script{whole: whole}
				s.pieces = func(int) []piece {
					if whole {
						return []piece{{50 * ms, `{"model":"m","choices":[{"index":0,"text":" a a a a a a a","finish_reason":"length"}],` + usage(64, 7*counted, "") + "}"}}
					}
					return s.tokens(func(int) string { return "" }, alone(usage(64, 7*counted, "")))
				}
				a, found, _ := s.run(t, "--body-patch", fmt.Sprintf(`{"best_of":%d}`, best))
				with(t, found, nil, "long_outputs", "short_outputs", "multi_token_chunks", "several_choices")
				if a.Summary.Completed != 10 {
					t.Errorf("whole %v, best_of %d: %v", whole, best, a.Counts.Classes)
				}
			}
		}
	}
}

// TestPatchedLengths: a length is asked for by the body that is sent.
func TestPatchedLengths(t *testing.T) {
	for _, c := range []struct {
		chat  bool
		patch string
		short bool // 7 tokens of 70 are
	}{
		{false, `{"max_tokens":7}`, false}, {false, `{"max_tokens":null}`, false}, {false, `{"min_tokens":1}`, true},
		{true, `{"max_completion_tokens":7}`, false}, {true, `{"max_completion_tokens":null,"max_tokens":7}`, false}, {true, `{"max_tokens":7}`, true},
	} {
		s := &script{chat: c.chat}
		s.pieces = func(int) []piece { return s.tokens(func(int) string { return "" }, alone(usage(64, 7, ""))) }
		_, found, _ := s.run(t, "--body-patch", c.patch, "--random-output-len", "70", "--ignore-eos")
		if f, ok := found["short_outputs"]; ok != c.short {
			t.Errorf("chat %v, %s: %v", c.chat, c.patch, f)
		}
	}
}

// TestOddCounts names counts that are none.
func TestOddCounts(t *testing.T) {
	for raw, want := range map[string]string{"-5": "negative", "7.5": "fractional", "null": "null", "1e300": "too large", `"7"`: "a string", "[]": "not a number", "7": "",
		`7,"prompt_tokens_details":{"cached_tokens":65}`: "cached_tokens is more than prompt_tokens", `7,"prompt_tokens_details":{"cached_tokens":64}`: ""} {
		s := &script{}
		s.pieces = func(int) []piece {
			return s.tokens(func(int) string { return "" }, `data: {"model":"m","choices":[],"usage":{"prompt_tokens":64,"completion_tokens":`+raw+`}}`+"\n\n")
		}
		a, found, _ := s.run(t)
		if a.Summary.Completed < 10 {
			continue // a failure, with its class and words
		}
		if f, ok := found["odd_token_counts"]; ok != (want != "") || !strings.Contains(f.Text, want) {
			t.Errorf("%s: %q, %v", raw, f.Text, found)
		}
	}
}

// TestReasoningIsCounted: without usage, reasoning and tool calls are tokens, too.
func TestReasoningIsCounted(t *testing.T) {
	for _, delta := range []string{`"reasoning_content":" a","content":null`, `"reasoning":" a"`, `"tool_calls":[{"index":0,"function":{"arguments":" a"}}]`} {
		s := &script{chat: true}
		s.pieces = func(int) (p []piece) {
			for range 7 {
				p = append(p, piece{10 * ms, `data: {"model":"m","choices":[{"index":0,"delta":{` + delta + `},"finish_reason":null}]}` + "\n\n"})
			}
			return append(p, piece{0, s.event("", "length", "") + done})
		}
		a, found, _ := s.run(t)
		if got := a.Counts.Tokens.Under[metrics.ByTokenizer].Tokens; a.Counts.Tokens.Requests[metrics.ByTokenizer] != 10 || got != 70 {
			t.Errorf("%s: %+v, %d", delta, a.Counts.Tokens.Requests, got)
		}
		with(t, found, []string{"token_source"}, "short_outputs")
		if text := found["token_source"].Text; !strings.Contains(text, "reasoning") || !strings.Contains(text, "0 tokens") {
			t.Error(text)
		}
	}
}

// TestSeveralChoices: the latencies of an answer with several choices are those of each.
func TestSeveralChoices(t *testing.T) {
	for _, n := range []int{2, 4} {
		for _, together := range []bool{false, true} {
			for _, chat := range []bool{false, true} {
				s := &script{chat: chat}
				s.pieces = func(int) (p []piece) {
					for k := range 8 {
						var choices []string
						for i := range n {
							end := "null"
							if k == 7 {
								end = `"length"`
							}
							choices = append(choices, fmt.Sprintf(`{"index":%d,%s,"finish_reason":%s}`, i, s.text(" a"), end))
						}
						separator := "," // all in one event, or an event each
						if !together {
							separator = "]}\n\ndata: {\"model\":\"m\",\"choices\":["
						}
						text := `data: {"model":"m","choices":[` + strings.Join(choices, separator) + "]}\n\n"
						p = append(p, piece{20 * ms, text})
					}
					return append(p, piece{0, alone(usage(64, 8*n, "")) + done})
				}
				a, found, file := s.run(t, "--random-output-len", "8", "--body-patch", fmt.Sprintf(`{"n":%d}`, n))
				with(t, found, []string{"several_choices"}, "short_outputs", "long_outputs", "multi_token_chunks", "token_count_disagrees")
				for code, f := range found {
					if strings.Contains(f.Text, "Read TPOT") {
						t.Errorf("%s: %s", code, f.Text)
					}
				}
				by := a.Extended.ByChoice
				near := func(x float64) bool { return math.Abs(x-0.02) < 1e-9 }
				if by == nil || by.Choices != n || by.Requests != 10 || !near(by.TPOT.Mean) || !near(by.ITL.Median) || !near(by.TTFT.Mean) {
					t.Errorf("%d choices, together %v: %+v", n, together, by)
				}
				if file["loadgen"].(map[string]any)["metrics"].(map[string]any)["by_choice"] == nil {
					t.Error("by_choice is not in the file")
				}
			}
		}
	}
}

// TestChoicesInTurns: events that bring tokens of some choices are events of each of these.
func TestChoicesInTurns(t *testing.T) {
	s := &script{}
	s.pieces = func(int) (p []piece) {
		for k := range 9 { // choice 0 each time, choices 1 and 2 every third time
			reason := "null"
			if k == 8 {
				reason = `"length"`
			}
			choices := `{"index":0,"text":" a","finish_reason":` + reason + `}`
			if k%3 == 2 {
				choices += `,{"index":1,"text":" a","finish_reason":` + reason + `},{"index":2,"text":" a","finish_reason":` + reason + `}`
			}
			p = append(p, piece{10 * ms, `data: {"model":"m","choices":[` + choices + "]}\n\n"})
		}
		return append(p, piece{0, alone(usage(64, 15, "")) + done})
	}
	a, _, _ := s.run(t)
	near := func(x, want float64) bool { return math.Abs(x-want) < 1e-9 }
	// TPOT is that of one token per event of its choice: 10, 30 and 30 ms.
	if by := a.Extended.ByChoice; by == nil || by.Choices != 3 || !near(by.TPOT.Mean, 0.070/3) || !near(by.TTFT.Mean, 0.070/3) || !near(by.ITL.Max, 0.03) || !near(by.ITL.Min, 0.01) {
		t.Errorf("%+v", by)
	}
}

// TestPrefixCache: shares are of the tokens that the server counts, what it adds is allowed
// for, and what it does not say is not 0.
func TestPrefixCache(t *testing.T) {
	for name, c := range map[string]struct {
		prompt, cached int // cached -1 is not said
		share          string
		seed           bool // other prompts would help
		args           []string
	}{
		"a BOS":                   {67, 1, "", false, nil},
		"all":                     {67, 66, "98.5 %", true, nil},
		"all but the nominal":     {64, 64, "100 %", true, nil},
		"more than the prompt":    {64, 70, "100 %", true, nil},
		"a template":              {100, 32, "", false, nil},
		"a long template":         {180, 112, "", false, nil},
		"a gateway's prompt":      {16111, 15872, "98.5 %", false, nil},
		"nothing":                 {64, 0, "", false, nil},
		"not said":                {64, -1, "", false, nil},
		"the prefix that was set": {564, 512, "", false, []string{"--random-prefix-len", "500"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{chat: strings.Contains(name, "template") || strings.Contains(name, "gateway")}
			details := ""
			if c.cached >= 0 {
				details = fmt.Sprintf(`,"prompt_tokens_details":{"cached_tokens":%d}`, c.cached)
			}
			s.pieces = func(int) []piece {
				return s.tokens(func(int) string { return "" }, alone(usage(c.prompt, 7, details)))
			}
			_, found, file := s.run(t, c.args...)
			f, ok := found["prefix_cache_hits"]
			if ok != (c.share != "") || !strings.HasPrefix(f.Text, c.share) || ok && (f.Hint != "") != c.seed {
				t.Errorf("%+v", f)
			}
			cached := file["loadgen"].(map[string]any)["server_tokens"].(map[string]any)["cached"]
			_, unknown := found["cached_unknown"]
			if unknown != (c.cached < 0) || (cached == nil) != (c.cached < 0) {
				t.Errorf("cached %v, %v", cached, found)
			}
		})
	}
}

// TestModelNames: another model than the one asked for is found, another way to write it is not.
func TestModelNames(t *testing.T) {
	for name, other := range map[string]bool{"m": false, "": false, "M": false, "org/m": false, "/models/m/": false, "m-2024-08-06": false, "m:latest": false,
		"another": true, "m2": true, "mistral": true} {
		s := &script{}
		s.pieces = func(int) []piece {
			p := s.tokens(func(int) string { return "" }, alone(usage(64, 7, "")))
			for i := range p {
				p[i].text = strings.ReplaceAll(p[i].text, `"model":"m"`, fmt.Sprintf(`"model":%q`, name))
			}
			return p
		}
		_, found, _ := s.run(t)
		if f, ok := found["other_model"]; ok != other || ok && !strings.Contains(f.Text, name) {
			t.Errorf("%q: %+v", name, found)
		}
	}
}

// TestDialectsThatMix: answers of two servers are found by how they are written.
func TestDialectsThatMix(t *testing.T) {
	s := &script{}
	s.pieces = func(i int) []piece {
		if i%2 == 0 {
			return s.tokens(func(int) string { return "" }, alone(usage(64, 7, "")))
		}
		return s.tokens(func(k int) string { return "," + usage(64, k, "") }, "")
	}
	_, found, _ := s.run(t)
	with(t, found, []string{"mixed_dialects"})
	s.pieces = func(int) []piece { return s.tokens(func(int) string { return "" }, alone(usage(64, 7, ""))) }
	_, found, _ = s.run(t)
	with(t, found, nil, "mixed_dialects")
}

// TestWhatFailuresSay: status, when they began, after how long streams were cut, and the
// server's words without control characters.
func TestWhatFailuresSay(t *testing.T) {
	for _, reason := range []string{"abort", "error", "cancelled", "timeout", "not_finished", "whatever"} {
		s := &script{}
		s.pieces = func(i int) []piece {
			p := s.tokens(func(int) string { return "" }, alone(usage(64, 7, "")))
			if i >= 8 {
				p[6].text = s.event("", reason, "") + done
			}
			return p
		}
		_, found, _ := s.run(t)
		if text := found["failures"].Text; !strings.HasPrefix(text, "2 of 10 requests failed: 2 finish_reason") || !strings.Contains(text, "of the run") || !strings.Contains(text, "ended after 60ms") || !strings.Contains(text, `says "`+reason) {
			t.Errorf("%s: %s", reason, text)
		}
	}
	// The first words of each class, whichever failure has them.
	mixed := &script{}
	mixed.pieces = func(i int) []piece {
		p := mixed.tokens(func(int) string { return "" }, "")[:2]
		switch {
		case i < 2: // no words
			return append(p, piece{ms, "event: error\n\n"})
		case i < 4:
			return append(p, piece{ms, "data: {\"error\":\"no memory\"}\n\n"})
		case i < 6:
			return append(p, piece{ms, mixed.event("", "abort", "") + done})
		case i < 8:
			return append(p, piece{ms, "Internal Server Error\n"})
		}
		return append(p, piece{ms, ""})
	}
	_, said, _ := mixed.run(t)
	if text := said["failures"].Text; !strings.Contains(text, "the first failed after 20 % of the run") || !strings.Contains(text, `says "no memory" (error_event), "abort" (finish_reason), "Internal Server Error" (no_end)`) {
		t.Error(text)
	}
	s := &script{status: "503 Busy"}
	s.pieces = func(int) []piece { return []piece{{ms, "{\"detail\":\"no \x1b[31mroom\"}"}} }
	_, found, _ := s.run(t)
	if text := found["failures"].Text; !strings.Contains(text, "10 with HTTP status 503") || !strings.Contains(text, "room") || strings.Contains(text, "\x1b") {
		t.Errorf("%q", text)
	}
	s = &script{}
	s.pieces = func(i int) []piece {
		return append(s.tokens(func(int) string { return "" }, "")[:3], piece{70 * ms, ""})
	}
	_, found, _ = s.run(t)
	if text := found["failures"].Text; !strings.Contains(text, "10 cut") || !strings.Contains(text, "10 streams had begun and ended after 100ms") {
		t.Error(text)
	}
}

// TestClosedConnections: a server that closes connections which it said it keeps is named for it.
func TestClosedConnections(t *testing.T) {
	for _, reused := range []bool{false, true} {
		f := judge.NewFindingsReader(judge.Run{}, nil)
		r := &client.Result{Reused: reused}
		r.Err = &client.Error{Class: "closed", Message: "closed: the server closed the connection without an answer"}
		f.Add(judge.Request{Result: r})
		found, _ := f.Findings()
		if got := strings.Contains(found[0].Text, "; 1 on connections that were used again"); got != reused || (found[0].Hint != "") != reused {
			t.Errorf("reused %v: %+v", reused, found)
		}
	}
}

// TestFewerRequestsThanSlots is noted.
func TestFewerRequestsThanSlots(t *testing.T) {
	s := &script{}
	s.pieces = func(int) []piece { return s.tokens(func(int) string { return "" }, alone(usage(64, 7, ""))) }
	for slots, want := range map[string]bool{"10": false, "11": true} {
		_, found, _ := s.run(t, "--max-concurrency", slots)
		if _, ok := found["below_concurrency"]; ok != want {
			t.Errorf("%s slots: %v", slots, found)
		}
	}
}

// TestIdleSlotsAreOurs: a server that hangs, cuts or is slow to close leaves no slot idle.
func TestIdleSlotsAreOurs(t *testing.T) {
	s := &script{}
	s.pieces = func(i int) []piece {
		p := s.tokens(func(int) string { return "" }, alone(usage(64, 7, "")))
		switch i % 4 {
		case 1: // it hangs in the middle
			p[3].wait = time.Hour
		case 2: // and is cut
			p[3] = piece{time.Second, ""}
		case 3: // the end comes late
			p = append(p, piece{time.Second, ": late\n\n"})
		}
		return p
	}
	a, found, _ := s.run(t, "--idle-timeout", "5", "--num-prompts", "40")
	if a.Budget.Idle > 0.001 {
		t.Errorf("slots idle for %v: %+v", a.Budget.Idle, a.Verdict)
	}
	with(t, found, []string{"failures"})
}

// gaps are those before each of n tokens.
func gaps(n int, of func(k int) time.Duration) (all []time.Duration) {
	for k := range n {
		all = append(all, of(k))
	}
	return all
}

// TestDelivery: how tokens are delivered is judged relative to their pace, and says which
// metrics stand.
func TestDelivery(t *testing.T) {
	steady := func(pace time.Duration) []time.Duration { return gaps(64, func(int) time.Duration { return pace }) }
	bursts := func(size int, within, pace time.Duration) []time.Duration {
		return gaps(64, func(k int) time.Duration {
			if k%size > 0 {
				return within
			}
			return time.Duration(size)*pace - time.Duration(size-1)*within
		})
	}
	held := func(n int) []time.Duration { // n of 64 tokens at once, after the time that they take
		return gaps(64, func(k int) time.Duration {
			switch {
			case k == 0:
				return time.Duration(n) * 10 * ms
			case k < n:
				return 0
			}
			return 10 * ms
		})
	}
	for name, c := range map[string]struct {
		gaps  []time.Duration
		there []string
		text  string // of the first finding
	}{
		"steady, 1 ms":               {steady(ms), nil, ""},
		"steady, 10 ms":              {steady(10 * ms), nil, ""},
		"steady, 100 ms":             {steady(100 * ms), nil, ""},
		"eight at 1.5 of 20 ms":      {bursts(8, 1500*time.Microsecond, 20*ms), []string{"coalesced"}, "Read TPOT"},
		"four at 3 of 40 ms":         {bursts(4, 3*ms, 40*ms), []string{"coalesced"}, "Read TPOT"},
		"two at 1 of 30 ms":          {bursts(2, ms, 30*ms), []string{"coalesced"}, "Read TPOT"},
		"sixteen at 0.1 of 10 ms":    {bursts(16, ms/10, 10*ms), []string{"coalesced"}, "TTFT is too long"},
		"four at 0.05 of 5 ms":       {bursts(4, ms/20, 5*ms), []string{"coalesced"}, "Read TPOT"},
		"all at once":                {held(64), []string{"coalesced"}, "TTFT and TPOT are not measured"},
		"forty held":                 {held(40), []string{"held_first_read"}, "neither is measured"},
		"twenty held":                {held(20), []string{"held_first_read"}, "the first read held 20 of 64"},
		"two held":                   {held(2), nil, ""},
		"prefill of others at times": {gaps(64, func(k int) time.Duration { return 10*ms + time.Duration(k%13/12*(k%7)*20)*ms }), nil, ""},
		"a stall": {gaps(64, func(k int) time.Duration {
			if k == 30 {
				return 2 * time.Second
			}
			return 10 * ms
		}), []string{"stalls"}, "for up to 2s"},
	} {
		for _, chat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chat %v", name, chat), func(t *testing.T) {
				s := &script{chat: chat}
				s.pieces = func(int) (p []piece) {
					for k, wait := range c.gaps {
						finish := ""
						if k == len(c.gaps)-1 {
							finish = "length"
						}
						if wait == 0 { // in the same write
							p[len(p)-1].text += s.event(" a", finish, "")
							continue
						}
						p = append(p, piece{wait, s.event(" a", finish, "")})
					}
					p[len(p)-1].text += alone(usage(64, len(c.gaps), "")) + done
					return p
				}
				a, found, _ := s.run(t, "--random-output-len", "64")
				all := []string{"coalesced", "held_first_read", "stalls"}
				for _, code := range all {
					f, ok := found[code]
					want := len(c.there) > 0 && c.there[0] == code
					if want && (!ok || !strings.Contains(f.Text, c.text)) || ok && !want && !(code == "coalesced" && c.there != nil && c.there[0] == "held_first_read") {
						t.Errorf("%s: %v %s", code, ok, f.Text)
					}
				}
				if c.there != nil && c.there[0] == "held_first_read" && strings.Contains(found["coalesced"].Text, "Read TPOT") {
					t.Error(found["coalesced"].Text)
				}
				if a.Verdict.Level == judge.ClientLimited {
					t.Errorf("%+v", a.Verdict)
				}
			})
		}
	}
}
