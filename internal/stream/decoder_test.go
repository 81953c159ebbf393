package stream

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const sseHead = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"

// feed decodes text in pieces of n bytes, the k-th of them stamped k+1 ms.
func feed(text string, n int, o Options) *Answer {
	return fed(text, o, func(*Decoder) int { return n })
}

// fed reads a text in parts as long as size says.
func fed(text string, o Options, size func(d *Decoder) int) *Answer {
	a := &Answer{}
	d := NewDecoder(o, a)
	at := time.Duration(0)
	for p := []byte(text); len(p) > 0; {
		k := min(size(d), len(p))
		at += time.Millisecond
		if d.Feed(bytes.Clone(p[:k]), at) {
			return a
		}
		p = p[k:]
	}
	d.End(at+time.Millisecond, nil)
	return a
}

func completions(mode Mode) Options { return Options{Streaming: true, Mode: mode} }

func event(text string) string { return fmt.Sprintf(`{"choices":[{"index":0,"text":%q}]}`, text) }

const done = "data: [DONE]\n\n"

func TestStrictEventStreams(t *testing.T) {
	for _, c := range []struct {
		name, body, text string
		class            Class
		originalFailed   bool
	}{
		{"plain", "data: " + event("a") + "\n\ndata: " + event("b") + "\n\n" + done, "ab", "", false},
		{"comment, event and id lines", ": hi\nevent: x\nid: 1\nretry: 5\ndata: " + event("a") + "\n\n" + done, "a", "", true},
		{"CRLF", "data: " + event("a") + "\r\n\r\ndata: [DONE]\r\n\r\n", "a", "", false},
		{"lone CR", "data: " + event("a") + "\r\rdata: [DONE]\r\r", "a", "", true},
		{"no blank after the colon", "data:" + event("a") + "\n\ndata:[DONE]\n\n", "a", "", true},
		{"several data lines", "data: {\"choices\":\ndata: [{\"text\":\"a\"}]}\n\n" + done, "a", "", true},
		{"single newlines", "data: " + event("a") + "\ndata: " + event("b") + "\n" + done, "ab", "", false},
		{"byte order mark", "\ufeffdata: " + event("a") + "\n\n" + done, "a", "", true},
		{"unended last line", "data: " + event("a") + "\n\ndata: [DONE]", "a", "", false},
		{"no end", "data: " + event("a") + "\n\n", "a", NoEnd, false},
		{"finish reason is an end", "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}\n\n", "a", "", false},
		{"only DONE", done, "", NoTokens, true},
		{"HTML", "<html>502</html>\n", "", NotSSE, true},
		{"a whole answer", event("x") + "\n", "", NotSSE, true},
		{"error event", "data: " + event("a") + "\n\ndata: {\"error\": {\"message\": \"out of \\u00e9ther\"}}\n\n" + done, "a", ErrorEvent, false},
		{"error object", "data: {\"object\":\"error\",\"message\":\"no\",\"code\":400}\n\n" + done, "", ErrorEvent, true},
		{"bare and indented lines", "[DONE]\n  data: " + event("x") + " \n\ndata: " + event("a") + "\n\n" + done, "a", "", false},
		{"broken JSON", "data: {\"choices\": [}\n\n" + done, "", BadJSON, true},
		{"broken UTF-8", "data: {\"choices\":[{\"text\":\"\xff\"}]}\n\n", "", BadUTF8, true},
		{"usage only", "data: {\"choices\":[],\"usage\":{\"completion_tokens\":3}}\n\n" + done, "", "", true}, // tokens were counted
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 7, 1 << 20} {
				a := feed(sseHead+c.body, n, completions(Strict))
				class := Class("")
				if a.Err != nil {
					class = a.Err.Class
				}
				if class != c.class || string(a.Text) != c.text || a.OriginalFailed != c.originalFailed {
					t.Errorf("in pieces of %d: text %q, error %v, original failed %v", n, a.Text, a.Err, a.OriginalFailed)
				}
			}
		})
	}
	a := feed(sseHead+"data: {\"error\": {\"message\": \"out of \\u00e9ther\"}}\n\n"+done, 1<<20, completions(Strict))
	if got := string(a.Body); got != `{"message": "out of \u00e9ther"}` || a.Err.Message != "error_event: the server says: out of éther" {
		t.Errorf("the server's words: %q", got)
	}
}

