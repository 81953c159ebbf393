// Package result is the result file: the one Go type for all of its keys, the
// writer of both of the original's layouts, the reader of everybody's files, and
// the JSON Schema.
//
// It takes a filled File and gives the bytes that json.dump would have written,
// or takes the bytes of a file and gives a File, and the samples that a detailed one
// has. It computes no statistic, judges nothing, and opens no file.
//
// The struct fields are the documentation: docs/result.md and the schema are made
// of their comments and tags (json: the key; unit: of the number; from: where the
// value comes from). A field without a from tag has that of the object it is in.
//
// More than twenty names are exported: each object of the file is a type, which the analysis
// fills in and the report reads.
package result

import (
	"reflect"
	"strconv"

	"loadgen/internal/pyjson"
)

// loadgenKey is the key of loadgen's own object.
const loadgenKey = "loadgen"

// File is a result file, with the keys of its layout (newest, or 1.2).
type File struct {
	// Date is the end of the run in local time, as YYYYMMDD-HHMMSS.
	Date string `json:"date" from:"clock"`
	// Backend is the API that was used: openai, openai-chat, ...
	Backend string `json:"backend" from:"flags"`
	// ModelID is the model's name in requests.
	ModelID string `json:"model_id" from:"flags"`
	// TokenizerID is the name of the tokenizer that counted prompts.
	TokenizerID string `json:"tokenizer_id" from:"flags"`
	// NumPrompts is the number of requests asked for.
	NumPrompts *int `json:"num_prompts" unit:"requests" from:"flags"`

	// Metadata are the user's own keys, written after num_prompts. One that equals a
	// key before it replaces that value; one that equals a key after it moves that key
	// here and gets its value. After reading they are the keys not known here, and
	// those whose values are of another type.
	Metadata pyjson.Object `json:"-"`

	// Duration is the time from the start of the schedule to the last answer or the
	// schedule's end, the profiler's stop included.
	Duration *float64 `json:"duration" unit:"s" from:"timelines"`
	// Completed is the number of successful requests.
	Completed *int `json:"completed" unit:"requests" from:"timelines"`
	// TotalInputTokens is the sum of the nominal prompt lengths of successful requests.
	TotalInputTokens *int `json:"total_input_tokens" unit:"tokens" from:"data set"`
	// TotalOutputTokens is the sum of the completion lengths of successful requests.
	TotalOutputTokens *int `json:"total_output_tokens" unit:"tokens" from:"server's usage, else the tokenizer"`
	// RequestThroughput is the rate of successes: completed / duration.
	RequestThroughput *float64 `json:"request_throughput" unit:"requests/s" from:"timelines"`
	// RequestGoodput is the throughput of requests that met all objectives; null
	// without objectives. The key's colon is the original's.
	RequestGoodput *float64 `json:"request_goodput:" null:"true" unit:"requests/s" from:"timelines"`
	// OutputThroughput is total_output_tokens / duration.
	OutputThroughput *float64 `json:"output_throughput" unit:"tokens/s" from:"timelines"`
	// TotalTokenThroughput is (total_input_tokens + total_output_tokens) / duration.
	TotalTokenThroughput *float64 `json:"total_token_throughput" unit:"tokens/s" from:"timelines"`
	// UserThroughput is the mean of each success's completion length / E2EL.
	UserThroughput *float64 `json:"user_throughput" unit:"tokens/s" from:"timelines"`
	// DecodedPerIter sums up the decoded tokens per iteration that the server sends;
	// in the 1.2 layout the mean alone.
	DecodedPerIter *DecodedPerIter `json:"avg_decoded_tokens_per_iter" unit:"tokens" from:"server"`

	// InputLens are the nominal prompt lengths, by request.
	InputLens []int `json:"input_lens" unit:"tokens" from:"data set"`
	// OutputLens are the completion lengths, by request, 0 for a failure.
	OutputLens []int `json:"output_lens" unit:"tokens" from:"server's usage, else the tokenizer"`
	// TTFTs are the times to first token, by request; -1 for an answer that came whole,
	// 0 for a failure before the first token.
	TTFTs []float64 `json:"ttfts" unit:"s" from:"timelines"`
	// ITLs are the gaps between the chunks of each request.
	ITLs [][]float64 `json:"itls" unit:"s" from:"timelines"`
	// E2ELs are the end-to-end latencies, by request, 0 for a failure; not in the 1.2 layout.
	E2ELs []float64 `json:"e2els" unit:"s" from:"timelines"`
	// GeneratedTexts are the completions, by request, "" for a failure.
	GeneratedTexts []string `json:"generated_texts" from:"server"`
	// Errors are the failures' messages, by request, "" for a success.
	Errors []string `json:"errors" from:"server, client"`

	// Energy is the server's energy meter over the run; not in the 1.2 layout.
	Energy *Energy `json:"energy" from:"server"`
	// DecodedPerIterKeys are the statistics of avg_decoded_tokens_per_iter as keys of
	// their own: STATISTIC_avg_decoded_tokens_per_iter.
	DecodedPerIterKeys *Distribution `json:"*_avg_decoded_tokens_per_iter" unit:"tokens" from:"server"`
	// Latency are the statistics of the latencies that were asked for.
	Latency ByMetric[*Distribution] `json:"*" unit:"ms" from:"timelines"`

	// RequestRate is the rate of the schedule; "inf" where all requests are due at once.
	RequestRate *Rate `json:"request_rate" unit:"requests/s" from:"flags"`
	// Burstiness is the shape of the gamma distribution of the gaps; 1 is Poisson, "inf"
	// constant spacing.
	Burstiness *Rate `json:"burstiness" from:"flags"`
	// MaxConcurrency is the limit of requests in flight; null without one.
	MaxConcurrency *int `json:"max_concurrency" null:"true" unit:"requests" from:"flags"`

	// Loadgen is the object of loadgen's own keys; a strict file has none.
	Loadgen *Loadgen `json:"loadgen"`

	// Program is the client that wrote the file that was read, with its version where it
	// says one; "" where only its keys could tell. Remarks are what a reader of its numbers
	// must know.
	Program string   `json:"-"`
	Remarks []string `json:"-"`

	// Layout is which of the original's layouts is written.
	Layout Layout `json:"-"`

	order []string // the keys of the file that was read
}

