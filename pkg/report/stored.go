package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// Stored is a result file as it was read, of whatever program wrote it.
type Stored struct {
	Name   string
	values map[string]any
	run    pyjson.Object                  // all of it, where it was computed here
	parts  map[metrics.Metric][][]float64 // what requests returns
	hdr    map[string][]second            // what hdrLogs returns
}

// NewStored is a result that was computed from a run's timelines: text has each
// request's values, whether the run was to keep them or not, and run is what the run
// would have saved.
func NewStored(name string, text []byte, run pyjson.Object) (*Stored, error) {
	s, err := parseStored(name, text)
	if err != nil {
		return nil, err
	}
	s.run = run
	return s, nil
}

// ReadStored reads a result file.
func ReadStored(name string) (*Stored, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseStored(name, text)
}

func parseStored(name string, text []byte) (*Stored, error) {
	s := &Stored{Name: name}
	err := json.Unmarshal(finite(text), &s.values)
	if errors.As(err, new(*json.UnmarshalTypeError)) {
		err = errors.New("it holds no JSON object")
	}
	if err != nil {
		return nil, fmt.Errorf("%s is no result file: %w", name, err)
	}
	if !s.has("completed") || !s.has("duration") {
		return nil, fmt.Errorf("%s is no result file: it has no completed and duration", name)
	}
	return s, nil
}

// finite replaces the words that Python writes for numbers that JSON does not
// have, outside of strings.
func finite(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !inString {
			if word := oddNumber(text[i:]); word > 0 {
				out = append(out, "null"...)
				i += word - 1
				continue
			}
		}
		out = append(out, c)
		switch {
		case c == '"':
			inString = !inString
		case c == '\\' && inString && i+1 < len(text):
			i++
			out = append(out, text[i])
		}
	}
	return out
}