// TestARoleIsNoToken: a stream that brings a role and ends has generated nothing.
func TestARoleIsNoToken(t *testing.T) {
	role := `data: {"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}` + "\n\n"
	o := Options{Streaming: true, API: Chat}
	if a := feed(sseHead+role+done, 1<<20, o); a.Err == nil || a.Err.Class != NoTokens {
		t.Errorf("a role alone: %v", a.Err)
	}
	usage := `data: {"choices":[],"usage":{"completion_tokens":3}}` + "\n\n"
	if a := feed(sseHead+role+usage+done, 1<<20, o); a.Err != nil {
		t.Errorf("a role, and tokens by the server's count: %v", a.Err)
	}
}

// A reset is the end of a body without a length to the original, which then
// judges what has come; the strict rules call it a failure.
func TestResetUntilClose(t *testing.T) {
	for body, originalFailed := range map[string]bool{"data: " + event("a") + "\n\n": false, ": no event yet\n\n": true, "": true} {
		for _, mode := range []Mode{Strict, Original} {
			a := &Answer{}
			d := NewDecoder(completions(mode), a)
			d.Feed([]byte(sseHead+body), 1)
			d.End(2, &Error{Class: Reset, Exception: true})
			if failed := a.Err != nil; a.OriginalFailed != originalFailed || failed != (originalFailed || mode == Strict) {
				t.Errorf("%q, mode %d: %v, original failed %v", body, mode, a.Err, a.OriginalFailed)
			}
			if mode == Strict && a.Err.Class != Reset {
				t.Errorf("%q: %v", body, a.Err)
			}
		}
	}
}

// frame writes a body under each framing.
func frames(body string) map[string]string {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	var chunks strings.Builder
	for p := body; p != ""; {
		n := min(11, len(p))
		fmt.Fprintf(&chunks, "%x;ext=1\r\n%s\r\n", n, p[:n])
		p = p[n:]
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte(body))
	w.Close()
	var members strings.Builder
	for line := range strings.Lines(body) {
		w.Reset(&members)
		w.Write([]byte(line))
		w.Close()
	}
	var deflated bytes.Buffer
	z := zlib.NewWriter(&deflated)
	z.Write([]byte(body))
	z.Close()
	return map[string]string{
		"until close":                 head + "\r\n" + body,
		"chunked":                     head + "Transfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\nX-Trailer: 1\r\n\r\n",
		"by length":                   fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body),
		"LF only":                     strings.ReplaceAll(head, "\r", "") + "\n" + body,
		"after 100":                   "HTTP/1.1 100 Continue\r\n\r\n" + head + "\r\n" + body,
		"after 103":                   "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + "\r\n" + body,
		"HTTP/1.0":                    "HTTP/1.0 200 OK\r\n\r\n" + body,
		"chunked in HTTP/1.0":         "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\n\r\n",
		"two codings":                 head + "Transfer-Encoding: identity, Chunked\r\n\r\n" + chunks.String() + "0\r\n\r\n",
		"a coding that is no framing": head + "Transfer-Encoding: identity\r\n\r\n" + body,
		"zeros before a size":         head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%030x\r\n%s\r\n0\r\n\r\n", len(body), body),
		"after empty lines":           "\r\n\n" + head + "\r\n" + body,
		"gzip, a member a line":       head + "Content-Encoding: gzip\r\n\r\n" + members.String(),
		"gzip":                        head + "Content-Encoding: gzip\r\n\r\n" + packed.String(),
		"deflate":                     head + "Content-Encoding: deflate\r\n\r\n" + deflated.String(),
		"length, gzip":                fmt.Sprintf("%sContent-Length: %d\r\nContent-Encoding: gzip\r\n\r\n%s", head, packed.Len(), packed.String()),
	}
}

