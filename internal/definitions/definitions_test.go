package definitions

import (
	"math"
	"testing"
	"time"

	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// rowsOf are the rows of a run of one request.
func rowsOf(r *client.Result, rule metrics.Rule, n int, duration float64) []Row {
	s := metrics.NewSample(r, 0, rule)
	summary := metrics.NewSummaryReader(metrics.Options{})
	d := NewReader(rule.Chat, summary.Values())
	summary.Add(&s)
	d.Add(r, &s, n)
	return d.Rows(summary.Summary(duration))
}

// A server's count may be any number; weighing by it must not take its memory.
func TestAbsurdCount(t *testing.T) {
	r := &client.Result{Start: 1}
	for i, tokens := range []int32{1, math.MaxInt32} {
		at := r.Start + time.Duration(i+1)*time.Millisecond
		r.Events = append(r.Events, client.Event{At: at, Kind: stream.Text, Choices: true, Tokens: tokens})
		r.LastByte = at
	}
	for _, row := range rowsOf(r, metrics.Rule{}, math.MaxInt, 1) {
		if row.ITL.Count > 1 {
			t.Errorf("%s: %d latencies of two events", row.Tool, row.ITL.Count)
		}
	}
}

const ms = time.Millisecond

func rows(t *testing.T, n int, events ...client.Event) map[string]Row {
	t.Helper()
	r := &client.Result{Start: 5 * ms}
	r.Events, r.LastByte = events, 105*ms
	out := map[string]Row{}
	for _, row := range rowsOf(r, metrics.Rule{Chat: true}, n, 0.1) {
		out[row.Tool] = row
	}
	return out
}

// TestSameInstant counts a gap of nothing between texts that came with one read.
func TestSameInstant(t *testing.T) {
	text := client.Event{At: 25 * ms, Kind: stream.Text, Choices: true, Tokens: -1}
	later := text
	later.At = 65 * ms
	for tool, row := range rows(t, 3, text, text, later) {
		if tool == "aiperf" || tool == "guidellm" || tool == "inference-benchmarker" {
			continue // one value a request
		}
		if row.ITL.Count != 2 || !(math.Abs(row.ITL.Mean-0.020) <= 1e-12) {
			t.Errorf("%s: %+v", tool, row.ITL)
		}
	}
}

// TestNoToken takes an answer that the original's rule lets pass.
func TestNoToken(t *testing.T) {
	all := rows(t, 0, client.Event{At: 25 * ms, Kind: stream.Role, Choices: true, Tokens: -1})
	if got := all["trtllm"]; got.TTFT.Count != 1 || !(math.Abs(got.TTFT.Mean-0.020) <= 1e-12) {
		t.Errorf("%+v", got)
	}
	for tool, row := range all {
		if tool != "trtllm" && (row.TTFT.Count > 0 || row.ITL.Count > 0 || row.TPOT.Count > 0 || row.Latency.Count > 0) {
			t.Errorf("%s: %+v", tool, row)
		}
	}
}

// TestFirstChunk takes a first chunk of several tokens: AIPerf divides by the tokens after
// it, where the server counts them.
func TestFirstChunk(t *testing.T) {
	event := func(at time.Duration, tokens int32) client.Event {
		return client.Event{At: at, Kind: client.Text, Choices: true, Tokens: tokens}
	}
	for want, events := range map[float64][]client.Event{
		0.020: {event(25*ms, 3), event(65*ms, 5)},                  // 40 ms, 2 tokens after the first 3
		0.010: {event(25*ms, -1), event(65*ms, -1)},                // not counted: 4 after the first
		0.005: {event(25*ms, 5), event(35*ms, 5), event(45*ms, 5)}, // all of them in the first: 4
	} {
		if got := rows(t, 5, events...)["aiperf"].ITL; got.Count != 1 || !(math.Abs(got.Mean-want) <= 1e-12) {
			t.Errorf("%+v, want %v", got, want)
		}
	}
}

// TestChatOfVLLM: neither a role nor a finish reason alone is a token in a chat, both are
// chunks of a completion.
func TestChatOfVLLM(t *testing.T) {
	r := &client.Result{}
	r.LastByte = 50 * ms
	for i, kind := range []client.Kind{client.Role, client.Text, client.Text, client.Finish} {
		r.Events = append(r.Events, client.Event{At: time.Duration(i+1) * 10 * ms, Kind: kind, Choices: true, Tokens: -1})
	}
	for chat, want := range map[bool][3]float64{true: {0.020, 0.010, 0.030}, false: {0.010, 0.010, 0.040}} {
		for _, row := range rowsOf(r, metrics.Rule{Chat: chat}, 2, 1) {
			if got := [3]float64{row.TTFT.Mean, row.ITL.Mean, row.Latency.Mean}; row.Tool == "vllm" && !(math.Abs(got[0]-want[0])+math.Abs(got[1]-want[1])+math.Abs(got[2]-want[2]) <= 1e-12) {
				t.Errorf("chat %v: %v, want %v", chat, got, want)
			}
		}
	}
}
