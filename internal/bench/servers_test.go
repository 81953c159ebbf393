package bench_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
)

// farm are servers by their address.
type farm struct {
	mu  sync.Mutex
	got map[string][]*benchtest.Exchange
	all sync.WaitGroup
	// takes is how long a server takes, by its address; model what it says it serves.
	takes map[string]time.Duration
	model map[string]string
}

func (f *farm) dial(_ context.Context, _, address string) (net.Conn, error) {
	here, there := net.Pipe()
	f.all.Go(func() {
		defer there.Close()
		x, err := benchtest.ReadExchange(there)
		if err != nil {
			return
		}
		if x.Method == "GET" {
			x.Reply("200 OK", "application/json", `{"data": [{"id": "`+f.model[address]+`"}]}`)
			return
		}
		f.mu.Lock()
		f.got[address] = append(f.got[address], x)
		f.mu.Unlock()
		time.Sleep(f.takes[address])
		x.Reply("200 OK", "text/event-stream", benchtest.SSE(false, 3))
	})
	return here, nil
}

const threeServers = "http://10.0.0.1:80/v1,http://u:secret@10.0.0.2:8000,http://10.0.0.3:8000"

func newFarm() *farm {
	return &farm{got: map[string][]*benchtest.Exchange{}, model: map[string]string{"10.0.0.1:80": "m", "10.0.0.2:8000": "m", "10.0.0.3:8000": "m"},
		takes: map[string]time.Duration{"10.0.0.1:80": 100 * ms, "10.0.0.2:8000": 100 * ms, "10.0.0.3:8000": 100 * ms}}
}

// spread runs a benchmark over three servers.
func spread(t *testing.T, f *farm, args ...string) *benchtest.Outcome {
	t.Helper()
	s := benchtest.Settings(t, append([]string{"--dataset-name", "random", "--random-ids", "--tokenizer", "llama3", "--model", "m", "--random-input-len", "5",
		"--random-output-len", "3", "--base-url", threeServers}, args...))
	if err := bench.Check(&s); err != nil {
		t.Fatal(err)
	}
	o, err := benchtest.Run(t, s, nil, f.dial)
	if err != nil {
		t.Fatal(err)
	}
	f.all.Wait()
	return o
}

// TestServersInTurn: one request after the other goes to the next server, each as that server
// wants it, after each was tested; the result says what was measured of each.
func TestServersInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		o := spread(t, f, "--request-rate", "100", "--burstiness", "inf", "--num-prompts", "30")
		for address, want := range map[string][3]string{"10.0.0.1:80": {"/v1/completions", "10.0.0.1", "Bearer None"}, "10.0.0.2:8000": {"/v1/completions", "10.0.0.2:8000", "Basic dTpzZWNyZXQ="},
			"10.0.0.3:8000": {"/v1/completions", "10.0.0.3:8000", "Bearer None"}} {
			all := f.got[address]
			if len(all) != 11 {
				t.Fatalf("%s got %d requests", address, len(all))
			}
			for _, x := range all {
				if got := [3]string{x.Path, x.Header["host"], x.Header["authorization"]}; got != want {
					t.Errorf("%s: %q, want %q", address, got, want)
				}
			}
		}
		for i, r := range o.Recording.All() {
			if r.Server != i%3 || r.Err != nil {
				t.Errorf("request %d went to server %d: %v", i, r.Server, r.Err)
			}
		}
		text := string(o.File)
		servers := o.Parsed(t).Loadgen.Servers
		if len(servers) != 3 || servers[1].URL != "http://u:***@10.0.0.2:8000" || servers[2].Requests != 10 || servers[0].Completed != 10 || *servers[1].TTFT.Median != 100 ||
			strings.Contains(text, "secret") {
			t.Errorf("%+v", servers)
		}
	})
}

// TestLeastInFlight: a server that is slow gets less.
func TestLeastInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.takes["10.0.0.2:8000"] = 1000 * ms
		o := spread(t, f, "--max-concurrency", "6", "--num-prompts", "120", "--balance", "least-in-flight")
		s := o.Parsed(t).Loadgen.Servers
		if s[1].Requests == 0 || s[1].Requests >= s[0].Requests/4 || s[2].Requests < s[0].Requests/2 || s[0].Requests+s[1].Requests+s[2].Requests != 120 || s[0].Failed != 0 {
			t.Errorf("%+v", s)
		}
		// In turn each gets the same, whatever it takes.
		o = spread(t, newFarm(), "--max-concurrency", "6", "--num-prompts", "120")
		if s := o.Parsed(t).Loadgen.Servers; s[1].Requests != 40 {
			t.Errorf("%+v", s)
		}
	})
}

// TestCancelledByServer: requests that loadgen cancels are no failures of a server.
func TestCancelledByServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := spread(t, newFarm(), "--max-concurrency", "6", "--num-prompts", "60", "--cancel", "50%", "--cancel-after", "50ms")
		for _, s := range o.Parsed(t).Loadgen.Servers {
			if s.Cancelled == 0 || s.Failed != 0 || s.Completed+s.Cancelled != s.Requests {
				t.Errorf("%d requests, %d completed, %d cancelled, %d failed", s.Requests, s.Completed, s.Cancelled, s.Failed)
			}
		}
	})
}

// TestServersThatDiffer: all must serve the model of the first, unless the user names it.
func TestServersThatDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.model["10.0.0.3:8000"] = "other"
		s := benchtest.Settings(t, []string{"--dataset-name", "random", "--random-ids", "--tokenizer", "llama3", "--base-url", threeServers})
		_, err := benchtest.Run(t, s, nil, f.dial)
		f.all.Wait()
		if err == nil || !strings.Contains(err.Error(), "http://10.0.0.1:80/v1 serves the model m, and http://10.0.0.3:8000 serves other") {
			t.Error(err)
		}
		delete(f.takes, "10.0.0.3:8000")
		s = benchtest.Settings(t, []string{"--dataset-name", "random", "--random-ids", "--tokenizer", "llama3", "--model", "m", "--base-url", threeServers})
		_, err = benchtest.Run(t, s, nil, func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "10.0.0.3:8000" {
				return benchtest.Refuse(ctx, network, address)
			}
			return f.dial(ctx, network, address)
		})
		f.all.Wait()
		if err == nil || !strings.Contains(err.Error(), "test run failed") {
			t.Errorf("one of three servers is not there: %v", err)
		}
	})
}

func TestBadServers(t *testing.T) {
	for want, change := range map[string]func(s *recording.Settings){
		"http://a:1 is given twice":                         func(s *recording.Settings) { s.BaseURL = new("http://a:1,http://b:1,http://a:1/") },
		"base_url must be http://HOST:PORT":                 func(s *recording.Settings) { s.BaseURL = new("http://a:1,http://b:x") },
		"there is one server, so that there is nothing to":  func(s *recording.Settings) { s.Balance = "least-in-flight" },
		`"fair" is neither round-robin nor least-in-flight`: func(s *recording.Settings) { s.Balance = "fair" },
		"the profiler of one server is switched":            func(s *recording.Settings) { s.BaseURL, s.Profile = new("http://a:1,http://b:1"), true },
		"the records of one server are read":                func(s *recording.Settings) { s.BaseURL, s.ServerMetrics.Asked = new("http://a:1,http://b:1"), true },
	} {
		s := benchtest.Settings(t, []string{"--dataset-name", "random", "--random-ids"})
		change(&s)
		if err := bench.Check(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
