package analysis

import (
	"math"
	"testing"
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
)

// TestFailuresInAStage: of the requests of a stage, those that failed are not those that loadgen
// cancelled, and bring no tokens; all are under way.
func TestFailuresInAStage(t *testing.T) {
	const ms = time.Millisecond
	rec := &recording.Recording{Settings: recording.Defaults(), Start: 1000 * ms, Elapsed: 2 * time.Second}
	rec.Stages = []recording.Stage{{Concurrency: 3, To: time.Second}, {Concurrency: 3, From: time.Second, Steady: time.Second, To: 2 * time.Second}}
	for i, err := range []*client.Error{nil, {Class: "cut", Message: "cut"}, {Class: client.Cancelled, Message: "cancelled"}} {
		at := 1000*ms + time.Duration(i)*100*ms
		r := &client.Result{Due: at, Handed: at, Permit: at, Start: at, Connect: at, Written: at}
		r.End, r.LastByte, r.Err, r.Done = at+400*ms, at+400*ms, err, err == nil
		for _, after := range []time.Duration{200 * ms, 400 * ms} {
			r.Events = append(r.Events, client.Event{At: at + after, Kind: client.Text, Choices: true, Tokens: -1})
		}
		r.Usage = stream.UsageCounts{Prompt: 8, Completion: 2, Cached: -1}
		r.SeenUsage = r.Usage
		rec.Planned = append(rec.Planned, recording.Planned{PromptLen: 8, OutputLen: 2})
		rec.Results = append(rec.Results, r)
	}
	a, err := Analyze(rec, nil)
	if err != nil || len(a.Stages) != 2 {
		t.Fatal(len(a.Stages), err)
	}
	if g := &a.Stages[0]; g.Started != 3 || g.Dropped != 0 || g.Cancelled != 1 || g.Summary.Completed != 1 || g.TokensPerSecond != 2 || !(math.Abs(g.MeanConcurrency-1.2) <= 1e-12) {
		t.Errorf("%+v", g)
	}
	if g := &a.Stages[1]; g.Started != 0 || g.Cancelled != 0 || g.TokensPerSecond != 0 || g.MeanConcurrency != 0 {
		t.Errorf("after it: %+v", g)
	}
}
