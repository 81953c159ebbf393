package bench_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"loadgen/internal/bench/benchtest"
	"loadgen/pkg/client"
)

// form is how an answer is asked for and written.
type form struct{ chat, whole bool }

func (f form) String() string { return fmt.Sprintf("chat %v, whole %v", f.chat, f.whole) }

// choice is a choice that brings text and, but for "", a finish reason.
func (f form) choice(text, finish, more string) string {
	reason := "null"
	if finish != "" {
		reason = fmt.Sprintf("%q", finish)
	}
	held := fmt.Sprintf(`"text":%q`, text)
	switch {
	case f.chat && f.whole:
		held = fmt.Sprintf(`"message":{"role":"assistant","content":%q}`, text)
	case f.chat:
		held = fmt.Sprintf(`"delta":{"content":%q}`, text)
	}
	return fmt.Sprintf(`{"index":0,%s,"finish_reason":%s%s}`, held, reason, more)
}

const lost = "worker lost" // what the server says of a failure

// countedTokens is the server's count of an answer of three words, unlike any other count.
const countedTokens = 5

var counted = fmt.Sprintf(`"usage":{"prompt_tokens":4,"completion_tokens":%d,"total_tokens":9}`, countedTokens)

// variant is one answer and what is right about it.
type variant struct {
	name, answer string
	class        client.Class // "" for a success
	words        string       // of the failure
	text         string       // that came
	completion   int          // the server's count, -1 for none
}

// reasons are finish reasons, and whether an answer that has them is a success.
var reasons = map[string]bool{
	"stop": true, "length": true, "tool_calls": true, "function_call": true, "content_filter": true, "eos_token": true, "": true,
	"abort": false, "error": false, "cancelled": false, "timeout": false, "not_finished": false, "Stop": false, "nobody's": false,
}

// place is where the server's count stands: beside each text, beside the end, behind it.
type place struct{ text, end, behind string }

var usages = map[string]place{
	"nowhere":       {},
	"alone":         {behind: "," + counted},
	"at the end":    {end: "," + counted},
	"continuous":    {running, "," + counted, ""},
	"of all places": {running, "," + counted, "," + counted},
	"and then null": {"", "," + counted, `,"usage":null`},
	"always null":   {`,"usage":null`, `,"usage":null`, `,"usage":null`},
}

const running = `,"usage":{"prompt_tokens":4,"completion_tokens":%d}`

// cut is the server's count of an answer that ends behind its third text, whole of one that
// does not; -1 for none.
func (p place) cut() int {
	if p.text == running {
		return 3
	}
	return -1
}

func (p place) whole() int {
	if strings.Contains(p.end+p.behind, counted) {
		return countedTokens
	}
	return p.cut()
}

// stream writes an answer as a stream, with what stands beside the choices of its end, in
// its last choice, and between its texts and its end.
func (f form) stream(finish string, usage place, beside, inside, between string) string {
	var b strings.Builder
	for k, word := range []string{" one", " two", " three"} {
		more := usage.text
		if strings.Contains(more, "%d") {
			more = fmt.Sprintf(more, k+1)
		}
		fmt.Fprintf(&b, "data: {\"model\":\"m\",\"choices\":[%s]%s}\n\n", f.choice(word, "", ""), more)
	}
	b.WriteString(between)
	fmt.Fprintf(&b, "data: {\"model\":\"m\",\"choices\":[%s]%s%s}\n\n", f.choice("", finish, inside), usage.end, beside)
	if usage.behind != "" {
		fmt.Fprintf(&b, "data: {\"model\":\"m\",\"choices\":[]%s}\n\n", usage.behind)
	}
	return b.String() + "data: [DONE]\n\n"
}

// headed puts a body under a head.
func headed(status, kind, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body)
}

// serverErrors are the forms of a server's own error.
var serverErrors = map[string]string{
	"object": `{"error":{"message":"worker lost","type":"server_error","code":500}}`,
	"string": `{"error":"worker lost"}`,
	"marked": `{"object":"error","message":"worker lost","code":400}`,
	"detail": `{"detail":"worker lost"}`,
	"listed": `{"detail":[{"loc":["body"],"msg":"worker lost"}]}`,
	"other":  `{"status":"failed","reason":"worker lost"}`,
	"coded":  `{"code":50505,"message":"worker lost","data":null}`,
}

