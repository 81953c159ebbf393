package docs_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"loadgen/internal/lazy"
	"loadgen/internal/server"
	"loadgen/internal/trtsim"
)

// notRun are the blocks of shell that no test can run, by their first line, and what they need.
// Their syntax is checked, and that the targets of make and the files in examples are there.
func notRun() map[string]string {
	return map[string]string{
		"go test ./...": "runs this test",
		"make build":    "the build of everything",
		"docker cp loadgen CONTAINER:/usr/local/bin/":                   "a container",
		"docker build -t loadgen .":                                     "Docker and its hub",
		"kubectl apply -f examples/kubernetes/job.yaml":                 "a cluster",
		"sbatch examples/slurm/loadgen.sbatch":                          "Slurm",
		"loadgen --max-concurrency 64 --save-requests requests.parquet": "DuckDB, and results of a comparison",
		"loadgen sweep --base-url http://HOST:8000                        # concurrency 1, 2, 4, ... to saturation": "minutes of load",
		"loadgen slo --base-url http://HOST:8000 --p99-ttft 500ms --p99-itl 50ms --goodput 99%":                     "minutes of load",
		"loadgen report --across-clients bench/original bench/loadgen":                                              "results of another client",
	}
}

// before is what a reader of a page has done already.
func before(page string) string {
	if filepath.Base(page) == "automation.md" {
		return "loadgen compare --init plan.yaml"
	}
	return ""
}

// block is a fenced block of a page.
type block struct {
	page, lang, text string
	line             int
}

func (b block) first() string { first, _, _ := strings.Cut(b.text, "\n"); return first }

// blocks are the fenced blocks of a page.
func blocks(t *testing.T, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	open := false
	for i, line := range strings.Split(string(text), "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !open:
			all = append(all, block{page: page, lang: lang, line: i + 1})
		case !fence && open:
			all[len(all)-1].text += line + "\n"
		}
		if fence {
			open = !open
		}
	}
	return all
}

var commandLine = lazy.Regexp(`(?m)^loadgen [a-z-]`)

// shell reports whether a block is for a shell.
func (b block) shell() bool {
	return b.lang == "sh" || b.lang == "" && commandLine.Get().MatchString(b.text)
}

// wrapper is the program as the blocks start it: a benchmark sends few requests, a comparison of
// a plan or of the demo is a dry run, and a simulator runs on in the background.
const wrapper = `#!/bin/bash
case "$1" in
sim)
  "$LOADGEN_REAL" "$@" > /dev/null 2>&1 &
  echo $! >> "$LOADGEN_PIDS"
  last=
  for port in "$@"; do [ "$last" = --port ] && break; last=$port; done
  until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do kill -0 $! || exit 1; done ;;
sweep) exec "$LOADGEN_REAL" "$@" --random-output-len 2 --min-requests 5 --max-requests 5 ;;
slo) exec "$LOADGEN_REAL" "$@" --random-output-len 2 --to 2 ;;
compare)
  case "$*" in
  *--init*|*--help*|*--dry-run*) exec "$LOADGEN_REAL" "$@" ;;
  *) exec "$LOADGEN_REAL" "$@" --dry-run ;;
  esac ;;
-h|--help*|--version) exec "$LOADGEN_REAL" "$@" ;;
--*)
  case "$*" in
  *--sim*) ;;
  *) export LOADGEN_PORT=$PORT ;; # in place of 8000
  esac
  case "$*" in
  *--dry-run*) exec "$LOADGEN_REAL" "$@" ;;
  *"--ramp-up "*) exec "$LOADGEN_REAL" "$@" --num-prompts 50 ;; # enough requests for the ramp to end
  *) exec "$LOADGEN_REAL" "$@" --num-prompts 4 ;;
  esac ;;
*) exec "$LOADGEN_REAL" "$@" ;;
esac
`

