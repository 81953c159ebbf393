package judge

import (
	"math"
	"slices"
)

// CurvePoint is a load and what was measured there.
type CurvePoint struct {
	Load                float64 // the concurrency, or the request rate
	Throughput, Latency Precision
}

// Knee is the load at which a server gives most throughput for its latency.
type Knee struct {
	// At is the point with the highest power, throughput / latency.
	At int
	// First and Last are the points that its power cannot be distinguished from, with 95 %
	// confidence each: the knee lies between the neighbours of these.
	First, Last int
	// Saturated is the point at which the server is saturated (Saturation), -1 where there is none.
	Saturated int
	// Highest is the point with the highest throughput.
	Highest int
}

// SaturationGain is how much throughput must rise, at some higher load, for a server not to be
// saturated.
const SaturationGain = 0.03

// FindKnee finds the knee of a curve of points in ascending order of loads: the maximum of
// power (Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in
// computer communications", ICC 1979), up to which a server is kept busy and beyond which
// requests mostly wait for each other. It returns nil where fewer than three points have both
// values.
func FindKnee(points []CurvePoint) *Knee {
	k := &Knee{At: -1, Saturated: Saturation(points), Highest: -1}
	valid := 0
	for i := range points {
		if !points[i].valid() {
			continue
		}
		valid++
		if k.At < 0 || points[i].logPower() > points[k.At].logPower() {
			k.At = i
		}
		if k.Highest < 0 || points[i].Throughput.Value > points[k.Highest].Throughput.Value {
			k.Highest = i
		}
	}
	if valid < 3 {
		return nil
	}
	k.First, k.Last = k.At, k.At
	for i := range points {
		if !points[i].valid() {
			continue
		}
		se := math.Hypot(points[i].logPowerSE(), points[k.At].logPowerSE())
		if points[k.At].logPower()-points[i].logPower() <= normal975*se {
			k.First, k.Last = min(k.First, i), max(k.Last, i)
		}
	}
	return k
}

const normal975 = 1.959964

// Saturation is the first point whose latency is up on the one before, while throughput is up by
// less than SaturationGain there and at all higher loads, -1 without one. So a load that was
// measured badly, or is close to the one before, does not pass for it while higher ones bring more.
func Saturation(points []CurvePoint) int {
	highest := math.Inf(-1) // of the points behind
	at, behind := -1, -1
	for i, p := range slices.Backward(points) {
		if !p.valid() {
			continue
		}
		if behind >= 0 && highest < (1+SaturationGain)*p.Throughput.Value && points[behind].Latency.Value > p.Latency.Value {
			at = behind
		}
		highest, behind = max(highest, p.Throughput.Value), i
	}
	return at
}

func (p *CurvePoint) valid() bool { return p.Throughput.Value > 0 && p.Latency.Value > 0 }

func (p *CurvePoint) logPower() float64 { return math.Log(p.Throughput.Value / p.Latency.Value) }

// logPowerSE is the standard error of the logarithm of the power. Throughput falls when
// latency rises, by as much in a closed loop, so that their errors add up.
func (p *CurvePoint) logPowerSE() float64 {
	sum := 0.0
	for _, x := range []Precision{p.Throughput, p.Latency} {
		if !math.IsNaN(x.SE) {
			sum += x.SE / x.Value
		}
	}
	return sum
}
