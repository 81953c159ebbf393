package live

import (
	"math"
	"slices"
	"time"

	"loadgen/internal/prom"
	"loadgen/internal/prom/expose"
	"loadgen/pkg/metrics"
)

// bounds are the upper ends of the buckets of histograms, in seconds.
func bounds() (all []float64) {
	for _, decade := range []float64{1e-4, 1e-3, 1e-2, 1e-1, 1, 10} {
		for _, step := range []float64{1, 1.5, 2, 3, 5, 7.5} {
			all = append(all, math.Round(step*decade*1e5)/1e5)
		}
	}
	return append(all, 100, 300, 1000)
}

var help = [4]string{
	metrics.TTFT: "Time from the start of a request to its first event with choices.",
	metrics.TPOT: "Time of each output token after the first: (E2EL - TTFT) / (tokens - 1).",
	metrics.ITL:  "Time between events with choices.",
	metrics.E2EL: "Time from the start of a request to its last event.",
}

// Families are the run's metrics at a time since its start, for Prometheus. Times are in
// seconds; latencies are those of requests that have ended successfully.
func (t *Tally) Families(at time.Duration) []expose.Family {
	t.look.Lock()
	defer t.look.Unlock()
	c := t.take(at)
	requests, chunks := t.underWay()
	queued := 0
	if t.o.Queued != nil {
		queued = t.o.Queued()
	}
	one := func(name, kind, help string, value float64) expose.Family {
		return expose.Family{Name: name, Kind: kind, Help: help, Samples: []prom.Sample{{Name: name, Value: value}}}
	}
	failures := expose.Family{Name: "loadgen_requests_failed_total", Kind: "counter", Help: "Requests that failed, by class."}
	for _, f := range c.byClass() {
		failures.Samples = append(failures.Samples, prom.Sample{Name: failures.Name, Labels: []prom.Label{{Name: "class", Value: f.Class}}, Value: float64(f.Count)})
	}
	all := []expose.Family{
		one("loadgen_run_seconds", "gauge", "Time since the first request was due.", at.Seconds()),
		one("loadgen_requests_planned", "gauge", "Requests of the run, 0 where time alone decides that.", float64(t.o.Planned)),
		one("loadgen_requests_in_flight", "gauge", "Requests under way.", float64(requests)),
		one("loadgen_requests_queued", "gauge", "Requests that are due and wait for a slot.", float64(queued)),
		one("loadgen_requests_succeeded_total", "counter", "Requests that succeeded.", float64(c.succeeded)),
		failures,
		one("loadgen_requests_cut_total", "counter", "Requests that loadgen itself ended, with the run.", float64(c.onPurpose)),
		one("loadgen_output_tokens_total", "counter", "Output tokens of requests that succeeded.", float64(c.tokens)),
		one("loadgen_prompt_tokens_total", "counter", "Prompt tokens of requests that succeeded, where the server counts them.", float64(c.prompt)),
		one("loadgen_output_chunks_total", "counter", "Events with choices that have come, of requests under way as well.", float64(chunks)),
	}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		all = append(all, t.run.family(m))
	}
	if t.o.Health != nil {
		h := t.o.Health()
		all = append(all, one("loadgen_cpu_seconds_total", "counter", "Processor time of loadgen since the run's start.", (h.User+h.System).Seconds()))
	}
	return all
}

// family is a metric's histogram. A bucket's bound is exact to a hundredth.
func (l *latencies) family(m metrics.Metric) expose.Family {
	h := l.of[m]
	f := expose.Family{Name: "loadgen_" + m.String() + "_seconds", Kind: "histogram", Help: help[m]}
	bounds := bounds()
	counts := make([]int64, len(bounds))
	for _, b := range h.Distribution() {
		if i, _ := slices.BinarySearch(bounds, float64(b.To)/1e6); i < len(bounds) {
			counts[i] += b.Count
		}
	}
	bucket := func(le string, n int64) {
		f.Samples = append(f.Samples, prom.Sample{Name: f.Name + "_bucket", Labels: []prom.Label{{Name: "le", Value: le}}, Value: float64(n)})
	}
	sum := int64(0)
	for i, n := range counts {
		sum += n
		bucket(expose.FormatValue(bounds[i]), sum)
	}
	bucket("+Inf", h.TotalCount())
	f.Samples = append(f.Samples, prom.Sample{Name: f.Name + "_sum", Value: l.sum[m].Seconds()}, prom.Sample{Name: f.Name + "_count", Value: float64(h.TotalCount())})
	return f
}
