package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"loadgen/internal/judge"
	"loadgen/pkg/metrics"
)

// settings are those that two runs must have in common to be comparable.
var settings = []string{"backend", "endpoint", "dataset_name", "dataset_path", "seed", "random_input_len", "random_output_len", "random_range_ratio", "random_prefix_len",
	"random_ids", "random_id_step", "tokenize_on_client", "ignore_eos", "temperature", "top_p", "top_k", "min_p", "logprobs", "non_streaming", "keep_alive", "continuous_usage", "failures", "body_patch", "burstiness", "request_rate",
	"duration", "drain", "distinct_prompts", "ramp_up", "ramp_up_strategy", "ramp_up_start_rps", "ramp_up_end_rps", "stages", "cancel", "cancel_after", "balance",
	"probe_request_rate", "probe_input_len", "probe_output_len"}

// summarize is what the judgement needs of a server at a concurrency; nil without a run.
func summarize(runs []*Stored) *judge.Summary {
	if len(runs) == 0 {
		return nil
	}
	f := runs[0].summarized()
	for _, r := range runs[1:] {
		f.Later = append(f.Later, r.summarized())
	}
	f.Series = map[judge.Quantity][]judge.Series{}
	for _, quantity := range judge.Quantities {
		for _, r := range runs {
			f.Series[quantity] = append(f.Series[quantity], r.series(quantity))
		}
		if quantity.Metric == "itl" {
			perToken := judge.Quantity{Metric: judge.PerTokenITL, Statistic: quantity.Statistic}
			for _, r := range runs {
				f.Series[perToken] = append(f.Series[perToken], r.series(perToken))
			}
		}
	}
	if slices.ContainsFunc(runs, func(r *Stored) bool { return r.file.RequestGoodput != nil }) {
		for _, r := range runs {
			f.Series[goodputQuantity] = append(f.Series[goodputQuantity], r.series(goodputQuantity))
		}
	}
	return f
}

// goodput is the key of the rate of the requests that met all objectives: gates know it.
const goodput = "request_goodput"

var goodputQuantity = judge.Quantity{Metric: goodput, Statistic: judge.MeanOf, Higher: true}

// failureQuantity is the share of the requests that failed, of 1.
var failureQuantity = judge.Quantity{Metric: "failure_share"}

// summary are those of one run, without its Series.
func (s *Stored) summarized() *judge.Summary {
	file, own := s.file, s.loadgen()
	completed := countOf(file.Completed)
	f := &judge.Summary{Client: s.program(), Settings: map[string]string{}, OpenLoop: s.rate() > 0, Model: file.ModelID, Concurrency: s.load().concurrency,
		Input: countOf(file.TotalInputTokens), Output: countOf(file.TotalOutputTokens), Verdict: s.Verdict(), Requests: max(countOf(file.NumPrompts), completed),
		Decoding: s.decoding(), TokensPerChunk: s.tokensPerChunk(), LateSchedule: s.lateSchedule(), Defined: s.defined()}
	if server := own.Server; server != nil {
		f.Server = server.Version
		if server.Model != "" {
			f.Model = server.Model
		}
		if after := server.Became; after != nil {
			f.Became = judge.Described(after.Model, after.Version)
		}
	}
	if t := own.ServerTokens; t != nil && t.Requests > 0 {
		f.Prompt = float64(t.Prompt) / float64(t.Requests)
	}
	for _, key := range settings {
		if v := s.setting(key); v != nil || s.hasSetting(key) {
			f.Settings[key] = fmt.Sprint(whole(v))
		}
	}
	if own.Prompts != "" {
		f.Settings["prompts"] = own.Prompts
	}
	if r := own.Requests; r != nil && completed <= r.Sent && r.Sent < f.Requests {
		f.Unsent = f.Requests - r.Sent
	}
	f.Requests -= s.onPurpose()
	f.Failed = f.Requests - f.Unsent - completed
	f.ByTime = s.byTime()
	f.Findings, _ = s.judge()
	return f
}

// onPurpose is how many requests loadgen ended itself, as its settings say: no failures.
func (s *Stored) onPurpose() int {
	if r := s.loadgen().Requests; r != nil {
		return r.Cancelled + r.CutAtEnd
	}
	return 0
}

// byTime reports whether time decided how many requests were sent.
func (s *Stored) byTime() bool {
	seconds, _ := strconv.ParseFloat(plainJSON(s.loadgen().Effective.Get("duration")), 64)
	return seconds > 0 || s.loadgen().Effective.Get("stages") != nil
}

// series are the values of a metric in a file.
func (s *Stored) series(f judge.Quantity) judge.Series {
	out := judge.Series{N: countOf(s.file.Completed), Mean: math.NaN(), Std: math.NaN()}
	switch {
	case f == failureQuantity:
		summary := s.summarized()
		out.Value = float64(summary.Failed) / float64(summary.Requests-summary.Unsent)
		return out
	case f.Higher:
		out.Value = s.throughput(f.Metric)
	case f.Metric == judge.FirstWaveTTFT:
		out = s.firstWave()
	case f.Metric == judge.PerTokenITL:
		out = s.perTokenITL(f.Statistic.Name)
	default:
		m := metrics.Metric(slices.Index(metricNames, f.Metric))
		out.Value, out.Mean, out.Std = s.Latency(f.Statistic.Name, m), s.Latency("mean", m), s.Latency("std", m)
		out.Requests = s.requests(m)
	}
	out.Error = s.clientError(f, out.Value)
	return out
}

var metricNames = []string{metrics.TTFT.String(), metrics.TPOT.String(), metrics.ITL.String(), metrics.E2EL.String()}
