package bench_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
	"loadgen/internal/trtsim"
)

// noted is the text of a note, "" for none.
func noted(notes []recording.Note, code string) string {
	for _, n := range notes {
		if n.Code == code {
			return n.Text
		}
	}
	return ""
}

// TestVerifiedPromptsHaveTheLengthAskedFor: the server counts exactly that, whatever the data
// set and the API, and what it has seen to count is not in its cache.
func TestVerifiedPromptsHaveTheLengthAskedFor(t *testing.T) {
	profile, err := trtsim.FindProfile("ideal")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"random":            {"--random-input-len", "200", "--random-range-ratio", "0.5"},
		"chat":              {"--random-input-len", "120", "--backend", "openai-chat"},
		"ids":               {"--random-input-len", "90", "--tokenize-on-client"},
		"synthetic text":    {"--dataset-name", "synthetic_text", "--random-input-len", "150"},
		"prefix repetition": {"--dataset-name", "prefix_repetition", "--prefix-repetition-num-prefixes", "2", "--prefix-repetition-prefix-len", "64", "--prefix-repetition-suffix-len", "40", "--cache-salt"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, err := benchtest.Simulated(t, trtsim.Options{Profile: profile}, append(args, "--random-output-len", "2", "--num-prompts", "12", "--verify-prompts", "--no-test-input", "--ignore-eos")...)
				if err != nil {
					t.Fatal(err)
				}
				cached := 0
				for i, r := range out.Recording.Results {
					if want := out.Recording.Planned[i].PromptLen; r.SeenUsage.Prompt != want {
						t.Errorf("the server counts %d tokens, not %d", r.SeenUsage.Prompt, want)
					}
					if r.SeenUsage.Cached > 0 {
						cached++
					}
				}
				if text := noted(out.Notes, "prompts_verified"); !strings.Contains(text, "0 have another") {
					t.Errorf("note %q", text)
				}
				if cached > 2 && name != "prefix repetition" {
					t.Errorf("%d prompts were in the server's cache", cached)
				}
			})
		})
	}
}

// TestVerifyingByEveryRoute: servers count in different places and forms.
func TestVerifyingByEveryRoute(t *testing.T) {
	tok := tokenizer.Llama3()
	for _, route := range []string{"/v1/tokenize prompt count", "/_internal/tokenize prompt tokens", "/tokenize prompt count", "/tokenize content tokens", "/tokenize prompt endless", "none"} {
		t.Run(route, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &benchtest.Memory{}
				m.Handle = func(x *benchtest.Exchange) {
					var body map[string]any
					json.Unmarshal(x.Body, &body)
					words := strings.Fields(route)
					switch {
					case x.Path == "/v1/completions":
						n := len(tok.Encode(body["prompt"].(string), true)) + 2
						x.Reply("200 OK", "text/event-stream", fmt.Sprintf(`data: {"choices":[{"index":0,"text":"a","finish_reason":"length"}],"usage":{"prompt_tokens":%d,"completion_tokens":1}}`+"\n\ndata: [DONE]\n\n", n))
					case x.Path != words[0] || body[words[1]] == nil:
						x.Reply("404 Not Found", "application/json", `{"detail":"Not Found"}`)
					case words[2] == "count":
						x.Reply("200 OK", "application/json", fmt.Sprintf(`{"count":%d,"max_model_len":9}`, len(tok.Encode(body[words[1]].(string), true))+2))
					case words[2] == "endless": // is no answer
						x.Reply("200 OK", "application/json", `{"tokens":[`+strings.Repeat("1,", 50_000)+`1]}`)
					default:
						text, _ := json.Marshal(append(tok.Encode(body[words[1]].(string), true), 1, 2))
						x.Reply("200 OK", "application/json", fmt.Sprintf(`{"tokens":%s}`, text))
					}
				}
				s := benchtest.Settings(t, []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "60", "--random-output-len", "1", "--num-prompts", "3", "--verify-prompts", "--no-test-input"})
				out, err := benchtest.Run(t, s, nil, m.Dial)
				if err != nil {
					t.Fatal(err)
				}
				m.Wait()
				for _, r := range out.Recording.Results {
					if r.SeenUsage.Prompt != 60 {
						t.Errorf("the server counts %d tokens, not 60", r.SeenUsage.Prompt)
					}
				}
				text := noted(out.Notes, "prompts_verified")
				place, _, _ := strings.Cut(route, " ")
				if strings.HasSuffix(route, "endless") {
					place = "none"
				}
				if place != "none" && !strings.Contains(text, "("+place+")") || place == "none" && !strings.Contains(text, "usage of requests for one token") {
					t.Errorf("note %q", text)
				}
			})
		})
	}
}

// TestASaltMakesPromptsNew: two runs of the same seed share no beginning, and prompts that
// share a prefix within a run still do.
func TestASaltMakesPromptsNew(t *testing.T) {
	for _, args := range [][]string{
		{"--dataset-name", "prefix_repetition", "--prefix-repetition-num-prefixes", "1", "--prefix-repetition-prefix-len", "40", "--prefix-repetition-suffix-len", "9"},
		{"--dataset-name", "prefix_repetition", "--prefix-repetition-num-prefixes", "1", "--prefix-repetition-prefix-len", "40", "--prefix-repetition-suffix-len", "9", "--tokenize-on-client"},
		{"--dataset-name", "conversations", "--dataset-path", file(t, "chats.jsonl", chats), "--backend", "openai-chat", "--max-turns", "1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			starts := [2][]string{}
			for run := range starts {
				m := &benchtest.Memory{}
				m.Handle = func(x *benchtest.Exchange) { x.Reply("500 No", "text/plain", "") }
				s := benchtest.Settings(t, append([]string{"--model", "m", "--tokenizer", "llama3", "--num-prompts", "2", "--cache-salt", "--no-test-input"}, args...))
				if _, err := benchtest.Run(t, s, nil, m.Dial); err != nil {
					t.Fatal(err)
				}
				m.Wait()
				for _, x := range posts(m) {
					var body struct {
						Prompt   json.RawMessage
						Messages []struct{ Content string }
					}
					if err := json.Unmarshal(x.Body, &body); err != nil {
						t.Fatal(err)
					}
					text := string(body.Prompt)
					if len(body.Messages) > 0 {
						text = body.Messages[0].Content
					}
					starts[run] = append(starts[run], text[:min(12, len(text))])
				}
			}
			all := slices.Concat(starts[0], starts[1])
			slices.Sort(all)
			if all = slices.Compact(all); len(starts[0]) != 2 || len(all) != 2 && args[1] == "prefix_repetition" || len(all) < 2 {
				t.Errorf("%v: prompts begin %q and %q", args[1], starts[0], starts[1])
			}
			if slices.Contains(starts[1], starts[0][0]) {
				t.Errorf("%v: both runs begin %q", args[1], starts[0][0])
			}
		})
	}
}
