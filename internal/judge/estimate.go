package judge

import (
	"math"

	"loadgen/internal/student"
)

// Statistic is a statistic of a metric: its mean, or a quantile.
type Statistic struct {
	Name string  // mean, median, p99
	Q    float64 // 0 for the mean
}

// The statistics that are compared.
var (
	MeanOf   = Statistic{"mean", 0}
	MedianOf = Statistic{"median", 0.5}
	P99Of    = Statistic{"p99", 0.99}
)

// Series is a metric of one run.
type Series struct {
	// Requests are each request's values, in the order of the starts: one of a
	// latency, each gap of ITL. Nil where the file keeps only the summary.
	Requests [][]float64
	// Mean, Std and N, the number of requests, are the summary's.
	Mean, Std float64
	N         int
	// Value is the statistic itself, as the file has it.
	Value float64
	// Error is by how much the client, or a first read with many tokens, may have moved
	// Value, at most, in Value's unit.
	Error float64
}

// Interval is a statistic of two servers compared.
type Interval struct {
	// Diff is other minus base, with its 95 % interval; Ratio is other / base, NaN
	// where one is not positive.
	Diff, DiffLow, DiffHigh    float64
	Ratio, RatioLow, RatioHigh float64
	// P is how likely a difference as large is by chance.
	P float64
	// Method says what the interval was made from.
	Method string
	// RunToRun is the coefficient of variation from run to run that was assumed for the
	// servers with one run, 0 where all was measured.
	RunToRun float64
}

// Methods of an interval.
const (
	FromRepeats = "repeats" // each repeat of the run is one observation
	FromBlocks  = "blocks"  // bootstrap in blocks of consecutive requests
	FromSummary = "summary" // mean, deviation and count alone
	// FromRunToRun is the assumed variation from run to run alone.
	FromRunToRun = "run_to_run"
)

// Compare makes the interval of a metric's statistic from the runs of both servers. It
// returns nil where there is not enough data for one.
//
// With two runs or more of a server each is one observation. A single run says how much
// its requests vary, but not how much another run would: it gets the deviation of the
// other server's runs, where there are three or more, or else that of RunToRun.
func Compare(base, other []Series, f Quantity) *Interval {
	a, b := center(base), center(other)
	if math.IsNaN(a) || math.IsNaN(b) {
		return nil
	}
	ea, from, assumed := estimateOf(base, other, f)
	eb, method, too := estimateOf(other, base, f)
	if from == FromSummary || method == FromBlocks { // the weaker of two is reported
		method = from
	}
	if !ea.usable() || !eb.usable() {
		return nil
	}
	v := between(a, b, ea, eb, relativeError(base)+relativeError(other))
	v.Method, v.RunToRun = method, max(assumed, too)
	return v
}

// repeatsNeeded is how many runs of one server say how much a run of the other varies.
const repeatsNeeded = 3

// estimateOf makes the best of a server's runs; assumed is the coefficient of variation
// that was not measured.
func estimateOf(runs, others []Series, f Quantity) (e estimate, method string, assumed float64) {
	switch {
	case len(runs) > 1:
		return fromRepeats(runs), FromRepeats, 0
	case f.Metric == FirstWaveTTFT: // its requests queue behind each other: their spread is no chance
		e, method = estimate{df: priorFreedom}, FromRunToRun
	case len(runs[0].Requests) > 0:
		e, method = bootstrap(runs[0].Requests, f.Statistic), FromBlocks
	case f.Statistic.Q == 0:
		e, method = fromSummary(runs[0]), FromSummary
	default:
		return estimate{}, "", 0
	}
	if len(others) >= repeatsNeeded {
		r := fromRepeats(others)
		one := math.Sqrt(float64(len(others)))
		return e.plus(r.seLog*one*math.Abs(runs[0].Value), r.seLog*one, r.df), method, 0
	}
	if assumed = RunToRun(f, runs[0].N); assumed > 0 {
		e = e.plus(assumed*math.Abs(runs[0].Value), assumed, priorFreedom)
	}
	return e, method, assumed
}

