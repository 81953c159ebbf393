package stream

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// compressed is a gzip member.
func compressed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	io.WriteString(w, text)
	w.Close()
	return out.String()
}

// TestBounds: nothing goes on for ever.
func TestBounds(t *testing.T) {
	endless := func(head, again string, l Limits, mode Mode, streaming bool) (*Answer, int) {
		a := &Answer{}
		d := NewDecoder(Options{Streaming: streaming, Mode: mode, Limits: l}, a)
		d.Feed([]byte(head), 1)
		for n := range 1 << 20 {
			if d.Feed([]byte(again), time.Duration(n+2)) {
				return a, n
			}
		}
		return a, -1
	}
	const head = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		head, again string
		limits      Limits
		class       Class
	}{
		"events":          {sseHead, "data: " + event("a") + "\n\n", Limits{Events: 1000}, TooLong},
		"bytes":           {sseHead, "data: " + event("a") + "\n\n", Limits{Body: 1 << 16}, TooLong},
		"comments":        {sseHead, ": ping\n\n", Limits{Body: 1 << 16}, TooLong},
		"a line":          {sseHead, "data: ", Limits{Line: 1 << 10}, LineTooLong},
		"lines of data":   {sseHead, "data: {\n", Limits{Line: 1 << 10}, LineTooLong},
		"headers":         {head, "x: y\r\n", Limits{}, BadHTTP},
		"one header":      {head + "x: ", "yyyyyyyyyyyyy", Limits{Head: 1000}, BadHTTP},
		"informational":   {"", "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", Limits{}, BadHTTP},
		"blank lines":     {"", "\r\n", Limits{}, BadHTTP},
		"chunk size":      {head + "Transfer-Encoding: chunked\r\n\r\n", "0000", Limits{}, BadHTTP},
		"chunk extension": {head + "Transfer-Encoding: chunked\r\n\r\n5;", "aaaa", Limits{}, BadHTTP},
		// What brings nothing is bounded by its own length.
		"chunk extensions": {head + "Transfer-Encoding: chunked\r\n\r\n", "1;" + strings.Repeat("a", 1000) + "\r\n\n\r\n", Limits{Body: 1 << 16}, TooLong},
		"gzip members":     {head + "Content-Encoding: gzip\r\n\r\n", compressed(""), Limits{Body: 1 << 16}, TooLong},
		"gzip name":        {head + "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff", "aaaa", Limits{Body: 1 << 16}, BadEncoding},
		"deflate blocks":   {head + "Content-Encoding: deflate\r\n\r\n\x78\x9c", "\x00\x00\x00\xff\xff", Limits{Body: 1 << 16}, TooLong},
	} {
		a, n := endless(c.head, c.again, c.limits, Strict, true)
		if n < 0 || class(a) != c.class {
			t.Errorf("%s: ended after %d pieces: %v", name, n, a.Err)
		}
	}
	if a, n := endless(sseHead, "data: "+event("a")+"\n\n", Limits{Events: 1000}, Original, true); n < 0 || class(a) != TooLong || !a.Err.Exception || len(a.Events) != 1000 {
		t.Errorf("the original's rules have a bound, too: %d, %v", n, a.Err)
	}
	if a, n := endless(head+"\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Limits{Body: 1 << 16}, Strict, false); n < 0 || class(a) != TooLong {
		t.Errorf("a whole answer: %d, %v", n, a.Err)
	}
}