func TestFramings(t *testing.T) {
	body := "data: " + event("é☂ \n") + "\n\ndata: " + event("b") + "\n\n" + done
	for name, text := range frames(body) {
		for _, mode := range []Mode{Strict, Original} {
			for _, n := range []int{1, 3, 50, 1 << 20} {
				a := feed(text, n, completions(mode))
				if a.Err != nil || string(a.Text) != "é☂ \nb" || !a.Done || len(a.Events) != 2 {
					t.Errorf("%s in pieces of %d, mode %d: %q %v", name, n, mode, a.Text, a.Err)
				}
			}
		}
		a := feed(text, 1<<20, Options{Streaming: true, Reuse: true})
		if want := strings.Contains(text, "1.1 200") && strings.Contains(strings.ToLower(text), "chunked\r\n") || strings.Contains(name, "length"); a.Reusable != want {
			t.Errorf("%s: reusable %v", name, a.Reusable)
		}
		if len(a.Events) == 2 && (!a.Events[0].Shared || a.Events[1].Shared) {
			t.Errorf("%s: both events in one read: %v", name, a.Events)
		}
	}
}

// TestManyChunks has more chunks than a trailer may have bytes.
func TestManyChunks(t *testing.T) {
	text := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("2;x\r\n\n\n\r\n", maxTrailer) +
		fmt.Sprintf("%x\r\ndata: %s\n\n%s\r\n0\r\n\r\n", len(event("a"))+8+len(done), event("a"), done)
	if a := feed(text, 1<<20, completions(Strict)); a.Err != nil || string(a.Text) != "a" {
		t.Errorf("%q %v", a.Text, a.Err)
	}
}

