package result

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"loadgen/internal/pyjson"
)

// GuideLLM's report has a benchmark for each load that was tried, and for each metric the
// statistics of the successes and of the rest:
//
//	{"metadata": {...}, "benchmarks": [{"config": {"strategy": {...}}, "metrics": {"request_latency": {"successful": {"mean": 1, "percentiles": {"p99": 1}}}}}]}

func fromGuideLLM(report pyjson.Object, benchmarks []any) (files []*File, err error) {
	program := "guidellm"
	if version, ok := at(report, "metadata", "guidellm_version").(string); ok && len(version) < 40 {
		program += " " + version
	}
	for i, b := range benchmarks {
		if _, ok := at(b, "metrics").(pyjson.Object); !ok {
			return files, fmt.Errorf("%w: benchmark %d has no metrics", ErrUnknown, i+1)
		}
		f := guidellmBenchmark(b)
		f.Program = program
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: its list of benchmarks is empty", ErrUnknown)
	}
	return files, nil
}

func guidellmBenchmark(b any) *File {
	f := &File{}
	metrics := at(b, "metrics")
	for _, path := range [][]string{{"metrics", "request_totals"}, {"scheduler_metrics", "requests_made"}, {"run_stats", "requests_made"}} {
		requests := at(b, path...)
		if f.Completed == nil {
			f.Completed, f.NumPrompts = counted(at(requests, "successful")), counted(at(requests, "total"))
			if cut := counted(at(requests, "incomplete")); cut != nil && *cut > 0 && f.NumPrompts != nil && f.Completed != nil {
				// Those under way when the time was over are no failures.
				f.NumPrompts = counted(*f.NumPrompts - *cut)
				f.Remarks = append(f.Remarks, fmt.Sprintf("%d requests were under way when the time was over: they count neither as sent nor as failed", *cut))
			}
		}
	}
	if f.Duration = finite(at(b, "duration")); f.Duration == nil {
		if began, ended := finite(at(b, "start_time")), finite(at(b, "end_time")); began != nil && ended != nil && *ended > *began {
			seconds := *ended - *began
			f.Duration = &seconds
		}
	}
	if ended := finite(at(b, "end_time")); ended != nil && *ended > 0 && *ended < 1e11 {
		f.Date = dateOf(time.Unix(int64(*ended), 0))
	}
	successes := func(key, statistic string) any { return at(metrics, key, "successful", statistic) }
	f.TotalInputTokens = counted(successes("prompt_token_count", "total_sum"))
	f.TotalOutputTokens = counted(successes("output_token_count", "total_sum"))
	f.RequestThroughput = finite(successes("requests_per_second", "mean"))
	f.RequestGoodput = finite(successes("request_goodput", "mean"))
	f.OutputThroughput = finite(successes("output_tokens_per_second", "mean"))
	f.TotalTokenThroughput = finite(successes("tokens_per_second", "mean"))
	f.Latency.TTFT = guidellmDistribution(at(metrics, "time_to_first_token_ms", "successful"), 1)
	f.Latency.ITL = guidellmDistribution(at(metrics, "inter_token_latency_ms", "successful"), 1)
	f.Latency.E2EL = guidellmDistribution(at(metrics, "request_latency", "successful"), 1e3)
	if f.Latency.ITL != nil {
		f.Remarks = append(f.Remarks, "GuideLLM's ITL is a mean of each request, weighted by its tokens; its time_per_output_token_ms contains TTFT and is left out")
	}
	f.guidellmSettings(b)
	return f
}

// guidellmSettings finds the model and the load.
func (f *File) guidellmSettings(b any) {
	for _, path := range [][]string{{"config", "backend", "model"}, {"benchmarker", "backend", "model"}, {"worker", "backend_model"}, {"request_loader", "model"}} {
		if name, ok := at(b, path...).(string); ok && f.ModelID == "" {
			f.ModelID = name
		}
	}
	strategy := at(b, "config", "strategy")
	if strategy == nil {
		strategy = at(b, "args", "strategy")
	}
	switch at(strategy, "type_") {
	case "synchronous":
		one := 1
		f.MaxConcurrency = &one
	case "concurrent":
		f.MaxConcurrency = positive(at(strategy, "streams"))
	default:
		f.MaxConcurrency = positive(at(strategy, "max_concurrency"))
		if x := finite(at(strategy, "rate")); x != nil && *x > 0 {
			rate := Rate(*x)
			f.RequestRate = &rate
		}
	}
}

// guidellmDistribution are the statistics of a metric in ms, which has so many of its unit.
func guidellmDistribution(metric any, scale float64) *Distribution {
	if n := counted(at(metric, "count")); n == nil || *n == 0 {
		return nil // zeros
	}
	scaled := func(path ...string) *float64 {
		x := finite(at(metric, path...))
		if x != nil {
			*x *= scale
		}
		return x
	}
	d := &Distribution{Mean: scaled("mean"), Median: scaled("median"), Std: scaled("std_dev"), Min: scaled("min"), Max: scaled("max")}
	for name, p := range map[string]float64{"p75": 75, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9} {
		if x := scaled("percentiles", name); x != nil {
			d.Percentiles = append(d.Percentiles, Percentile{p, *x})
		}
	}
	slices.SortFunc(d.Percentiles, func(a, b Percentile) int { return cmp.Compare(a.P, b.P) })
	if d.Mean == nil {
		return nil
	}
	return d
}
