//go:build unix

package server

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
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
