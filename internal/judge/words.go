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

// What is what a figure measures: "to the first token, p99".
func (f Figure) What() string {
	if f.Higher || f.Statistic == MeanOf {
		return places[f.Metric]
	}
	return places[f.Metric] + ", " + f.Statistic.Name
}

// Words say how a variant compares with the first in a figure, in a sentence that
// begins with the variant's label.
func (c *Comparison) Words(r *Row) string {
	variant, what := c.Labels[r.Variant], r.Figure.What()
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
		return fmt.Sprintf("%s %s %s; not enough data for a confidence interval", variant, times(r.SpeedUp(), r.Figure), what)
	case math.IsNaN(r.Ratio):
		return fmt.Sprintf("%s %s %s (95 %% CI %s to %s)", variant, r.amount(r.Diff), what, r.amount(r.DiffLow), r.amount(r.DiffHigh))
	case r.OneRun && (r.RatioLow > 1 || r.RatioHigh < 1):
		return fmt.Sprintf("%s %s %s with one run (%s); repeated runs say whether that is significant", variant, times(r.SpeedUp(), r.Figure), what, r.confidence())
	case r.OneRun:
		return fmt.Sprintf("%s %s: no significant difference with one run (%sx, %s)", variant, what, Digits(r.SpeedUp()), r.confidence())
	case !r.Significant && (r.RatioLow > 1 || r.RatioHigh < 1):
		return fmt.Sprintf("%s %s: no significant difference after correction for all comparisons (%sx, %s)", variant, what, Digits(r.SpeedUp()), r.confidence())
	case !r.Significant:
		return fmt.Sprintf("%s %s: no significant difference (%sx, %s)", variant, what, Digits(r.SpeedUp()), r.confidence())
	}
	ratio, low, high := r.Ratio, r.RatioLow, r.RatioHigh
	if ratio < 1 {
		ratio, low, high = 1/ratio, 1/high, 1/low
	}
	return fmt.Sprintf("%s %sx %s %s (95 %% CI %s to %s)", variant, Digits(ratio), direction(r.SpeedUp(), r.Figure), what, Digits(low), Digits(high))
}

// confidence is the interval of the speed-up, and what of it was assumed.
func (r *Row) confidence() string {
	low, high := r.RatioLow, r.RatioHigh
	if !r.Figure.Higher {
		low, high = 1/high, 1/low
	}
	if worse := r.SpeedUp() < 1 && r.OneRun && (low > 1 || high < 1); worse { // as the sentence has it
		low, high = 1/high, 1/low
	}
	text := fmt.Sprintf("95 %% CI %s to %s", Digits(low), Digits(high))
	if r.RunToRun > 0 {
		text += fmt.Sprintf(", assuming %.2g %% from run to run", 100*r.RunToRun)
	}
	return text
}

// amount words a difference.
func (r *Row) amount(x float64) string {
	if r.Figure.Higher {
		return fmt.Sprintf("%+.3g", x)
	}
	return short(x)
}

// value words a figure's value.
func (r *Row) value(x float64) string {
	if r.Figure.Higher {
		return fmt.Sprintf("%.3g", x)
	}
	return short(x)
}

// times words a speed-up: "2.1x slower".
func times(speedUp float64, f Figure) string {
	switch same := Digits(speedUp) == Digits(1); {
	case same && f.Higher:
		return "as many"
	case same:
		return "as fast"
	}
	return fmt.Sprintf("%sx %s", Digits(max(speedUp, 1/speedUp)), direction(speedUp, f))
}

func direction(speedUp float64, f Figure) string {
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
