package judge

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestStatsCoverageOfPrecision measures a load as a sweep does, run after run until the
// interval of the mean is narrow enough, and counts how often it holds the truth: stopping
// when it looks narrow must not make it wrong.
func TestStatsCoverageOfPrecision(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	times := 60
	if text := os.Getenv("COVERAGE_PAIRS"); text != "" {
		times, _ = strconv.Atoi(text)
		times /= 10 // each has many runs
	}
	const minRuns, mostRuns, n = 5, 20, 40
	for _, c := range []struct {
		name    string
		rho     float64
		between float64
	}{{"independent", 0, 0}, {"autocorrelated 0.6", 0.6, 0}, {"autocorrelated 0.6, runs 3 % apart", 0.6, 0.03}, {"runs 10 % apart", 0.3, 0.1}} {
		held, runs := 0, 0
		f := Quantity{Metric: "e2el", Statistic: MeanOf}
		truth := math.Exp(0.125 + c.between*c.between/2) // of logarithms with deviation 0.5
		for i := range times {
			rng := rand.New(rand.NewPCG(5, uint64(i)))
			var all []Sampled
			var p Precision
			for len(all) < minRuns || p.Relative() > 0.06 && len(all) < mostRuns {
				s := drawn(rng, n, c.rho)[0].scaled(math.Exp(c.between * rng.NormFloat64()))
				s.N, s.Value = n, valueOf(s, MeanOf)
				all = append(all, Sample(s, f))
				p = PrecisionOf(all, 0.95)
			}
			if runs += len(all); p.Low <= truth && truth <= p.High {
				held++
			}
		}
		share := float64(held) / float64(times)
		t.Logf("%-36s %6.2f %% of %d intervals hold the truth, after %.1f runs each", c.name, 100*share, times, float64(runs)/float64(times))
		if tolerance := 3 * math.Sqrt(0.05*0.95/float64(times)); share < 0.9-tolerance {
			t.Errorf("%s: %.4f of the intervals hold the truth, want 0.90 or more", c.name, share)
		}
	}
}

// TestPrecision: runs that differ widen the interval; runs that agree by chance do not narrow
// it below what their requests say; longer runs weigh more.
func TestPrecision(t *testing.T) {
	runs := []Sampled{{Value: 10, SE: 0.1, DF: 30, N: 100}, {Value: 10.01, SE: 0.1, DF: 30, N: 100}, {Value: 9.99, SE: 0.1, DF: 30, N: 100}}
	agreed := PrecisionOf(runs, 0.95)
	if want := 0.1 / math.Sqrt(3); !(math.Abs(agreed.SE-want) <= 1e-12) || !(math.Abs(agreed.Value-10) <= 1e-12) {
		t.Errorf("runs that agree: %+v, want a standard error of %g", agreed, want)
	}
	runs[1].Value, runs[2].Value = 12, 8
	if apart := PrecisionOf(runs, 0.95); !(math.Abs(apart.SE-2/math.Sqrt(3)) <= 1e-12) {
		t.Errorf("runs that differ: %+v", apart)
	}
	weighed := PrecisionOf([]Sampled{{Value: 10, SE: 1, DF: 9, N: 300}, {Value: 20, SE: 1, DF: 9, N: 100}}, 0.95)
	if weighed.Value != 12.5 || weighed.Requests != 400 {
		t.Errorf("weighed: %+v", weighed)
	}
	if one := PrecisionOf([]Sampled{{Value: 10, SE: math.NaN(), N: 5}}, 0.95); !math.IsNaN(one.Low) || !math.IsInf(one.Relative(), 1) {
		t.Errorf("a value alone: %+v", one)
	}
	off := PrecisionOf([]Sampled{{Value: 10, SE: 0, DF: 5, N: 5, Error: 0.5}}, 0.95)
	if off.Low != 9.5 || off.High != 10.5 {
		t.Errorf("with the client's error: %+v", off)
	}
}

// TestKnee: the highest power, and the loads that it cannot be distinguished from.
func TestKnee(t *testing.T) {
	point := func(load, throughput, latency, se float64) CurvePoint {
		of := func(x float64) Precision {
			return Precision{Value: x, SE: se * x, Low: x * (1 - 2*se), High: x * (1 + 2*se)}
		}
		return CurvePoint{load, of(throughput), of(latency)}
	}
	curve := []CurvePoint{point(1, 100, 1, 0.001), point(2, 199, 1, 0.001), point(4, 390, 1.05, 0.001), point(8, 600, 1.4, 0.001), point(16, 610, 2.7, 0.001)}
	k := FindKnee(curve)
	if k.At != 3 || k.First != 3 || k.Last != 3 || k.Saturated != 4 || k.Highest != 4 {
		t.Errorf("%+v", k)
	}
	for i := range curve {
		curve[i] = point(curve[i].Load, curve[i].Throughput.Value, curve[i].Latency.Value, 0.05)
	}
	if k := FindKnee(curve); k.First != 2 || k.Last != 3 {
		t.Errorf("with wide intervals: %+v", k)
	}
	if FindKnee(curve[:2]) != nil {
		t.Error("two points have a knee")
	}
	if at := Saturation(curve[:4]); at != -1 {
		t.Errorf("saturated at %d", at)
	}
}

// TestSaturation: no load from the saturated one on has 3 % more throughput than the load before it.
func TestSaturation(t *testing.T) {
	for name, c := range map[string]struct {
		throughput, latency []float64
		want                int
	}{
		"doubling":                    {[]float64{100, 200, 380, 390, 380}, []float64{1, 1, 1.1, 2, 4}, 3},
		"one load was measured badly": {[]float64{100, 200, 150, 390, 395}, []float64{1, 1, 2, 1.2, 2.4}, 4},
		"close to each other":         {[]float64{100, 102, 104, 107}, []float64{1, 1.01, 1.02, 1.03}, 3},
		"a latency that is not up":    {[]float64{100, 100, 100}, []float64{1, 1, 1}, -1},
		"a load without an answer":    {[]float64{100, 0, 101}, []float64{1, 0, 2}, 2},
		"it rises":                    {[]float64{100, 150, 200}, []float64{1, 1.1, 1.2}, -1},
		"nothing":                     {nil, nil, -1},
	} {
		var points []CurvePoint
		for i := range c.throughput {
			points = append(points, CurvePoint{Load: float64(i + 1), Throughput: Precision{Value: c.throughput[i]}, Latency: Precision{Value: c.latency[i]}})
		}
		if got := Saturation(points); got != c.want {
			t.Errorf("%s: saturated at %d, want %d", name, got, c.want)
		}
	}
}
