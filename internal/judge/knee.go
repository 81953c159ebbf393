package judge

import "math"

// CurvePoint is a load and what was measured there.
type CurvePoint struct {
	Load                float64 // the concurrency, or the request rate
	Throughput, Latency Precision
}

// Knee is the load at which a server gives most throughput for its latency.
type Knee struct {
	// At is the point with the highest power, throughput / latency.
	At int
	// First and Last are the points that its power cannot be told from, with 95 %
	// confidence each: the knee lies between the neighbours of these.
	First, Last int
	// Saturated is the first point whose throughput is up by less than SaturationGain while
	// latency is up, -1 where there is none.
	Saturated int
	// Highest is the point with the highest throughput.
	Highest int
}

// SaturationGain is by how much throughput has to rise from one load to the next one.
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

// Saturation is the first point whose throughput is up by less than SaturationGain while its
// latency is up, -1 without one.
func Saturation(points []CurvePoint) int {
	before := -1
	for i := range points {
		if !points[i].valid() {
			continue
		}
		if before >= 0 && points[i].Throughput.Value < (1+SaturationGain)*points[before].Throughput.Value && points[i].Latency.Value > points[before].Latency.Value {
			return i
		}
		before = i
	}
	return -1
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
