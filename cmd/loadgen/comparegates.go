package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/compare"
	"loadgen/internal/lazy"
	"loadgen/pkg/report"
)

// CheckGate reports what is wrong with a gate, or why it could not hold.
func (compareBench) CheckGate(text string, run compare.Settled, repeats int) error {
	gate, err := report.ParseGate(text)
	if err != nil || run == nil {
		return err
	}
	cfg := run.(*settledRun).cfg
	if why := cfg.neverMeasured(&gate); why != "" {
		return fmt.Errorf("gate %q can never hold: %s", text, why)
	}
	per, what := cfg.NumPrompts, "requests"
	if strings.HasPrefix(gate.Key(), firstWavePath) {
		per, what = cfg.Concurrency(), "requests of the first wave"
	}
	if need := gate.Requests(); !cfg.Timed() && per*repeats < need {
		return fmt.Errorf("gate %q: its percentile needs %d or more %s, and %d repeats of %d make %d; more prompts_per_concurrency, num-prompts or repeats", text, need, what, repeats, per, per*repeats)
	}
	return nil
}

const firstWavePath = "loadgen.first_wave."

// asked are the parts of a result that only a flag brings.
var asked = []struct {
	path, flag string
	is         func(c *config) bool
}{
	{"request_goodput", "goodput, such as goodput: [ttft:200]", func(c *config) bool { return c.Goodput != nil }},
	{"loadgen.server_metrics.", "server-metrics", func(c *config) bool { return c.ServerMetrics.Asked || c.TimeBreakdown.Asked }},
	{"loadgen.time_breakdown.", "save-request-time-breakdown", func(c *config) bool { return c.TimeBreakdown.Asked }},
	{"loadgen.gpu.", "gpu-metrics", func(c *config) bool { return c.GPUMetrics != nil }},
	{"loadgen.selftest.", "selftest", func(c *config) bool { return c.SelfTest }},
}

var (
	// extremes are statistics that results of loadgen do not have of latencies.
	extremes = lazy.Regexp(`^(min|max)_(ttft|tpot|itl|e2el)_ms$`)
	// storedPercentile is a percentile of a number that is not one of the four latencies.
	storedPercentile = lazy.Regexp(`(?:^|\.)p(\d+(?:\.\d+)?)(?:$|_avg)`)
	// ofStreams are the numbers that only answers that are streamed have.
	ofStreams = lazy.Regexp(`^loadgen\.(metrics|definitions|decoding_at_a_time)`)
)

// neverMeasured is why the runs' results will not have the number that a gate bounds, "" where
// they may.
func (c *config) neverMeasured(gate *report.Gate) string {
	key := gate.Key()
	for _, a := range asked {
		if strings.HasPrefix(key, a.path) && !a.is(c) {
			return "it needs the flag " + a.flag
		}
	}
	firstWave := strings.HasPrefix(key, firstWavePath) || gate.Metric() == "first_wave_ttft"
	switch {
	case c.StrictJSON && strings.HasPrefix(key, "loadgen."):
		return "strict-json leaves loadgen's own object out"
	case c.NonStreaming && (slices.Contains([]string{"ttft", "itl", "first_wave_ttft"}, gate.Metric()) || ofStreams.Get().MatchString(key)):
		return "answers that are not streamed have E2EL alone"
	case firstWave && c.Rate() > 0:
		return "runs with a request rate have no first wave"
	case firstWave && !c.Timed() && c.NumPrompts <= c.Concurrency():
		return fmt.Sprintf("%d requests at concurrency %d are one wave", c.NumPrompts, c.Concurrency())
	case extremes.Get().MatchString(key):
		return "results of loadgen do not have it"
	}
	return c.notAPercentile(key, storedPercentile.Get())
}

// notAPercentile is why results will not have a percentile that is not made of the requests'
// values.
func (c *config) notAPercentile(key string, pattern *regexp.Regexp) string {
	m := pattern.FindStringSubmatch(key)
	if m == nil || strings.HasPrefix(key, "loadgen.definitions.") || strings.HasPrefix(key, "loadgen.error_budget.") || strings.HasPrefix(key, "loadgen.sent_after_slot_ms.") {
		return "" // which have their own
	}
	p, _ := strconv.ParseFloat(m[1], 64)
	if all, err := c.Percentiles(); err == nil && !slices.Contains(all, p) {
		return fmt.Sprintf("p%s is not among metric-percentiles (%s)", m[1], c.MetricPercentiles)
	}
	return ""
}
