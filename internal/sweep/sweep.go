// Package sweep decides which loads a server is measured at and for how long: a sweep over
// concurrencies or rates until the server is saturated, and the search for the highest load
// within objectives. The runs themselves are made by a function that it is given; it reads no
// clock, writes no file and sends nothing.
//
// More than twenty names are exported: the sweep and the search have options, loads and an
// outcome each, which reports show field by field.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"loadgen/internal/judge"
)

// Load is what a server is asked for: a number of requests at a time, or a rate of them.
type Load struct {
	Concurrency int     // 0 for a load by rate
	Rate        float64 // requests per second
}

// Value is the concurrency or the rate.
func (l Load) Value() float64 {
	if l.Concurrency > 0 {
		return float64(l.Concurrency)
	}
	return l.Rate
}

// Number is the load for programs: a whole concurrency, a rate, or nil without either.
func (l Load) Number() any {
	switch {
	case l.Concurrency > 0:
		return l.Concurrency
	case l.Rate > 0:
		return l.Rate
	}
	return nil
}

func (l Load) String() string {
	if l.Concurrency > 0 {
		return strconv.Itoa(l.Concurrency)
	}
	return strconv.FormatFloat(l.Rate, 'g', -1, 64) + "/s"
}

// Words are the load in a sentence: "concurrency 64", "8 requests/s".
func (l Load) Words() string {
	if l.Concurrency > 0 {
		return "concurrency " + l.String()
	}
	return strconv.FormatFloat(l.Rate, 'g', -1, 64) + " requests/s"
}

// FileName is that of the result of a run at the load, counted from 0.
func (l Load) FileName(run int) string {
	name := "concurrency_" + l.String()
	if l.Concurrency == 0 {
		name = "rate_" + strconv.FormatFloat(l.Rate, 'g', -1, 64)
	}
	if run > 0 {
		name += "_repeat_" + strconv.Itoa(run+1)
	}
	return name + ".json"
}

// times is the load times a factor: a whole concurrency, or a rate of three digits.
func (l Load) times(by float64) Load {
	if l.Concurrency > 0 {
		return Load{Concurrency: max(1, int(math.Round(float64(l.Concurrency)*by)))}
	}
	rate, _ := strconv.ParseFloat(strconv.FormatFloat(l.Rate*by, 'g', 3, 64), 64)
	return Load{Rate: rate}
}

// Ask is a run that is to be made.
type Ask struct {
	Load     Load
	Number   int // of the load's runs, from 0
	Requests int
	// Stagger is over how many seconds a closed loop opens its slots: about as long as a request
	// takes. Requests that all start at once and are nearly equally long stay in step for many
	// times their length, and all wait for each other; a server in use is not like that. 0 where
	// nothing is known of how long a request takes, and at a rate.
	Stagger float64
}

// Measure makes a run.
type Measure func(ctx context.Context, a Ask) (*Run, error)

// Options say which loads are measured and how well.
type Options struct {
	// Loads are measured as listed. Without them the load doubles from From until the server is
	// saturated, or beyond To; then loads around the knee are added.
	Loads    []Load
	From, To Load
	// Metrics are measured until their 95 % intervals are within Precision of the value, half
	// of their width relative to it.
	Metrics   []judge.Quantity
	Precision float64
	// MinRequests and MaxRequests bound the requests of a load.
	MinRequests, MaxRequests int
	// Seconds is how long a run at a rate takes at least.
	Seconds float64
	// Note gets each run that is made, with what is known of its load by then.
	Note func(p *Point, r *Run)
}

// MinRuns is how many runs a load has at least: each is one observation of how much runs vary.
const MinRuns = 5

// PerConcurrency is how many requests a run has at least for each of its concurrency, so that
// its first and last ones weigh little.
const PerConcurrency = 5

// Point is a load and what was measured there.
type Point struct {
	Load             Load
	Runs             int
	Requests, Failed int
	// Throughput is in output tokens per second, Latency the mean E2EL in seconds.
	Throughput, Latency judge.Precision
	// Asked are the metrics of the options, in seconds or per second.
	Asked   []judge.Precision
	Precise bool // all of them are as precise as asked for
	Limited int  // runs in which the client could not keep up

	samples             [][]judge.Sampled // of Asked, by run
	throughput, latency []judge.Sampled
}

// Curve is what a sweep brought, in ascending order of loads.
type Curve struct {
	Points []Point
	Knee   *judge.Knee // nil where the curve has none
	// Ended says that the loads went on to the last one, and the server was not saturated.
	Ended bool
}

// knees are the points as the judgement takes them.
func knees(points []Point) (out []judge.CurvePoint) {
	for i := range points {
		p := &points[i]
		out = append(out, judge.CurvePoint{Load: p.Load.Value(), Throughput: p.Throughput, Latency: p.Latency})
	}
	return out
}

// ErrNothing is the error of a run that has no answered request.
var ErrNothing = errors.New("no request was answered")

