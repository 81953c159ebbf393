package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"loadgen/internal/bench/benchtest"
)

// terminalTest is a shell in a terminal of tmux's, and a server that answers some requests and
// keeps the others waiting.
type terminalTest struct {
	*testing.T
	socket, dir string
	command     string // of a run of 40 requests, 4 at a time, of which 20 are answered
	release     chan struct{}
}

// newTerminal opens a terminal; the test is skipped where there is no tmux.
func newTerminal(t *testing.T, columns, rows int) *terminalTest {
	t.Helper()
	for _, program := range []string{"tmux", "bash", "stty"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	x := &terminalTest{T: t, dir: t.TempDir(), release: make(chan struct{})}
	x.socket = filepath.Join(x.dir, "tmux")
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" && asked.Add(1) > 20 {
			select {
			case <-x.release:
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, benchtest.SSE(false, 3))
	}))
	t.Cleanup(func() {
		select {
		case <-x.release:
		default:
			close(x.release)
		}
		server.Close()
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x.command = fmt.Sprintf("LOADGEN_AS_MAIN=1 %s --base-url %s --model m --tokenizer llama3 --dataset-name random --random-ids --random-input-len 4 --random-output-len 3 --num-prompts 40 --max-concurrency 4 --no-test-input",
		self, server.URL)
	x.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), "-c", x.dir, "PS1='$ ' TERM=screen bash --norc --noprofile")
	t.Cleanup(func() { exec.Command("tmux", "-S", x.socket, "kill-server").Run() })
	x.run("stty -g > before")
	return x
}

func (x *terminalTest) tmux(args ...string) string {
	x.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// run types a command line.
func (x *terminalTest) run(line string) {
	x.Helper()
	x.tmux("send-keys", "-l", line)
	x.tmux("send-keys", "Enter")
}

// until waits for something to show in what is looked at.
func (x *terminalTest) until(what string, look func() string) string {
	x.Helper()
	seen := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if seen = look(); strings.Contains(seen, what) {
			return seen
		}
	}
	x.Fatalf("no %q in\n%s", what, seen)
	return ""
}

// screen is what the terminal shows; escapes keeps colors.
func (x *terminalTest) screen(options ...string) func() string {
	return func() string { return x.tmux(append([]string{"capture-pane", "-p"}, options...)...) }
}

// state is whether the second screen is shown, and the cursor.
func (x *terminalTest) state() string {
	return x.tmux("display", "-p", "second screen #{alternate_on}, cursor #{cursor_flag}")
}

const (
	viewShown  = "second screen 1, cursor 0"
	viewHidden = "second screen 0, cursor 1"
)

// restored checks that the terminal is as it was before the run.
func (x *terminalTest) restored() {
	x.Helper()
	x.until(viewHidden, x.state)
	x.run("stty -g > after; echo look'ed'")
	x.until("looked", x.screen())
	before, err := os.ReadFile(filepath.Join(x.dir, "before"))
	after, also := os.ReadFile(filepath.Join(x.dir, "after"))
	if err != nil || also != nil || string(before) != string(after) {
		x.Errorf("the terminal is not what it was (%v %v):\n%s%s", err, also, before, after)
	}
}

// TestLiveViewInTerminals: the view fits terminals of all sizes, and follows when they change.
func TestLiveViewInTerminals(t *testing.T) {
	t.Parallel()
	x := newTerminal(t, 80, 24)
	x.run(x.command + " --live")
	for _, size := range [][2]int{{80, 24}, {60, 20}, {200, 50}, {59, 20}, {80, 24}} {
		x.tmux("resize-window", "-x", fmt.Sprint(size[0]), "-y", fmt.Sprint(size[1]))
		if size[0] < 60 {
			x.until("(the live view needs 60x10)", x.screen())
			continue
		}
		x.until(" 50 % "+strings.Repeat("█", (size[0]-21)/2), x.screen())
		for _, want := range []string{"20/40 requests", "4 in flight   16 queued", "requests/s", "tokens/s", "last 10 s, ", "run, 20 requests", "TTFT", "ITL", "TPOT", "E2EL", "failures  none", " so far: measurement error", "back to one line"} {
			x.until(want, x.screen())
		}
		const histogram = "TTFT, requests up to"
		if size[1] == 50 {
			x.until(histogram, x.screen())
		}
		text := x.screen()()
		if size[1] < 50 && strings.Contains(text, histogram) {
			t.Errorf("%v: a histogram in\n%s", size, text)
		}
		for line := range strings.Lines(text) {
			if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > size[0] {
				t.Errorf("%d columns in a terminal of %d: %q", n, size[0], line)
			}
		}
	}
	close(x.release)
	x.until("E2EL, requests up to", x.screen("-S", "-100"))
	x.restored()
}

