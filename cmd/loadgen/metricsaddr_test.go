package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/prom"
	"loadgen/internal/prom/expose"
)

func TestListenAddress(t *testing.T) {
	for text, want := range map[string]string{"9400": "127.0.0.1:9400", ":9400": "127.0.0.1:9400", "0.0.0.0:9400": "0.0.0.0:9400", "[::]:9400": "[::]:9400", "localhost:0": "localhost:0"} {
		if got, err := listenAddress(text); got != want || err != nil {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "host", "host:", "host:x", ":65536", "-1", "1:2:3", "http://127.0.0.1:9400"} {
		if got, err := listenAddress(text); err == nil || !strings.Contains(err.Error(), "expected PORT, HOST:PORT") {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

// scrape reads the metrics at a URL.
func scrape(t *testing.T, url string) map[string]float64 {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	all, bad := prom.Parse(text)
	if err != nil || bad != nil || answer.Header.Get("Content-Type") != expose.ContentType {
		t.Errorf("%v %v %v", err, bad, answer.Header)
	}
	got := map[string]float64{}
	for _, s := range all {
		if len(s.Labels) == 0 {
			got[s.Name] = s.Value
		}
	}
	return got
}

// TestMetricsWhileRunning: the third of five requests looks at the metrics, which know of the
// two before it, of itself, and of those that wait.
func TestMetricsWhileRunning(t *testing.T) {
	const address = "127.0.0.1:0"
	var url atomic.Pointer[string]
	var seen map[string]float64
	asked := 0
	m := &benchtest.Memory{Handle: func(x *benchtest.Exchange) {
		if x.Method == "POST" {
			asked++
		}
		if asked == 3 && seen == nil {
			seen = scrape(t, *url.Load())
		}
		x.Reply("200 OK", "text/event-stream", benchtest.SSE(false, 3))
	}}
	log := &noticing{want: "loadgen: metrics at ", found: &url}
	got := runPlanTo(t, strings.Fields("--metrics-addr "+address+" --model m --tokenizer llama3 --dataset-name random --random-ids --num-prompts 5 --max-concurrency 1 --no-test-input --disable-tqdm"), nil, m.Dial, log)
	m.Wait()
	for name, want := range map[string]float64{"loadgen_requests_succeeded_total": 2, "loadgen_requests_in_flight": 1, "loadgen_requests_queued": 2,
		"loadgen_requests_planned": 5, "loadgen_e2el_seconds_count": 2, "loadgen_ttft_seconds_count": 2} {
		if v, ok := seen[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v, in %v", name, v, want, seen)
		}
	}
	if got.exit != exitOK {
		t.Errorf("exit %d: %s", got.exit, log)
	}
	if _, err := http.Get(*url.Load()); err == nil {
		t.Error("the metrics are served after the run")
	}
}

// noticing is standard error that keeps what follows some text.
type noticing struct {
	strings.Builder
	want  string
	found *atomic.Pointer[string]
}

func (n *noticing) Write(p []byte) (int, error) {
	if rest, ok := strings.CutPrefix(string(p), n.want); ok {
		rest = strings.TrimSpace(rest)
		n.found.Store(&rest)
	}
	return n.Builder.Write(p)
}

// TestMetricsBeforeTheRun: what is served before the first request, and elsewhere.
func TestMetricsBeforeTheRun(t *testing.T) {
	m, err := serveMetrics("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	answer, err := http.Get(m.url())
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if !strings.Contains(string(text), `loadgen_info{version="`) || strings.Contains(string(text), "requests") {
		t.Errorf("%s", text)
	}
	for url, want := range map[string]int{strings.TrimSuffix(m.url(), "metrics"): 404, m.url() + "/x": 404} {
		if answer, err = http.Get(url); err != nil || answer.StatusCode != want {
			t.Errorf("%s: %v %v", url, answer, err)
		}
	}
	if answer, err = http.Post(m.url(), "text/plain", nil); err != nil || answer.StatusCode != 405 {
		t.Errorf("%v %v", answer, err)
	}
	if _, err := serveMetrics(m.listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "name a free port") {
		t.Errorf("%v", err)
	}
}
