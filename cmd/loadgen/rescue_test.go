package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadgen/internal/recording"
)

// TestNoSignalLosesAFinishedRun: after the last answer, and before the result is computed, a run may
// wait for the server. A second signal does not lose it then, and the third saves its timelines.
func TestNoSignalLosesAFinishedRun(t *testing.T) {
	t.Parallel()
	for _, signals := range []int{2, 3} {
		t.Run(fmt.Sprint(signals), func(t *testing.T) {
			t.Parallel()
			const requests = 20
			dir := t.TempDir()
			over, goOn := make(chan struct{}), make(chan struct{})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/v1/completions":
					fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
				case "/stop_profile":
					close(over)
					<-goOn
				case "/start_profile":
				default:
					http.NotFound(w, r)
				}
			}))
			cmd := command("--model", "m", "--tokenizer", "llama3", "--max-concurrency", "3", "--num-prompts", fmt.Sprint(requests), "--random-input-len", "5", "--dataset-name", "random",
				"--random-ids", "--no-test-input", "--save-result", "--result-dir", dir, "--result-filename", "r.json", "--base-url", "http://"+l.Addr().String(), "--profile")
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stderr)
			await := func(text string) {
				t.Helper()
				for {
					line, err := lines.ReadString('\n')
					if strings.Contains(line, text) {
						return
					}
					if err != nil {
						t.Fatalf("it ended without saying %q", text)
					}
				}
			}
			<-over
			for _, text := range []string{"interrupted", "being computed and saved", "writing the timelines"}[:signals] {
				cmd.Process.Signal(syscall.SIGINT)
				await(text)
				time.Sleep(together) // what comes sooner is the same signal
			}
			if signals == 2 {
				close(goOn)
			} else {
				defer close(goOn)
			}
			rest, _ := io.ReadAll(lines)
			if cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
				t.Errorf("%v\n%s", cmd.ProcessState, rest)
			}
			if signals == 2 {
				var r resultFile
				if readResultFile(t, filepath.Join(dir, "r.json"), &r); r.Completed != requests {
					t.Errorf("%d completed", r.Completed)
				}
				return
			}
			f, err := os.Open(filepath.Join(dir, "r.timeline"))
			if err != nil {
				t.Fatal(err, string(rest))
			}
			defer f.Close()
			if rec, err := recording.Read(f); err != nil || rec.Sent() != requests || rec.Elapsed <= 0 {
				t.Errorf("%v: %+v", err, rec)
			}
		})
	}
}
