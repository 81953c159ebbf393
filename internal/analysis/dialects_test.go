package analysis_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

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
		if text := found["failures"].Text; !strings.HasPrefix(text, "2 of 10 requests failed: 2 finish_reason") || !strings.Contains(text, "of the run") || !strings.Contains(text, "ended after 60 ms") || !strings.Contains(text, `says "`+reason) {
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
	// Of several choices it is the one that failed.
	two := &script{}
	two.pieces = func(int) []piece {
		return []piece{{ms, `data: {"choices":[{"index":0,"text":" a","finish_reason":"stop"},{"index":1,"text":" b","finish_reason":"cancelled"}]}` + "\n\n" + done}}
	}
	_, ended, _ := two.run(t)
	if text := ended["failures"].Text; !strings.Contains(text, `says "cancelled"`) {
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
	if text := found["failures"].Text; !strings.Contains(text, "10 cut") || !strings.Contains(text, "10 streams had begun and ended after 100 ms") {
		t.Error(text)
	}
}