// Sweep measures the loads. With an error, which ends it, comes what was measured before.
func Sweep(ctx context.Context, o Options, measure Measure) (*Curve, error) {
	c, seen := &Curve{}, paces{}
	add := func(l Load) error {
		p, err := o.point(ctx, l, &seen, measure)
		if p.Runs > 0 {
			c.Points = append(c.Points, *p)
			slices.SortFunc(c.Points, func(a, b Point) int { return cmp.Compare(a.Load.Value(), b.Load.Value()) })
			c.Knee = judge.FindKnee(knees(c.Points))
		}
		return err
	}
	for _, l := range o.Loads {
		if err := add(l); err != nil {
			return c, err
		}
	}
	if len(o.Loads) > 0 {
		return c, nil
	}
	for l := o.From; ; l = l.times(2) {
		if l.Value() > o.To.Value() {
			c.Ended = true
			break
		}
		if err := add(l); err != nil {
			return c, err
		}
		if judge.Saturation(knees(c.Points)) >= 0 {
			break
		}
	}
	for range mostRefined {
		l := c.between()
		if l == (Load{}) {
			break
		}
		if err := add(l); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Loads that are added around the knee: at most so many, where neighbours are more than this
// factor apart.
const (
	mostRefined = 6
	closeLoads  = 1.2
)

// between is the load to be added: in the widest gap between loads around those that may be
// the knee; none where all gaps are narrow.
func (c *Curve) between() (l Load) {
	if c.Knee == nil {
		return Load{}
	}
	widest := closeLoads
	for i := max(c.Knee.First-1, 0); i < min(c.Knee.Last+1, len(c.Points)-1); i++ {
		low, high := c.Points[i].Load, c.Points[i+1].Load
		ratio := high.Value() / low.Value()
		if mid := low.times(math.Sqrt(ratio)); ratio > widest && mid != low && mid != high {
			widest, l = ratio, mid
		}
	}
	return l
}

// KneeBounds are the loads between which the knee lies; low is zero where the first load may
// be beyond it, and high where it may be beyond the last one.
func (c *Curve) KneeBounds() (low, high Load) {
	if c.Knee.First > 0 {
		low = c.Points[c.Knee.First-1].Load
	}
	if c.Knee.Last+1 < len(c.Points) {
		high = c.Points[c.Knee.Last+1].Load
	}
	return low, high
}

// CurveOf is the curve of runs that were made before: those of each load.
func CurveOf(loads []Load, runs [][]*Run) *Curve {
	c := &Curve{}
	for i, l := range loads {
		p := (&Options{}).newPoint(l)
		for _, r := range runs[i] {
			if r.Answered() > 0 {
				(&Options{}).add(p, r)
			}
		}
		if p.Runs > 0 {
			c.Points = append(c.Points, *p)
		}
	}
	c.Knee = judge.FindKnee(knees(c.Points))
	return c
}

func (o *Options) newPoint(l Load) *Point {
	return &Point{Load: l, samples: make([][]judge.Sampled, len(o.Metrics)), Asked: make([]judge.Precision, len(o.Metrics))}
}

// point measures a load until it is precise enough.
func (o *Options) point(ctx context.Context, l Load, seen *paces, measure Measure) (*Point, error) {
	p := o.newPoint(l)
	for n := o.runRequests(l); ; n = o.next(p, n) {
		r, err := measure(ctx, Ask{l, p.Runs, n, seen.stagger(l)})
		switch {
		case err != nil:
			return p, fmt.Errorf("%s: %w", l.Words(), err)
		case r.Answered() == 0:
			return p, fmt.Errorf("%s: %w", l.Words(), ErrNothing)
		}
		seen.add(l, r)
		o.add(p, r)
		if o.Note != nil {
			o.Note(p, r)
		}
		if p.Runs >= MinRuns && p.Requests >= o.MinRequests && (p.Precise || p.Requests >= o.MaxRequests) {
			return p, nil
		}
	}
}

// Least is the least runs and requests that a load gets.
func (o *Options) Least(l Load) (runs, requests int) {
	n := o.runRequests(l)
	runs = max(MinRuns, (o.MinRequests+n-1)/n)
	return runs, runs * n
}

// Doubled are the loads from one to another, each twice the one before.
func Doubled(from, to Load) (all []Load) {
	for l := from; l.Value() <= to.Value(); l = l.times(2) {
		all = append(all, l)
	}
	return all
}

// runRequests is how many requests a run at a load has at least.
func (o *Options) runRequests(l Load) int {
	return l.requests((o.MinRequests+MinRuns-1)/MinRuns, o.Seconds)
}

// requests is a number of requests, or as many more as a run at the load has at least.
func (l Load) requests(n int, seconds float64) int {
	if l.Concurrency > 0 {
		return max(n, PerConcurrency*l.Concurrency)
	}
	return max(n, int(math.Ceil(seconds*l.Rate)))
}

// next is the size of the next run: a third of what is still missing, no less than a run of
// the load and no more than there has been.
func (o *Options) next(p *Point, before int) int {
	base := o.runRequests(p.Load)
	if p.Runs < MinRuns {
		return base
	}
	worst := 0.0
	for _, x := range p.Asked {
		worst = max(worst, x.Relative()/o.Precision)
	}
	missing := min(worst*worst-1, 3) * float64(p.Requests)
	return max(base, min(int(missing/3), o.MaxRequests-p.Requests))
}

// Level is the confidence of all intervals.
const Level = 0.95

// add adds a run to what is known of its load.
func (o *Options) add(p *Point, r *Run) {
	p.Runs++
	p.Requests += r.Requests
	p.Failed += r.Failed
	if r.Limited {
		p.Limited++
	}
	e2el := judge.Quantity{Metric: "e2el", Statistic: judge.MeanOf}
	p.latency = append(p.latency, judge.Sample(r.Series(e2el), e2el))
	p.throughput = append(p.throughput, r.sampledThroughput(p.latency[len(p.latency)-1]))
	p.Latency, p.Throughput = judge.PrecisionOf(p.latency, Level), judge.PrecisionOf(p.throughput, Level)
	p.Precise = true
	for i, f := range o.Metrics {
		switch {
		case f == e2el:
			p.Asked[i] = p.Latency
		case f.Metric == judge.OutputThroughput:
			p.Asked[i] = p.Throughput
		default:
			p.samples[i] = append(p.samples[i], judge.Sample(r.Series(f), f))
			p.Asked[i] = judge.PrecisionOf(p.samples[i], Level)
		}
		p.Precise = p.Precise && p.Asked[i].Relative() <= o.Precision
	}
}
