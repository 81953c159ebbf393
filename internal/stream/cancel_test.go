package stream

import (
	"fmt"
	"testing"

	"loadgen/pkg/client/answer"
)

// TestCancelAfter: a stream that is to be cancelled ends with the event that brings the last
// of its tokens, by the server's count where it has one; a role is none.
func TestCancelAfter(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	role := `data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}` + "\n\n"
	event := func(tokens int) string {
		usage := ""
		if tokens > 0 {
			usage = fmt.Sprintf(`,"usage":{"prompt_tokens":1,"completion_tokens":%d}`, tokens)
		}
		return `data: {"choices":[{"index":0,"delta":{"content":"a"}}]` + usage + "}\n\n"
	}
	for _, c := range []struct {
		after  int
		events string
		done   bool
		n      int
	}{
		{2, role + event(0), false, 2},
		{2, role + event(0) + event(0) + event(0), true, 3},
		{4, role + event(2) + event(4) + event(6), true, 3},
		{0, role + event(2) + event(4), false, 3},
	} {
		var a Answer
		d := NewDecoder(Options{API: Chat, Streaming: true, CancelAfter: c.after}, &a)
		done := d.Feed([]byte(head+c.events), 1)
		if done != c.done || len(a.Events) != c.n || done != (a.Err != nil && a.Err.Class == answer.Cancelled) || a.Reusable || a.OriginalFailed {
			t.Errorf("after %d: done %v with %d events, %v", c.after, done, len(a.Events), a.Err)
		}
	}
}
