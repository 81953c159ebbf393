package bench_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/console"
	"loadgen/internal/golden"
	"loadgen/internal/recording"
	"loadgen/pkg/report"
)

// streamsCase is a case of testdata/golden/streams.
type streamsCase struct {
	Name     string
	Response struct {
		Body         *string
		Made         string `json:"body_made_of"`
		Status, Type string
		Chunk, Cut   int
		Gzip         int
		Drop, Latin1 bool
	}
	Success bool
	Error   *string
	Text    *string `json:"generated_text"`
	Len     int     `json:"output_len"`
	TTFT    string
	ITLs    int `json:"itl_count"`
	Latency string
	PerIter json.RawMessage `json:"avg_decoded_tokens_per_iter"`
	Printed []string
	Died    *string `json:"died_with"`
}

// unmade writes out what the data abbreviate.
func unmade(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n := 0
		fmt.Sscan(m[2], &n)
		return strings.Repeat(m[1], n)
	})
}

var repeated = regexp.MustCompile(`<?(.) repeated (\d+) times>?`)

// answer sends the case's response.
func (c *streamsCase) answer(x *benchtest.Exchange) {
	r := c.Response
	if r.Drop {
		return
	}
	body := []byte(unmade(r.Made))
	if r.Body != nil {
		body = []byte(*r.Body)
	}
	if r.Latin1 {
		var narrow []byte
		for _, c := range string(body) {
			narrow = append(narrow, byte(c))
		}
		body = narrow
	}
	head := "HTTP/1.1 200 OK\r\n"
	if r.Status != "" {
		head = "HTTP/1.1 " + r.Status + "\r\n"
	}
	if r.Type == "" {
		r.Type = "text/event-stream"
	}
	head += "Content-Type: " + r.Type + "\r\n"
	if r.Gzip > 0 {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write(body)
		w.Close()
		body = packed.Bytes()
		head += "Content-Encoding: gzip\r\n"
	}
	if r.Chunk == 0 {
		fmt.Fprintf(x.Conn, "%sContent-Length: %d\r\n\r\n", head, len(body)+r.Cut)
		x.Conn.Write(body)
		return
	}
	fmt.Fprintf(x.Conn, "%sTransfer-Encoding: chunked\r\n\r\n", head)
	for len(body) > 0 {
		n := min(r.Chunk, len(body))
		fmt.Fprintf(x.Conn, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
		time.Sleep(2 * time.Millisecond)
	}
	if r.Cut == 0 {
		fmt.Fprint(x.Conn, "0\r\n\r\n")
	}
}

func signWord(seconds float64) string {
	switch {
	case seconds == -1:
		return "minus one"
	case seconds > 0:
		return "positive"
	}
	return "zero"
}

// eachAnswer tests every answer of the reference data; s asks for it, but for the server.
func eachAnswer(t *testing.T, test func(t *testing.T, name string, c *streamsCase, s recording.Settings)) {
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
			name := golden.Name(file) + "/" + c.Name
			t.Run(name, func(t *testing.T) {
				test(t, name, c, benchtest.Settings(t, append([]string{"--model", "m", "--tokenizer", "llama3", "--backend", f.Backend, "--dataset-name", "random", "--random-ids",
					"--random-input-len", "5", "--random-output-len", "8", "--num-prompts", "1", "--no-test-input", "--failures", "original", "--save-detailed"}, f.Args...)))
			})
		}
	}
	t.Logf("%d answers", cases)
}

// TestGoldenStreams: what the original makes of each answer.
func TestGoldenStreams(t *testing.T) {
	diffs := golden.LoadDifferences(t, "streams")
	eachAnswer(t, func(t *testing.T, name string, c *streamsCase, s recording.Settings) {
		synctest.Test(t, func(t *testing.T) {
			m := &benchtest.Memory{}
			m.Handle = func(x *benchtest.Exchange) {
				if x.Method == "GET" {
					x.Reply("404 Not Found", "text/plain", "")
					return
				}
				time.Sleep(time.Millisecond)
				c.answer(x)
			}
			got, err := benchtest.Run(t, s, nil, m.Dial)
			m.Wait()
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, name, got, diffs)
		})
	})
}

func (c *streamsCase) check(t *testing.T, name string, got *benchtest.Outcome, diffs golden.Differences) {
	if c.Died != nil || diffs.Has(name, "case", nil) {
		return // the original loses the run; ours is whole
	}
	r := got.Parsed(t)
	field := func(field string, got, want any) {
		t.Helper()
		if want = diffs.Want(name, field, want); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", field, got, want)
		}
	}
	field("success", *r.Completed == 1, c.Success)
	if c.Error != nil {
		field("error", r.Errors[0], *c.Error)
	} else {
		field("has an error", r.Errors[0] != "", true)
	}
	if c.Text != nil {
		field("generated_text", r.GeneratedTexts[0], unmade(*c.Text))
	}
	field("output_len", r.OutputLens[0], c.Len)
	field("ttft", signWord(r.TTFTs[0]), c.TTFT)
	field("itl_count", len(r.ITLs[0]), c.ITLs)
	field("latency", signWord(r.E2ELs[0]), c.Latency)
	var file, want struct {
		PerIter any `json:"avg_decoded_tokens_per_iter"`
	}
	if json.Unmarshal(got.File, &file) != nil || json.Unmarshal(c.PerIter, &want.PerIter) != nil {
		t.Fatalf("%s, %s", got.File, c.PerIter)
	}
	field("avg_decoded_tokens_per_iter", file.PerIter, want.PerIter)
	var printed strings.Builder
	report.Exceptions(&printed, got.Analysis.Summary)
	console.Run(got.Recording, got.Analysis).Table(&printed)
	for _, line := range c.Printed {
		if !strings.HasPrefix(line, "Error type:") && !golden.Debugging(line) && !strings.Contains(printed.String(), line+"\n") && !diffs.Has(name, "printed", line) {
			t.Errorf("%q is not printed", line)
		}
	}
}
