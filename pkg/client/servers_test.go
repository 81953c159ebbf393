package client_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/golden"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// TestServers replays what servers of the field send, in virtual time: every latency is
// right to the nanosecond, and every failure one.
func TestServers(t *testing.T) {
	for _, s := range golden.Servers(t) {
		t.Run(s.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				var serving sync.WaitGroup
				dial := func(context.Context, string, string) (net.Conn, error) {
					here, there := net.Pipe()
					serving.Go(func() {
						defer there.Close()
						start := time.Now()
						r, err := http.ReadRequest(bufio.NewReader(there))
						if err != nil {
							return
						}
						io.Copy(io.Discard, r.Body)
						go func() { <-stop; there.Close() }()
						s.Play(there, start)
					})
					return here, nil
				}
				model := s.Want.Model
				c, err := client.New(client.Options{BaseURL: "http://127.0.0.1:8000", Chat: s.Chat, NonStreaming: !s.Streaming, Model: &model, Dial: dial, Timeout: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				p, err := c.Prepare(dataset.Request{Prompt: "x", PromptLen: 16, OutputLen: 8})
				if err != nil {
					t.Fatal(err)
				}
				var r client.Result
				c.Do(context.Background(), p, &r)
				close(stop)
				serving.Wait()
				s.Check(t, &r.Answer, r.Start)
				if took := r.End - r.Start; took > 5*time.Second {
					t.Errorf("the slot was held for %v", took)
				}
			})
		})
	}
}
