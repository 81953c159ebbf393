package report

import (
	"fmt"
	"math"
	"slices"

	"loadgen/internal/judge"
	"loadgen/pkg/metrics"
)

// settings are those that two runs must have in common to be comparable.
var settings = []string{"backend", "endpoint", "dataset_name", "dataset_path", "seed", "random_input_len", "random_output_len", "random_range_ratio", "random_prefix_len",
	"random_ids", "tokenize_on_client", "ignore_eos", "temperature", "top_p", "top_k", "min_p", "logprobs", "non_streaming", "keep_alive", "continuous_usage", "failures", "body_patch", "burstiness", "request_rate"}

// factsOf is what the judge wants to know of a side at a level; nil without a run.
// It is the first repeat's, but for what went wrong in any.
func factsOf(runs []*Stored) *judge.Facts {
	if len(runs) == 0 {
		return nil
	}
	f := runs[0].facts()
	for _, r := range runs[1:] {
		later := r.facts()
		f.Later = append(f.Later, later)
		f.Failed, f.Unsent = max(f.Failed, later.Failed), max(f.Unsent, later.Unsent)
		if later.Verdict == string(judge.ClientLimited) || f.Verdict == "" {
			f.Verdict = later.Verdict
		}
		for _, found := range later.Findings {
			if !slices.ContainsFunc(f.Findings, func(o judge.Finding) bool { return o.Code == found.Code }) {
				f.Findings = append(f.Findings, found)
			}
		}
	}
	f.Series = map[judge.Figure][]judge.Series{}
	for _, figure := range judge.Figures {
		for _, r := range runs {
			f.Series[figure] = append(f.Series[figure], r.series(figure))
		}
	}
	return f
}

// facts are those of one run, without its Series.
func (s *Stored) facts() *judge.Facts {
	f := &judge.Facts{Client: "benchmark_serving", Settings: map[string]string{}, OpenLoop: s.rate() > 0, Model: s.Text("model_id"), Concurrency: s.level().concurrency,
		Input: s.integer("total_input_tokens"), Output: s.integer("total_output_tokens"), Verdict: s.Verdict()}
	own := s.own()
	if own != nil {
		f.Client = fmt.Sprintf("loadgen %v", own["version"])
		server, _ := own["server"].(map[string]any)
		f.Server, _ = server["version"].(string)
		if model, _ := server["model"].(string); model != "" {
			f.Model = model
		}
		if became, ok := server["became"].(map[string]any); ok {
			model, _ := became["model"].(string)
			version, _ := became["version"].(string)
			f.Became = judge.Described(model, version)
		}
		if counted := s.ownNumber("server_tokens", "requests"); counted > 0 {
			f.Prompt = s.ownNumber("server_tokens", "prompt") / counted
		}
	}
	effective, _ := own["effective"].(map[string]any)
	for _, key := range settings {
		if v, ok := effective[key]; ok {
			f.Settings[key] = fmt.Sprint(v)
		} else if v, ok := s.values[key]; ok {
			f.Settings[key] = fmt.Sprint(v)
		}
	}
	if prompts, ok := own["prompts"].(string); ok {
		f.Settings["prompts"] = prompts
	}
	completed := s.integer("completed")
	f.Requests = max(s.integer("num_prompts"), completed)
	if sent := s.ownNumber("requests", "sent"); sent >= float64(completed) && sent < float64(f.Requests) {
		f.Unsent = f.Requests - int(sent)
	}
	f.Failed = f.Requests - f.Unsent - completed
	f.Findings, _ = s.Judge()
	return f
}

// series is a figure of a file.
func (s *Stored) series(f judge.Figure) judge.Series {
	out := judge.Series{N: s.integer("completed"), Mean: math.NaN(), Std: math.NaN()}
	if f.Higher {
		out.Value = s.Number(f.Metric)
		return out
	}
	m := metrics.Metric(slices.Index(metricNames, f.Metric))
	out.Value, out.Mean, out.Std = s.Latency(f.Statistic.Name, m), s.Latency("mean", m), s.Latency("std", m)
	out.Requests = s.requests(m)
	return out
}

var metricNames = []string{metrics.TTFT.String(), metrics.TPOT.String(), metrics.ITL.String(), metrics.E2EL.String()}
