package bench_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
	"loadgen/internal/trtsim"
	"loadgen/pkg/client"
)

const ms = time.Millisecond

// file writes a data set.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

const chats = `{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "one"}, {"role": "assistant", "content": "recorded 1"}, {"role": "user", "content": "two", "think": 1.5}, {"role": "assistant", "content": "recorded 2"}, {"role": "user", "content": "three"}]}
{"messages": [{"role": "user", "content": "four"}, {"role": "assistant", "content": "recorded 4"}, {"role": "user", "content": "five", "think": 0}]}
`

// posts are the measured requests.
func posts(m *benchtest.Memory) (all []*benchtest.Exchange) {
	for _, x := range m.Got {
		if x.Method == "POST" {
			all = append(all, x)
		}
	}
	return all
}

// said is what a request of a chat holds, in short.
func said(t *testing.T, body []byte) string {
	t.Helper()
	var chat struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(body, &chat); err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, m := range chat.Messages {
		parts = append(parts, m.Role[:1]+":"+m.Content)
	}
	return strings.Join(parts, " ")
}

// TestConversationsHoldTheServersReplies: a turn comes exactly as long after the answer
// before it as the user thinks, and its history has what the server really said.
func TestConversationsHoldTheServersReplies(t *testing.T) {
	path := file(t, "chats.jsonl", chats)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		ended := map[string]time.Time{} // by the request's own text
		m := &benchtest.Memory{}
		m.Handle = func(x *benchtest.Exchange) {
			if x.Method == "GET" { // no energy meter
				x.Reply("404 Not Found", "application/json", "{}")
				return
			}
			text := said(t, x.Body)
			own := text[strings.LastIndex(text, "u:")+2:]
			fmt.Fprintf(x.Conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
			for _, piece := range []string{"re", " " + own} {
				time.Sleep(200 * ms)
				fmt.Fprintf(x.Conn, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", piece)
			}
			time.Sleep(100 * ms)
			fmt.Fprint(x.Conn, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":3}}}`+"\n\ndata: [DONE]\n\n")
			mu.Lock()
			ended[own] = time.Now()
			mu.Unlock()
		}
		s := benchtest.Settings(t, []string{"--backend", "openai-chat", "--model", "m", "--tokenizer", "llama3", "--dataset-name", "conversations", "--dataset-path", path,
			"--num-prompts", "5", "--max-concurrency", "1", "--think-time", "0.25", "--no-test-input"})
		out, err := benchtest.Run(t, s, nil, m.Dial)
		if err != nil {
			t.Fatal(err)
		}
		m.Wait()
		at := map[string]time.Time{}
		var order []string
		for _, x := range posts(m) {
			text := said(t, x.Body)
			order = append(order, text)
			at[text[strings.LastIndex(text, "u:")+2:]] = x.At
		}
		want := []string{"s:Be kind. u:one", "s:Be kind. u:one a:re one u:two", "s:Be kind. u:one a:re one u:two a:re two u:three", "u:four", "u:four a:re four u:five"}
		sorted := slices.Sorted(slices.Values(order))
		if !slices.Equal(sorted, slices.Sorted(slices.Values(want))) {
			t.Errorf("sent %q\nwant %q", order, want)
		}
		for turn, think := range map[[2]string]time.Duration{{"one", "two"}: 1500 * ms, {"two", "three"}: 250 * ms, {"four", "five"}: 0} {
			if got := at[turn[1]].Sub(ended[turn[0]]); got != think {
				t.Errorf("%q came %v after the answer to %q, want %v", turn[1], got, turn[0], think)
			}
		}
		// One user at a time: the second conversation begins when the first is over.
		first, last := "four", "three"
		if strings.HasPrefix(order[0], "u:four") {
			first, last = "one", "five"
		}
		if got := at[first].Sub(ended[last]); got != 0 {
			t.Errorf("the second conversation began %v after the end of the first", got)
		}
		r := out.Parsed(t)
		if len(r.Loadgen.Turns) != 3 || r.Loadgen.Turns[0].Requests != 2 || r.Loadgen.Turns[1].Completed != 2 || r.Loadgen.Turns[2].Requests != 1 {
			t.Fatalf("turns %+v", r.Loadgen.Turns)
		}
		if turn := r.Loadgen.Turns[1]; turn.Turn != 2 || turn.TTFT.Mean != 200 || turn.E2EL.Mean != 500 || *turn.Prompt != 5 || *turn.Cached != 3 {
			t.Errorf("the second turns: %+v", turn)
		}
	})
}

// TestAFailedAnswerEndsItsConversation: what follows is not sent, and said.
func TestAFailedAnswerEndsItsConversation(t *testing.T) {
	path := file(t, "chats.jsonl", chats)
	synctest.Test(t, func(t *testing.T) {
		m := &benchtest.Memory{Handle: func(x *benchtest.Exchange) {
			switch {
			case x.Method == "GET":
				x.Reply("404 Not Found", "application/json", "{}")
				return
			case strings.Contains(said(t, x.Body), "u:one"):
				x.Reply("500 Internal Server Error", "application/json", "{}")
				return
			}
			x.Reply("200 OK", "text/event-stream", benchtest.SSE(true, 2))
		}}
		s := benchtest.Settings(t, []string{"--backend", "openai-chat", "--model", "m", "--tokenizer", "llama3", "--dataset-name", "conversations", "--dataset-path", path,
			"--num-prompts", "5", "--no-test-input", "--failures", "original"})
		out, err := benchtest.Run(t, s, nil, m.Dial)
		if err != nil {
			t.Fatal(err)
		}
		m.Wait()
		if sent := posts(m); len(sent) != 3 || out.Analysis.Summary.Completed != 2 {
			t.Errorf("%d requests, %d completed", len(sent), out.Analysis.Summary.Completed)
		}
		if !slices.ContainsFunc(out.Notes, func(n recording.Note) bool { return n.Code == "turns_not_sent" && strings.HasPrefix(n.Text, "2 turns") }) {
			t.Errorf("notes %v", out.Notes)
		}
	})
}

// timeline runs a benchmark against the simulator and gives its timelines as the file has them.
func timeline(t *testing.T, args ...string) (*recording.Recording, *benchtest.Outcome) {
	t.Helper()
	profile, err := trtsim.FindProfile("ideal")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "run.timeline")
	out, err := benchtest.Simulated(t, trtsim.Options{Profile: profile}, append(args, "--save-timeline", path, "--ignore-eos")...)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := recording.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec, out
}