// TestCompressedFailures: the body of a failure may be compressed, and longer than what is
// kept of it.
func TestCompressedFailures(t *testing.T) {
	for name, text := range map[string]string{"long": strings.Repeat("no", maxKept), "exact": strings.Repeat("n", maxKept), "short": "no"} {
		for _, n := range []int{1, 100, 1 << 20} {
			packed := compressed(text)
			a := feed(fmt.Sprintf("HTTP/1.1 500 X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(packed), packed), n, Options{Streaming: true})
			if class(a) != HTTPStatus || string(a.Body) != text[:min(len(text), maxKept)] {
				t.Errorf("%s in pieces of %d: %v, %d bytes", name, n, a.Err, len(a.Body))
			}
		}
	}
}

// TestMoreChoicesThanAsked: choices that nobody asked for cost neither memory nor time.
func TestMoreChoicesThanAsked(t *testing.T) {
	many := strings.Builder{}
	for i := range 200_000 {
		fmt.Fprintf(&many, `,{"index":%d,"text":"a"}`, i+1)
	}
	for asked, want := range map[int]int{0: fewChoices, 1: fewChoices, 100: 100, 1 << 20: maxChoices} {
		a := feed(sseHead+"data: {\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"stop\"}"+many.String()+"]}\n\n"+done, 1<<20, Options{Streaming: true, Choices: asked})
		if a.Err != nil || len(a.Details.Choices) != want {
			t.Errorf("%d asked for: %v", asked, a.Err)
		}
	}
	o := Options{}
	reader := newMessageReader(o)
	if err := reader.read([]byte("{\"choices\":[{}" + many.String() + "]}")); err != nil || len(reader.m.more) != fewChoices-1 {
		t.Errorf("%v, %d choices read", err, len(reader.m.more))
	}
}

// TestTokensAnIteration: the mean of what the server sends stays finite under the strict
// rule; the original takes any number.
func TestTokensAnIteration(t *testing.T) {
	for value, what := range map[string]string{"1.5": "", "0": "", "null": "", "1e308": "too large", "1e999": "too large", "Infinity": "too large", "-1": "negative", "-Infinity": "negative", "NaN": "not a number"} {
		for _, mode := range []Mode{Strict, Original} {
			o := apis[0].options()
			o.Mode = mode
			a := feed(apis[0].answer("stop", "", `,"avg_decoded_tokens_per_iter":`+value), 1<<20, o)
			got := ""
			if a.Details != nil && len(a.Details.OddCounts) == 1 {
				got = a.Details.OddCounts[0].What
			}
			if a.Err != nil || mode == Strict && (got != what || a.HasDecodedPerIter != (what == "" && value != "null")) || mode == Original && got != "" {
				t.Errorf("%s: %v, %q, %v", value, a.Err, got, a.HasDecodedPerIter)
			}
		}
	}
}

// TestFinishReasonIsBounded: what is kept of one.
func TestFinishReasonIsBounded(t *testing.T) {
	if a := feed(apis[0].answer(strings.Repeat("z", 1<<20), "", ""), 1<<20, apis[0].options()); class(a) != FinishReason || len(a.FinishReason) != maxReason {
		t.Errorf("%v, %d bytes", a.Err, len(a.FinishReason))
	}
}

// TestMembersShareADecompressor: a member for each event, or many without any content, cost
// little more than their bytes.
func TestMembersShareADecompressor(t *testing.T) {
	deflate := func(raw bool) string {
		var out bytes.Buffer
		w := io.WriteCloser(zlib.NewWriter(&out))
		if raw {
			w, _ = flate.NewWriter(&out, -1) // the level is valid
		}
		w.Close()
		return out.String()
	}
	for name, c := range map[string]struct{ coding, member string }{"gzip": {"gzip", compressed("")}, "zlib": {"deflate", deflate(false)}, "raw": {"deflate", deflate(true)}} {
		text := "HTTP/1.1 200 OK\r\nContent-Encoding: " + c.coding + "\r\n\r\n" + strings.Repeat(c.member, 2000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := feed(text, 1<<20, Options{Streaming: true})
		runtime.ReadMemStats(&after)
		if class(a) == BadEncoding || after.TotalAlloc-before.TotalAlloc > 4<<20 {
			t.Errorf("%s: %v, %d KB allocated", name, a.Err, (after.TotalAlloc-before.TotalAlloc)>>10)
		}
	}
}
