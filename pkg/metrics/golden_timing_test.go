package metrics_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/golden"
	"loadgen/internal/pyjson"
	"loadgen/internal/wire"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
	"loadgen/pkg/metrics"
)

// scenario is a file of testdata/golden/timing.
type scenario struct {
	Name, Backend string
	Streaming     bool
	Server        struct {
		ReadsRequest bool `json:"reads_request"`
		Connections  [][][]any
		HoldMS       float64 `json:"hold_ms"`
		End          string
	}
	Planned *struct {
		TTFT    float64   `json:"ttft_ms"`
		ITL     []float64 `json:"itl_ms"`
		Latency float64   `json:"latency_ms"`
	}
	Result struct {
		Success bool
		TTFT    float64   `json:"ttft_ms"`
		ITL     []float64 `json:"itl_ms"`
		Latency float64   `json:"latency_ms"`
		Tokens  any       `json:"output_tokens"`
		Text    *string   `json:"generated_text"`
		TextLen *int      `json:"generated_text_len"`
		TextSum *string   `json:"generated_text_sha256"`
		PerIter any       `json:"avg_decoded_tokens_per_iter"`
		Error   *string
		Trace   bool `json:"error_is_traceback"`
	}
}

// resetConn reads as a reset what the far end of a pipe closes in anger.
type resetConn struct {
	net.Conn
	reset *atomic.Bool
}

func (c resetConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF && c.reset.Load() {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return n, err
}

// play is the scripted server on one connection.
func (s *scenario) play(conn net.Conn, k int, reset *atomic.Bool) {
	defer conn.Close()
	if s.Server.ReadsRequest {
		readRequest(conn)
		go io.Copy(io.Discard, conn)
	}
	var writes [][]any
	if k < len(s.Server.Connections) {
		writes = s.Server.Connections[k]
	}
	var joined []byte
	for _, w := range writes {
		time.Sleep(time.Duration(w[0].(float64) * 1e6))
		data, err := base64.StdEncoding.DecodeString(w[1].(string))
		if err != nil {
			panic(err)
		}
		n := 1
		if len(w) > 2 {
			n = int(w[2].(float64))
		}
		for range n {
			joined = append(joined, data...)
		}
		if len(w) > 3 {
			continue
		}
		if _, err := conn.Write(joined); err != nil {
			return
		}
		joined = nil
	}
	time.Sleep(time.Duration(s.Server.HoldMS * 1e6))
	if s.Server.End == "rst" {
		reset.Store(true)
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
	}
}

// readRequest reads one request, whose body has a length.
func readRequest(conn net.Conn) {
	var buf []byte
	one := make([]byte, 1)
	for {
		if _, err := io.ReadFull(conn, one); err != nil {
			return
		}
		if buf = append(buf, one[0]); len(buf) > 4 && string(buf[len(buf)-4:]) == "\r\n\r\n" {
			break
		}
	}
	n := 0
	for i := range buf {
		if _, err := fmt.Sscanf(string(buf[i:]), "Content-Length: %d", &n); err == nil {
			break
		}
	}
	io.CopyN(io.Discard, conn, int64(n))
}

func (s *scenario) options(baseURL string) client.Options {
	zero := 0.0
	return client.Options{BaseURL: baseURL, Endpoint: "/v1/completions", Chat: s.Backend == "openai-chat",
		NonStreaming: !s.Streaming, Model: new("m"), Temperature: &zero, OriginalRules: true}
}

// run sends the scenario's request to its server.
func (s *scenario) run(t *testing.T, o client.Options) metrics.Sample {
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := c.Prepare(dataset.Request{Prompt: "hello world", PromptLen: 5, OutputLen: 8})
	if err != nil {
		t.Fatal(err)
	}
	var r client.Result
	c.Do(context.Background(), p, &r)
	return metrics.NewSample(&r, 5, metrics.Rule{Chat: o.Chat, Whole: !s.Streaming})
}

// inMemory returns a dial function to the scripted server.
func (s *scenario) inMemory(servers *sync.WaitGroup) func(context.Context, string, string) (net.Conn, error) {
	k := -1
	return func(context.Context, string, string) (net.Conn, error) {
		k++
		here, there := net.Pipe()
		reset := &atomic.Bool{}
		n := k
		servers.Go(func() { s.play(there, n, reset) })
		return resetConn{here, reset}, nil
	}
}

func ms(seconds float64) float64 { return math.Round(seconds * 1e3) }

// check compares a sample with the data; exact is whether the clock was ideal.
func (s *scenario) check(t *testing.T, got metrics.Sample, diffs golden.Differences, exact bool) {
	want := s.Result
	field := func(name string, got, want any) {
		t.Helper()
		if want = diffs.Want(s.Name, name, want); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	field("success", got.Success, want.Success)
	tokens := max(got.OutputTokens, 0)
	if want.Tokens == nil {
		want.Tokens = 0
	}
	if f, ok := want.Tokens.(float64); ok && f >= math.MaxInt {
		want.Tokens = math.MaxInt
	} else if ok && f == math.Trunc(f) {
		want.Tokens = int(f)
	}
	field("output_tokens", tokens, want.Tokens)
	if want.Text != nil {
		field("generated_text", decoded(string(got.Text)), *want.Text)
	} else if want.TextSum != nil {
		sum := sha256.Sum256([]byte(got.Text))
		field("generated_text_sha256", hex.EncodeToString(sum[:]), *want.TextSum)
	}
	perIter := any(got.DecodedPerIter)
	switch want.PerIter {
	case nil:
		want.PerIter = 0
	case "nan":
		want.PerIter = math.NaN()
	}
	field("avg_decoded_tokens_per_iter", perIter, want.PerIter)
	field("is an exception", got.Exception != "", want.Trace)
	if !want.Trace && want.Error != nil {
		field("error", decoded(got.Error), *want.Error)
	}
	field("number of itl_ms", len(got.ITL), len(want.ITL))
	if !exact || s.Planned == nil {
		field("ttft_ms is", sign(got.TTFT), sign(want.TTFT))
		field("latency_ms is", sign(got.Latency), sign(want.Latency))
		return
	}
	ttft, latency := s.Planned.TTFT, s.Planned.Latency
	if !s.Streaming && want.TTFT < 0 {
		ttft = -1000
	}
	itl := make([]float64, len(got.ITL))
	for i, v := range got.ITL {
		itl[i] = ms(v)
	}
	field("planned ttft_ms", ms(got.TTFT), ttft)
	field("planned latency_ms", ms(got.Latency), latency)
	field("planned itl_ms", itl, s.Planned.ITL)
}

// decoded is a text as it comes back from the JSON of a result file.
func decoded(text string) (back string) {
	if err := json.Unmarshal(pyjson.AppendString(nil, text), &back); err != nil {
		panic(err)
	}
	return back
}

func sign(f float64) int {
	switch {
	case f < 0:
		return -1
	case f > 0:
		return 1
	}
	return 0
}

func TestGoldenTiming(t *testing.T) {
	diffs := golden.LoadDifferences(t, "timing")
	files := golden.Files(t, "timing", "*.json")
	for _, file := range files {
		var s scenario
		golden.Read(t, file, &s)
		t.Run(s.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := s.options("http://127.0.0.1:8000")
				var servers sync.WaitGroup
				o.Dial = s.inMemory(&servers)
				o.Timeout = 6 * time.Hour
				got := s.run(t, o)
				servers.Wait()
				s.check(t, got, diffs, true)
			})
		})
	}
	t.Logf("%d scenarios in virtual time", len(files))
}