// TestTimelinesOfConversations: two runs against the simulator.
func TestTimelinesOfConversations(t *testing.T) {
	path := file(t, "chats.jsonl", chats)
	for name, args := range map[string][]string{
		"closed loop": {"--max-concurrency", "2", "--think-time", "2", "--num-prompts", "10"},
		"at a rate":   {"--request-rate", "3", "--seed", "4", "--think-time", "0.125", "--max-turns", "2", "--num-prompts", "8"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec, _ := timeline(t, append([]string{"--backend", "openai-chat", "--dataset-name", "conversations", "--dataset-path", path}, args...)...)
				think := map[string]time.Duration{"closed loop": 2 * time.Second, "at a rate": 125 * ms}[name]
				thought := map[time.Duration]int{}
				last := map[int]*client.Result{}
				var begun []time.Duration
				for i, p := range rec.Planned {
					r := rec.Results[i]
					if r == nil || r.Err != nil {
						t.Fatalf("request %d: %+v", i, r)
					}
					if before := last[p.Conversation]; before != nil {
						thought[p.Think]++
						if got := r.Start - before.LastByte; got != p.Think {
							t.Errorf("turn %d of conversation %d started %v after the answer, want %v", p.Turn, p.Conversation, got, p.Think)
						}
						if r.SeenUsage.Prompt <= before.SeenUsage.Prompt {
							t.Errorf("turn %d has %d tokens, the one before %d", p.Turn, r.SeenUsage.Prompt, before.SeenUsage.Prompt)
						}
					} else {
						begun = append(begun, r.Due-rec.Start)
					}
					last[p.Conversation] = r
				}
				if thought[1500*ms] == 0 || thought[0] == 0 || name == "closed loop" && thought[think] == 0 {
					t.Errorf("think times %v", thought)
				}
				if spread := begun[len(begun)-1] > begun[0]; spread != (name == "at a rate") {
					t.Errorf("conversations are due at %v", begun)
				}
			})
		})
	}
}

// TestTimelinesOfTraces: two runs against the simulator, whose cache finds what the traces
// say that prompts share.
func TestTimelinesOfTraces(t *testing.T) {
	mooncake := file(t, "mooncake.jsonl", `{"timestamp": 1000, "input_length": 1100, "output_length": 12, "hash_ids": [1, 2, 3]}
{"timestamp": 3000, "input_length": 1200, "output_length": 20, "hash_ids": [1, 2, 4]}
{"timestamp": 3000, "input_length": 300, "output_length": 8, "hash_ids": [5]}
{"timestamp": 9500, "input_length": 1600, "output_length": 16, "hash_ids": [1, 2, 4, 6]}
`)
	azure := file(t, "azure.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,374,44\n2023-11-16 18:17:04.2299600,96,9\n2023-11-16 18:17:14.9799600,879,5\n")
	for name, c := range map[string]struct {
		args   []string
		due    []time.Duration
		in     []int
		out    []int
		cached []int // at least, in blocks of 32
	}{
		"mooncake": {[]string{"--dataset-path", mooncake, "--speedup", "4"}, []time.Duration{0, 500 * ms, 500 * ms, 2125 * ms}, []int{1100, 1200, 300, 1600}, []int{12, 20, 8, 16}, []int{0, 1024, 0, 1184}},
		"azure":    {[]string{"--dataset-path", azure}, []time.Duration{0, 250 * ms, 11 * time.Second}, []int{374, 96, 879}, []int{44, 9, 5}, []int{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec, out := timeline(t, append([]string{"--dataset-name", "trace", "--tokenize-on-client", "--no-test-input"}, c.args...)...)
				if len(rec.Planned) != len(c.due) {
					t.Fatalf("%d requests", len(rec.Planned))
				}
				for i, r := range rec.Results {
					if r == nil || r.Err != nil {
						t.Fatalf("request %d: %+v", i, r)
					}
					if due := r.Due - rec.Start; due != c.due[i] || r.Start != r.Due {
						t.Errorf("request %d: due at %v, want %v, sent %v later", i, due, c.due[i], r.Start-r.Due)
					}
					if r.SeenUsage.Prompt != c.in[i] || r.SeenUsage.Completion != c.out[i] {
						t.Errorf("request %d: %+v tokens, want %d and %d", i, r.SeenUsage, c.in[i], c.out[i])
					}
					if cached := r.SeenUsage.Cached; cached < c.cached[i] || cached > 0 && c.cached[i] == 0 {
						t.Errorf("request %d: %d tokens cached, want %d", i, cached, c.cached[i])
					}
				}
				for _, f := range out.Analysis.Findings {
					if f.Code == "prefix_cache_hits" || f.Code == "rate_not_reached" {
						t.Errorf("finding %s: %s", f.Code, f.Text)
					}
				}
			})
		})
	}
}
