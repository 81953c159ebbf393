package report

import (
	"errors"
	"fmt"
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
	Name  string
	part  int // its place among the results of a file that holds several, from 1; else 0
	file  *result.File
	shown *result.File                   // what programs are shown: file, or less
	parts map[metrics.Metric][][]float64 // what requests returns
	hdr   map[string][]second            // what hdrLogs returns
}

// ReadStored reads a result file.
func ReadStored(name string) (*Stored, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseStored(name, text)
}

// ParseStored parses the text of a result file.
func ParseStored(name string, text []byte) (*Stored, error) {
	f, err := result.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Stored{Name: name, file: f}, nil
}

// ParseAll reads all results that a file's text holds: those of other clients, too, and several in
// one file. They are called NAME, or NAME:1, NAME:2, ... With an error are the results
// that come before it.
func ParseAll(name string, text []byte) (all []*Stored, err error) {
	files, err := result.ParseAll(text)
	for i, f := range files {
		s := &Stored{Name: name, file: f}
		if len(files) > 1 {
			s.Name, s.part = fmt.Sprintf("%s:%d", name, i+1), i+1
		}
		all = append(all, s)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return all, err
}

// IsUnknown reports whether an error is that of JSON which is no result.
func IsUnknown(err error) bool { return errors.Is(err, result.ErrUnknown) }

// Recomputed is a result that was computed from a run's timelines. In detailed there are
// each request's values; saved is what the run was to save, and is all that programs are
// shown.
func Recomputed(name string, detailed, saved []byte) (*Stored, error) {
	s, err := ParseStored(name, detailed)
	if err != nil {
		return nil, err
	}
	if s.shown, err = result.Parse(saved); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// valueOf is a number of a file, NaN where there is none.
func valueOf(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}

// countOf is a count of a file, 0 where there is none.
func countOf(x *int) int {
	if x == nil || math.Abs(float64(*x)) >= 1e15 {
		return 0
	}
	return *x
}

// loadgen is loadgen's own object, an empty one in the files of other programs.
func (s *Stored) loadgen() *result.Loadgen {
	if s.file.Loadgen == nil {
		return &result.Loadgen{}
	}
	return s.file.Loadgen
}

// throughput is one of the file's throughputs, NaN where there is none.
func (s *Stored) throughput(key string) float64 {
	switch key {
	case "request_throughput":
		return valueOf(s.file.RequestThroughput)
	case goodput:
		return valueOf(s.file.RequestGoodput)
	case judge.OutputThroughput:
		return valueOf(s.file.OutputThroughput)
	case "total_token_throughput":
		return valueOf(s.file.TotalTokenThroughput)
	}
	return math.NaN()
}

// Latency is a statistic (mean, median, std, p99, ...) of a metric in seconds, NaN where
// the file does not say. Where it has only each request's values, it is made of them.
func (s *Stored) Latency(statistic string, m metrics.Metric) float64 {
	if x := storedStatistic(*s.file.Latency.At(int(m)), statistic); !math.IsNaN(x) {
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

// storedStatistic is a statistic of a distribution of the file, NaN where there is none.
func storedStatistic(d *result.Distribution, statistic string) float64 {
	if d == nil {
		return math.NaN()
	}
	switch statistic {
	case "mean":
		return valueOf(d.Mean)
	case "median":
		return valueOf(d.Median)
	case "std":
		return valueOf(d.Std)
	}
	for _, p := range d.Percentiles {
		if statistic == "p"+percentile(p.P) {
			return p.Value
		}
	}
	return math.NaN()
}

// requests are the values in seconds of each success, in the order of the file,
// which is that of the starts; nil unless it was saved in detail.
func (s *Stored) requests(m metrics.Metric) [][]float64 {
	if out, known := s.parts[m]; known {
		return out
	}
	out := s.file.RequestValues(m)
	if s.parts == nil {
		s.parts = map[metrics.Metric][][]float64{}
	}
	s.parts[m] = out
	return out
}

// percentiles are those that the file has of any metric.
func (s *Stored) percentiles() (out []float64) {
	for i := range result.MetricNames {
		if d := *s.file.Latency.At(i); d != nil {
			for _, p := range d.Percentiles {
				if !slices.Contains(out, p.P) {
					out = append(out, p.P)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// judge returns the findings and notes that the file holds, or, of another
// program's, allows.
func (s *Stored) judge() (findings, notes []judge.Finding) {
	if own := s.loadgen(); own.Findings != nil {
		return storedFindings(own.Findings), storedFindings(own.Notes)
	}
	f := s.file
	j := judge.Stored{
		Asked:          countOf(f.NumPrompts),
		Completed:      countOf(f.Completed),
		InputTokens:    countOf(f.TotalInputTokens),
		OutputTokens:   countOf(f.TotalOutputTokens),
		Duration:       valueOf(f.Duration),
		Concurrency:    countOf(f.MaxConcurrency),
		Rate:           s.rate(),
		Throughput:     valueOf(f.RequestThroughput),
		TTFT:           s.Latency("mean", metrics.TTFT),
		TPOT:           s.Latency("mean", metrics.TPOT),
		E2EL:           s.meanE2EL(),
		MedianITL:      s.Latency("median", metrics.ITL),
		TokensPerChunk: s.tokensPerChunk(),
		Percentiles:    s.percentiles(),
	}
	return j.Judge()
}

// storedFindings are those of a file of loadgen's.
func storedFindings(all []result.Finding) (out []judge.Finding) {
	for _, f := range all {
		out = append(out, judge.Finding{Code: f.Code, Text: f.Text, Figures: f.Figures})
	}
	return out
}

// Verdict is the file's verdict on its own client, "" where it has none.
func (s *Stored) Verdict() string { return s.loadgen().Verdict }

// Complete reports whether all requests of the run were answered, and it came to its end.
func (s *Stored) Complete() bool {
	completed := countOf(s.file.Completed)
	return !s.loadgen().Interrupted && completed > 0 && completed+s.onPurpose() >= countOf(s.file.NumPrompts)
}

// Partial is why the file does not have all of its run, "" where it does: a signal or too
// many failures ended the run before all requests were sent, the program was killed, or it
// is one rank's part.
func (s *Stored) Partial() string {
	own := s.loadgen()
	if r := own.Rank; r != nil && !own.Interrupted {
		return fmt.Sprintf("this is what rank %d of %d did; loadgen merge makes one result of all ranks' recordings", r.Rank, r.Size)
	}
	if !own.Interrupted {
		return ""
	}
	if r := own.Requests; r != nil {
		return fmt.Sprintf("the run ended early: %d of %d requests were sent, and %d completed", r.Sent, r.Planned, countOf(s.file.Completed))
	}
	return "the run ended early"
}

// ServerPlan is what a comparison wrote of how its server was started, "" without.
func (s *Stored) ServerPlan() string {
	if server := s.loadgen().Server; server != nil {
		return server.Plan
	}
	return ""
}

// Differs is how a setting in the file differs from a value, "" where it does not.
func (s *Stored) Differs(name string, value any) string {
	got, want := plainJSON(s.loadgen().Effective.Get(name)), plainJSON(value)
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s, not %s", got, want)
}

// plainJSON is a value as JSON, whole numbers without a fraction.
func plainJSON(v any) string { return string(pyjson.Append(nil, whole(v))) }

// whole makes numbers that are whole integers.
func whole(v any) any {
	if x, ok := v.(float64); ok && x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return int(x)
	}
	return v
}

// setting is a setting of the run, nil where the file has none: loadgen's, or the key of
// that name at the top of the file.
func (s *Stored) setting(name string) any {
	for _, m := range s.loadgen().Effective {
		if m.Key == name {
			return m.Value
		}
	}
	return s.file.Setting(name)
}

// hasSetting reports whether the file has a setting, be it null.
func (s *Stored) hasSetting(name string) bool {
	is := func(m pyjson.Member) bool { return m.Key == name }
	return slices.ContainsFunc(s.loadgen().Effective, is) || slices.ContainsFunc(s.file.Metadata, is)
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