// failures are the answers of a form that fail by a server's error, whatever else they hold.
func (f form) failures(finish, where string, usage place) (all []variant) {
	add := func(name string, class client.Class, answer, text string, completion int) {
		all = append(all, variant{fmt.Sprintf("%s, %s, finish reason %q, usage %s", f, name, finish, where), answer, class, lost, text, completion})
	}
	const sse, plain, html = "text/event-stream", "application/json", "<html><body>worker lost</body></html>"
	add("status 500", "http_status", headed("500 worker lost", plain, `{"detail":"worker lost"}`), "", -1)
	add("status 502 with HTML", "http_status", headed("502 worker lost", "text/html", html), "", -1)
	for name, object := range serverErrors {
		add(name, "error_event", headed("200 OK", plain, object), "", -1)
	}
	if f.whole {
		add("HTML", "bad_json", headed("200 OK", "text/html", html), "", -1)
		for name, value := range map[string]string{"an object": `{"message":"worker lost"}`, "a string": `"worker lost"`} {
			body := func(beside, inside string) string {
				return headed("200 OK", plain, fmt.Sprintf(`{"choices":[%s],%s%s}`, f.choice(" one two three", finish, inside), counted, beside))
			}
			add(name+" beside choices", "error_event", body(`,"error":`+value, ""), " one two three", countedTokens)
			add(name+" in a choice", "error_event", body("", `,"error":`+value), " one two three", countedTokens)
		}
		return all
	}
	add("HTML", "not_sse", headed("200 OK", "text/html", html), "", -1)
	for name, value := range map[string]string{"an object": `{"message":"worker lost"}`, "a string": `"worker lost"`} {
		add(name+" beside choices", "error_event", headed("200 OK", sse, f.stream(finish, usage, `,"error":`+value, "", "")), " one two three", usage.whole())
		add(name+" in a choice", "error_event", headed("200 OK", sse, f.stream(finish, usage, "", `,"error":`+value, "")), " one two three", usage.whole())
	}
	events := map[string]string{
		"named, text": "event: error\ndata: worker lost\n\n", "named, comment": "event: error\n: worker lost\n\n", "comment, named": ": worker lost\nevent: error\n\n",
		"a field": "error: worker lost\n\n", "a field with JSON": `error: {"message":"worker lost"}` + "\n\n",
	}
	for name, object := range serverErrors {
		events[name] = "data: " + object + "\n\n"
		events[name+", named"] = "event: error\ndata: " + object + "\n\n"
		events[name+", a bare line"] = object + "\n\n"
	}
	for name, event := range events {
		add(name+" between", "error_event", headed("200 OK", sse, f.stream(finish, usage, "", "", event)), " one two three", usage.whole())
		cut, _, _ := strings.Cut(f.stream(finish, usage, "", "", event), event)
		add(name+" at the end", "error_event", headed("200 OK", sse, cut+event), " one two three", usage.cut())
	}
	cut, _, _ := strings.Cut(f.stream(finish, usage, "", "", html), html)
	add("HTML at the end", "no_end", headed("200 OK", sse, cut+html+"\n"), " one two three", usage.cut())
	return all
}

// good is an answer that nothing is wrong with.
func (f form) good() variant {
	body := headed("200 OK", "text/event-stream", f.stream("length", usages["alone"], "", "", ""))
	if f.whole {
		body = headed("200 OK", "application/json", fmt.Sprintf(`{"choices":[%s],%s}`, f.choice(" one two three", "length", ""), counted))
	}
	return variant{f.String() + ", good", body, "", "", " one two three", countedTokens}
}

