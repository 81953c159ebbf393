package analysis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"loadgen/internal/judge"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

const done = "data: [DONE]\n\n"

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
		if ok == sent || ok && (!strings.Contains(f.Text, "10 of 10 answers the server counts 200 tokens") || !strings.Contains(f.Text, "it is 10 ms")) {
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

// TestOddCounts names invalid counts.
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