// relativeError is by how much the client may have moved the mean of the runs' values,
// relative to it.
func relativeError(runs []Series) float64 {
	sum, values := 0.0, 0.0
	for _, r := range runs {
		sum, values = sum+r.Error, values+r.Value
	}
	if !(sum > 0) || !(values > 0) {
		return 0
	}
	return sum / values
}

// center is the mean of the runs' values.
func center(runs []Series) float64 {
	sum := 0.0
	for _, r := range runs {
		sum += r.Value
	}
	return sum / float64(len(runs))
}

// estimate is how uncertain a statistic is: its standard error, that of its
// logarithm, and the degrees of freedom behind them.
type estimate struct{ se, seLog, df float64 }

func (e estimate) usable() bool { return e.df > 0 && !math.IsNaN(e.se) && !math.IsInf(e.se, 0) }

// plus adds an independent deviation of the statistic and of its logarithm.
func (e estimate) plus(sd, sdLog, df float64) estimate {
	if !e.usable() || math.IsNaN(sdLog) {
		return e
	}
	var out estimate
	out.se, _ = welch(e.se, e.df, sd, df)
	out.seLog, out.df = welch(e.seLog, e.df, sdLog, df)
	return out
}

// between compares two estimates by Welch's rule, on a line for the difference and
// on a logarithmic one for the ratio. The client's measurement error, relative to the
// values, widens both intervals; what it explains is no difference.
func between(a, b float64, ea, eb estimate, clientError float64) *Interval {
	v := &Interval{Diff: b - a, Ratio: math.NaN(), RatioLow: math.NaN(), RatioHigh: math.NaN()}
	se, df := welch(ea.se, ea.df, eb.se, eb.df)
	off := clientError * max(math.Abs(a), math.Abs(b))
	half := quantileT(df)*se + off
	v.DiffLow, v.DiffHigh = v.Diff-half, v.Diff+half
	v.P = tail(max(math.Abs(v.Diff)-off, 0), se, df)
	if a > 0 && b > 0 && !math.IsNaN(ea.seLog+eb.seLog) {
		se, df := welch(ea.seLog, ea.df, eb.seLog, eb.df)
		log, off := math.Log(b/a), math.Log1p(clientError)
		half := quantileT(df)*se + off
		v.Ratio, v.RatioLow, v.RatioHigh = b/a, math.Exp(log-half), math.Exp(log+half)
		v.P = tail(max(math.Abs(log)-off, 0), se, df)
	}
	return v
}

// welch adds two standard errors, with Satterthwaite's degrees of freedom.
func welch(se1, df1, se2, df2 float64) (se, df float64) {
	v1, v2 := se1*se1, se2*se2
	if v1+v2 == 0 {
		return 0, df1 + df2
	}
	return math.Sqrt(v1 + v2), (v1 + v2) * (v1 + v2) / (v1*v1/df1 + v2*v2/df2)
}

func quantileT(df float64) float64 { return studentT(0.975, df) }

// tail is the probability of a difference as large, of either sign.
func tail(diff, se, df float64) float64 {
	switch {
	case se == 0 && diff == 0:
		return 1
	case se == 0:
		return 0
	}
	return student.Tails(diff/se, math.Max(df, 1))
}

// fromRepeats takes each repeat's value as an observation.
func fromRepeats(runs []Series) estimate {
	var values, logs []float64
	for _, r := range runs {
		values, logs = append(values, r.Value), append(logs, math.Log(r.Value))
	}
	n := float64(len(runs))
	return estimate{deviation(values) / math.Sqrt(n), deviation(logs) / math.Sqrt(n), n - 1}
}

// deviation is the sample's, by n - 1.
func deviation(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)-1))
}

// fromSummary takes the requests as independent, which they are not quite.
func fromSummary(r Series) estimate {
	n := float64(r.N)
	if n < 2 || math.IsNaN(r.Std) {
		return estimate{}
	}
	se := r.Std / math.Sqrt(n-1) // the deviation in the file is the population's
	return estimate{se, se / r.Mean, n - 1}
}
