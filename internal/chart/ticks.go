package chart

import (
	"math"
	"strconv"
	"strings"
)

// niceStep is 1, 2 or 5 times a power of ten, so that about so many steps span.
func niceStep(span float64, steps int) float64 {
	raw := span / float64(max(steps, 1))
	if !(raw > 1/mostValue) || raw > mostValue {
		return 1
	}
	exponent := math.Floor(math.Log10(raw))
	unit := math.Pow(10, exponent)
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*unit*(1+1e-9) {
			return m * unit
		}
	}
	return 10 * unit
}

// niceTicks are the multiples of a nice step within a range.
func niceTicks(low, high float64, steps int) []float64 {
	step := niceStep(high-low, steps)
	var out []float64
	first, last := math.Ceil(low/step-1e-9), math.Floor(high/step+1e-9)
	for i := first; i <= last && len(out) < 100; i++ {
		out = append(out, i*step+0) // +0, so that no tick is -0
	}
	return out
}

// tickLabels writes ticks with the decimals that their step needs.
func tickLabels(ticks []float64) []string {
	step := math.Inf(1)
	greatest := 0.0
	for i, t := range ticks {
		greatest = max(greatest, math.Abs(t))
		if i > 0 {
			step = min(step, t-ticks[i-1])
		}
	}
	if greatest >= 1e7 || greatest > 0 && greatest < 1e-4 {
		return scientific(ticks)
	}
	decimals := 0
	if !math.IsInf(step, 0) {
		decimals = max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	}
	out := make([]string, len(ticks))
	for i, t := range ticks {
		out[i] = plain(t, decimals)
	}
	return out
}

func scientific(ticks []float64) []string {
	out := make([]string, len(ticks))
	for i, t := range ticks {
		out[i] = strconv.FormatFloat(t, 'g', 3, 64)
	}
	return out
}

// plain writes with decimals and with commas between the thousands.
func plain(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, rest, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	if v < 0 && strings.Trim(s, "0.") != "" {
		whole = "-" + whole
	}
	return whole
}

// number writes a value with about three digits, more where it has no decimals.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 1e7 || a < 1e-4:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 99.95:
		return plain(v, 0)
	case a >= 9.995:
		return plain(v, 1)
	case a >= 0.0995:
		return plain(v, 2)
	default:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
}

// compact is number with "k" for the thousands and "M" for the millions.
func compact(v float64) string {
	short := func(v float64, unit string) string {
		s := strconv.FormatFloat(v, 'f', 1, 64)
		if v >= 99.95 {
			s = strconv.FormatFloat(v, 'f', 0, 64)
		}
		return strings.TrimSuffix(s, ".0") + unit
	}
	switch {
	case v >= 1e9:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case v >= 999_950:
		return short(v/1e6, "M")
	case v >= 999.5:
		return short(v/1e3, "k")
	}
	return number(v)
}

// times writes a speed-up.
func times(v float64) string {
	switch {
	case v >= 999.5:
		return compact(v) + "x"
	case v >= 99.95:
		return plain(v, 0) + "x"
	case v >= 9.995:
		return plain(v, 1) + "x"
	case math.Abs(v-1) < 0.0995: // as sentences and tables have it
		return plain(v, 3) + "x"
	}
	return plain(v, 2) + "x"
}