func TestCutAnswers(t *testing.T) {
	body := "data: " + event("a") + "\n\n" + done
	for name, text := range frames(body) {
		for cut := range len(text) {
			a := feed(text[:cut], 1<<20, completions(Strict))
			if a.Err == nil && !a.Done {
				t.Errorf("%s cut after %d of %d bytes is a success", name, cut, len(text))
			}
		}
	}
	for _, c := range []struct {
		text  string
		class Class
	}{
		{"", Closed}, {"HTTP/1.1 2", Cut}, {"SSH-2.0-x", BadHTTP},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", BadHTTP},
		{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", BadHTTP},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", BadHTTP},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", BadHTTP},
		{"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", BadEncoding},
		{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all", BadEncoding},
		{"HTTP/1.1 200 OK\r\n\r\ndata: " + strings.Repeat("a", maxLineStrict), LineTooLong},
	} {
		if a := feed(c.text, 1<<16, completions(Strict)); a.Err == nil || a.Err.Class != c.class || !a.OriginalFailed {
			t.Errorf("%.40q: %v, want %s", c.text, a.Err, c.class)
		}
	}
}

func TestStatus(t *testing.T) {
	const text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 8\r\n\r\nno field"
	a := feed(text, 1, completions(Strict))
	if a.Err.Class != HTTPStatus || a.Err.Message != "Bad Request" || a.Err.Exception || string(a.Body) != "no field" {
		t.Errorf("%v %q", a.Err, a.Body)
	}
	if a := feed(text, 1, completions(Original)); a.Err.Message != "Bad Request" || a.LastByte != 47*time.Millisecond {
		t.Errorf("the original does not wait for a failure's body: %v %v", a.Err, a.LastByte)
	}
	if a := feed(text, 5, Options{Raw: true}); a.Err != nil || a.Status != 400 || string(a.Body) != "no field" {
		t.Errorf("%v %q", a.Err, a.Body)
	}
}

func TestDecodingAllocatesNothingPerEvent(t *testing.T) {
	line := []byte("data: " + `{"id":"cmpl-0","object":"text_completion","created":1764362827,"model":"m","choices":[{"index":0,"text":" blue","token_ids":null,"logprobs":null,"finish_reason":null,"stop_reason":null,"avg_decoded_tokens_per_iter":1.0}],"usage":null}` + "\n\n")
	a := &Answer{Events: make([]Event, 0, 4096), Text: make([]byte, 0, 1<<20)}
	d := NewDecoder(completions(Strict), a)
	d.Feed([]byte(sseHead), 1)
	if n := testing.AllocsPerRun(1000, func() { d.Feed(line, 2) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkDecoder(b *testing.B) {
	for _, c := range []struct {
		name, line string
		api        API
	}{
		{"completions", `{"id":"cmpl-0123456789abcdef0123456789abcdef","object":"text_completion","created":1764362827,"model":"m","choices":[{"index":0,"text":" blue","token_ids":null,"logprobs":null,"finish_reason":null,"stop_reason":null,"avg_decoded_tokens_per_iter":1.0}],"usage":null}`, Completions},
		{"counting", `{"id":"cmpl-0123456789abcdef0123456789abcdef","object":"text_completion","created":1764362827,"model":"m","choices":[{"index":0,"text":" blue","token_ids":null,"logprobs":null,"finish_reason":null,"stop_reason":null,"avg_decoded_tokens_per_iter":1.0}],"usage":{"completion_tokens":0}}`, Completions},
		{"chat", `{"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1764362830,"model":"m","choices":[{"index":0,"delta":{"content":"Hello"},"avg_decoded_tokens_per_iter":1.0}]}`, Chat},
	} {
		for _, mode := range []Mode{Strict, Original} {
			b.Run(c.name+[]string{"/strict", "/original"}[mode], func(b *testing.B) {
				line := []byte("data: " + c.line + "\n\n")
				count := bytes.LastIndexByte(line, '0')
				a := &Answer{}
				d := NewDecoder(Options{API: c.api, Streaming: true, Mode: mode}, a)
				d.Feed([]byte(sseHead), 1)
				b.SetBytes(int64(len(line)))
				b.ReportAllocs()
				for b.Loop() {
					if c.name == "counting" { // no two events are alike but for their text
						line[count] ^= 1
					}
					d.Feed(line, 2)
					a.Events, a.Text = a.Events[:0], a.Text[:0]
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

func TestUncertain(t *testing.T) {
	var a Answer
	d := NewDecoder(Options{Streaming: true}, &a)
	event := `data: {"choices":[{"index":0,"text":"x"}]}` + "\n\n"
	d.Feed([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"), 1)
	d.Feed([]byte(event+event+event), 2)
	if !d.Mixed() || a.Events[0].Uncertainty != UnknownUncertainty || a.Events[2].Uncertainty != 0 || !a.Events[0].Shared || !a.Events[1].Shared || a.Events[2].Shared {
		t.Errorf("%v %+v", d.Mixed(), a.Events)
	}
	d.Uncertain(7, false)
	d.Feed([]byte(event), 3)
	if d.Mixed() {
		t.Error("one event is mixed")
	}
	d.Uncertain(time.Hour, true)
	expect := func(want ...uint32) {
		t.Helper()
		var uncertainties []uint32
		for _, e := range a.Events {
			uncertainties = append(uncertainties, e.Uncertainty)
		}
		if !slices.Equal(uncertainties, want) {
			t.Errorf("%v, want %v", uncertainties, want)
		}
	}
	expect(7, 7, 0, MaxUncertainty)
	d.Settle(false)
	d.Feed([]byte(event+event), 4)
	d.Uncertain(9, false)
	expect(7, 7, 0, MaxUncertainty, 9, 0)
	d.Settle(true)
	expect(7, 7, 0, MaxUncertainty, 0, 0)
	if a.Events[4].Shared || !a.Events[1].Shared {
		t.Errorf("%+v", a.Events)
	}
	d.Feed([]byte(event), 5)
	d.Uncertain(UnknownUncertainty, true)
	if got := a.Events[len(a.Events)-1].Uncertainty; got != UnknownUncertainty {
		t.Errorf("%v, want that nothing is known", got)
	}
}

// TestPieces: what an answer like another begins with is told apart before its first chunk.
func TestPieces(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunk := func(n int) string { return fmt.Sprintf("%x\r\n%s\r\n", n, strings.Repeat(":", n-1)+"\n") }
	like := Sizes{Head: len(head), Chunk: 6 + 40}
	d := NewDecoder(Options{Streaming: true}, &Answer{})
	if got := d.Piece(Sizes{}); got != 0 || d.Sizes() != (Sizes{}) {
		t.Errorf("nothing is known, and a piece is %d", got)
	}
	for i, c := range []struct {
		text string
		want int // of the bytes after it
	}{
		{"", len(head)},
		{head[:10], len(head) - 10},
		{head[10 : len(head)-1], sizeLine},
		{head[len(head)-1:], sizeLine},
		{chunk(40)[:4], 42},
		{chunk(40)[4:], sizeLine}, // the first may be longer than those that follow
		{chunk(30), 36},
		{chunk(50), 36},
	} {
		d.Feed([]byte(c.text), time.Duration(i))
		if got := d.Piece(like); got != c.want {
			t.Errorf("step %d: a piece of %d, want %d", i, got, c.want)
		}
	}
	if d.Sizes() != like {
		t.Errorf("%+v, want %+v", d.Sizes(), like)
	}
}
