package chart

import (
	"math"
	"strconv"
	"strings"
)

// Scale is how values are spread along an axis.
type Scale int

const (
	Linear     Scale = iota
	Log              // of values above 0
	Percentile       // of shares from 0 to 1, so that 90, 99 and 99.9 % are evenly spaced
)

// mostValue is the end of what is drawn, so that no range is infinite.
const mostValue = 1e300

// has is whether the scale has a place for a value.
func (s Scale) has(v float64) bool {
	switch s {
	case Log:
		return v > 1/mostValue && v < mostValue
	case Percentile:
		return v >= 0 && v <= 1
	}
	return math.Abs(v) < mostValue
}

// axis is a scale with its range, its ticks and its place. Ranges and ticks are in
// the scale's measure: logarithms for Log, the number of nines for Percentile.
type axis struct {
	scale     Scale
	low, high float64
	from, by  float64 // where low is and how far it is to high, in the chart's units
	ticks     []float64
	labels    []string
	whole     bool     // a share of 1 is at the end
	names     []string // of the places 0, 1, and so on, or nil
}

// newAxis is the axis that holds the values, with a range that is not empty.
func newAxis(scale Scale, values []float64) axis {
	a := axis{scale: scale, low: math.Inf(1), high: math.Inf(-1)}
	whole := false // a share of 1, which has no end of nines
	for _, v := range values {
		if scale == Percentile && v == 1 {
			whole = true
			continue
		}
		a.low, a.high = min(a.low, a.to(v)), max(a.high, a.to(v))
	}
	switch {
	case scale == Percentile:
		a.low, a.high = 0, max(a.high, 1)
		if a.whole = whole; whole {
			a.high += 0.3
		}
	case a.low > a.high:
		a.low, a.high = 0, 1
	case a.high-a.low > 1e-9*max(math.Abs(a.low), math.Abs(a.high)):
	case scale == Log:
		a.low, a.high = a.low-0.5, a.high+0.5
	case math.Abs(a.high) < 1/mostValue:
		a.low, a.high = 0, 1
	default:
		half := math.Abs(a.high) / 10
		a.low, a.high = a.low-half, a.high+half
	}
	a.tick()
	return a
}

// to is a value in the scale's measure; a share of 1 is at the end of the axis.
func (a *axis) to(v float64) float64 {
	switch a.scale {
	case Log:
		return math.Log10(v)
	case Percentile:
		if v < 1 {
			return -math.Log10(1-v) + 0
		}
		return a.high
	}
	return v
}

// pad adds a share of the range to both ends.
func (a *axis) pad(share float64) {
	if a.scale != Percentile {
		by := share * (a.high - a.low)
		a.low, a.high = a.low-by, a.high+by
		a.tick()
	}
}

// widen extends the range to the ticks around it.
func (a *axis) widen() {
	if a.scale == Log {
		a.low, a.high = roundLog(a.low, false), roundLog(a.high, true)
	} else {
		step := niceStep(a.high-a.low, 6)
		a.low, a.high = step*math.Floor(a.low/step+1e-9), step*math.Ceil(a.high/step-1e-9)
	}
	a.tick()
}

// roundLog is the logarithm of the next 1, 2 or 5 times a power of ten.
func roundLog(v float64, up bool) float64 {
	at := math.Inf(-1)
	for k := math.Floor(v); k <= math.Floor(v)+1; k++ {
		for _, m := range []float64{1, 2, 5} {
			t := k + math.Log10(m)
			if up && t >= v-1e-9 {
				return t
			}
			if t <= v+1e-9 {
				at = t
			}
		}
	}
	return at
}

// name ticks the places that have names within the range.
func (a *axis) name(names []string) {
	a.names, a.ticks, a.labels = names, nil, nil
	for i, name := range names {
		if at := float64(i); a.low <= at && at <= a.high {
			a.ticks, a.labels = append(a.ticks, at), append(a.labels, name)
		}
	}
}

func (a *axis) place(from, to float64) { a.from, a.by = from, to-from }

// at is where a value in the scale's measure is.
func (a *axis) at(v float64) float64 { return a.from + a.by*(v-a.low)/(a.high-a.low) }

// tick finds the ticks and their labels.
func (a *axis) tick() {
	switch a.scale {
	case Log:
		a.logTicks()
	case Percentile:
		a.percentiles()
	default:
		a.ticks = niceTicks(a.low, a.high, 6)
		a.labels = tickLabels(a.ticks)
	}
}

func (a *axis) logTicks() {
	a.ticks, a.labels = nil, nil
	factors, step := []float64{1, 2, 5}, 1.0
	if span := a.high - a.low; span > 3.2 {
		factors, step = factors[:1], math.Ceil(span/8)
	}
	for k := step * math.Floor(a.low/step); k <= a.high; k += step {
		for _, m := range factors {
			if t := k + math.Log10(m); t >= a.low-1e-9 && t <= a.high+1e-9 {
				a.ticks = append(a.ticks, t)
				a.labels = append(a.labels, power(m, int(k)))
			}
		}
	}
	if len(a.ticks) < 3 { // less than a decade: even steps between the values
		values := niceTicks(math.Pow(10, a.low), math.Pow(10, a.high), 6)
		a.ticks, a.labels = nil, tickLabels(values)
		for _, v := range values {
			a.ticks = append(a.ticks, math.Log10(v))
		}
	}
}

// power writes a factor times a power of ten.
func power(factor float64, exponent int) string {
	if exponent > 6 || exponent < -4 {
		return strconv.FormatFloat(factor, 'g', -1, 64) + "e" + strconv.Itoa(exponent)
	}
	return plain(factor*math.Pow(10, float64(exponent)), max(0, -exponent))
}

// percentiles ticks 0, 50, 90, 99, 99.9 % and so on.
func (a *axis) percentiles() {
	a.ticks, a.labels = []float64{0, math.Log10(2)}, []string{"0 %", "50 %"}
	nines := a.high
	if a.whole {
		nines -= 0.3
	}
	for k := 1; float64(k) <= nines+1e-9; k++ {
		s := strings.Repeat("9", min(k, 2))
		switch {
		case k == 1:
			s = "90"
		case k > 2:
			s += "." + strings.Repeat("9", k-2)
		}
		a.ticks, a.labels = append(a.ticks, float64(k)), append(a.labels, s+" %")
	}
	if a.whole {
		a.ticks, a.labels = append(a.ticks, a.high), append(a.labels, "max")
	}
}

// write is a value as a tooltip has it.
func (a *axis) write(v float64) string {
	if a.scale == Percentile {
		return strconv.FormatFloat(100*v, 'g', 8, 64) + " %"
	}
	if i := int(v); 0 <= i && i < len(a.names) {
		return a.names[i]
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e7 {
		return plain(v, 0)
	}
	return number(v)
}
