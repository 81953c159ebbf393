package definitions

import (
	"math"
	"testing"
	"time"

	"loadgen/internal/stream"
	"loadgen/pkg/client"
)

// A server's count may be any number; weighing by it must not take its memory.
func TestAbsurdCount(t *testing.T) {
	r := &client.Result{Start: 1}
	for i, tokens := range []int32{1, math.MaxInt32} {
		at := r.Start + time.Duration(i+1)*time.Millisecond
		r.Events = append(r.Events, client.Event{At: at, Kind: stream.Text, Choices: true, Tokens: tokens})
		r.LastByte = at
	}
	for _, row := range Rows(Run{Results: []*client.Result{r}, OutputLens: []int{math.MaxInt}, Duration: 1}) {
		if row.ITL.Count > 1 {
			t.Errorf("%s: %d latencies of two events", row.Tool, row.ITL.Count)
		}
	}
}