// oddNumber is the length of NaN, Infinity or -Infinity at the beginning of text.
func oddNumber(text []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if len(text) >= len(word) && string(text[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

func (s *Stored) has(key string) bool { _, ok := s.values[key]; return ok }

// Number is a value of the file, NaN where there is none.
func (s *Stored) Number(key string) float64 {
	if x, ok := s.values[key].(float64); ok {
		return x
	}
	return math.NaN()
}

func (s *Stored) integer(key string) int {
	if x := s.Number(key); math.Abs(x) < 1e15 {
		return int(x)
	}
	return 0
}

// Text is a value of the file, "" where there is none.
func (s *Stored) Text(key string) string {
	text, _ := s.values[key].(string)
	return text
}

// own is loadgen's own object, nil in the files of other programs.
func (s *Stored) own() map[string]any {
	own, _ := s.values[result.LoadgenKey].(map[string]any)
	return own
}

// ownNumber is a value of a table in loadgen's own object, NaN where there is none.
func (s *Stored) ownNumber(table, key string) float64 {
	values, _ := s.own()[table].(map[string]any)
	if x, ok := values[key].(float64); ok {
		return x
	}
	return math.NaN()
}

// Latency is a statistic (mean, median, std, p99, ...) of a metric in seconds. Where
// the file has only each request's values, it is made of them.
func (s *Stored) Latency(statistic string, m metrics.Metric) float64 {
	if x := s.Number(statistic + "_" + m.String() + "_ms"); !math.IsNaN(x) {
		return x / 1e3
	}
	values := slices.Concat(s.requests(m)...)
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	switch statistic {
	case "mean":
		return metrics.Mean(values)
	case "median":
		return metrics.Median(values)
	case "std":
		return metrics.Std(values)
	}
	if p, err := strconv.ParseFloat(strings.TrimPrefix(statistic, "p"), 64); err == nil && 0 <= p && p <= 100 {
		return metrics.Percentile(values, p)
	}
	return math.NaN()
}

// requests are the values in seconds of each success, in the order of the file,
// which is that of the starts; nil unless it was saved in detail.
func (s *Stored) requests(m metrics.Metric) [][]float64 {
	if out, known := s.parts[m]; known {
		return out
	}
	ttfts, _ := s.values["ttfts"].([]any)
	itls, _ := s.values["itls"].([]any)
	lens, _ := s.values["output_lens"].([]any)
	var out [][]float64
	for i := range min(len(ttfts), len(itls), len(lens)) {
		ttft, ok1 := ttfts[i].(float64)
		n, ok2 := lens[i].(float64)
		gaps, ok3 := itls[i].([]any)
		if ok1 && ok2 && ok3 && !(n == 0 && ttft == 0) { // the last is a failure
			out = append(out, requestValues(m, ttft, n, gaps))
		}
	}
	if s.parts == nil {
		s.parts = map[metrics.Metric][][]float64{}
	}
	s.parts[m] = out
	return out
}

// requestValues are those of one request of n tokens.
func requestValues(m metrics.Metric, ttft, n float64, itl []any) []float64 {
	gaps := make([]float64, len(itl))
	sum := 0.0
	for i, g := range itl {
		gaps[i], _ = g.(float64)
		sum += gaps[i]
	}
	switch {
	case m == metrics.TTFT:
		return []float64{ttft}
	case m == metrics.ITL:
		return gaps
	case m == metrics.E2EL:
		return []float64{ttft + sum}
	case n > 1:
		return []float64{sum / (n - 1)}
	}
	return nil
}

// percentiles are those that the file has of any metric.
func (s *Stored) percentiles() (out []float64) {
	for key := range s.values {
		if rest, ok := strings.CutPrefix(key, "p"); ok && strings.HasSuffix(rest, "_ms") {
			number, _, _ := strings.Cut(rest, "_")
			if p, err := strconv.ParseFloat(number, 64); err == nil && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Judge returns the findings and notes that the file holds, or, of another
// program's, allows.
func (s *Stored) Judge() (findings, notes []judge.Finding) {
	if own := s.own(); own != nil && own["findings"] != nil {
		return storedFindings(own["findings"]), storedFindings(own["notes"])
	}
	rate := s.Number("request_rate") // "inf" is no number
	if math.IsNaN(rate) {
		rate = 0
	}
	j := judge.Stored{
		Asked:        s.integer("num_prompts"),
		Completed:    s.integer("completed"),
		InputTokens:  s.integer("total_input_tokens"),
		OutputTokens: s.integer("total_output_tokens"),
		Duration:     s.Number("duration"),
		Concurrency:  s.integer("max_concurrency"),
		Rate:         rate,
		Throughput:   s.Number("request_throughput"),
		TTFT:         s.Latency("mean", metrics.TTFT),
		TPOT:         s.Latency("mean", metrics.TPOT),
		E2EL:         s.Latency("mean", metrics.E2EL),
		MedianITL:    s.Latency("median", metrics.ITL),
		Percentiles:  s.percentiles(),
	}
	return j.Judge()
}

// storedFindings are those of a file of ours.
func storedFindings(v any) (out []judge.Finding) {
	all, _ := v.([]any)
	for _, one := range all {
		o, _ := one.(map[string]any)
		f := judge.Finding{}
		f.Code, _ = o["code"].(string)
		f.Text, _ = o["text"].(string)
		figures, _ := o["figures"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(figures)) {
			f.Figures.Set(key, figures[key])
		}
		out = append(out, f)
	}
	return out
}

// Verdict is what the file says of its own client, "" where it says nothing.
func (s *Stored) Verdict() string {
	text, _ := s.own()["verdict"].(string)
	return text
}

// storedKeys are what is shown of a file beside its latencies, in order.
var storedKeys = []string{"date", "backend", "model_id", "num_prompts", "completed", "duration", "total_input_tokens", "total_output_tokens",
	"request_throughput", "output_throughput", "total_token_throughput", "request_rate", "max_concurrency"}

// JSON is the file's figures, findings and notes for programs.
func (s *Stored) JSON() pyjson.Object {
	o := append(pyjson.Object{{Key: "file", Value: s.Name}}, s.run...)
	if s.run == nil {
		o = append(o, s.figures()...)
	}
	findings, notes := s.Judge()
	if v := s.Verdict(); v != "" {
		o.Set("verdict", v)
	}
	o.Set("findings", FindingsJSON(findings))
	o.Set("notes", FindingsJSON(notes))
	return o
}

// figures are those that the file has or allows.
func (s *Stored) figures() (o pyjson.Object) {
	for _, key := range storedKeys {
		if v, ok := s.values[key]; ok {
			o.Set(key, whole(v))
		}
	}
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.TPOT, metrics.ITL, metrics.E2EL} {
		for _, statistic := range s.statistics() {
			if x := s.Latency(statistic, m); !math.IsNaN(x) {
				o.Set(statistic+"_"+m.String()+"_ms", 1e3*x)
			}
		}
	}
	return o
}

// whole makes numbers that are whole integers again.
func whole(v any) any {
	if x, ok := v.(float64); ok && x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return int(x)
	}
	return v
}

// statistics are those to be shown: the file's percentiles after the mean and the rest.
func (s *Stored) statistics() []string {
	out := []string{"mean", "median", "std"}
	percentiles := s.percentiles()
	if len(percentiles) == 0 {
		percentiles = []float64{99}
	}
	for _, p := range percentiles {
		out = append(out, "p"+percentile(p))
	}
	return out
}

// WriteText shows the file to people.
func (s *Stored) WriteText(w io.Writer) {
	fmt.Fprintf(w, "%s\n", s.Name)
	fmt.Fprint(w, "  ")
	if model := s.Text("model_id"); model != "" {
		fmt.Fprintf(w, "%s, ", model)
	}
	fmt.Fprintf(w, "%d of %d requests completed in %.2f s", s.integer("completed"), s.integer("num_prompts"), s.Number("duration"))
	if c := s.integer("max_concurrency"); c > 0 {
		fmt.Fprintf(w, ", concurrency %d", c)
	}
	if x := s.Number("output_throughput"); !math.IsNaN(x) {
		fmt.Fprintf(w, ", %.2f output tokens/s", x)
	}
	fmt.Fprintln(w)
	statistics := s.statistics()
	fmt.Fprintf(w, "  %-6s", "ms")
	for _, name := range statistics {
		fmt.Fprintf(w, " %10s", name)
	}
	fmt.Fprintln(w)
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if math.IsNaN(s.Latency("mean", m)) {
			continue
		}
		fmt.Fprintf(w, "  %-6s", strings.ToUpper(m.String()))
		for _, name := range statistics {
			fmt.Fprintf(w, " %10.2f", 1e3*s.Latency(name, m))
		}
		fmt.Fprintln(w)
	}
	if v := s.Verdict(); v != "" {
		fmt.Fprintf(w, "  verdict %s\n", v)
	}
	findings, notes := s.Judge()
	WriteFindings(w, "  ", findings, notes)
}

// Complete tells whether all requests of the run were answered, and it came to its end.
func (s *Stored) Complete() bool {
	interrupted, _ := s.own()["interrupted"].(bool)
	return !interrupted && s.integer("completed") > 0 && s.integer("completed") >= s.integer("num_prompts")
}

// ServerPlan is what a comparison wrote of how its server was started, "" without.
func (s *Stored) ServerPlan() string {
	server, _ := s.own()["server"].(map[string]any)
	text, _ := server["plan"].(string)
	return text
}

// Differs tells how a setting that loadgen's own object keeps differs from a value,
// "" where it does not.
func (s *Stored) Differs(name string, value any) string {
	effective, _ := s.own()["effective"].(map[string]any)
	got, want := pyjson.Append(nil, whole(effective[name])), pyjson.Append(nil, whole(value))
	if string(got) == string(want) {
		return ""
	}
	return fmt.Sprintf("%s, not %s", got, want)
}
