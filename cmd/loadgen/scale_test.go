package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
)

const scaleExamples = "../../examples/scale/"

// bodiesServer is a server on an address that keeps what it is sent.
type bodiesServer struct {
	url    string
	mu     sync.Mutex
	bodies []string
}

// ServeHTTP answers a request; the server's only model is m.
func (b *bodiesServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == "GET" {
		if r.URL.Path == "/v1/models" {
			io.WriteString(w, `{"data":[{"id":"m"}]}`)
			return
		}
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.bodies = append(b.bodies, string(body))
	b.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, benchtest.SSE(false, 5))
}

// take returns the bodies since the last time, sorted.
func (b *bodiesServer) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.bodies
	b.bodies = nil
	slices.Sort(out)
	return out
}

func startBodies(t *testing.T) *bodiesServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bodiesServer{url: "http://" + l.Addr().String()}
	s := &http.Server{Handler: b}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return b
}

// scaleLoad is an open loop that the scripts are given besides their own flags.
var scaleLoad = []string{"--no-test-input", "--tokenizer", "llama3", "--random-input-len", "20", "--random-output-len", "5", "--seed", "9",
	"--num-prompts", "60", "--request-rate", "100"}

// runBash runs a script of the examples in a directory; loadgen is this program.
func runBash(t *testing.T, dir string, env []string, words ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", words...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), env...), time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", words, err, out)
	}
	return string(out)
}

