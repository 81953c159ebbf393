package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/live"
	"loadgen/pkg/client"
)

// finished is a request of three events.
func finished() *client.Result {
	ok := &client.Result{Start: time.Second}
	ok.Events = []client.Event{{At: 1100 * time.Millisecond, Choices: true}, {At: 1110 * time.Millisecond},
		{At: 1120 * time.Millisecond, Choices: true}}
	return ok
}

func TestProgressLinesOffATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tally := live.New(live.Options{Planned: 4, UnderWay: func() (requests, chunks int64) { return 2, 345 }})
		p := startProgress(&status{w: &out}, tally, "", false, false)
		tally.Add(finished())
		tally.Add(&client.Result{})
		bad := &client.Result{}
		bad.Err = &client.Error{}
		tally.Add(bad)
		ended := &client.Result{}
		ended.Err = &client.Error{Class: client.Interrupted} // which is no failure
		tally.Add(ended)
		time.Sleep(25 * time.Second)
		p.finish()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		want := "loadgen: 4/4 requests after 00:10, 0.40req/s, 2 in flight, TTFT 100ms, 1 failed"
		if len(lines) != 3 || lines[0] != want {
			t.Errorf("%d lines, the first %q, want 3 and %q", len(lines), lines[0], want)
		}
	})
}

// TestLiveView: the view is drawn on a screen of its own, four times a second and only where
// it differs; what is logged meanwhile stands on it, and below the progress line in the end.
func TestLiveView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		var columns atomic.Int64
		columns.Store(80)
		to := &status{w: &out, width: func() int { return int(columns.Load()) }, rows: func() int { return 24 }}
		tally := live.New(live.Options{Planned: 2, Detailed: true})
		p := startProgress(to, tally, "m at http://x", true, false)
		time.Sleep(time.Millisecond)
		first := out.String()
		if !strings.HasPrefix(first, "\x1b[?1049h\x1b[?25l\x1b[?2026h\x1b[H\x1b[2J") || !strings.Contains(first, "\x1b[1;1H\x1b[2Kloadgen  m at http://x") || !strings.HasSuffix(first, "\x1b[?2026l") {
			t.Errorf("%q", first)
		}
		out.Reset()
		fmt.Fprintln(to, "loadgen: a note")
		time.Sleep(250 * time.Millisecond)
		if text := out.String(); strings.Contains(text, "http://x") || !strings.Contains(text, "\x1b[2Kloadgen: a note") {
			t.Errorf("%q", text)
		}
		out.Reset()
		time.Sleep(250 * time.Millisecond)
		if text := out.String(); text != "" {
			t.Errorf("%q is drawn, and nothing has changed", text)
		}
		columns.Store(70)
		tally.Add(finished())
		time.Sleep(250 * time.Millisecond)
		if text := out.String(); !strings.Contains(text, "\x1b[2J") || !strings.Contains(text, "http://x") {
			t.Errorf("%q after another size", text)
		}
		out.Reset()
		p.finish()
		text := out.String()
		if !strings.HasPrefix(text, "\x1b[?25h\x1b[?1049lloadgen: a note\n\r1/2 [00:00<00:00") || !strings.Contains(text, "TTFT, requests up to") || strings.Count(text, "\x1b[?1049h") > 0 {
			t.Errorf("%q", text)
		}
	})
}

// lockedBuffer is a buffer that one goroutine writes and another reads.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *lockedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *lockedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *lockedBuffer) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Reset()
}

// TestBarSaysTheKey: where there is room, and where it does something.
func TestBarSaysTheKey(t *testing.T) {
	for _, c := range []struct {
		columns int
		keys    bool
		want    bool
	}{{130, true, true}, {130, false, false}, {110, true, false}} {
		var out bytes.Buffer
		size := func() int { return c.columns }
		p := &progress{to: &status{w: &out, width: size, rows: size, screen: screen{taking: c.keys}}, tally: live.New(live.Options{Planned: 3}), start: time.Now()}
		p.paint()
		if got := strings.Contains(out.String(), "l: live view"); got != c.want {
			t.Errorf("%+v: %q", c, out.String())
		}
	}
}

// TestExitGivesTheTerminalBack: a process that ends at once draws nothing any more.
func TestExitGivesTheTerminalBack(t *testing.T) {
	var out bytes.Buffer
	size := func() int { return 80 }
	to := &status{w: &out, width: size, rows: size}
	if _, _, ok := to.enterScreen(); !ok {
		t.Fatal("no screen")
	}
	fmt.Fprintln(to, "held")
	to.atExit()
	if _, _, ok := to.enterScreen(); ok || !strings.HasSuffix(out.String(), "\x1b[?25h\x1b[?1049lheld\n") {
		t.Errorf("%v %q", ok, out.String())
	}
	to.draw([]string{"x"}, 80, 24)
	if strings.Contains(out.String(), "x") {
		t.Errorf("%q", out.String())
	}
}

// TestStuckTerminal: a terminal that takes nothing does not keep the process.
func TestStuckTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		began := time.Now()
		within(exitGrace, func() { <-stuck })
		if took := time.Since(began); took != exitGrace {
			t.Errorf("it took %v", took)
		}
		close(stuck)
		within(exitGrace, func() {})
		if took := time.Since(began); took != exitGrace {
			t.Errorf("it took %v", took)
		}
	})
}

// TestKeys: l shows the view and hides it, q hides it, and other keys are typed ahead.
func TestKeys(t *testing.T) {
	var out bytes.Buffer
	size := func() int { return 80 }
	p := &progress{to: &status{w: &out, width: size, rows: size, screen: screen{taking: true}}}
	for i, c := range []struct {
		keys         string
		view, taking bool
	}{{"", false, true}, {"l", true, true}, {"x", true, true}, {"l", false, true}, {"Lq", false, true}, {"ls\n", true, true}, {"q", false, true}, {"\n", false, false}} {
		p.press([]byte(c.keys))
		if p.view != c.view || p.to.taking != c.taking {
			t.Errorf("%d %q: %v %v", i, c.keys, p.view, p.to.taking)
		}
	}
}
