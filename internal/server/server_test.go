//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStartAndStop(t *testing.T) {
	x := newTrial(t, "-load", "300ms", "-code", "7", "--", "a b", "it's", "")
	x.Dir, x.Env = t.TempDir(), []string{"FAKE_VALUE=one two"}
	s := x.start()
	if a := s.About(t.Context()); a != (About{"fake/model", "1.2.3"}) {
		t.Errorf("%+v", a)
	}
	dir, _ := filepath.EvalSymlinks(x.Dir)
	got := x.said()
	if diff := cmp.Diff(said{[]string{"a b", "it's", ""}, dir, "one two", s.Pid(), s.Pid()}, got); diff != "" {
		t.Error(diff)
	}
	if s.Exited() == nil {
		t.Error("no channel")
	}
	x.stop(s)
	x.stop(s)
	if s.err != nil {
		t.Errorf("a stop is a failure: %v", s.err)
	}
	if log, err := os.ReadFile(x.Log); err != nil || string(log) != "Started server process\n" {
		t.Errorf("%v %q", err, log)
	}
	if x.noted("killing") || !x.noted("is ready after") {
		t.Error("wrong notes")
	}
}

func TestHangAtStop(t *testing.T) {
	x := newTrial(t, "-hang")
	x.StopLimit = 300 * time.Millisecond
	s := x.start()
	began := time.Now()
	x.stop(s)
	if took := time.Since(began); took < x.StopLimit || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if !x.noted("not stopped 300ms after SIGTERM: killing") {
		t.Error("the kill is not reported")
	}
}

func TestStopIsHurried(t *testing.T) {
	x := newTrial(t, "-hang")
	s := x.start()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	if err := s.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	x.stop(s)
}

func TestDiesWhileLoading(t *testing.T) {
	words := "first"
	for i := range 25 {
		words += fmt.Sprintf("\nline %d of the reason", i)
	}
	x := newTrial(t, "-words", words)
	x.Poll = 15 * time.Second
	began := time.Now()
	x.fails("fake", "while it loads", "exit status 3", "line 24 of the reason", "line 5 of", x.Log)
	if took := time.Since(began); took > 10*time.Second { // before the next look, on a busy machine too
		t.Errorf("noticed after %v", took)
	}
	if _, err := Start(t.Context(), context.Background(), x.Options); strings.Contains(err.Error(), "line 4 of") {
		t.Errorf("more than 20 lines: %v", err)
	}
}

func TestDiesLater(t *testing.T) {
	needsProc(t)
	x := newTrial(t, "-worker", "session")
	x.StopLimit = time.Second
	s := x.start()
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	get(t.Context(), s.base, "/die")
	if err := s.Check(t.Context()); err == nil || err != s.err {
		t.Fatal("not noticed: ", err)
	}
	if err := s.err; err == nil || !strings.Contains(err.Error(), "ended by itself: exit status 4") || !strings.Contains(err.Error(), "Started server process") {
		t.Error(err)
	}
	x.stop(s)
}

func TestIsNotReadyAnyMore(t *testing.T) {
	x := newTrial(t)
	s := x.start()
	s.o.ReadyLimit = 200 * time.Millisecond
	path := s.o.ReadyPath
	s.o.ReadyPath = "/nothing"
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "fake is no longer ready: GET /nothing answers status 404") || s.err != nil {
		t.Error(err)
	}
	s.o.ReadyPath = path
	x.stop(s)
}

func TestNeverReady(t *testing.T) {
	needsProc(t)
	x := newTrial(t, "-status", "503", "-worker", "session", "-hang")
	x.ReadyLimit, x.StopLimit = time.Second, 200*time.Millisecond
	x.fails("not ready after 1s", "GET /health answers status 503", "allow more time", "Started server process")
}

func TestCancelled(t *testing.T) {
	x := newTrial(t, "-load", "1h", "-worker", "same")
	x.StopLimit = 200 * time.Millisecond
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	inner := x.Note
	x.Note = func(format string, args ...any) {
		inner(format, args...)
		time.AfterFunc(200*time.Millisecond, func() { cancel(why) })
	}
	if _, err := Start(ctx, context.Background(), x.Options); err != why {
		t.Error(err)
	}
}

func TestPortThatStaysInUse(t *testing.T) {
	x := newTrial(t)
	x.FreeLimit = 200 * time.Millisecond
	s := x.start()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.base.Host = l.Addr().String()
	if err := s.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "is stopped, but 200ms later something still accepts") {
		t.Error(err)
	}
	l.Close()
	x.stop(s)
}

