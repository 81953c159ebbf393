package judge

import (
	"fmt"
	"math"
	"strings"
)

// places say what a metric measures.
var places = map[string]string{
	"ttft": "to the first token", FirstWaveTTFT: "to the first token in the first wave", "tpot": "per output token", "itl": "between tokens", "e2el": "end to end",
	OutputThroughput: "output tokens/s", "total_token_throughput": "tokens/s", "request_throughput": "requests/s",
}

// What is what a quantity measures: "to the first token, p99".
func (f Quantity) What() string {
	if f.Higher || f.Statistic == MeanOf {
		return places[f.Metric]
	}
	return places[f.Metric] + ", " + f.Statistic.Name
}

// Describe says how a variant compares with the first in a quantity, in a sentence that
// begins with the variant's label.
func (c *Comparison) Describe(r *Row) string {
	variant, what := c.Labels[r.Variant], r.Quantity.What()
	switch {
	case r.Void != "":
		return fmt.Sprintf("%s %s: not comparable (%s)", variant, what, strings.ReplaceAll(r.Void, "_", " "))
	case r.TooFew:
		return fmt.Sprintf("%s %s: too few requests for this quantile", variant, what)
	case math.IsNaN(r.Base) || math.IsNaN(r.Other):
		return fmt.Sprintf("%s %s: a value is missing", variant, what)
	case r.Interval == nil && math.IsNaN(r.SpeedUp()):
		return fmt.Sprintf("%s %s: %s vs %s (ratio undefined)", variant, what, r.value(r.Other), r.value(r.Base))
	case r.Interval == nil:
		return fmt.Sprintf("%s %s %s; not enough data for a confidence interval", variant, times(r.SpeedUp(), r.Quantity), what)
	case math.IsNaN(r.Ratio):
		return fmt.Sprintf("%s %s %s (95 %% CI %s to %s)", variant, r.amount(r.Diff), what, r.amount(r.DiffLow), r.amount(r.DiffHigh))
	case r.OneRun && (r.RatioLow > 1 || r.RatioHigh < 1):
		return fmt.Sprintf("%s %s %s with one run (%s)", variant, times(r.SpeedUp(), r.Quantity), what, r.confidence())
	case r.OneRun:
		return fmt.Sprintf("%s %s: no significant difference with one run (%s)", variant, what, r.insignificant())
	case !r.Significant && (r.RatioLow > 1 || r.RatioHigh < 1):
		return fmt.Sprintf("%s %s: no significant difference after correction for all comparisons (%s)", variant, what, r.insignificant())
	case !r.Significant:
		return fmt.Sprintf("%s %s: no significant difference (%s)", variant, what, r.insignificant())
	}
	_, low, high := r.Times()
	return fmt.Sprintf("%s %s %s (95 %% CI %s to %s)", variant, times(r.SpeedUp(), r.Quantity), what, Digits(low), Digits(high))
}

// Times is how many times better or worse the server is than the baseline, 1 or more, with
// the 95 % interval on the same scale: sentences, tables and charts all have this ratio. All
// are NaN where there is no ratio, and the interval where there is none.
func (r *Row) Times() (ratio, low, high float64) {
	up := r.SpeedUp()
	low, high = math.NaN(), math.NaN()
	if r.Interval != nil && !math.IsNaN(r.Ratio) {
		low, high = r.RatioLow, r.RatioHigh
		if better := up >= 1; better != r.Quantity.Higher {
			low, high = 1/high, 1/low
		}
	}
	return max(up, 1/up), low, high
}

// TimesText is the ratio with its direction, "1.62x faster", and its interval, "1.58 to 1.66",
// each "" where there is none.
func (r *Row) TimesText() (ratio, interval string) {
	x, low, high := r.Times()
	switch {
	case math.IsNaN(x):
		return "", ""
	case Digits(x) == Digits(1):
		ratio = Digits(x) + "x"
	default:
		ratio = times(r.SpeedUp(), r.Quantity)
	}
	if !math.IsNaN(low) {
		interval = Digits(low) + " to " + Digits(high)
	}
	return ratio, interval
}

// insignificant is the ratio with its interval.
func (r *Row) insignificant() string {
	ratio, _ := r.TimesText()
	return ratio + ", " + r.confidence()
}

// confidence is the interval of the ratio, and what of it was assumed.
func (r *Row) confidence() string {
	_, interval := r.TimesText()
	text := "95 % CI " + interval
	if r.RunToRun > 0 {
		text += fmt.Sprintf(", assuming %.2g %% from run to run", 100*r.RunToRun)
	}
	return text
}

// amount words a difference.
func (r *Row) amount(x float64) string {
	if r.Quantity.Higher {
		return fmt.Sprintf("%+.3g", x)
	}
	return short(x)
}

// value words a quantity's value.
func (r *Row) value(x float64) string {
	if r.Quantity.Higher {
		return fmt.Sprintf("%.3g", x)
	}
	return short(x)
}

// times words a speed-up: "2.1x slower".
func times(speedUp float64, f Quantity) string {
	switch same := Digits(speedUp) == Digits(1); {
	case same && f.Higher:
		return "as many"
	case same:
		return "as fast"
	}
	return fmt.Sprintf("%sx %s", Digits(max(speedUp, 1/speedUp)), direction(speedUp, f))
}

func direction(speedUp float64, f Quantity) string {
	switch {
	case f.Higher && speedUp >= 1:
		return "more"
	case f.Higher:
		return "fewer"
	case speedUp >= 1:
		return "faster"
	}
	return "slower"
}

// Digits words a ratio: with two digits behind the point, three near one, fewer
// from ten on.
func Digits(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.3g", x)
	case x < 0.0995:
		return fmt.Sprintf("%.2g", x)
	case math.Abs(x-1) < 0.0995:
		return fmt.Sprintf("%.3f", x)
	case x < 9.995:
		return fmt.Sprintf("%.2f", x)
	case x < 99.95:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// shortNumber writes a number with a digit behind the point, or two near one.
func shortNumber(x float64) string {
	if x < 3 {
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.1f", x)
}
