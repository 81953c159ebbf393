package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// simulator is a running loadgen sim.
type simulator struct {
	cmd *exec.Cmd
	url string
	log *strings.Builder
}

// startSimulator starts one and waits for its first line.
func startSimulator(t *testing.T, args ...string) *simulator {
	t.Helper()
	s := &simulator{cmd: command(append([]string{"sim", "--port", "0"}, args...)...), log: &strings.Builder{}}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait() // which ends its log
		t.Fatalf("%v: %s", err, s.log)
	}
	s.url = strings.TrimPrefix(strings.TrimSpace(line), "listening on ")
	return s
}

const slowRequest = `{"model":"m","prompt":"x","max_tokens":100,"stream":true,"ignore_eos":true}`

func TestSimulatorWaitsForOpenStreams(t *testing.T) {
	t.Parallel()
	s := startSimulator(t)
	r, err := http.Post(s.url+"/v1/completions", "application/json", strings.NewReader(slowRequest))
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.refuses(t)
	s.cmd.Process.Signal(syscall.SIGTERM) // does not hasten it
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
		t.Errorf("the stream ends with %v and %q", err, body[max(len(body)-50, 0):])
	}
	s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit %d", code)
	}
	for _, line := range []string{"Started server process [", "Application startup complete.", `"POST /v1/completions HTTP/1.1" 200 OK`, "events, late by", "INFO:     Shutting down", "Waiting for connections to close.", "Application shutdown complete.", "INFO:     Finished server process ["} {
		if !strings.Contains(s.log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, s.log)
		}
	}
}

// refuses waits until it takes no more connections.
func (s *simulator) refuses(t *testing.T) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("it still listens")
}

func TestSimulatorsStreamsEndWithAnInterruptAfterASignal(t *testing.T) {
	t.Parallel()
	s := startSimulator(t)
	r, err := http.Post(s.url+"/v1/completions", "application/json", strings.NewReader(strings.Replace(slowRequest, "100", "100000", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.refuses(t)
	s.cmd.Process.Signal(syscall.SIGINT)
	if _, err := io.ReadAll(r.Body); err == nil {
		t.Error("the stream ended well")
	}
	s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit %d", code)
	}
}

func TestSimulatorRefusesWhileItLoads(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if out, err := command("sim", "--port", port).CombinedOutput(); err == nil || !strings.Contains(string(out), "cannot listen") {
		t.Errorf("on a port that is taken: %v %s", err, out)
	}
	if out, err := command("sim", "--port", port, "--load-time", "1h").CombinedOutput(); err == nil || !strings.Contains(string(out), "Failed to bind socket") {
		t.Errorf("before loading, on a port that is taken: %v %s", err, out)
	}
	l.Close()
	start := time.Now()
	s := startSimulator(t, "--load-time", "300ms", "--port", port)
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("it listened after %v", took)
	}
	if r, err := http.Get(s.url + "/health"); err != nil || r.StatusCode != 200 {
		t.Errorf("%v %v", r, err)
	}
}

func TestSimulatorHangsAndDies(t *testing.T) {
	t.Parallel()
	hanging := startSimulator(t, "--hang-on-stop")
	hanging.cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(200 * time.Millisecond)
	if r, err := http.Get(hanging.url + "/health"); err != nil || r.StatusCode != 200 {
		t.Errorf("it ended on a signal: %v", err)
	}
	broken := startSimulator(t, "--unhealthy-after", "1ns")
	if r, err := http.Get(broken.url + "/health"); err != nil || r.StatusCode != 503 {
		t.Errorf("it is healthy: %v", err)
	}
	dying := startSimulator(t, "--die-after", "500ms")
	dying.cmd.Wait()
	if code := dying.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit %d", code)
	}
}

// TestSimulatorsWorkersEndWithIt counts the processes whose parent it is.
func TestSimulatorsWorkersEndWithIt(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	t.Parallel()
	s := startSimulator(t, "--workers", "2")
	parent := strconv.Itoa(s.cmd.Process.Pid)
	var workers []string
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		data, _ := os.ReadFile(file)
		_, after, _ := strings.Cut(string(data), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == parent {
			workers = append(workers, filepath.Dir(file))
		}
	}
	if len(workers) != 2 {
		t.Errorf("%d workers", len(workers))
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit %d\n%s", code, s.log)
	}
	for _, w := range workers {
		if _, err := os.Stat(w); err == nil {
			t.Errorf("the worker %s is still there", w)
		}
	}
}
