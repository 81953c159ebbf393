package client

import (
	"context"
	"testing"
	"time"

	"loadgen/internal/wire"
	"loadgen/pkg/dataset"
)

// early is a transport whose connections bring a good answer at an instant, and are ready at
// another, after which the request is written.
type early struct {
	wire.Transport
	first, ready   time.Duration
	reused, kernel bool
}

func (e early) Do(_ context.Context, x *wire.Exchange) {
	x.Start, x.Connect, x.Written, x.Reused, x.KernelStamps = 10, e.ready, e.ready+5, e.reused, e.kernel
	x.Sink.Feed([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"+
		"data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n"), e.first)
	x.Sink.End(e.first, nil)
}

// TestAnswersBeforeTheirRequest: what a server sends when a connection is made, before it can have
// had the request, is no answer to it, unless the original's rules are asked for.
func TestAnswersBeforeTheirRequest(t *testing.T) {
	for _, c := range []struct {
		e        early
		original bool
		want     Class
	}{
		{early{first: 99, ready: 100, kernel: true}, false, wire.Unsolicited},
		{early{first: 99, ready: 100, kernel: true}, true, ""},
		{early{first: 100, ready: 100, kernel: true}, false, ""},
		{early{first: 99, ready: 100}, false, ""},                             // stamped when it was read
		{early{first: 99, ready: 100, kernel: true, reused: true}, false, ""}, // the transport has looked
	} {
		client, err := New(Options{BaseURL: "http://127.0.0.1:1", OriginalRules: c.original})
		if err != nil {
			t.Fatal(err)
		}
		client.transport = c.e
		p, err := client.Prepare(dataset.Request{Prompt: "a", OutputLen: 1})
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		client.Do(t.Context(), p, &r)
		got := Class("")
		if r.Err != nil {
			got = r.Err.Class
		}
		if got != c.want || len(r.Events) != 1 {
			t.Errorf("%+v, by the original's rules %v: %q (%v), want %q", c.e, c.original, got, r.Err, c.want)
		}
	}
}
