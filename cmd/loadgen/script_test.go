package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	stdflag "flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	stdsignal "os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/result"
	"loadgen/internal/result/resulttest"
	"loadgen/internal/server"
	"loadgen/internal/trtsim"
)

func TestMain(m *testing.M) {
	if os.Getenv("LOADGEN_AS_MAIN") != "" { // started by a loadgen that a test started
		main()
	}
	testscript.Main(tests{m}, map[string]func(){"loadgen": main})
}

// tests are run without what the user's environment says to the program.
type tests struct{ *testing.M }

func (t tests) Run() int {
	// These tests wait for processes most of the time; -parallel says otherwise.
	if err := stdflag.Set("test.parallel", strconv.Itoa(max(12, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	for _, name := range []string{"OPENAI_API_KEY", result.PyTorchEnv, "HF_HOME", "HF_HUB_CACHE",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
		os.Unsetenv(name)
	}
	// No test asks the hub. A name looked up in a bubble of synctest would also leave the
	// resolver with a channel that other bubbles must not use.
	os.Setenv("HF_HUB_OFFLINE", "1")
	return t.M.Run()
}

// port8000 is the port of the one script that asks for it, as its condition took it. To take it
// again would fail while a process that another test forks still has it.
var port8000 net.Listener

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HF_HOME", env.WorkDir)
			env.Defer(func() {
				if err := checkResults(env.WorkDir); err != nil {
					env.T().Fatal(err)
				}
			})
			env.Setenv("HF_HUB_OFFLINE", os.Getenv("HF_HUB_OFFLINE"))
			port, err := server.FreePort()
			env.Setenv("FREE", port)
			return err
		},
		Condition: func(cond string) (bool, error) {
			if cond != "port8000" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			var err error
			port8000, err = net.Listen("tcp", "127.0.0.1:8000")
			return err == nil, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"server":  startServer,
			"canned":  startCanned,
			"exits":   checkExit,
			"result":  checkResultFile,
			"samerun": sameRun,
		},
	})
}

// startServer runs the simulator for the script, on the port given or a free one,
// and sets URL and PORT: server [PORT [PROFILE [SPEED [DIRECTORY OF RECORDS]]]].
func startServer(ts *testscript.TestScript, _ bool, args []string) {
	port, name, speed := "0", "ideal", 1.0
	var err error
	if len(args) > 0 {
		port = args[0]
	}
	if len(args) > 1 {
		name = args[1]
	}
	if len(args) > 2 {
		speed, err = strconv.ParseFloat(args[2], 64)
		ts.Check(err)
	}
	l := port8000
	if port != "8000" {
		l, err = net.Listen("tcp", "127.0.0.1:"+port)
		ts.Check(err)
	}
	profile, err := trtsim.FindProfile(name)
	ts.Check(err)
	o := trtsim.Options{Profile: profile.Faster(speed), EarlyStop: true}
	if len(args) > 3 {
		file, err := os.Create(filepath.Join(ts.MkAbs(args[3]), trtsim.PerfFileName("host", 1, time.Now())))
		ts.Check(err)
		ts.Defer(func() { file.Close() })
		o.PerfLog, o.Disaggregated = file, true
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		trtsim.New(o).Serve(ctx, ctx, l)
	}()
	ts.Defer(func() { cancel(); <-done })
	announce(ts, l)
}

func announce(ts *testscript.TestScript, l net.Listener) {
	ts.Setenv("URL", "http://"+l.Addr().String())
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ts.Setenv("PORT", port)
}

// startCanned runs a server that answers every request with the bytes of a file
// (its LF as CRLF up to the blank line), then closes.
func startCanned(ts *testscript.TestScript, _ bool, args []string) {
	head, body, _ := strings.Cut(ts.ReadFile(args[0]), "\n\n")
	text := strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				io.Copy(io.Discard, r.Body)
				io.WriteString(conn, text)
			}()
		}
	}()
	announce(ts, l)
}

