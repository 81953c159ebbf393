package judge

import (
	"cmp"
	"math"
	"slices"
)

// Quantity is something that servers are compared by: a statistic of a latency, or,
// without one, a throughput.
type Quantity struct {
	Metric    string // ttft, first_wave_ttft, tpot, itl, e2el, or the name of a throughput
	Statistic Statistic
	// Higher says that more is better.
	Higher bool
}

// Quantities are all that are compared, in the order of reports.
var Quantities = quantities()

func quantities() (all []Quantity) {
	for _, m := range []string{"ttft", "tpot", "itl", "e2el"} {
		for _, s := range []Statistic{MeanOf, MedianOf, P99Of} {
			all = append(all, Quantity{Metric: m, Statistic: s})
		}
		if m == "ttft" {
			all = append(all, Quantity{Metric: FirstWaveTTFT, Statistic: MeanOf})
		}
	}
	for _, m := range throughput {
		all = append(all, Quantity{Metric: m, Higher: true})
	}
	return all
}

// Names of metrics.
const (
	// OutputThroughput is the throughput that summaries show.
	OutputThroughput = "output_throughput"
	// FirstWaveTTFT is the TTFT of the first requests of a closed loop, as many as its
	// concurrency, which all start at once.
	FirstWaveTTFT = "first_wave_ttft"
	// PerTokenITL is, in Summary.Series, the ITL by the times of tokens instead of chunks.
	PerTokenITL = "itl_per_token"
)

// Summary is what is known of a server at a concurrency.
type Summary struct {
	Client           string // the program that measured, with its version
	Model, Server    string // what the server said of itself; "" where it is not known
	Became           string // what it said after the run, where that was something else
	Settings         map[string]string
	Requests, Failed int
	// ByTime is set where time decided how many requests there were.
	ByTime        bool
	Unsent        int     // of the requests: the run ended before
	Input, Output int     // tokens
	Prompt        float64 // tokens of a prompt as the server counts them, 0 where it is not known
	Concurrency   int     // 0 for no bound
	OpenLoop      bool
	// Decoding is how many requests decoded at a time, and TokensPerChunk how many tokens
	// a chunk has on average; 0 where it is not known.
	Decoding, TokensPerChunk float64
	Verdict                  string
	// LateSchedule says that the client did not keep the schedule of the requests.
	LateSchedule bool
	Findings     []Finding
	// Series are the values, a Series for each repeat.
	Series map[Quantity][]Series
	// Defined are the values by the definitions of other clients, by the client's name.
	Defined map[string]map[Quantity]float64
	// Later are the summaries of the second repeat and those that follow, without Series. All
	// but these and Series are of one run.
	Later []*Summary
}

// Row compares a metric of a server at a concurrency with the baseline's.
type Row struct {
	Load, Variant int
	Quantity      Quantity
	Base, Other   float64 // NaN where there is none
	*Interval             // nil where there is not enough data
	// Adjusted is P corrected for the number of comparisons (Holm 1979); a row is
	// significant with at most 0.05.
	Adjusted    float64
	Significant bool
	// Void is the code of the cause by which the row is not comparable, "" where it
	// stands; TooFew says that a server has fewer requests than the quantile needs.
	Void   string
	TooFew bool
	// OneRun says that a server has one run only, and the metric varies more from run to
	// run than within one, so that the row cannot be significant.
	OneRun bool
	// Restated is the client by whose definitions loadgen's value is shown, "" for its own.
	Restated string
}

// SpeedUp is how many times better the server is than the baseline, NaN where one of
// them is not positive.
func (r *Row) SpeedUp() float64 {
	if !(r.Base > 0) || !(r.Other > 0) {
		return math.NaN()
	}
	if r.Quantity.Higher {
		return r.Other / r.Base
	}
	return r.Base / r.Other
}

// Options say what a comparison allows.
type Options struct {
	// AcrossClients compares results of different programs, or of different versions of
	// one, on purpose: their definitions are mapped to each other or, where they cannot
	// be, the metric is not compared.
	AcrossClients bool
}

// Comparison is servers compared with the first of them: summaries by load and variant.
type Comparison struct {
	Labels, Loads []string
	Summaries     [][]*Summary // nil where a variant has no result at a load
	Reasons       []Reasons
	Rows          []Row
	// Drifts are changes from repeat to repeat that all servers have in common.
	Drifts []Drift
	// Definitions name what the clients of a comparison across clients define differently.
	Definitions []string

	options Options
	reasons []reason
}