// serve plays the scenario on real connections until it is stopped.
func (s *scenario) serve(t *testing.T) (url string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return "", func() {}
	}
	var servers sync.WaitGroup
	servers.Go(func() {
		for k := 0; ; k++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			servers.Go(func() { s.play(conn, k, &atomic.Bool{}) })
		}
	})
	return "http://" + l.Addr().String(), func() { l.Close(); servers.Wait() }
}

// TestTransportsAgree plays every scenario on real connections through both
// transports: what is read off them must not depend on who carries them. Ten
// are compared with the plan as well.
func TestTransportsAgree(t *testing.T) {
	diffs := golden.LoadDifferences(t, "timing")
	planned := map[string]bool{"c_normal_1.1": true, "c_cut_between": true, "c_rst_mid": true, "c_gzip_whole": true, "c_redirect_307": true,
		"c_status_503": true, "c_ns_two_writes": true, "c_closefr_normal": true, "h_normal_latest": true, "h_bad_json": true}
	kinds := []wire.Kind{wire.AutoTransport, wire.BlockingTransport}
	if runtime.GOOS == "linux" { // nothing but it
		kinds[0] = wire.ReactorTransport
	}
	var all []*scenario
	var runs sync.WaitGroup
	// They mostly wait: many at once, within the usual bound on open files.
	slots := make(chan struct{}, 100)
	samples := map[*scenario]*[2][2]metrics.Sample{} // by rules, by kind
	for _, file := range golden.Files(t, "timing", "*.json") {
		s := &scenario{}
		golden.Read(t, file, s)
		all = append(all, s)
		got := &[2][2]metrics.Sample{}
		samples[s] = got
		for rules := range 2 {
			for k, kind := range kinds {
				runs.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					url, stop := s.serve(t)
					defer stop()
					o := s.options(url)
					o.Transport, o.OriginalRules = client.Transport(kind), rules == 0
					got[rules][k] = s.run(t, o)
				})
			}
		}
	}
	runs.Wait()
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			for rules, got := range samples[s] {
				for _, sample := range got {
					if rules == 0 {
						s.check(t, sample, diffs, false)
					}
					if planned[s.Name] && rules == 0 && sample.Success && ms(sample.Latency) < s.Planned.Latency {
						t.Errorf("latency %v ms, which is before the server sent the last event (%v ms)", ms(sample.Latency), s.Planned.Latency)
					}
				}
				// Times and the words of the network's errors are the transport's own.
				for i := range got {
					got[i].TTFT, got[i].Latency = float64(sign(got[i].TTFT)), float64(sign(got[i].Latency))
					got[i].ITL = make([]float64, len(got[i].ITL))
					got[i].Gaps = nil
					got[i].Error, _, _ = strings.Cut(got[i].Error, ":")
					if got[i].Error == "reset" && got[i].TTFT == 0 { // at accept, the one or the other
						got[i].Error, got[i].Exception = "closed", "closed"
					}
					got[i].DecodedPerIter = math.Max(got[i].DecodedPerIter, -1) // NaN equals nothing
					if math.IsNaN(got[i].DecodedPerIter) {
						got[i].DecodedPerIter = -1
					}
				}
				if !reflect.DeepEqual(got[0], got[1]) {
					t.Errorf("original's rules %v:\nreactor  %+v\nblocking %+v", rules == 0, got[0], got[1])
				}
			}
		})
	}
}