// Layout is one of the original's layouts of the file.
type Layout uint8

// The layouts.
const (
	Latest    Layout = iota
	Release12        // of the release 1.2
)

// ByMetric is a value for each of the four latencies.
type ByMetric[T any] struct {
	// TTFT is the time to first token.
	TTFT T `json:"ttft"`
	// TPOT is the time per output token after the first: (E2EL - TTFT) / (tokens - 1).
	TPOT T `json:"tpot"`
	// ITL is the time between the chunks of an answer.
	ITL T `json:"itl"`
	// E2EL is the end-to-end latency.
	E2EL T `json:"e2el"`
}

// MetricNames are the keys of ByMetric, in order.
var MetricNames = [4]string{"ttft", "tpot", "itl", "e2el"}

// At points to the value of a metric, by its place in MetricNames.
func (b *ByMetric[T]) At(i int) *T { return [...]*T{&b.TTFT, &b.TPOT, &b.ITL, &b.E2EL}[i] }

// Percentile is one percentile, P between 0 and 100, of a distribution.
type Percentile struct{ P, Value float64 }

// Distribution is a distribution as keys of the original's: STATISTIC_NAME.
type Distribution struct {
	// Mean is the arithmetic mean.
	Mean *float64 `json:"mean"`
	// Median is the 50th percentile.
	Median *float64 `json:"median"`
	// Std is the population standard deviation.
	Std *float64 `json:"std"`
	// Min is the least value; of latencies there is none.
	Min *float64 `json:"min"`
	// Max is the greatest value; of latencies there is none.
	Max *float64 `json:"max"`
	// Percentiles are the percentiles asked for, as p99, p99.9, ...
	Percentiles []Percentile `json:"p*"`
}

// DecodedPerIter is avg_decoded_tokens_per_iter.
type DecodedPerIter struct {
	// Mean is the arithmetic mean.
	Mean *float64 `json:"mean"`
	// Min is the least value.
	Min *float64 `json:"min"`
	// Max is the greatest value.
	Max *float64 `json:"max"`
	// Median is the 50th percentile.
	Median *float64 `json:"median"`
	// Std is the population standard deviation.
	Std *float64 `json:"std"`
	// Percentiles are those asked for, as p99.0, p99.9, ...
	Percentiles DecimalPercentiles `json:"percentiles"`
}

// Energy is what the server's energy meter says of a run.
type Energy struct {
	// TotalJoules is the energy used, an integer where the server sends integers.
	TotalJoules Number `json:"total_energy_j" unit:"J"`
	// PerWatt is the output throughput per watt, null without energy used.
	PerWatt *float64 `json:"output_tps_per_w" unit:"tokens/J"`
	// Watts is the mean power.
	Watts *float64 `json:"total_gpu_power_w" unit:"W"`
}

// Rate is a number such as requests per second, infinity being written as "inf".
type Rate float64

// Number is a number that is written as an integer where Integer is set.
type Number struct {
	Value   float64
	Integer bool
}

// DecimalPercentiles are percentiles whose names have a decimal: p99.0.
type DecimalPercentiles []Percentile

// percentileName is a percentile's name without the p: 99, 99.9.
func percentileName(p float64) string {
	if i := int(p); float64(i) == p {
		return strconv.Itoa(i)
	}
	return pyjson.FormatFloat(p)
}

// Setting is the value of a key that says how a run was made: the original's or the
// user's metadata; nil where there is none.
func (f *File) Setting(key string) any {
	switch key {
	case "backend":
		return given(f.Backend)
	case "date":
		return given(f.Date)
	case "model_id":
		return given(f.ModelID)
	case "tokenizer_id":
		return given(f.TokenizerID)
	case "num_prompts":
		if f.NumPrompts != nil {
			return *f.NumPrompts
		}
	case "request_rate":
		if f.RequestRate != nil {
			return encode(reflect.ValueOf(*f.RequestRate))
		}
	case "burstiness":
		if f.Burstiness != nil {
			return encode(reflect.ValueOf(*f.Burstiness))
		}
	}
	return f.Metadata.Get(key)
}

// given is a text, nil for an empty one.
func given(text string) any {
	if text == "" {
		return nil
	}
	return text
}
