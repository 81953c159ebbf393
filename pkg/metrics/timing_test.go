package metrics

import (
	"slices"
	"testing"
	"time"

	"loadgen/internal/stream"
	"loadgen/pkg/client"
)

// timeline has a role, two chunks, usage and a chunk, and bytes after them.
func timeline() *client.Result {
	r := &client.Result{Permit: 90, Start: 100, Connect: 110, Written: 120, End: 420}
	r.FirstByte, r.LastByte = 130, 400
	r.Events = []client.Event{
		{At: 140, Kind: client.Role}, {At: 160, Kind: client.Text, Choices: true}, {At: 190, Kind: client.Text, Choices: true},
		{At: 200, Kind: stream.Usage}, {At: 250, Kind: client.Text, Choices: true}, {At: 300, Kind: stream.Usage},
	}
	return r
}

// TestSpans: where each latency begins and ends, by API.
func TestSpans(t *testing.T) {
	for name, c := range map[string]struct {
		rule Rule
		want []Span
	}{
		"completions": {Rule{}, []Span{{TTFT, 100, 160, -1, 1}, {ITL, 160, 190, 1, 2}, {ITL, 190, 250, 2, 4}, {E2EL, 100, 250, -1, 4}}},
		"chat":        {Rule{Chat: true}, []Span{{TTFT, 100, 160, -1, 1}, {ITL, 160, 190, 1, 2}, {ITL, 200, 250, 3, 4}, {E2EL, 100, 300, -1, 5}}},
		"whole":       {Rule{Whole: true}, []Span{{E2EL, 100, 400, -1, -1}}},
	} {
		if got := slices.Collect(c.rule.Of(timeline()).Spans); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestPerToken(t *testing.T) {
	for _, c := range []struct {
		n    int
		want time.Duration
		ok   bool
	}{{-1, 0, false}, {0, 0, false}, {1, 0, false}, {2, 60, true}, {4, 20, true}} {
		if got, ok := PerToken[time.Duration](40, 100, c.n); got != c.want || ok != c.ok {
			t.Errorf("%d tokens: %v, %v", c.n, got, ok)
		}
	}
}

// TestSampleOfAFailure: what a failure keeps of its timeline; the original sets text and
// latency before it stumbles over missing usage.
func TestSampleOfAFailure(t *testing.T) {
	of := func(class stream.Class, exception bool, rule Rule) Sample {
		r := timeline()
		r.Text = []byte("abc")
		r.Err = &client.Error{Class: class, Message: "why", Exception: exception}
		return NewSample(r, 7, rule)
	}
	s := of(stream.Cut, true, Rule{})
	if s.Success || s.TTFT != 60e-9 || s.Latency != 0 || len(s.ITL) != 2 || s.Text != nil || s.Error != "why" || s.Exception != "cut" || s.PromptLen != 7 {
		t.Errorf("%+v", s)
	}
	if s := of(stream.HTTPStatus, false, Rule{}); s.Exception != "" || s.Error != "why" {
		t.Errorf("%+v", s)
	}
	if s := of(stream.NoUsage, true, Rule{Whole: true}); s.TTFT != -1 || s.Latency != 300e-9 || string(s.Text) != "abc" {
		t.Errorf("%+v", s)
	}
	if s := of(stream.NoUsage, true, Rule{Whole: true, Chat: true}); s.TTFT != 0 || s.Latency != 0 || string(s.Text) != "abc" {
		t.Errorf("%+v", s)
	}
}
