package analysis

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// mixed is a run with failures: some after tokens, some before, some that loadgen ended.
func mixed(chat, whole bool) *recording.Recording {
	rec := scripted(60, 8)
	concurrency := 4
	rec.Settings.MaxConcurrency, rec.Settings.NonStreaming, rec.Settings.SaveDetailed = &concurrency, whole, true
	if chat {
		rec.Settings.Backend = "openai-chat"
	}
	for i, r := range rec.Results {
		switch {
		case whole:
			r.Events = nil
		case chat: // after the last token
			r.Events = append(r.Events, client.Event{At: r.End + time.Millisecond, Kind: stream.Usage, Tokens: -1})
		}
		switch i % 10 {
		case 3:
			r.Err = &client.Error{Class: "cut", Message: "cut"}
		case 5:
			r.Err = &client.Error{Class: client.Cancelled, Message: "cancelled"}
		case 7:
			r.Err, r.Events = &client.Error{Class: "http_status", Message: "Internal Server Error"}, nil
		}
	}
	return rec
}

// kinds calls do with a run of each kind of timelines.
func kinds(t *testing.T, do func(t *testing.T, rec *recording.Recording)) {
	for name, of := range map[string][2]bool{"completions": {false, false}, "chat": {true, false}, "whole": {false, true}, "whole chat": {true, true}} {
		t.Run(name, func(t *testing.T) { do(t, mixed(of[0], of[1])) })
	}
}

// TestFileHasTheValues: what is read back of a result that was saved in detail are the values
// that its statistics are of: those of the successes, each as the rule of timing has it.
func TestFileHasTheValues(t *testing.T) {
	kinds(t, func(t *testing.T, rec *recording.Recording) {
		a, err := Analyze(rec, nil)
		if err != nil {
			t.Fatal(err)
		}
		f, err := result.Parse(a.File(rec, true).Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			got, want := slices.Concat(f.RequestValues(m)...), a.Summary.Values[m].Values()
			if rec.Settings.NonStreaming && m != metrics.E2EL {
				want = nil
			}
			if len(want) != len(got) || len(want) > 0 && !slices.Equal(got, want) {
				t.Errorf("%s: %d values %.3g, want %d: %.3g", m, len(got), got, len(want), want)
			}
		}
	})
}

// TestAnalyzeIsPure: the analysis of a recording is the same each time, and leaves the recording
// as it was.
func TestAnalyzeIsPure(t *testing.T) {
	kinds(t, func(t *testing.T, rec *recording.Recording) {
		stored := func() []byte {
			var out bytes.Buffer
			if err := rec.Write(&out); err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}
		analyzed := func() (*Analysis, []byte) {
			a, err := Analyze(rec, func(text []byte) int { return len(text) })
			if err != nil {
				t.Fatal(err)
			}
			f := a.File(rec, true)
			f.Loadgen = a.Loadgen(rec)
			return a, f.Append(nil)
		}
		before := stored()
		a, text := analyzed()
		b, again := analyzed()
		if !bytes.Equal(text, again) || !reflect.DeepEqual(a.Samples, b.Samples) || !reflect.DeepEqual(a.Findings, b.Findings) {
			t.Errorf("once\n%s\nand again\n%s", text, again)
		}
		if !bytes.Equal(before, stored()) {
			t.Error("the analysis has changed the recording")
		}
	})
}
