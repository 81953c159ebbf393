package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
)

// TestWaitsAreSeen: whoever waits sees each ten seconds what for, on a terminal each second in
// one line that other lines take the place of.
func TestWaitsAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, columns := range []int{0, 40} {
			var out bytes.Buffer
			to := &status{w: &out}
			if columns > 0 {
				to.width = func() int { return columns }
			}
			w := &waits{to: to}
			w.on("waiting for x: refused", 30*time.Minute)
			time.Sleep(10*time.Second + time.Millisecond)
			w.on("waiting for x: it answers 503 \"\x1b[2J\"", 30*time.Minute)
			time.Sleep(10 * time.Second)
			fmt.Fprintln(to, "loadgen: a note")
			w.on("", 0)
			time.Sleep(time.Minute)
			w.on("computing", 0)
			time.Sleep(9 * time.Second)
			w.end()
			w.end()
			text := out.String()
			if columns == 0 {
				const want = "loadgen: waiting for x: refused, 10 s of 30 min\nloadgen: waiting for x: it answers 503 \"\\x1b[2J\", 20 s of 30 min\nloadgen: a note\n"
				if text != want {
					t.Errorf("%q\nwant %q", text, want)
				}
				continue
			}
			lines := strings.Split(text, "\r")
			if n := strings.Count(text, "\x1b[K"); n != 20+1+9+1 {
				t.Errorf("%d writes over the line in %q", n, text)
			}
			for _, want := range []string{"loadgen: waiting for x: refused, 3 s of\x1b[K", "\x1b[Kloadgen: a note\n", "loadgen: computing, 9 s so far\x1b[K"} {
				if !slices.Contains(lines, want) {
					t.Errorf("no %q in %q", want, lines)
				}
			}
		}
	})
}

// TestWaitReadyIsSeen: a run that waits for a server says what keeps it.
func TestWaitReadyIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := &benchtest.Memory{Handle: func(x *benchtest.Exchange) {
			switch {
			case time.Since(began) < 25*time.Second:
				x.Reply("503 Service Unavailable", "text/plain", "loading")
			case x.Method == "GET":
				x.Reply("200 OK", "text/plain", "")
			default:
				x.Reply("200 OK", "text/event-stream", benchtest.SSE(false, 3))
			}
		}}
		got := runPlan(t, strings.Fields("--wait-ready 30m --model m --tokenizer llama3 --dataset-name random --random-ids --num-prompts 1 --disable-tqdm"), nil, m.Dial)
		m.Wait()
		const want = "loadgen: waiting for http://127.0.0.1:8000/health: it answers 503 \"loading\", 10 s of 30 min\nloadgen: waiting for http://127.0.0.1:8000/health: it answers 503 \"loading\", 20 s of 30 min\n"
		if got.exit != exitOK || !strings.HasPrefix(got.stderr, want) {
			t.Errorf("exit %d: %s", got.exit, got.stderr)
		}
	})
}

// A note is not cut within a word where the terminal ends.
func TestNotesFitTheTerminal(t *testing.T) {
	const note = "no live view: standard error is not a terminal that can show one; progress is logged in its place"
	for width, want := range map[int]string{
		100: "loadgen: no live view: standard error is not a terminal that can show one;\n         progress is logged in its place\n",
		60:  "loadgen: no live view: standard error is not a terminal that\n         can show one; progress is logged in its place\n",
		0:   "loadgen: " + note + "\n", // no terminal: what reads it does not look for a second line
	} {
		var out bytes.Buffer
		st := &status{w: &out}
		if width > 0 {
			st.width = func() int { return width }
		}
		(&benchmark{s: streams{err: st}}).log("%s", note)
		if out.String() != want {
			t.Errorf("%d columns: %q, want %q", width, out.String(), want)
		}
	}
}