func TestWorkersAreKilled(t *testing.T) {
	needsProc(t)
	for _, kind := range []string{"same", "group", "session", "daemon"} {
		t.Run(kind, func(t *testing.T) {
			x := newTrial(t, "-worker", kind)
			x.StopLimit = 500 * time.Millisecond
			s := x.start()
			if n := len(running(t, x.token)); n != 2 {
				t.Errorf("%d processes", n)
			}
			x.stop(s)
			if !x.noted("killing") {
				t.Error("the kill is not reported")
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	x := newTrial(t)
	s := x.start()
	second := newTrialOf(x)
	second.fails("not started", "answers there already", `model "fake/model"`, `version "1.2.3"`, "another port")
	if s.err != nil {
		t.Error("the first is hit")
	}
	x.stop(s)

	l, err := net.Listen("tcp", strings.TrimPrefix(x.BaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	second.fails("something accepts connections there")
}

func TestOnlyAURL(t *testing.T) {
	x := newTrial(t)
	s := x.start()
	only, err := Start(t.Context(), context.Background(), Options{BaseURL: x.BaseURL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	if a := only.About(t.Context()); a.Model != "fake/model" || only.Pid() != 0 {
		t.Errorf("%+v, pid %d", a, only.Pid())
	}
	if err := only.Stop(t.Context()); err != nil || s.err != nil {
		t.Error(err, s.err)
	}
	select {
	case <-only.Exited():
		t.Error("exited")
	default:
	}
	x.stop(s)
}

func TestCannotBeStarted(t *testing.T) {
	x := newTrial(t)
	good := x.Options
	plain := filepath.Join(t.TempDir(), "plain")
	os.WriteFile(plain, []byte("x"), 0o644)
	for _, bad := range []struct {
		change func(o *Options)
		word   string
	}{
		{func(o *Options) { o.Command = []string{"no-such-program"} }, "no-such-program"},
		{func(o *Options) { o.Command = []string{plain} }, "permission denied"},
		{func(o *Options) { o.Command = []string{} }, "command is empty"},
		{func(o *Options) { o.Prefix = []string{"no-such-docker", "exec"} }, "no-such-docker"},
		{func(o *Options) { o.Dir = plain }, "directory"},
		{func(o *Options) { o.Env = []string{"SECRET"} }, "entry 1 is not of the form KEY=VALUE"},
		{func(o *Options) { o.Env, o.Command = []string{"PATH=/nowhere"}, []string{"sh"} }, "not in the PATH"},
		{func(o *Options) { o.BaseURL = "127.0.0.1:8000" }, "URL"},
	} {
		x.Options = good
		bad.change(&x.Options)
		x.fails(bad.word)
		if _, err := os.Stat(good.Log); err == nil {
			t.Error("a log was created")
		}
	}
	x.Options = good
}

// TestWaiting: while a server is not ready, a line says why and for how long, at the
// interval asked for.
func TestWaiting(t *testing.T) {
	loaded := filepath.Join(t.TempDir(), "loaded")
	x := newTrial(t, "-until", loaded)
	var lines []string
	x.WaitEvery, x.ReadyLimit = 100*time.Millisecond, 30*time.Minute
	x.Waiting = func(line string) {
		if lines = append(lines, line); len(lines) == 2 {
			if err := os.WriteFile(loaded, nil, 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	x.BaseURL = strings.Replace(x.BaseURL, "http://", "http://user:SECRET@", 1)
	s := x.start()
	x.stop(s)
	want := "waiting for " + strings.Replace(x.BaseURL, "SECRET", "***", 1) + "/health: connection refused, "
	if len(lines) < 2 || !strings.HasPrefix(lines[0], want) || !strings.HasSuffix(lines[0], " s of 30 min") {
		t.Errorf("%q", lines)
	}
	x.BaseURL = strings.Replace(x.BaseURL, "user:SECRET@", "", 1) // for the check of the port
}

// TestURLThatRefuses: a server that is not started here is not waited for to its limit, and a
// shorter limit changes nothing about what is wrong.
func TestURLThatRefuses(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			began := time.Now()
			_, err := Start(t.Context(), context.Background(), Options{BaseURL: "http://u:SECRET@127.0.0.1:" + port, ReadyLimit: limit})
			if err == nil || !strings.Contains(err.Error(), "cannot be reached at http://u:***@127.0.0.1:"+port+": connection refused; start it first") {
				t.Error(err)
			}
			if took := time.Since(began); took > 4*refusedLimit {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 12 * time.Second: "12 s", 30 * time.Minute: "30 min", 90 * time.Second: "1 min 30 s", 2*time.Hour + 30*time.Minute: "2 h 30 min",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// A port must not accept connections after it was called free, whatever is forked meanwhile.
func TestFreePortIsFreeAmongForks(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if bindable(l.Addr().(*net.TCPAddr).Port) {
		t.Error("a port is called free that something listens on")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var forks sync.WaitGroup
	defer forks.Wait()
	defer cancel()
	forks.Go(func() {
		for ctx.Err() == nil {
			exec.Command("true").Run()
		}
	})
	for range 300 {
		port := freePort(t)
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			t.Fatalf("something accepts connections on port %s", port)
		}
	}
}
