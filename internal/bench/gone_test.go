package bench_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
)

// TestServerGone: that a server died in a run is noted, and not that it ended a stream, or refused
// a connection and took the next.
func TestServerGone(t *testing.T) {
	for name, c := range map[string]struct {
		hangsUp, dies int64 // with which request
		gone          bool
	}{
		"is there":             {0, 0, false},
		"dies":                 {5, 5, true},
		"dies with the last":   {8, 8, true},
		"hangs up on the last": {8, 0, false},
		"hangs up once":        {4, 0, false},
		"dies after the last":  {4, 8, false}, // of which nothing is known
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				var dead atomic.Bool
				m := &benchtest.Memory{Handle: func(x *benchtest.Exchange) {
					if x.Method == "GET" {
						x.Reply("404 Not Found", "text/plain", "")
						return
					}
					k := n.Add(1)
					if k == c.dies {
						dead.Store(true)
					}
					if k != c.hangsUp {
						x.Reply("200 OK", "text/event-stream", benchtest.SSE(false, 3))
					}
				}}
				dial := func(ctx context.Context, network, address string) (net.Conn, error) {
					if dead.Load() {
						return benchtest.Refuse(ctx, network, address)
					}
					return m.Dial(ctx, network, address)
				}
				s := benchtest.Settings(t, []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--no-test-input",
					"--max-concurrency", "1", "--num-prompts", "8"})
				o, err := benchtest.Run(t, s, nil, dial)
				if err != nil {
					t.Fatal(err)
				}
				m.Wait()
				noted := slices.ContainsFunc(o.Recording.Notes, func(n recording.Note) bool {
					return n.Code == bench.ServerGone && strings.Contains(n.Text, "did not answer any more after the run")
				})
				if noted != c.gone {
					t.Errorf("noted: %v; %+v", noted, o.Recording.Notes)
				}
			})
		})
	}
}