// TestDocs runs what the README and the pages of docs say to type, page by page from top to
// bottom, with a simulated server where one is expected on port 8000.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	if testing.Short() {
		t.Skip("the program that it builds is not under the race detector")
	}
	program := filepath.Join(t.TempDir(), "loadgen")
	if out, err := exec.Command("go", "build", "-o", program, "loadgen/cmd/loadgen").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("LOADGEN_REAL", program)
	t.Setenv("HF_HUB_OFFLINE", "1") // no command asks the hub, or a server of the user's
	for _, name := range []string{"OPENAI_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "")
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../README.md")
	url := docsServer(t)
	used, ran := map[string]bool{}, 0
	t.Run("pages", func(t *testing.T) {
		for _, page := range pages {
			all := blocks(t, page)
			for _, b := range all {
				if b.shell() {
					used[b.first()] = true
					ran++
				}
			}
			t.Run(filepath.Base(page), func(t *testing.T) {
				t.Parallel()
				runPage(t, all, url)
			})
		}
	})
	if ran < 30 {
		t.Errorf("%d blocks of shell were found, want 30 or more", ran)
	}
	for first := range notRun() {
		if !used[first] {
			t.Errorf("no page has the block that is not run: %s", first)
		}
	}
}

// docsServer is a fast simulator.
func docsServer(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	profile, err := trtsim.FindProfile("ideal")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		trtsim.New(trtsim.Options{Profile: profile.Faster(20)}).Serve(ctx, ctx, l)
	}()
	t.Cleanup(func() { cancel(); <-done })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// runPage runs the blocks of a page in one directory.
func runPage(t *testing.T, all []block, port string) {
	dir := t.TempDir()
	for name, text := range map[string]string{"loadgen": wrapper} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "work")
	if err := os.Mkdir(work, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(work, "examples")); err != nil {
		t.Fatal(err)
	}
	if len(all) > 0 && before(all[0].page) != "" {
		runBlock(t, filepath.Base(all[0].page), block{text: before(all[0].page)}, dir, port)
	}
	for _, b := range all {
		place := fmt.Sprintf("%s:%d", filepath.Base(b.page), b.line)
		if name, ok := strings.CutPrefix(b.first(), "# "); ok && b.lang == "yaml" && strings.HasSuffix(name, ".yaml") && !strings.Contains(name, "/") {
			if err := os.WriteFile(filepath.Join(work, name), []byte(strings.ReplaceAll(b.text, ":8000", ":"+port)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if !b.shell() {
			continue
		}
		if why := notRun()[b.first()]; why != "" {
			checkSyntax(t, place, b, root)
			continue
		}
		runBlock(t, place, b, dir, port)
	}
}

// checkSyntax checks a block that is not run.
func checkSyntax(t *testing.T, place string, b block, root string) {
	t.Helper()
	cmd := exec.Command("bash", "-n")
	cmd.Stdin = strings.NewReader(b.text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", place, err, out)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^make ([a-z-]+)`).FindAllStringSubmatch(b.text, -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("%s: the Makefile has no target %s", place, m[1])
		}
	}
	for _, file := range regexp.MustCompile(`examples/[a-z./_-]+`).FindAllString(b.text, -1) {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// runBlock runs a block with the program first in the path. A simulator that it starts gets a
// port of its own.
func runBlock(t *testing.T, place string, b block, dir, port string) {
	t.Helper()
	var err error
	text := strings.ReplaceAll(b.text, "go run ./cmd/loadgen ", "loadgen ")
	if strings.Contains(text, "loadgen sim") {
		if port, err = server.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	text = strings.NewReplacer("HOST:8000", "127.0.0.1:"+port, "10.0.0.1:8000", "127.0.0.1:"+port, "10.0.0.2:8000", "localhost:"+port, "127.0.0.1:8000", "127.0.0.1:"+port, "--port 8000", "--port "+port, "/tmp/bench", "bench", "--metrics-addr 9400", "--metrics-addr 0").Replace(text)
	pids := filepath.Join(dir, "pids")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	cmd.WaitDelay = time.Second // a simulator may hold its standard error
	cmd.Dir = filepath.Join(dir, "work")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "LOADGEN_PIDS="+pids, "PORT="+port)
	out, err := cmd.CombinedOutput()
	if list, readErr := os.ReadFile(pids); readErr == nil {
		exec.Command("kill", strings.Fields(string(list))...).Run()
		os.Remove(pids)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 && strings.Contains(b.text, "--gate") {
		return // this machine's speed decides whether a gate is met
	}
	if err != nil {
		if len(out) > 2000 {
			out = out[len(out)-2000:]
		}
		t.Errorf("%s: %v\n%s\n%s", place, err, text, out)
	}
}
