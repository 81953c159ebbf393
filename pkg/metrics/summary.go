package metrics

import (
	"math"
	"slices"
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
	// Values are the latencies of the successes in the order of the requests, Sorted
	// the same in ascending order; both by Metric.
	Values, Sorted [4][]float64
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

// Compute turns samples into a Summary, as the original's calculate_metrics
// does. duration is the run's in seconds.
func Compute(samples []Sample, duration float64, o Options) *Summary {
	s := &Summary{Total: len(samples), Duration: duration, Percentiles: o.Percentiles, OutputLens: make([]int, len(samples))}
	values := room(samples)
	var users, perIter []float64
	good := 0
	for i := range samples {
		r := &samples[i]
		if !r.Success {
			s.countException(r.Exception)
			continue
		}
		n := r.Tokens(o.CountTokens)
		s.OutputLens[i] = max(n, 0)
		s.Completed++
		s.InputTokens += r.PromptLen
		if s.OutputTokens += s.OutputLens[i]; s.OutputTokens < 0 { // beyond the range: a server's mistake
			s.OutputTokens = math.MaxInt
		}
		tpot, ok := PerToken(r.TTFT, r.Latency, n)
		if ok {
			values[TPOT] = append(values[TPOT], tpot)
		}
		values[TTFT] = append(values[TTFT], r.TTFT)
		values[ITL] = append(values[ITL], r.ITL...)
		values[E2EL] = append(values[E2EL], r.Latency)
		if !r.NullDecodedPerIter {
			perIter = append(perIter, r.DecodedPerIter)
		}
		if r.Latency > 0 { // the original divides by zero
			users = append(users, float64(s.OutputLens[i])/r.Latency)
		}
		if meets(o.Goodput, [4]float64{TTFT: r.TTFT, TPOT: tpot, E2EL: r.Latency}) {
			good++
		}
	}
	for m := range values {
		s.Sorted[m] = slices.Clone(values[m])
		s.Latency[m] = newStats(values[m], s.Sorted[m], o.Percentiles)
	}
	s.Values = values
	s.DecodedPerIter = StatsOf(perIter, o.Percentiles)
	s.UserThroughput = Mean(users)
	perSecond := func(n float64) float64 {
		if duration <= 0 {
			return 0
		}
		return n / duration
	}
	s.RequestThroughput, s.OutputThroughput = perSecond(float64(s.Completed)), perSecond(float64(s.OutputTokens))
	s.TotalTokenThroughput = perSecond(float64(s.InputTokens) + float64(s.OutputTokens))
	if len(o.Goodput) > 0 {
		rate := perSecond(float64(good))
		s.Goodput = &rate
	}
	return s
}

// room is a list for the values of each metric, with room for those of samples.
func room(samples []Sample) (values [4][]float64) {
	requests, gaps := 0, 0
	for i := range samples {
		if samples[i].Success {
			requests, gaps = requests+1, gaps+len(samples[i].ITL)
		}
	}
	for m := range values {
		values[m] = make([]float64, 0, requests)
	}
	values[ITL] = make([]float64, 0, gaps)
	return values
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

func meets(slos []SLO, of [4]float64) bool {
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
