package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"loadgen/internal/stream"
)

// transcripts are answers under every framing, one for each.
func transcripts() map[string]string {
	body := ""
	for _, text := range []string{"é☂", "b\\n", ""} {
		body += `data: {"choices":[{"index":0,"text":"` + text + `"}]}` + "\n\n"
	}
	body += `data: {"choices":[],"usage":{"completion_tokens":3}}` + "\n\ndata: [DONE]\n\n"
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	var chunks strings.Builder
	for p := body; p != ""; {
		n := min(37, len(p))
		fmt.Fprintf(&chunks, "%x\r\n%s\r\n", n, p[:n])
		p = p[n:]
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte(body))
	w.Close()
	return map[string]string{
		"until close": head + "\r\n" + body,
		"HTTP/1.0":    "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body,
		"chunked":     head + "Transfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\n\r\n",
		"by length":   fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body),
		"gzip":        head + "Content-Encoding: gzip\r\n\r\n" + packed.String(),
		"after 100":   "HTTP/1.1 100 Continue\r\n\r\n" + head + "\r\n" + body,
		"failure":     "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater",
	}
}

// essence is what must not depend on the transport.
func essence(a *stream.Answer) stream.Answer {
	e := *a
	e.FirstByte, e.LastByte, e.Reusable = 0, 0, false
	e.Events = nil
	for _, ev := range a.Events {
		ev.At, ev.Shared, ev.Uncertainty = 0, false, 0
		e.Events = append(e.Events, ev)
	}
	if a.Err != nil {
		e.Err = &stream.Error{Class: a.Err.Class, Exception: a.Err.Exception}
	}
	return e
}

// TestTransportsAreOneThing sends answers under every framing, split at every
// byte and cut at every byte, through both transports, by one reactor and by several.
func TestTransportsAreOneThing(t *testing.T) {
	clock := NewClock()
	if runtime.GOOS != "linux" {
		t.Skip("there is no reactor")
	}
	var reactors []Transport
	for _, n := range []int{1, 2, 4} {
		r, _, err := New(ReactorTransport, Options{Clock: clock, Env: noEnv, Reactors: n})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		reactors = append(reactors, r)
	}
	blocking := NewBlocking(Options{Clock: clock, Env: noEnv})
	for name, text := range transcripts() {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			split, cut := 0, len(text)
			to := listen(t, func(_ int, conn net.Conn) {
				if _, err := readHead(conn); err != nil {
					return
				}
				mu.Lock()
				first, whole := text[:min(split, cut)], text[:cut]
				mu.Unlock()
				if first != "" {
					conn.Write([]byte(first))
				}
				if rest := whole[len(first):]; rest != "" {
					conn.Write([]byte(rest))
				}
			})
			do := func(tr Transport) *stream.Answer {
				a := &stream.Answer{}
				tr.Do(context.Background(), &Exchange{To: to, Head: []byte(get), Sink: stream.NewDecoder(stream.Options{Streaming: true}, a), Fresh: true})
				return a
			}
			whole := essence(do(blocking))
			for i := range text {
				for _, cutting := range []bool{false, true} {
					mu.Lock()
					if split, cut = i, len(text); cutting {
						split, cut = i/2, i
					}
					mu.Unlock()
					b := essence(do(blocking))
					for n, tr := range reactors {
						r := essence(do(tr))
						if reflect.DeepEqual(r, b) && (cutting || reflect.DeepEqual(r, whole)) {
							continue
						}
						t.Fatalf("%d reactors, split at %d, cut at %d:\nreactor  %+v %v\nblocking %+v %v\nwhole    %+v", 1<<n, split, cut, r, r.Err, b, b.Err, whole)
					}
				}
			}
		})
	}
}
