package analysis

import (
	"bytes"
	"testing"
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
)

// scripted is a run of 1,000 streams at a time with gaps of 10 to 11 ms.
func scripted(requests, events int) *recording.Recording {
	concurrency := 1000
	rec := &recording.Recording{Settings: recording.Defaults(), Start: 1, Elapsed: 11 * time.Second, TokenizerID: "m"}
	rec.Settings.MaxConcurrency, rec.Settings.DatasetName, rec.Settings.NumPrompts = &concurrency, "random", requests
	x := uint32(1)
	for i := range requests {
		at := time.Duration(i/concurrency)*1100*time.Millisecond + 1
		r := &client.Result{Due: at, Handed: at, Permit: at, Start: at, Connect: at + 1000, Written: at + 2000, KernelStamps: true}
		at += 50 * time.Millisecond
		for k := range events {
			x = x*1664525 + 1013904223
			r.Events = append(r.Events, client.Event{At: at, Kind: client.Text, Choices: true, Tokens: -1, TextEnd: int32(5 * k)})
			at += 10*time.Millisecond + time.Duration(x>>12)
		}
		r.Text = bytes.Repeat([]byte("abcd "), events)
		r.LastByte, r.End, r.Done, r.FinishReason = at, at, true, "length"
		r.Usage = stream.UsageCounts{Prompt: 512, Completion: events, Cached: -1}
		r.SeenUsage = r.Usage
		rec.Planned = append(rec.Planned, recording.Planned{PromptLen: 512, OutputLen: events})
		rec.Results = append(rec.Results, r)
	}
	return rec
}

// BenchmarkAnalysis is the analysis of a million events.
func BenchmarkAnalysis(b *testing.B) {
	rec := scripted(10000, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Analyze(rec, nil); err != nil {
			b.Fatal(err)
		}
	}
}
