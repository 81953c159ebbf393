package result

import (
	"fmt"
	"strings"
	"time"

	"loadgen/internal/pyjson"
)

// AIPerf's export, and that of genai-perf before it, has an object for each metric, with its
// unit and statistics:
//
//	{"request_latency": {"unit": "ms", "avg": 1, "p50": 1, "p99": 1, "std": 1}, "input_config": {...}}

// isAIPerf reports whether an object is such an export.
func isAIPerf(o pyjson.Object) bool {
	for _, key := range []string{"request_latency", "request_throughput", "request_count", "time_to_first_token"} {
		if _, ok := at(o, key, "unit").(string); ok {
			return true
		}
	}
	return false
}

func fromAIPerf(o pyjson.Object) (*File, error) {
	f := &File{Program: "genai-perf"}
	if has(o, "aiperf_version") || has(o, "schema_version") || has(o, "benchmark_duration") {
		f.Program = "aiperf"
	}
	if version, ok := o.Get("aiperf_version").(string); ok && len(version) < 40 {
		f.Program += " " + version
	}
	average := func(key string) any { return at(o, key, "avg") }
	f.Completed = counted(average("request_count"))
	if f.Completed == nil {
		f.Completed = counted(at(o, "request_latency", "count"))
	}
	f.aiperfAsked(o)
	f.Duration = inUnit(o.Get("benchmark_duration"), "avg", 1)
	f.aiperfTimes(o)
	f.TotalInputTokens = f.tokens(o, "total_isl", "input_sequence_length")
	f.TotalOutputTokens = f.tokens(o, "total_osl", "output_sequence_length")
	f.RequestThroughput = finite(average("request_throughput"))
	f.RequestGoodput = finite(average("goodput"))
	f.OutputThroughput = finite(average("output_token_throughput"))
	f.TotalTokenThroughput = finite(average("total_token_throughput"))
	f.UserThroughput = finite(average("output_token_throughput_per_user"))
	for i, key := range []string{"time_to_first_token", "inter_token_latency", "inter_chunk_latency", "request_latency"} {
		*f.Latency.At(i) = aiperfDistribution(o.Get(key))
	}
	if f.Latency.TPOT != nil {
		f.Remarks = append(f.Remarks, "AIPerf's inter_token_latency is a mean of each request: it is shown as TPOT")
	}
	f.aiperfSettings(o.Get("input_config"))
	if o.Get("was_cancelled") == true || o.Get("is_complete") == false {
		f.Remarks = append(f.Remarks, "the run was cancelled or did not come to its end")
	}
	return f, nil
}

// aiperfAsked finds how many requests were sent.
func (f *File) aiperfAsked(o pyjson.Object) {
	failed := counted(at(o, "error_request_count", "avg"))
	if summary, ok := o.Get("error_summary").([]any); ok && failed == nil {
		sum := 0
		for _, e := range summary {
			if n := counted(at(e, "count")); n != nil {
				sum += *n
			}
		}
		failed = &sum
	} else if none, ok := o.Get("error_summary").([]int); ok && len(none) == 0 && failed == nil {
		failed = new(int)
	}
	if f.Completed != nil && failed != nil {
		n := *f.Completed + *failed
		f.NumPrompts = &n
	}
}

// aiperfTimes takes the date, and the duration where there is no metric of it.
func (f *File) aiperfTimes(o pyjson.Object) {
	instant := func(key string) (time.Time, bool) {
		text, _ := o.Get(key).(string)
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	began, known := instant("start_time")
	ended, knownEnd := instant("end_time")
	if knownEnd {
		f.Date = dateOf(ended)
	}
	if known && knownEnd && f.Duration == nil && ended.After(began) {
		seconds := ended.Sub(began).Seconds()
		f.Duration = &seconds
	}
}

// tokens is a total, or the sum over the requests, of tokens.
func (f *File) tokens(o pyjson.Object, total, each string) *int {
	if n := counted(at(o, total, "avg")); n != nil {
		return n
	}
	if n := counted(at(o, each, "sum")); n != nil {
		return n
	}
	if mean := finite(at(o, each, "avg")); mean != nil && f.Completed != nil {
		return counted(*mean * float64(*f.Completed))
	}
	return nil
}

// aiperfSettings finds the model and the load in the configuration of any version.
func (f *File) aiperfSettings(config any) {
	for _, path := range [][]string{{"models"}, {"model"}, {"endpoint", "model_names"}, {"model_names"}} {
		if name := firstName(at(config, path...)); name != "" && f.ModelID == "" {
			f.ModelID = name
		}
	}
	load := []any{at(config, "loadgen"), at(config, "profiling"), config}
	if phases, ok := at(config, "phases").([]any); ok {
		for _, phase := range phases { // the last one is the measured one
			load = append([]any{phase}, load...)
		}
	}
	for _, from := range load {
		if n := positive(at(from, "concurrency")); n != nil && f.MaxConcurrency == nil {
			f.MaxConcurrency = n
		}
		for _, key := range []string{"rate", "request_rate"} {
			if x := finite(at(from, key)); x != nil && *x > 0 && f.RequestRate == nil {
				rate := Rate(*x)
				f.RequestRate = &rate
			}
		}
	}
}

// firstName is a name, the first of several, or the name of the first item.
func firstName(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		if len(v) > 0 {
			return v[0]
		}
	case []any:
		if len(v) > 0 {
			return firstName(v[0])
		}
	case pyjson.Object:
		if name, ok := v.Get("name").(string); ok {
			return name
		}
		return firstName(v.Get("items"))
	}
	return ""
}

// perSecond are the units of time by name.
var perSecond = map[string]float64{"s": 1, "sec": 1, "seconds": 1, "ms": 1e3, "milliseconds": 1e3, "us": 1e6, "ns": 1e9, "nanoseconds": 1e9}

// inUnit is a statistic of a metric of time in a unit of which a second has so many; nil
// where it, or its unit, is not known.
func inUnit(metric any, statistic string, scale float64) *float64 {
	unit, _ := at(metric, "unit").(string)
	x, from := finite(at(metric, statistic)), perSecond[strings.ToLower(unit)]
	if x == nil || from == 0 {
		return nil
	}
	if from != scale {
		*x = *x / from * scale
	}
	return x
}

// aiperfDistribution are a metric's statistics in ms, nil where there are none.
func aiperfDistribution(metric any) *Distribution {
	const ms = 1e3
	d := &Distribution{Mean: inUnit(metric, "avg", ms), Median: inUnit(metric, "p50", ms), Std: inUnit(metric, "std", ms),
		Min: inUnit(metric, "min", ms), Max: inUnit(metric, "max", ms)}
	for _, p := range []float64{75, 90, 95, 99} {
		if x := inUnit(metric, fmt.Sprint("p", p), ms); x != nil {
			d.Percentiles = append(d.Percentiles, Percentile{p, *x})
		}
	}
	if d.Mean == nil {
		return nil
	}
	return d
}
