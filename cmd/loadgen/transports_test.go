package main

import (
	"bufio"
	"bytes"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"loadgen/internal/golden"
)

// TestStreamsThroughBothTransports sends the answers of the reference data over
// sockets, through the reactor and through the blocking transport: the result
// files must say the same but for times.
func TestStreamsThroughBothTransports(t *testing.T) {
	cases := 0
	for _, file := range golden.Files(t, "streams", "*.json") {
		var f struct {
			Backend string
			Args    []string
			Cases   []*streamsCase
		}
		golden.Read(t, file, &f)
		for _, c := range f.Cases {
			cases++
			t.Run(golden.Name(file)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				all.Go(func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						all.Go(func() {
							defer conn.Close()
							var req fasthttp.Request
							if req.Read(bufio.NewReader(conn)) != nil {
								return
							}
							x := &exchange{conn: conn, method: string(req.Header.Method()), body: bytes.Clone(req.Body())}
							if x.method == "GET" {
								x.reply("404 Not Found", "text/plain", "")
								return
							}
							c.answer(x)
						})
					}
				})
				for _, rule := range []string{"original", "strict"} {
					var got []resultFile
					for _, transport := range []string{"auto", "blocking"} {
						argv := append([]string{"--model", "m", "--tokenizer", "llama3", "--backend", f.Backend, "--dataset-name", "random", "--random-ids",
							"--random-input-len", "5", "--random-output-len", "8", "--num-prompts", "1", "--no-test-input", "--disable-tqdm", "--base-url", "http://" + l.Addr().String(),
							"--failures", rule, "--transport", transport, "--save-result", "--save-detailed", "--result-dir", dir, "--result-filename", "r.json"}, f.Args...)
						runPlan(t, argv, nil, nil)
						var r resultFile
						golden.Read(t, filepath.Join(dir, "r.json"), &r)
						r.Duration = 0
						for i := range r.TTFTs {
							r.TTFTs[i], r.E2ELs[i] = 0, 0
							r.ITLs[i] = make([]float64, len(r.ITLs[i]))
							r.Errors[i], _, _ = strings.Cut(r.Errors[i], ":")
						}
						got = append(got, r)
					}
					if !reflect.DeepEqual(got[0], got[1]) {
						t.Errorf("%s rules: reactor %+v\nblocking %+v", rule, got[0], got[1])
					}
				}
				l.Close()
				all.Wait()
			})
		}
	}
	t.Logf("%d answers, by two rules, through two transports", cases)
}
