package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

func TestProgressBar(t *testing.T) {
	s := progressState{total: 300, done: 170, elapsed: 1400 * time.Millisecond, ttft: 12 * time.Millisecond, itl: 5120 * time.Microsecond}
	const want = "Benchmarking:  57%|███████       | 170/300 [00:01<00:01, 121.43req/s, TTFT 12ms, ITL 5.12ms]"
	if got := s.bar(utf8.RuneCountInString(want)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for width := range 120 {
		if n := utf8.RuneCountInString(s.bar(width)); n > width {
			t.Errorf("%d columns in a terminal of %d", n, width)
		}
	}
	if got := (progressState{total: 5}).bar(80); !strings.Contains(got, "0/5 [00:00<?, 0.00req/s]") {
		t.Error(got)
	}
	if got := (progressState{}).bar(80); !strings.Contains(got, "0/0") {
		t.Error(got)
	}
	if got := (progressState{done: 7, most: 60 * time.Second, elapsed: 15 * time.Second}).bar(80); !strings.Contains(got, " 25%|") || !strings.Contains(got, "| 7 [00:15<00:45, ") {
		t.Error(got)
	}
	if got := (progressState{done: 9, total: 12, most: 60 * time.Second, elapsed: 15 * time.Second}).bar(80); !strings.Contains(got, " 75%|") || !strings.Contains(got, "| 9/12 [00:15<00:05, ") {
		t.Error(got)
	}
	if got := clock(3725 * time.Second); got != "1:02:05" {
		t.Error(got)
	}
}

func TestProgressLinesOffATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := startProgress(&status{w: &out}, 4, 0, metrics.Rule{}, func() (requests, chunks int64) { return 2, 345 })
		ok := &client.Result{Start: time.Second}
		ok.Events = []client.Event{{At: 1100 * time.Millisecond, Choices: true}, {At: 1110 * time.Millisecond},
			{At: 1120 * time.Millisecond, Choices: true}}
		p.count(ok)
		p.count(&client.Result{Answer: client.Result{}.Answer})
		bad := &client.Result{}
		bad.Err = &client.Error{}
		p.count(bad)
		ended := &client.Result{}
		ended.Err = &client.Error{Class: client.Interrupted} // which is no failure
		p.count(ended)
		time.Sleep(25 * time.Second)
		p.finish()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		want := "loadgen: 4/4 requests after 00:10, 0.40req/s, 2 streams under way, 345 token chunks, TTFT 100ms, ITL 20ms, 1 failed"
		if len(lines) != 3 || lines[0] != want {
			t.Errorf("%d lines, the first %q, want 3 and %q", len(lines), lines[0], want)
		}
	})
}
