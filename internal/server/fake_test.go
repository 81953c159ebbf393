//go:build unix

package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fakeMode is set for a test binary that is to be a server.
const fakeMode = "LOADGEN_FAKE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(fakeMode) != "" {
		os.Exit(fakeServer(os.Args[1:]))
	}
	os.Setenv(fakeMode, "1") // for what the tests start, and for what that starts
	os.Exit(m.Run())
}

// fakeServer is a server with faults. It answers /health, /v1/models, /version,
// /said with how it was started, and /die by ending with status 4.
func fakeServer(args []string) int {
	f := flag.NewFlagSet("fake", flag.ExitOnError)
	port := f.String("port", "", "")
	f.String("token", "", "marks the process")
	load := f.Duration("load", 0, "refuse connections for so long")
	until := f.String("until", "", "refuse connections until there is this file")
	words := f.String("words", "", "end while loading, after these words on stderr")
	status := f.Int("status", 200, "of /health")
	hang := f.Bool("hang", false, "ignore SIGTERM")
	code := f.Int("code", 0, "exit status at SIGTERM")
	worker := f.String("worker", "", "start a worker that ignores SIGTERM: in the group, in its own group or session, or as a daemon")
	work := f.Bool("work", false, "be that worker")
	f.Parse(args)
	if *work {
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("working")
		time.Sleep(time.Hour) // not for ever: the runtime would see a deadlock
	}
	signals := make(chan os.Signal, 1)
	if *hang {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(signals, syscall.SIGTERM)
	}
	fmt.Println("Started server process")
	if *worker != "" {
		startWorker(*worker, args)
	}
	if *words != "" {
		fmt.Fprintln(os.Stderr, *words)
		return 3
	}
	select {
	case <-time.After(*load):
	case <-signals:
		return *code
	}
	for *until != "" {
		if _, err := os.Stat(*until); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+*port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 5
	}
	go http.Serve(l, fakeRoutes(*status, f.Args()))
	<-signals
	return *code
}

func fakeRoutes(status int, rest []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"fake/model"}]}`)
	})
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version":"1.2.3"}`) })
	mux.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(4) })
	mux.HandleFunc("/said", func(w http.ResponseWriter, _ *http.Request) {
		dir, _ := os.Getwd()
		json.NewEncoder(w).Encode(said{rest, dir, os.Getenv("FAKE_VALUE"), os.Getpid(), syscall.Getpgrp()})
	})
	return mux
}

// said is how a fake server was started.
type said struct {
	Args       []string
	Dir, Value string
	Pid, Group int
}

// startWorker starts this program once more and waits until it ignores SIGTERM.
func startWorker(kind string, args []string) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, append([]string{"-work"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: kind == "session", Setpgid: kind == "group"}
	if kind == "daemon" { // whose parent ends at once
		cmd = exec.Command("sh", append([]string{"-c", `setsid "$@" &`, "sh"}, cmd.Args...)...)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		panic(err)
	}
}

// running are the processes that have the token among their arguments.
func running(t *testing.T, token string) (found []string) {
	t.Helper()
	dirs, _ := os.ReadDir("/proc")
	for _, d := range dirs {
		line, err := os.ReadFile("/proc/" + d.Name() + "/cmdline")
		if err == nil && strings.Contains(string(line), token) {
			found = append(found, d.Name()+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// trial is a server under test.
type trial struct {
	Options
	t     *testing.T
	token string
	mu    sync.Mutex
	notes []string
}

// newTrial describes a fake server. When the test ends no process of it may be
// left, and its port must refuse.
func newTrial(t *testing.T, flags ...string) *trial {
	t.Helper()
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	x := &trial{t: t, token: "token-" + rand.Text()}
	x.Options = Options{
		Name: "fake", Command: append([]string{self, "-token", x.token, "-port", port}, flags...), Log: filepath.Join(t.TempDir(), "logs", "fake.log"),
		BaseURL: "http://127.0.0.1:" + port, ReadyLimit: 20 * time.Second, Poll: 100 * time.Millisecond, StopLimit: 10 * time.Second, FreeLimit: 10 * time.Second,
		Note: func(format string, args ...any) {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.notes = append(x.notes, fmt.Sprintf(format, args...))
		},
	}
	t.Cleanup(x.checkNothingLeft)
	return x
}

func (x *trial) checkNothingLeft() {
	if left := running(x.t, x.token); len(left) > 0 {
		x.t.Errorf("left behind: %q", left)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(x.BaseURL, "http://")); err == nil {
		conn.Close()
		x.t.Error("the port still accepts")
	}
	if x.t.Failed() {
		x.t.Logf("notes: %q", x.notes)
	}
}

func (x *trial) start() *Server {
	x.t.Helper()
	s, err := Start(x.t.Context(), context.Background(), x.Options)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { s.Stop(context.Background()) }) // before the check
	return s
}

// fails starts and expects an error with all the words.
func (x *trial) fails(words ...string) {
	x.t.Helper()
	s, err := Start(x.t.Context(), context.Background(), x.Options)
	if err == nil {
		s.Stop(context.Background())
		x.t.Fatal("it started")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			x.t.Errorf("no %q in: %v", w, err)
		}
	}
}

func (x *trial) stop(s *Server) {
	x.t.Helper()
	if err := s.Stop(x.t.Context()); err != nil {
		x.t.Error(err)
	}
	select {
	case <-s.Exited():
	default:
		x.t.Error("stopped, but not exited")
	}
}

func (x *trial) noted(word string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.notes, func(note string) bool { return strings.Contains(note, word) })
}

// said asks a running fake server how it was started.
func (x *trial) said() (out said) {
	x.t.Helper()
	s, err := prepare(Options{BaseURL: x.BaseURL})
	if err != nil {
		x.t.Fatal(err)
	}
	s.ask(x.t.Context(), "/said", &out)
	if out.Pid == 0 {
		x.t.Fatal("the server does not say how it was started")
	}
	return out
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func needsProc(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
}

// newTrialOf is another server at the same place.
func newTrialOf(x *trial) *trial { return &trial{t: x.t, Options: x.Options, token: x.token} }