// TestLiveKeys: l changes between the bar and the view; colors are not for everybody.
func TestLiveKeys(t *testing.T) {
	t.Parallel()
	x := newTerminal(t, 100, 24)
	x.run("NO_COLOR=1 " + x.command)
	x.until("20/40 [", x.screen())
	x.tmux("send-keys", "l")
	x.until("20/40 requests", x.screen())
	x.until(viewShown, x.state)
	if text := x.screen("-e")(); strings.Contains(text, "\x1b") {
		t.Errorf("colors in %q", text)
	}
	x.tmux("send-keys", "l")
	x.until(viewHidden, x.state)
	x.until("20/40 [", x.screen())
	x.tmux("send-keys", "l")
	x.until(viewShown, x.state)
	close(x.release)
	x.restored()
	if text := x.screen("-S", "-100")(); !strings.Contains(text, "40/40 [") || strings.Contains(text, "back to one line") {
		t.Errorf("%s", text)
	}
}

func TestLiveColors(t *testing.T) {
	t.Parallel()
	x := newTerminal(t, 80, 24)
	x.run(x.command + " --live")
	x.until("\x1b[32m", x.screen("-e"))
	close(x.release)
	x.restored()
}

// TestTypingAhead: what is typed for the shell is the shell's, but for the key that says so.
func TestTypingAhead(t *testing.T) {
	t.Parallel()
	x := newTerminal(t, 80, 24)
	x.run(x.command)
	x.until("20/40 [", x.screen())
	x.tmux("send-keys", "x")
	// With the first key that is not for loadgen lines are the terminal's again.
	x.until(" icanon", func() string {
		out, _ := exec.Command("stty", "-F", strings.TrimSpace(x.tmux("display", "-p", "#{pane_tty}")), "-a").Output()
		return string(out)
	})
	x.run("echo typed'-ahead'")
	close(x.release)
	x.until("\ntyped-ahead", x.screen())
	x.restored()
}

// TestDumbTerminal: without control sequences there is neither a bar nor a view.
func TestDumbTerminal(t *testing.T) {
	t.Parallel()
	x := newTerminal(t, 80, 24)
	close(x.release)
	x.run("TERM=dumb " + x.command + " --live 2> log; echo en'ded'")
	x.until("ended", x.screen())
	x.restored()
	log, err := os.ReadFile(filepath.Join(x.dir, "log"))
	if err != nil || strings.Contains(string(log), "\x1b") || !strings.Contains(string(log), "no live view") {
		t.Errorf("%v %q", err, log)
	}
}

// TestTerminalIsGivenBack: however the program ends, and while it is stopped.
func TestTerminalIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(x *terminalTest){
		"Ctrl-C":  func(x *terminalTest) { x.tmux("send-keys", "C-c") },
		"SIGTERM": func(x *terminalTest) { x.kill("TERM") },
		"SIGKILL": func(x *terminalTest) { x.kill("KILL") },
		"panic":   func(x *terminalTest) { x.kill("SEGV") }, // which ends the program as a panic does
		"stopped": func(x *terminalTest) {
			x.tmux("send-keys", "C-z")
			x.until("Stopped", x.screen())
			x.restored()
			x.run("fg")
			x.until(viewShown, x.state)
			x.kill("STOP") // which nothing can catch
			x.until("Stopped", func() string { x.tmux("send-keys", "Enter"); return x.screen()() })
			x.run("clear; fg")
			x.until("20/40 requests", x.screen())
			close(x.release)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTerminal(t, 80, 24)
			x.run("sh -c 'echo $$ > pid; exec \"$@\"' sh env " + x.command + " --live")
			x.until(viewShown, x.state)
			x.until("20/40 requests", x.screen())
			end(x)
			x.restored()
			if text := x.screen("-S", "-")(); name == "panic" && !strings.Contains(text, "SIGSEGV") {
				t.Errorf("the text of the panic is lost:\n%s", text)
			}
		})
	}
}

func (x *terminalTest) kill(signal string) {
	x.Helper()
	pid, err := os.ReadFile(filepath.Join(x.dir, "pid"))
	if err != nil {
		x.Fatal(err)
	}
	if out, err := exec.Command("kill", "-"+signal, strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
		x.Fatalf("kill: %v: %s", err, out)
	}
}
