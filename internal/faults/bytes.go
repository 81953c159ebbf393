package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	done      = "data: [DONE]\n\n"
	goodUsage = `{"prompt_tokens":16,"completion_tokens":8,"total_tokens":24}`
)

func data(text string) string        { return "data: " + text + "\n\n" }
func usageEvent(usage string) string { return data(`{"choices":[],"usage":` + usage + `}`) }

func quoted(text string) string {
	b, _ := json.Marshal(text) // a string always has JSON
	return string(b)
}

// choice is a choice with a text, and a finish reason unless that is "".
func (x *Exchange) choice(text, finish string) string {
	reason := "null"
	if finish != "" {
		reason = quoted(finish)
	}
	if x.Chat {
		return fmt.Sprintf(`{"index":0,"delta":{"content":%s},"finish_reason":%s}`, quoted(text), reason)
	}
	return fmt.Sprintf(`{"index":0,"text":%s,"finish_reason":%s}`, quoted(text), reason)
}

// event is a good event of a stream.
func (x *Exchange) event(text, finish string) string {
	return data(`{"id":"x","object":"x","created":1,"model":"m","choices":[` + x.choice(text, finish) + `]}`)
}

// events are the good events of n tokens, without a finish reason.
func (x *Exchange) events(n int) string { return strings.Repeat(x.event(" tok", ""), n) }

// wholeBody is a good whole answer, wholeWith one with another usage.
func (x *Exchange) wholeBody() string { return x.wholeWith(goodUsage, "length") }

func (x *Exchange) wholeWith(usage, finish string) string {
	c := x.choice(strings.Repeat(" tok", Tokens), finish)
	if x.Chat {
		c = strings.Replace(c, `"delta":{`, `"message":{"role":"assistant",`, 1)
	}
	return `{"id":"x","object":"x","model":"m","choices":[` + c + `],"usage":` + usage + `}`
}

// body is a good answer's body, streamed or whole.
func (x *Exchange) body() string {
	if !x.Stream {
		return x.wholeBody()
	}
	return x.events(Tokens-1) + x.event(" tok", "length") + usageEvent(goodUsage) + done
}

func (x *Exchange) contentType() string {
	if x.Stream {
		return "text/event-stream; charset=utf-8"
	}
	return "application/json"
}

func (x *Exchange) send(text string) error {
	_, err := io.WriteString(x.conn, text)
	return err
}

// head begins a chunked answer.
func (x *Exchange) head() error {
	return x.send("HTTP/1.1 200 OK\r\nContent-Type: " + x.contentType() + "\r\nTransfer-Encoding: chunked\r\n\r\n")
}

func (x *Exchange) chunk(text string) error { return x.send(chunked(text)) }

func chunked(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// whole sends an answer with its length; header holds further lines.
func (x *Exchange) whole(status, contentType, body string, header ...string) error {
	head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", status, contentType, len(body))
	for _, line := range header {
		head += line + "\r\n"
	}
	return x.send(head + "\r\n" + body)
}

// stream sends a chunked stream of these bytes to its end; whole answers get the bytes of
// instead.
func (x *Exchange) stream(events, instead string) error {
	if !x.Stream {
		return x.whole("200 OK", "application/json", instead)
	}
	x.head()
	x.chunk(events)
	return x.send("0\r\n\r\n")
}

// reset ends the connection with a RST.
func (x *Exchange) reset() error {
	x.sleep(20 * time.Millisecond) // what was sent before should arrive
	if tcp, ok := x.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return errGone
}

// hang sends nothing more, until the client leaves or the server is closed.
func (x *Exchange) hang() error {
	_, _ = io.Copy(io.Discard, x.in)
	return errGone
}

// repeat sends again and again, until the client leaves or 20 s are over.
func (x *Exchange) repeat(text string, every time.Duration) error {
	for end := x.read.Add(20 * time.Second); time.Now().Before(end); x.sleep(every) {
		if err := x.send(text); err != nil {
			return err
		}
	}
	return errGone
}