// variants are all answers of a form, and good ones in between.
func (f form) variants() (all []variant) {
	add := func(more ...variant) {
		for _, v := range more {
			if all = append(all, v); len(all)%8 == 0 {
				all = append(all, f.good())
			}
		}
	}
	for finish, good := range reasons {
		for where, usage := range usages {
			v := f.good()
			v.name, v.completion = fmt.Sprintf("%s, finish reason %q, usage %s", f, finish, where), usage.whole()
			if v.answer = headed("200 OK", "text/event-stream", f.stream(finish, usage, "", "", "")); f.whole {
				v.answer = headed("200 OK", "application/json", fmt.Sprintf(`{"choices":[%s]%s}`, f.choice(" one two three", finish, ""), usage.end))
				v.completion = place{end: usage.end}.whole()
			}
			if !good {
				v.class, v.words = "finish_reason", finish
			}
			if add(v); finish == "stop" || finish == "abort" {
				add(f.failures(finish, where, usage)...)
			}
		}
	}
	return all
}

// TestEveryAnswer sends answers of every form with every finish reason, usage in every place
// and every form of a server's error, mixed with good ones, over sockets: through both
// transports each has its class, its words, its text and its count, and harms no other.
func TestEveryAnswer(t *testing.T) {
	for _, f := range []form{{}, {chat: true}, {whole: true}, {chat: true, whole: true}} {
		all := f.variants()
		for _, transport := range []string{"auto", "blocking"} {
			t.Run(f.String()+", "+transport, func(t *testing.T) { f.check(t, transport, all) })
		}
	}
}

// check runs a benchmark in which request i is answered by variant i.
func (f form) check(t *testing.T, transport string, all []variant) {
	var prompts strings.Builder
	for i := range all {
		fmt.Fprintf(&prompts, "{\"prompt\":\"%d\",\"max_tokens\":8}\n", i)
	}
	path := filepath.Join(t.TempDir(), "prompts.jsonl")
	if err := os.WriteFile(path, []byte(prompts.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	backend := "openai"
	if f.chat {
		backend = "openai-chat"
	}
	s := benchtest.Settings(t, []string{"--backend", backend, "--model", "m", "--tokenizer", "llama3", "--dataset-name", "jsonl", "--dataset-path", path,
		"--num-prompts", fmt.Sprint(len(all)), "--max-concurrency", "8", "--no-test-input", "--transport", transport, "--base-url", answering(t, all)})
	s.NonStreaming = f.whole
	out, err := benchtest.Run(t, s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed, counted := 0, 0
	for i, r := range out.Recording.All() {
		v := &all[i]
		class, message := client.Class(""), ""
		if r.Err != nil {
			class, message = r.Err.Class, r.Err.Message
			failed++
		} else if v.completion >= 0 {
			counted++
		}
		if class != v.class || !strings.Contains(message, v.words) && !strings.Contains(string(r.Body), v.words) {
			t.Errorf("%s: %v, body %q; want %q and %q", v.name, r.Err, r.Body, v.class, v.words)
		}
		if string(r.Text) != v.text || r.SeenUsage.Completion != v.completion {
			t.Errorf("%s: text %q, %d tokens; want %q, %d", v.name, r.Text, r.SeenUsage.Completion, v.text, v.completion)
		}
	}
	if c := out.Analysis.Counts; c.Failed != failed || c.Tokens.Requests[0] != counted || c.Tokens.Requests[1] != len(all)-failed-counted {
		t.Errorf("%d failed, %v by source; want %d, and %d by the server", c.Failed, c.Tokens.Requests, failed, counted)
	}
}

// answering is the URL of a server that answers a request with the variant that its prompt
// names, until the test is over.
func answering(t *testing.T, all []variant) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	answer := func(conn net.Conn) {
		defer conn.Close()
		x, err := benchtest.ReadExchange(conn)
		if err != nil || x.Method != "POST" {
			return
		}
		var body struct {
			Prompt   string
			Messages []struct{ Content json.RawMessage }
		}
		json.Unmarshal(x.Body, &body)
		if i := 0; len(body.Messages) > 0 {
			var parts []struct{ Text string }
			json.Unmarshal(body.Messages[0].Content, &parts)
			fmt.Sscan(parts[0].Text, &i)
			conn.Write([]byte(all[i].answer))
		} else if fmt.Sscan(body.Prompt, &i); true {
			conn.Write([]byte(all[i].answer))
		}
	}
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { answer(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return "http://" + l.Addr().String()
}