// Judge compares every variant with the first, at every load.
func Judge(labels, loads []string, summaries [][]*Summary, o Options) *Comparison {
	c := &Comparison{Labels: labels, Loads: loads, Summaries: summaries, options: o}
	c.reasons = c.findReasons()
	c.Reasons = grouped(c.reasons)
	for load := range summaries {
		for variant := 1; variant < len(labels); variant++ {
			if base, other := summaries[load][0], summaries[load][variant]; base != nil && other != nil {
				for _, f := range Quantities {
					c.compare(load, variant, f)
				}
			}
		}
	}
	c.correct()
	c.Drifts = c.drifts()
	return c
}

// compare adds the row of a quantity, unless neither side has it.
func (c *Comparison) compare(load, variant int, f Quantity) {
	base, other := c.Summaries[load][0], c.Summaries[load][variant]
	row := Row{Load: load, Variant: variant, Quantity: f, Adjusted: math.NaN()}
	a, b := base.Series[f], other.Series[f]
	if f.Metric == "itl" && chunked(base, other) && perToken(base, other) {
		g := Quantity{Metric: PerTokenITL, Statistic: f.Statistic}
		a, b = base.Series[g], other.Series[g]
	} else if c.options.AcrossClients {
		a, b, row.Restated = restated(base, other, f)
	}
	if row.Base, row.Other = center(a), center(b); math.IsNaN(row.Base) && math.IsNaN(row.Other) {
		return
	}
	row.Void = cmp.Or(c.VoidOf(load, variant, f.Metric), c.VoidOf(load, 0, f.Metric))
	row.TooFew = base.TooFew(f.Statistic) || other.TooFew(f.Statistic)
	if row.Void == "" { // else it may be moved without bounds
		a, b = base.withHeld(a, f), other.withHeld(b, f)
	}
	if !row.TooFew {
		row.Interval = interval(base, other, a, b, f)
	}
	row.OneRun = min(len(a), len(b)) < 2 && slices.Contains(work, f.Metric)
	c.Rows = append(c.Rows, row)
}

// Value is a quantity, the mean of the repeats', NaN where there is none.
func (f *Summary) Value(of Quantity) float64 { return center(f.Series[of]) }

// TooFew reports whether a quantile needs more requests than there are: 5/(1-q).
func (f *Summary) TooFew(s Statistic) bool {
	n := max(1, len(f.Series[Quantity{Metric: "ttft", Statistic: MeanOf}])) * f.completed()
	return s.Q > 0 && float64(n)*(1-s.Q) < 5-1e-9
}

func (f *Summary) completed() int { return f.Requests - f.Failed - f.Unsent }

// interval is that of a quantity. The throughput of a closed loop is the concurrency
// over the mean E2EL, by Little's law, and as uncertain as that.
func interval(base, other *Summary, a, b []Series, f Quantity) *Interval {
	if !f.Higher || len(a) > 1 && len(b) > 1 {
		return Compare(a, b, f)
	}
	if base.OpenLoop || other.OpenLoop {
		return nil
	}
	e2el := Quantity{Metric: "e2el", Statistic: MeanOf}
	v := Compare(base.Series[e2el], other.Series[e2el], e2el)
	x, y := center(a), center(b)
	if v == nil || math.IsNaN(v.Ratio) || !(x > 0) || !(y > 0) {
		return nil
	}
	half := math.Log(v.RatioHigh/v.Ratio) + math.Log1p(relativeError(a)+relativeError(b))
	out := &Interval{Diff: y - x, Ratio: y / x, RatioLow: y / x * math.Exp(-half), RatioHigh: y / x * math.Exp(half), P: v.P, Method: v.Method, RunToRun: v.RunToRun}
	out.DiffLow, out.DiffHigh = x*(out.RatioLow-1), x*(out.RatioHigh-1)
	return out
}

// correct adjusts the probabilities of all rows that can be significant for their number.
func (c *Comparison) correct() {
	var tested []*Row
	for i := range c.Rows {
		if r := &c.Rows[i]; r.Void == "" && !r.OneRun && r.Interval != nil {
			tested = append(tested, r)
		}
	}
	slices.SortStableFunc(tested, func(a, b *Row) int { return cmp.Compare(a.P, b.P) })
	least := 0.0
	for i, r := range tested {
		least = max(least, min(1, r.P*float64(len(tested)-i)))
		r.Adjusted, r.Significant = least, least <= 0.05
	}
}

// Void reports whether no row stands.
func (c *Comparison) Void() bool {
	for _, r := range c.Rows {
		if r.Void == "" {
			return false
		}
	}
	return true
}
