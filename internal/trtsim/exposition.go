package trtsim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Exposition is whose names Prometheus metrics have.
type Exposition uint8

// The servers whose names are known.
const (
	TRTLLMMetrics Exposition = iota
	VLLMMetrics
	SGLangMetrics
)

// ParseExposition finds a server's names: trtllm, vllm or sglang.
func ParseExposition(name string) (Exposition, error) {
	if i := slices.Index(expositionNames, name); i >= 0 {
		return Exposition(i), nil
	}
	return 0, fmt.Errorf("unknown metrics %q: there are %s", name, strings.Join(expositionNames, ", "))
}

var expositionNames = []string{"trtllm", "vllm", "sglang"}

// The quantities that are metered: times, in seconds, then counters.
const (
	meterTTFT = iota
	meterTPOT
	meterE2E
	meterQueue
	meterPrefill
	meteredTimes
)

// timeNames and countNames are the names of the metrics by server, "" for one that it has not;
// the counters are successes, prompt tokens, generated tokens, cached tokens.
var (
	timeNames = [][meteredTimes]string{
		{"trtllm_time_to_first_token_seconds", "trtllm_time_per_output_token_seconds", "trtllm_e2e_request_latency_seconds", "trtllm_request_queue_time_seconds", "trtllm_request_prefill_time_seconds"},
		{"vllm:time_to_first_token_seconds", "vllm:request_time_per_output_token_seconds", "vllm:e2e_request_latency_seconds", "vllm:request_queue_time_seconds", "vllm:request_prefill_time_seconds"},
		{"sglang:time_to_first_token_seconds", "sglang:time_per_output_token_seconds", "sglang:e2e_request_latency_seconds", "sglang:queue_time_seconds", ""},
	}
	countNames = [][4]string{
		{"trtllm_request_success_total", "trtllm_prompt_tokens_total", "trtllm_generation_tokens_total", "trtllm_prompt_cached_tokens_total"},
		{"vllm:request_success_total", "vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:prompt_tokens_cached_total"},
		{"sglang:num_requests_total", "sglang:prompt_tokens_total", "sglang:generation_tokens_total", "sglang:cached_tokens_total"},
	}
	// meterBuckets are the upper bounds of the histograms, in seconds.
	meterBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
)

// meters are what the metrics count.
type meters struct {
	mu     sync.Mutex
	times  [meteredTimes]histogram
	counts [4]int
}

type histogram struct {
	sum     float64
	count   int
	buckets []int // by upper bound, not cumulated
}

func (h *histogram) add(d time.Duration) {
	s := d.Seconds()
	h.sum, h.count = h.sum+s, h.count+1
	if h.buckets == nil {
		h.buckets = make([]int, len(meterBuckets)+1)
	}
	i, _ := slices.BinarySearch(meterBuckets, s)
	h.buckets[i]++
}

// add counts a choice that was answered in full. As the real server's, the clock begins
// when the request arrives at the engine.
func (m *meters) add(g *generation, c *choice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := c.job
	m.times[meterTTFT].add(j.firstAt.Sub(j.submitted))
	m.times[meterE2E].add(j.lastAt.Sub(j.submitted))
	m.times[meterQueue].add(j.scheduled.Sub(j.submitted))
	m.times[meterPrefill].add(j.firstAt.Sub(j.scheduled))
	if j.made > 1 {
		m.times[meterTPOT].add(j.lastAt.Sub(j.firstAt) / time.Duration(j.made-1))
	}
	for i, n := range []int{1, j.prompt, j.made, j.cached} {
		m.counts[i] += n
	}
}

// exposition is the text of the metrics.
func exposition(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
	s.truth.mu.Lock()
	requests := len(s.truth.all) + s.truth.lost
	s.truth.mu.Unlock()
	labels := `{model_name=` + strconv.Quote(s.o.Model) + `}`
	var out []byte
	counter := func(name string, n int) {
		out = fmt.Appendf(out, "# TYPE %s counter\n%s%s %d\n", name, name, labels, n)
	}
	if s.o.Exposition == TRTLLMMetrics {
		counter("trtllm_request_received_total", requests)
	}
	m := &s.meters
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, name := range countNames[s.o.Exposition] {
		counter(name, m.counts[i])
	}
	for i, name := range timeNames[s.o.Exposition] {
		if name != "" {
			out = m.times[i].append(out, name, labels)
		}
	}
	a.whole(200, "text/plain; version=0.0.4; charset=utf-8", out)
}

// append writes a histogram.
func (h *histogram) append(out []byte, name, labels string) []byte {
	out = fmt.Appendf(out, "# TYPE %s histogram\n", name)
	sum := 0
	for i := range len(meterBuckets) + 1 {
		bound := "+Inf"
		if i < len(meterBuckets) {
			bound = strconv.FormatFloat(meterBuckets[i], 'g', -1, 64)
		}
		if h.buckets != nil {
			sum += h.buckets[i]
		}
		out = fmt.Appendf(out, "%s_bucket%s,le=%q} %d\n", name, strings.TrimSuffix(labels, "}"), bound, sum)
	}
	return fmt.Appendf(out, "%s_sum%s %g\n%s_count%s %d\n", name, labels, h.sum, name, labels, h.count)
}
