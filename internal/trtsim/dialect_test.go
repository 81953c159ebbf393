package trtsim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestTranscripts compares what each dialect answers with transcripts, ids and
// times replaced.
func TestTranscripts(t *testing.T) {
	asks := []struct{ name, path, body string }{
		{"completions", "/v1/completions", `{"model":"m","prompt":"Hello","max_tokens":3,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true}`},
		{"completions without continuous usage", "/v1/completions", `{"model":"m","prompt":[1,2,3],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":false}}`},
		{"completions without usage", "/v1/completions", `{"model":"m","prompt":[1,2,3],"max_tokens":2,"stream":true}`},
		{"chat", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`},
		{"chat of two choices", "/v1/chat/completions", `{"model":"☂","messages":[{"role":"user","content":"Hi"}],"max_tokens":1,"n":2,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`},
		{"ids of two prompts", "/v1/completions", `{"model":"m","prompt":["Hello","é"],"max_tokens":1,"detokenize":false,"stream":true,"stream_options":{"include_usage":true}}`},
		{"completions whole", "/v1/completions", `{"model":"m","prompt":"Hello","max_tokens":2}`},
		{"chat whole", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":2}`},
		{"unknown field", "/v1/completions", `{"model":"m","prompt":"Hello","foo":1}`},
		{"wrong type", "/v1/chat/completions", `{"model":"m","messages":[],"max_tokens":"é"}`},
		{"logprobs", "/v1/completions", `{"model":"m","prompt":"Hello","max_tokens":1,"logprobs":1}`},
		{"too long", "/v1/completions", `{"model":"m","prompt":"Hello","max_tokens":999999}`},
	}
	gets := []string{"/health", "/health_generate", "/version", "/energy_metrics", "/steady_clock_offset", "/nothing"}
	for _, d := range dialects {
		t.Run(d.Name, func(t *testing.T) {
			var got strings.Builder
			withServer(t, Options{Profile: ideal, Model: "m", Dialect: d}, func(t *testing.T, p *pipes) {
				for _, a := range asks {
					r, body := ask(p, "POST", a.path, a.body)
					fmt.Fprintf(&got, "== %s: %d %s\n%s\n", a.name, r.StatusCode, r.Header.Get("Content-Type"), changing.ReplaceAllString(body, "${1}${2}X"))
				}
				for _, path := range gets {
					r, body := ask(p, "GET", path, "")
					fmt.Fprintf(&got, "== GET %s: %d %s %s\n", path, r.StatusCode, r.Header.Get("Content-Type"), clocks.ReplaceAllString(body, "X"))
				}
			})
			file := filepath.Join("testdata", "transcript_"+d.Name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}