// scriptOf is the absolute path of an example.
func scriptOf(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(scaleExamples + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// readMerged merges the recordings of a directory and reads what came of it.
func readMerged(t *testing.T, dir string) *recording.Recording {
	t.Helper()
	name := filepath.Join(t.TempDir(), "all.timeline")
	if out, err := command("merge", "--timeline", name, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rec, err := readRecording(name)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// sameSchedule checks that two runs have planned and sent the same requests at the same due
// times.
func sameSchedule(t *testing.T, one, many *recording.Recording) {
	t.Helper()
	if one.Prompts != many.Prompts || !slices.Equal(one.Planned, many.Planned) || one.Sent() != many.Sent() || one.Sent() != len(one.Planned) {
		t.Fatalf("one process sent %d of %d with the digest %s, all ranks %d of %d with %s", one.Sent(), len(one.Planned), one.Prompts, many.Sent(), len(many.Planned), many.Prompts)
	}
	for i := range one.Planned {
		if a, b := one.Result(i).Due-one.Start, many.Result(i).Due-many.Start; a != b {
			t.Errorf("request %d is due at %v in one process, and at %v in several", i, a, b)
		}
	}
}

// alone runs the load in one process.
func alone(t *testing.T, b *bodiesServer) (*recording.Recording, []string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "one.timeline")
	args := append([]string{"--base-url", b.url, "--max-concurrency", "64", "--save-timeline", name, "--result-dir", filepath.Dir(name), "--disable-tqdm"}, scaleLoad...)
	if out, err := command(args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rec, err := readRecording(name)
	if err != nil {
		t.Fatal(err)
	}
	return rec, b.take()
}

// TestMPIRun: under mpirun four ranks send what one process does.
func TestMPIRun(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("mpirun"); err != nil {
		t.Skip("there is no mpirun; Debian has it in openmpi-bin and mpich")
	}
	b := startBodies(t)
	one, want := alone(t, b)
	dir := t.TempDir()
	out := runBash(t, dir, []string{"RUN=run", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_btl_base_warn_component_unused=0"},
		append([]string{scriptOf(t, "mpirun.sh"), b.url}, scaleLoad...)...)
	if got := b.take(); !slices.Equal(got, want) {
		t.Errorf("%d requests, want the %d of one process", len(got), len(want))
	}
	many := readMerged(t, filepath.Join(dir, "run"))
	sameSchedule(t, one, many)
	if len(many.Parts) != 4 || !strings.Contains(out, "60 of 60 requests completed") {
		t.Errorf("%d ranks\n%s", len(many.Parts), out)
	}
	if _, err := os.Stat(filepath.Join(dir, "run.json")); err != nil {
		t.Error(err)
	}
}

// srun starts as many tasks as the job has, with the variables that Slurm's sets.
const srun = `#!/bin/bash
while [[ $1 == --* ]]; do shift; done
for ((i = 0; i < SLURM_NTASKS; i++)); do
  SLURM_PROCID=$i SLURM_STEP_NUM_TASKS=$SLURM_NTASKS "$@" &
done
wait
`

// TestSlurmScript runs the script of the job with an srun that starts its tasks here.
func TestSlurmScript(t *testing.T) {
	t.Parallel()
	b := startBodies(t)
	one, want := alone(t, b)
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "srun"), []byte(srun), 0o777); err != nil {
		t.Fatal(err)
	}
	runBash(t, dir, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "SLURM_JOB_ID=17", "SLURM_NTASKS=4", "SLURM_PROCID=0"},
		append([]string{scriptOf(t, "slurm.sh"), b.url, "--wait-ready", "0"}, scaleLoad...)...)
	if got := b.take(); !slices.Equal(got, want) {
		t.Errorf("%d requests, want the %d of one process", len(got), len(want))
	}
	sameSchedule(t, one, readMerged(t, filepath.Join(dir, "loadgen-17")))
}

// TestScaleScripts: the scripts are right as far as a shell can tell without running them.
func TestScaleScripts(t *testing.T) {
	scripts, err := filepath.Glob(scaleExamples + "*.sh")
	if err != nil || len(scripts) != 2 {
		t.Fatal(scripts, err)
	}
	for _, name := range scripts {
		if out, err := exec.Command("bash", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if info, err := os.Stat(name); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be executed", name)
		}
	}
}

// ip runs ip(8).
func ip(words ...string) error {
	out, err := exec.Command("ip", words...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(words, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// TestNetworkNamespaces: three hosts with addresses of their own load a fourth, and are one
// run. All of the network is in the namespaces.
func TestNetworkNamespaces(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("network namespaces are Linux's")
	}
	prefix := fmt.Sprintf("lg%d-", os.Getpid())
	server := prefix + "server"
	if err := ip("netns", "add", server); err != nil {
		t.Skipf("there are no network namespaces to be had: %v", err)
	}
	t.Cleanup(func() { _ = ip("netns", "del", server) })
	steps := [][]string{{"-n", server, "link", "add", "br0", "type", "bridge"}, {"-n", server, "addr", "add", "10.77.0.1/24", "dev", "br0"},
		{"-n", server, "link", "set", "br0", "up"}, {"-n", server, "link", "set", "lo", "up"}}
	var hosts []string
	for i := range 3 {
		host, port := fmt.Sprintf("%sh%d", prefix, i), fmt.Sprintf("port%d", i)
		if err := ip("netns", "add", host); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ip("netns", "del", host) })
		steps = append(steps, []string{"-n", server, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host},
			[]string{"-n", server, "link", "set", port, "master", "br0", "up"},
			[]string{"-n", host, "addr", "add", fmt.Sprintf("10.77.0.%d/24", 10+i), "dev", "eth0"}, []string{"-n", host, "link", "set", "eth0", "up"})
		hosts = append(hosts, host)
	}
	for _, s := range steps {
		if err := ip(s...); err != nil {
			t.Skipf("no network can be made in namespaces: %v", err)
		}
	}
	within := func(host string, words ...string) *exec.Cmd {
		c := command(words...)
		return exec.Command("ip", append([]string{"netns", "exec", host, c.Path}, words...)...)
	}
	dir := t.TempDir()
	load := append([]string{"--base-url", "http://10.77.0.1:8000", "--model", "m", "--wait-ready", "20s", "--max-concurrency", "64", "--disable-tqdm", "--result-dir", dir}, scaleLoad...)
	run := func(cmds ...*exec.Cmd) {
		t.Helper()
		var all sync.WaitGroup
		for _, c := range cmds {
			c.Env = append(os.Environ(), "LOADGEN_AS_MAIN=1")
			all.Go(func() {
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("%q: %v\n%s", c.Args, err, out)
				}
			})
		}
		all.Wait()
	}
	sim := within(server, "sim", "--host", "10.77.0.1", "--port", "8000", "--model", "m", "--quiet")
	sim.Env = append(os.Environ(), "LOADGEN_AS_MAIN=1")
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Process.Kill(); sim.Wait() })

	run(within(hosts[0], append(load, "--save-timeline", filepath.Join(dir, "one.timeline"))...))
	var ranks []*exec.Cmd
	for i, host := range hosts {
		ranks = append(ranks, within(host, append(load, "--rank", fmt.Sprintf("%d/3", i), "--barrier", filepath.Join(dir, "run"), "--save-timeline", filepath.Join(dir, "run", "r.timeline"))...))
	}
	run(ranks...)
	if t.Failed() {
		return
	}
	one, err := readRecording(filepath.Join(dir, "one.timeline"))
	if err != nil {
		t.Fatal(err)
	}
	many := readMerged(t, filepath.Join(dir, "run"))
	sameSchedule(t, one, many)
	if len(many.Parts) != 3 {
		t.Errorf("%d ranks", len(many.Parts))
	}
	for i, r := range many.All() {
		if r.Err != nil {
			t.Errorf("request %d: %v", i, r.Err)
		}
	}
}
