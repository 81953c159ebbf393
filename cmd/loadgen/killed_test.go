package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"loadgen/internal/recording"
)

// TestKilledAtAnyMoment kills the program when it has been sent so many tokens: the timeline
// can be read, what is in it is a part of what was sent, and there is no half result, nor
// anything else that is left.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	const tokens, requests = 5, 40
	for moment := 0; moment <= tokens*requests; moment += 13 {
		t.Run(fmt.Sprintf("after %d tokens", moment), func(t *testing.T) {
			t.Parallel()
			dir, temporary := t.TempDir(), t.TempDir()
			cmd := command("--model", "m", "--tokenizer", "llama3", "--max-concurrency", "3", "--num-prompts", fmt.Sprint(requests), "--random-input-len", "5",
				"--dataset-name", "random", "--random-ids", "--save-result", "--result-dir", dir, "--result-filename", "r.json", "--no-test-input", "--save-timeline", filepath.Join(dir, "t"))
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			var sent, finished atomic.Int32
			var kill sync.Once
			started := make(chan struct{})
			go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					http.NotFound(w, r)
					return
				}
				for range tokens {
					if int(sent.Add(1)) > moment {
						kill.Do(func() { <-started; cmd.Process.Kill() })
					}
					fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"a\"}]}\n\n")
					w.(http.Flusher).Flush()
				}
				fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
				finished.Add(1)
			}))
			cmd.Args = append(cmd.Args, "--base-url", "http://"+l.Addr().String())
			cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			err = cmd.Wait()
			if killed := err != nil; killed != (moment < tokens*requests) {
				t.Fatalf("%v\n%s", err, out.String())
			}
			f, err := os.Open(filepath.Join(dir, "t"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rec, err := recording.Read(f)
			if err != nil || rec.Killed != (moment < tokens*requests) || len(rec.Planned) != requests || rec.Sent() > int(finished.Load()) || !rec.Killed && rec.Sent() != requests {
				t.Errorf("%v: %+v", err, rec)
			}
			left, _ := filepath.Glob(filepath.Join(dir, "*"))
			hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
			others, _ := os.ReadDir(temporary)
			if want := map[bool]int{true: 1, false: 3}[rec.Killed]; len(left) != want || len(hidden)+len(others) > 0 {
				t.Errorf("files %v %v %v", left, hidden, others)
			}
		})
	}
}
