package metrics

import (
	"math"

	"loadgen/pkg/client"
)

// Metric names one of the four latencies.
type Metric uint8

// The metrics, in the order of reports.
const (
	TTFT Metric = iota
	TPOT
	ITL
	E2EL
)

func (m Metric) String() string { return [...]string{"ttft", "tpot", "itl", "e2el"}[m] }

// SLO is a goodput objective: a request meets it if its metric, TTFT, TPOT or
// E2EL, is at most Seconds.
type SLO struct {
	Metric  Metric
	Seconds float64
}

// Options say what to compute.
type Options struct {
	// Percentiles are between 0 and 100.
	Percentiles []float64
	// Goodput holds the objectives; of one metric the last counts.
	Goodput []SLO
	// CountTokens counts the tokens of a text, special ones left out, for answers
	// that came without a count.
	CountTokens func(text []byte) int
}

// Summary is what a run means. Times are in seconds.
type Summary struct {
	Total, Completed          int
	InputTokens, OutputTokens int
	Duration                  float64
	RequestThroughput         float64
	Goodput                   *float64 // requests per second that met the objectives; nil when there are none
	OutputThroughput          float64
	TotalTokenThroughput      float64
	UserThroughput            float64
	Latency                   [4]Stats // by Metric
	DecodedPerIter            Stats
	Percentiles               []float64 // as in Options
	// Values are the latencies of the successes in the order of the requests, by Metric.
	Values [4]*List
	// OutputLens holds each request's completion length, 0 for a failure.
	OutputLens []int
	// Exceptions counts failures that the original counts as exceptions, by class,
	// in the order of their first occurrence.
	Exceptions []ClassCount
}

// ClassCount is how often a class of failure occurred.
type ClassCount struct {
	Class string
	Count int
}

// SummaryReader computes a Summary, as the original's calculate_metrics does, of one request
// after the other.
type SummaryReader struct {
	o              Options
	s              *Summary
	users, perIter List
	good           int
}

// NewSummaryReader returns a reader that has read nothing yet.
func NewSummaryReader(o Options) *SummaryReader {
	x := &SummaryReader{o: o, s: &Summary{Percentiles: o.Percentiles, OutputLens: []int{}}}
	for m := range x.s.Values {
		x.s.Values[m] = new(List)
	}
	return x
}

// Values are the latencies of the successes so far, by Metric.
func (x *SummaryReader) Values() [4]*List { return x.s.Values }

// Add reads a request that was sent. Nothing of it is kept.
func (x *SummaryReader) Add(r *Sample) {
	s := x.s
	s.Total++
	if !r.Success {
		s.OutputLens = append(s.OutputLens, 0)
		s.countException(r.Exception)
		return
	}
	n := r.Tokens(x.o.CountTokens)
	length := max(n, 0)
	s.OutputLens = append(s.OutputLens, length)
	s.Completed++
	s.InputTokens += r.PromptLen
	if s.OutputTokens += length; s.OutputTokens < 0 { // beyond the range: a server's mistake
		s.OutputTokens = math.MaxInt
	}
	tpot, ok := PerToken(r.TTFT, r.Latency, n)
	if ok {
		s.Values[TPOT].Add(tpot)
	}
	s.Values[TTFT].Add(r.TTFT)
	s.Values[ITL].AddGaps(r)
	s.Values[E2EL].Add(r.Latency)
	if !r.NullDecodedPerIter {
		x.perIter.Add(r.DecodedPerIter)
	}
	if r.Latency > 0 { // the original divides by zero
		x.users.Add(float64(length) / r.Latency)
	}
	if meets(x.o.Goodput, [4]float64{TTFT: r.TTFT, TPOT: tpot, E2EL: r.Latency}) {
		x.good++
	}
}

// Summary is that of what was read; duration is the run's in seconds.
func (x *SummaryReader) Summary(duration float64) *Summary {
	s := x.s
	s.Duration = duration
	for m, values := range s.Values {
		s.Latency[m] = values.Stats(x.o.Percentiles)
	}
	s.DecodedPerIter = x.perIter.Stats(x.o.Percentiles)
	s.UserThroughput = x.users.Mean()
	perSecond := func(n float64) float64 {
		if duration <= 0 {
			return 0
		}
		return n / duration
	}
	s.RequestThroughput, s.OutputThroughput = perSecond(float64(s.Completed)), perSecond(float64(s.OutputTokens))
	s.TotalTokenThroughput = perSecond(float64(s.InputTokens) + float64(s.OutputTokens))
	if len(x.o.Goodput) > 0 {
		s.Goodput = new(perSecond(float64(x.good)))
	}
	return s
}

// Compute is the Summary of some samples; duration is the run's in seconds.
func Compute(samples []Sample, duration float64, o Options) *Summary {
	x := NewSummaryReader(o)
	for i := range samples {
		x.Add(&samples[i])
	}
	return x.Summary(duration)
}

// Tokens is the length of a success's completion: the server's count, or else that of
// the text by count, which may be nil.
func (s *Sample) Tokens(count func(text []byte) int) int {
	if s.OutputTokens <= 0 && count != nil {
		return count(s.Text)
	}
	return s.OutputTokens
}

func (s *Summary) countException(class string) {
	if class == "" {
		return
	}
	for i := range s.Exceptions {
		if s.Exceptions[i].Class == class {
			s.Exceptions[i].Count++
			return
		}
	}
	s.Exceptions = append(s.Exceptions, ClassCount{class, 1})
}

// Ended is how many requests ended with a class.
func (s *Summary) Ended(class client.Class) int {
	for _, e := range s.Exceptions {
		if e.Class == string(class) {
			return e.Count
		}
	}
	return 0
}

func meets(slos []SLO, of [4]float64) bool {
	if len(slos) == 0 {
		return true
	}
	last := map[Metric]float64{}
	for _, o := range slos {
		last[o.Metric] = o.Seconds
	}
	for m, limit := range last {
		if !(of[m] <= limit) {
			return false
		}
	}
	return true
}