// checkExit runs a command that ends with an exit code: exits CODE COMMAND...
func checkExit(ts *testscript.TestScript, _ bool, args []string) {
	code := "0"
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = strconv.Itoa(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if code != args[0] {
		ts.Fatalf("exit %s, want %s", code, args[0])
	}
}

// checkResultFile checks that a result file is valid, and members of it: result FILE KEY=VALUE...
func checkResultFile(ts *testscript.TestScript, _ bool, args []string) {
	var v map[string]any
	text := []byte(ts.ReadFile(args[0]))
	ts.Check(resulttest.Check(text))
	ts.Check(json.Unmarshal(text, &v))
	for _, want := range args[1:] {
		path, value, _ := strings.Cut(want, "=")
		at := any(v)
		for _, key := range strings.Split(path, ".") {
			object, _ := at.(map[string]any)
			at = object[key]
		}
		if got := fmt.Sprint(at); got != value {
			ts.Fatalf("%s: %s is %s, want %s", args[0], path, got, value)
		}
	}
}

// sameRun checks that two dry runs send the same requests: samerun A B.
func sameRun(ts *testscript.TestScript, neg bool, args []string) {
	requests := func(name string) string {
		_, rest, _ := strings.Cut(ts.ReadFile(name), "\n")
		return rest
	}
	a, b := requests(args[0]), requests(args[1])
	if a == "" || b == "" {
		ts.Fatalf("no requests")
	}
	if (a == b) == neg {
		ts.Fatalf("requests of %s and %s: same %v", args[0], args[1], a == b)
	}
}

// command runs this program as loadgen.
func command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "loadgen"
	return cmd
}

func TestSignalsSaveWhatThereIs(t *testing.T) {
	t.Parallel()
	for signal, code := range map[syscall.Signal]int{syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			if stdsignal.Ignored(signal) { // as by nohup
				t.Skip("the signal is ignored here, and by what is started")
			}
			dir := t.TempDir()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			served := make(chan struct{}, 100)
			var requests atomic.Int32
			go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					http.NotFound(w, r)
					return
				}
				served <- struct{}{}
				if requests.Add(1) > 4 { // the fifth and later ones never end
					fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"a\"}]}\n\n")
					w.(http.Flusher).Flush()
					<-r.Context().Done()
					return
				}
				io.WriteString(w, benchtest.SSE(false, 3))
			}))
			cmd := command("--base-url", "http://"+l.Addr().String(), "--model", "m", "--tokenizer", "llama3", "--max-concurrency", "2", "--num-prompts", "50",
				"--dataset-name", "random", "--random-ids", "--save-result", "--save-detailed", "--result-dir", dir, "--result-filename", "r.json", "--no-test-input")
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			for range 6 {
				select {
				case <-served:
				case err := <-ended:
					t.Fatalf("%v\n%s", err, out.String())
				}
			}
			cmd.Process.Signal(signal)
			<-ended
			if got := cmd.ProcessState.ExitCode(); got != code {
				t.Errorf("exit %d, want %d\n%s", got, code, out.String())
			}
			var r resultFile
			readResultFile(t, filepath.Join(dir, "r.json"), &r)
			if r.Completed != 4 || len(r.TTFTs) != 6 || !r.Own.Interrupted || r.Own.Failures.ByClass["interrupted"] != 2 {
				t.Errorf("completed %d, arrays of %d, own %+v", r.Completed, len(r.TTFTs), r.Own)
			}
			for _, want := range []string{"interrupted: ending the open requests and saving what there is", "6 of 50 requests were sent, and 4 had completed", "\nFailed requests:                         0 ", "\nInterrupted requests:                    2 "} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), "CHECK LOG") || strings.Contains(out.String(), "requests failed") {
				t.Errorf("interrupted requests are called failed:\n%s", out.String())
			}
		})
	}
}

// BenchmarkStart is the time from the start of the program to its end, of a run
// that sends one request to a server that is there.
func BenchmarkStart(b *testing.B) {
	for _, words := range []string{"version", "--dry-run --model m --tokenizer llama3 --dataset-name random --random-ids --random-input-len 512 --num-prompts 100"} {
		b.Run(strings.Fields(words)[0], func(b *testing.B) {
			for b.Loop() {
				if err := command(strings.Fields(words)...).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
