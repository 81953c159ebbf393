package metrics

import "math"

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
	CountTokens func(text string) int
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
	var values [4][]float64
	var users, perIter []float64
	good := 0
	for i := range samples {
		r := &samples[i]
		if !r.Success {
			s.countException(r.Exception)
			continue
		}
		n := r.OutputTokens
		if n <= 0 && o.CountTokens != nil {
			n = o.CountTokens(r.Text)
		}
		s.OutputLens[i] = max(n, 0)
		s.Completed++
		s.InputTokens += r.PromptLen
		if s.OutputTokens += s.OutputLens[i]; s.OutputTokens < 0 { // beyond the range: a server's mistake
			s.OutputTokens = math.MaxInt
		}
		tpot := 0.0
		if n > 1 {
			tpot = (r.Latency - r.TTFT) / float64(n-1)
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
		s.Latency[m] = newStats(values[m], o.Percentiles)
	}
	s.DecodedPerIter = newStats(perIter, o.Percentiles)
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
