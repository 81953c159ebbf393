package judge

import (
	"cmp"
	"math"
	"slices"
)

// Figure is something that servers are compared by: a statistic of a latency, or,
// without one, a throughput.
type Figure struct {
	Metric    string // ttft, tpot, itl, e2el, or the name of a throughput
	Statistic Statistic
	// Higher tells that more is better.
	Higher bool
}

// Figures are all that are compared, in the order of reports.
var Figures = figures()

func figures() (all []Figure) {
	for _, m := range []string{"ttft", "tpot", "itl", "e2el"} {
		for _, s := range []Statistic{MeanOf, MedianOf, P99Of} {
			all = append(all, Figure{Metric: m, Statistic: s})
		}
	}
	for _, m := range []string{OutputThroughput, "total_token_throughput", "request_throughput"} {
		all = append(all, Figure{Metric: m, Higher: true})
	}
	return all
}

// OutputThroughput is the throughput that summaries show.
const OutputThroughput = "output_throughput"

// Facts are what is known of a side at a level.
type Facts struct {
	Client           string // the program that measured, with its version
	Model, Server    string // what the server said of itself; "" where it is not known
	Became           string // what it said after the run, where that was something else
	Settings         map[string]string
	Requests, Failed int
	Unsent           int     // of the requests: the run ended before
	Input, Output    int     // tokens
	Prompt           float64 // tokens of a prompt as the server counts them, 0 where it is not known
	Concurrency      int     // 0 for no bound
	OpenLoop         bool
	Verdict          string
	Findings         []Finding
	// Series are the figures' values, a Series for each repeat.
	Series map[Figure][]Series
	// Later are the facts of the second repeat and those that follow, without Series.
	Later []*Facts
}

// Row compares a figure of a side at a level with the first side's.
type Row struct {
	Level, Side int
	Figure      Figure
	Base, Other float64 // NaN where there is none
	*Interval           // nil where what is there bears none
	// Adjusted is P corrected for the number of comparisons (Holm 1979); a row is
	// significant with at most 0.05.
	Adjusted    float64
	Significant bool
	// Void says why the row means nothing, "" where it stands; TooFew that a side
	// has fewer requests than the quantile wants.
	Void   string
	TooFew bool
}

// SpeedUp is how many times better the side is than the first, NaN where one of
// them is not positive.
func (r *Row) SpeedUp() float64 {
	if !(r.Base > 0) || !(r.Other > 0) {
		return math.NaN()
	}
	if r.Figure.Higher {
		return r.Other / r.Base
	}
	return r.Base / r.Other
}

// Comparison is servers beside each other: Facts by level and side.
type Comparison struct {
	Labels, Levels []string
	Facts          [][]*Facts // nil where a side has no result at a level
	Reasons        []Reasons
	Rows           []Row

	reasons []reason
}

// Judge compares every side with the first, at every level.
func Judge(labels, levels []string, facts [][]*Facts) *Comparison {
	c := &Comparison{Labels: labels, Levels: levels, Facts: facts}
	c.reasons = c.findReasons()
	c.Reasons = grouped(c.reasons)
	for level := range facts {
		for side := 1; side < len(labels); side++ {
			base, other := facts[level][0], facts[level][side]
			if base == nil || other == nil {
				continue
			}
			for _, f := range Figures {
				row := Row{Level: level, Side: side, Figure: f, Base: base.Value(f), Other: other.Value(f), Adjusted: math.NaN()}
				if math.IsNaN(row.Base) && math.IsNaN(row.Other) {
					continue
				}
				row.Void = cmp.Or(c.VoidOf(level, side, f.Metric), c.VoidOf(level, 0, f.Metric))
				row.TooFew = base.TooFew(f.Statistic) || other.TooFew(f.Statistic)
				if !row.TooFew {
					row.Interval = interval(base, other, f)
				}
				c.Rows = append(c.Rows, row)
			}
		}
	}
	c.correct()
	return c
}

// Value is a figure, the mean of the repeats', NaN where there is none.
func (f *Facts) Value(of Figure) float64 { return center(f.Series[of]) }

// TooFew tells whether a quantile wants more requests than there are: 5/(1-q).
func (f *Facts) TooFew(s Statistic) bool {
	n := max(1, len(f.Series[Figure{Metric: "ttft", Statistic: MeanOf}])) * f.completed()
	return s.Q > 0 && float64(n)*(1-s.Q) < 5-1e-9
}

func (f *Facts) completed() int { return f.Requests - f.Failed - f.Unsent }

// interval is that of a figure. A throughput of a closed loop is the concurrency
// over the mean E2EL, by Little's law, and as uncertain as that.
func interval(base, other *Facts, f Figure) *Interval {
	a, b := base.Series[f], other.Series[f]
	if !f.Higher || len(a) > 1 && len(b) > 1 {
		return Compare(a, b, f.Statistic)
	}
	if base.OpenLoop || other.OpenLoop {
		return nil
	}
	e2el := Figure{Metric: "e2el", Statistic: MeanOf}
	v := Compare(base.Series[e2el], other.Series[e2el], MeanOf)
	x, y := base.Value(f), other.Value(f)
	if v == nil || math.IsNaN(v.Ratio) || !(x > 0) || !(y > 0) {
		return nil
	}
	half := math.Log(v.RatioHigh / v.Ratio)
	out := &Interval{Diff: y - x, Ratio: y / x, RatioLow: y / x * math.Exp(-half), RatioHigh: y / x * math.Exp(half), P: v.P, Method: v.Method}
	out.DiffLow, out.DiffHigh = x*(out.RatioLow-1), x*(out.RatioHigh-1)
	return out
}

// correct adjusts the probabilities of all rows that stand for their number.
func (c *Comparison) correct() {
	var tested []*Row
	for i := range c.Rows {
		if r := &c.Rows[i]; r.Void == "" && r.Interval != nil {
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

// Void tells whether no row stands.
func (c *Comparison) Void() bool {
	for _, r := range c.Rows {
		if r.Void == "" {
			return false
		}
	}
	return true
}
