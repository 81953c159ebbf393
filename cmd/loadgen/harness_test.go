package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/result/resulttest"
)

// exchange is one request as a server in memory got it.
type exchange struct {
	conn   net.Conn
	n      int // the request's number
	at     time.Time
	method string
	path   string
	header map[string]string
	body   []byte
}

// reply sends a whole answer.
func (x *exchange) reply(status, contentType, body string) {
	fmt.Fprintf(x.conn, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, contentType, len(body), body)
}

// memory is a server in memory, one goroutine a connection.
type memory struct {
	handle func(x *exchange)
	mu     sync.Mutex
	got    []*exchange
	all    sync.WaitGroup
}

func (m *memory) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	m.all.Go(func() {
		defer there.Close()
		var req fasthttp.Request
		if req.Read(bufio.NewReader(there)) != nil {
			return
		}
		x := &exchange{conn: there, at: time.Now(), method: string(req.Header.Method()), path: string(req.RequestURI()),
			header: map[string]string{}, body: bytes.Clone(req.Body())}
		for k, v := range req.Header.All() {
			x.header[strings.ToLower(string(k))] = string(v)
		}
		m.mu.Lock()
		x.n = len(m.got)
		m.got = append(m.got, x)
		m.mu.Unlock()
		m.handle(x)
	})
	return here, nil
}

// next takes the first of the answers that are left, "" when there is none.
func (m *memory) next(answers *[]json.RawMessage) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(*answers) == 0 {
		return ""
	}
	first := string((*answers)[0])
	*answers = (*answers)[1:]
	return first
}

func refuse(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// outcome is what a run printed and returned.
type outcome struct {
	exit           int
	stdout, stderr string
}

// runPlan runs a benchmark's command line against a server in memory.
func runPlan(t *testing.T, argv []string, env map[string]string, dial func(context.Context, string, string) (net.Conn, error)) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	s := streams{in: strings.NewReader(""), out: &stdout, err: &stderr, lookup: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}
	cfg, err := parse(argv)
	if err != nil {
		return outcome{exitUsage, "", err.Error()}
	}
	err = (&benchmark{cfg: cfg, s: s, system: system{now: time.Now, dial: dial}}).run(context.Background())
	return outcome{exitCode(err, &stderr), stdout.String(), stderr.String()}
}

// withTokenizer names the built-in tokenizer where the data's was a stand-in.
func withTokenizer(argv []string) []string {
	for _, word := range argv {
		if word == "--tokenizer" {
			return argv
		}
	}
	return append(argv[:len(argv):len(argv)], "--tokenizer", "llama3")
}

// fromRun is the part of the console text that loadgen writes, too.
func fromRun(stdout string) string {
	for _, start := range []string{"Starting initial single prompt", "Skipping initial test run"} {
		if i := strings.Index(stdout, start); i >= 0 {
			return stdout[i:]
		}
	}
	return ""
}

// readResultFile reads a result file that the program wrote, and validates it.
func readResultFile(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	resulttest.Validate(t, text)
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// resultFile is what the tests read of a result file.
type resultFile struct {
	Duration   float64
	Completed  int
	OutputLens []int     `json:"output_lens"`
	TTFTs      []float64 `json:"ttfts"`
	ITLs       [][]float64
	E2ELs      []float64 `json:"e2els"`
	Texts      []string  `json:"generated_texts"`
	Errors     []string
	PerIter    json.RawMessage `json:"avg_decoded_tokens_per_iter"`
	Own        struct {
		Interrupted bool
		Failures    struct {
			ByClass  map[string]int `json:"by_class"`
			Original int            `json:"original_rule_total"`
		}
	} `json:"loadgen"`
}
