package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"loadgen/internal/pyjson"
	"loadgen/pkg/metrics"
)

// Run is a finished run and how it is to be shown.
type Run struct {
	Date               time.Time
	Backend            string
	ModelID, Tokenizer string
	NumPrompts         int
	Metadata           [][2]string
	RequestRate        float64
	Burstiness         float64
	MaxConcurrency     *int
	// Metrics selects which latencies are shown.
	Metrics []metrics.Metric
	// Compat12 is the layout of the 1.2 release.
	Compat12 bool
	// Detailed keeps a value for each request.
	Detailed bool
	Summary  *metrics.Summary
	Samples  []metrics.Sample
	Energy   *Energy
	// Own is loadgen's own object at the end of the file; nil leaves it out.
	Own pyjson.Object
}

// selected returns the metrics to show, in the order of reports.
func (r *Run) selected() (out []metrics.Metric) {
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		for _, s := range r.Metrics {
			if s == m {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

// JSON is the result file's object, its keys in the original's order.
func (r *Run) JSON() pyjson.Object {
	s := r.Summary
	var d pyjson.Object
	d.Set("date", r.Date.Format("20060102-150405"))
	d.Set("backend", r.Backend)
	d.Set("model_id", r.ModelID)
	d.Set("tokenizer_id", r.Tokenizer)
	d.Set("num_prompts", r.NumPrompts)
	for _, m := range r.Metadata {
		d.Set(m[0], m[1])
	}
	d.Set("duration", s.Duration)
	d.Set("completed", s.Completed)
	d.Set("total_input_tokens", s.InputTokens)
	d.Set("total_output_tokens", s.OutputTokens)
	d.Set("request_throughput", s.RequestThroughput)
	d.Set("request_goodput:", s.Goodput)
	d.Set("output_throughput", s.OutputThroughput)
	d.Set("total_token_throughput", s.TotalTokenThroughput)
	d.Set("user_throughput", s.UserThroughput)
	r.setDecodedPerIter(&d)
	if r.Detailed {
		r.setDetails(&d)
	}
	if r.Energy != nil && !r.Compat12 {
		d.Set("energy", r.Energy.json())
	}
	if s.DecodedPerIter.Mean > 0 && !r.Compat12 {
		const key = "avg_decoded_tokens_per_iter"
		d.Set("std_"+key, s.DecodedPerIter.Std)
		d.Set("min_"+key, s.DecodedPerIter.Min)
		d.Set("max_"+key, s.DecodedPerIter.Max)
		d.Set("mean_"+key, s.DecodedPerIter.Mean)
		d.Set("median_"+key, s.DecodedPerIter.Median)
		for i, p := range s.Percentiles {
			d.Set("p"+percentile(p)+"_"+key, s.DecodedPerIter.Percentiles[i])
		}
	}
	for _, m := range r.selected() {
		r.setLatency(&d, m)
	}
	d.Set("request_rate", orInf(r.RequestRate))
	d.Set("burstiness", r.Burstiness)
	d.Set("max_concurrency", r.MaxConcurrency)
	if r.Own != nil {
		d.Set(OwnKey, r.Own)
	}
	return d
}

// OwnKey is the key of loadgen's own object.
const OwnKey = "loadgen"

func (r *Run) setDecodedPerIter(d *pyjson.Object) {
	const key = "avg_decoded_tokens_per_iter"
	st := r.Summary.DecodedPerIter
	if r.Compat12 {
		d.Set(key, st.Mean)
		return
	}
	var p pyjson.Object
	for i, at := range r.Summary.Percentiles {
		p.Set("p"+pyjson.FormatFloat(at), st.Percentiles[i])
	}
	d.Set(key, pyjson.Object{{Key: "mean", Value: st.Mean}, {Key: "min", Value: st.Min}, {Key: "max", Value: st.Max},
		{Key: "median", Value: st.Median}, {Key: "std", Value: st.Std}, {Key: "percentiles", Value: p}})
}

func (r *Run) setDetails(d *pyjson.Object) {
	n := len(r.Samples)
	input, ttfts, e2els := make([]int, n), make([]any, n), make([]float64, n)
	itls, texts, errs := make([][]float64, n), make([]string, n), make([]string, n)
	for i, s := range r.Samples {
		input[i], e2els[i], itls[i], texts[i], errs[i] = s.PromptLen, s.Latency, s.ITL, s.Text, s.Error
		if ttfts[i] = s.TTFT; s.TTFT == -1 {
			ttfts[i] = -1 // of an answer that came whole: an int in the original
		}
	}
	d.Set("input_lens", input)
	d.Set("output_lens", r.Summary.OutputLens)
	d.Set("ttfts", ttfts)
	d.Set("itls", itls)
	if !r.Compat12 {
		d.Set("e2els", e2els)
	}
	d.Set("generated_texts", texts)
	d.Set("errors", errs)
}

func (r *Run) setLatency(d *pyjson.Object, m metrics.Metric) {
	st := r.Summary.Latency[m]
	key := "_" + m.String() + "_ms"
	if r.Compat12 {
		d.Set("mean"+key, 1e3*st.Mean)
		d.Set("median"+key, 1e3*st.Median)
		d.Set("std"+key, 1e3*st.Std)
	} else {
		d.Set("std"+key, 1e3*st.Std)
		d.Set("mean"+key, 1e3*st.Mean)
		d.Set("median"+key, 1e3*st.Median)
	}
	for i, p := range r.Summary.Percentiles {
		d.Set("p"+percentile(p)+key, 1e3*st.Percentiles[i])
	}
}

// orInf writes infinity as the original does.
func orInf(f float64) any {
	if math.IsInf(f, 1) {
		return "inf"
	}
	return f
}

// FileName is the result file's name where none is given.
func (r *Run) FileName() string {
	concurrency := ""
	if r.MaxConcurrency != nil {
		concurrency = fmt.Sprintf("-concurrency%d", *r.MaxConcurrency)
	}
	model := r.ModelID[strings.LastIndexByte(r.ModelID, '/')+1:]
	return fmt.Sprintf("%s-%sqps%s-%s-%s.json", r.Backend, pyjson.FormatFloat(r.RequestRate), concurrency, model, r.Date.Format("20060102-150405"))
}

// Energy is what the server's meter says about a run.
type Energy struct {
	TotalJoules any // float64 or int, as the server wrote it
	PerWatt     *float64
	Watts       float64
}

// NewEnergy compares two readings of the meter, as the original does; joules
// keeps whole numbers whole. Without a rise there are no tokens per watt: the
// original dies there.
func NewEnergy(joules, seconds float64, whole bool, outputTokens int) *Energy {
	e := &Energy{TotalJoules: joules}
	if whole {
		e.TotalJoules = int(joules)
	}
	if joules > 0 {
		perWatt := float64(outputTokens) / joules
		e.PerWatt = &perWatt
	}
	if seconds > 0 {
		e.Watts = joules / seconds
	}
	return e
}

func (e *Energy) json() pyjson.Object {
	return pyjson.Object{
		{Key: "total_energy_j", Value: e.TotalJoules},
		{Key: "output_tps_per_w", Value: e.PerWatt},
		{Key: "total_gpu_power_w", Value: e.Watts},
	}
}

func (e *Energy) print(w io.Writer) {
	joules, ok := e.TotalJoules.(float64)
	if !ok {
		joules = float64(e.TotalJoules.(int))
	}
	perWatt := "N/A"
	if e.PerWatt != nil {
		perWatt = fixed(*e.PerWatt, 4)
	}
	fmt.Fprintln(w, centred(" Energy Metrics ", '-'))
	for _, row := range [][2]string{{"Total Energy (J):", fixed(joules, 4)},
		{"Output Tokens per Second per Watt (tps/W):", perWatt}, {"Total GPU Power (W):", fixed(e.Watts, 4)}} {
		fmt.Fprintf(w, "%-40s %-10s\n", row[0], row[1])
	}
}
