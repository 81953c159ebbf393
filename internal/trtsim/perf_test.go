package trtsim

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"loadgen/internal/prom"
)

// perfRecord is a record of a request's times.
type perfRecord struct {
	Request int  `json:"request_id"`
	Context *int `json:"ctx_request_id"`
	Metrics struct {
		Times struct {
			ServerArrival    float64 `json:"server_arrival_time"`
			Arrival          float64 `json:"arrival_time"`
			FirstScheduled   float64 `json:"first_scheduled_time"`
			FirstToken       float64 `json:"first_token_time"`
			ServerFirstToken float64 `json:"server_first_token_time"`
			LastToken        float64 `json:"last_token_time"`
		} `json:"timing_metrics"`
	} `json:"perf_metrics"`
}

// perfRecords are those that a server has, by its route or in its file.
func perfRecords(t *testing.T, p *pipes, o Options, log *bytes.Buffer) (records []perfRecord) {
	t.Helper()
	status, body := ask(p, "GET", "/perf_metrics", "")
	if o.PerfLog == nil {
		if err := json.Unmarshal([]byte(body), &records); err != nil {
			t.Fatal(err, body)
		}
		return records
	}
	if status.StatusCode != 404 {
		t.Errorf("/perf_metrics answers %d", status.StatusCode)
	}
	for line := range strings.Lines(log.String()) {
		var r perfRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatal(err, line)
		}
		records = append(records, r)
	}
	return records
}

// TestPerfRecords: both kinds of releases tell the same of a request, and the spans of a
// record sum up to the request's true TTFT.
func TestPerfRecords(t *testing.T) {
	slow := ideal
	slow.MaxBatch, slow.HostCost = 1, 300*time.Microsecond // so that there are queues
	for name, file := range map[string]bool{"route": false, "file": true} {
		t.Run(name, func(t *testing.T) {
			o := Options{Profile: slow, Model: "m"}
			var log bytes.Buffer
			if file {
				o.PerfLog, o.Disaggregated = &log, true
			}
			withServer(t, o, func(t *testing.T, p *pipes) {
				const n = 4
				streams := make(chan string, n)
				for i := range n {
					path := []string{"/v1/completions", "/v1/chat/completions"}[i%2]
					body := []string{`{"model":"m","prompt":"one two","max_tokens":3,"stream":true}`, `{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":3,"stream":true}`}[i%2]
					go func() {
						_, text := ask(p, "POST", path, body)
						streams <- text
					}()
				}
				for range n {
					if text := <-streams; strings.Count(text, `"ctx_request_id":`) != map[bool]int{true: 1}[file] {
						t.Errorf("ids of disaggregated serving in\n%s", text)
					}
				}
				var truth struct {
					Each []struct {
						Read   float64   `json:"read_s"`
						Events []float64 `json:"events_s"`
					}
				}
				_, body := ask(p, "GET", "/sim/truth", "")
				if err := json.Unmarshal([]byte(body), &truth); err != nil {
					t.Fatal(err)
				}
				records := perfRecords(t, p, o, &log)
				if len(records) != n || len(truth.Each) != n {
					t.Fatalf("%d records, %d requests", len(records), len(truth.Each))
				}
				for _, r := range records {
					x := r.Metrics.Times
					spans := []float64{x.Arrival - x.ServerArrival, x.FirstScheduled - x.Arrival, x.FirstToken - x.FirstScheduled, x.ServerFirstToken - x.FirstToken}
					sum := 0.0
					for i, s := range spans {
						if sum += s; s < 0 {
							t.Errorf("request %d: span %d is %v", r.Request, i, s)
						}
					}
					one := truth.Each[r.Request-1]
					if ttft := one.Events[0] - one.Read; !(math.Abs(sum-ttft) <= 1e-9) || ttft <= 0 {
						t.Errorf("request %d: spans of %v s, TTFT %v s", r.Request, sum, ttft)
					}
					if x.LastToken < x.FirstToken || file != (r.Context != nil && *r.Context == r.Request) {
						t.Errorf("%+v", r)
					}
				}
			})
		})
	}
	if got := PerfFileName("h", 7, time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)); got != "perf_metrics-server-h-7-20261129-010203.jsonl" {
		t.Error(got)
	}
}

// TestExpositions: each server's names, with what its requests took.
func TestExpositions(t *testing.T) {
	for kind, route := range map[Exposition]string{TRTLLMMetrics: "/prometheus/metrics", VLLMMetrics: "/metrics", SGLangMetrics: "/metrics"} {
		withServer(t, Options{Profile: ideal, Model: `m"`, Exposition: kind}, func(t *testing.T, p *pipes) {
			ask(p, "POST", "/v1/completions", `{"model":"m","prompt":[1,2,3],"max_tokens":5,"stream":true}`)
			_, text := ask(p, "GET", route, "")
			samples, err := prom.Parse([]byte(text))
			if err != nil {
				t.Fatal(err, text)
			}
			r, ok := prom.Read(samples)
			if !ok || r.Values[prom.Requests].Sum != 1 || r.Values[prom.Prompt].Sum != 3 || r.Values[prom.Generation].Sum != 5 || r.Values[prom.TTFT].Count != 1 || r.Values[prom.TTFT].Sum <= 0 || r.Values[prom.TPOT].Count != 1 {
				t.Errorf("%+v in %s", r, text)
			}
			if last, _ := prom.Sum(samples, r.Values[prom.TTFT].Name+"_bucket"); last < 1 {
				t.Error("no buckets")
			}
		})
	}
	if _, err := ParseExposition("x"); err == nil {
		t.Error("x is known")
	}
}
