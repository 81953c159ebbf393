package judge

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestStatsCoverageOfCertain compares two servers repeat after repeat until it is decided, and
// counts how often a difference is reported that is not there, and how often servers are said to
// be within a margin that they are not.
func TestStatsCoverageOfCertain(t *testing.T) {
	times := 2000
	if text := os.Getenv("COVERAGE_PAIRS"); text != "" {
		times, _ = strconv.Atoi(text)
	}
	const most, alpha, margin = 60, 0.05, 0.02
	tolerance := 3 * math.Sqrt(alpha*(1-alpha)/float64(times))
	for _, c := range []struct {
		name         string
		runs, common float64 // deviations of runs, and of what the runs of a repeat have in common
		ratio        float64
	}{
		{"equal, runs 1 % apart", 0.01, 0, 1},
		{"equal, runs 10 % apart", 0.1, 0, 1},
		{"equal, with drift in common", 0.02, 0.1, 1},
		{"2 % apart, which is the margin", 0.01, 0, 1 + margin},
		{"5 % apart", 0.02, 0.05, 1.05},
	} {
		differs, within, open, repeats := 0, 0, 0, 0
		for i := range times {
			rng := rand.New(rand.NewPCG(21, uint64(i)))
			var a, b []Series
			var v Certainty
			for len(a) < most && !v.Decided() {
				both := math.Exp(c.common * rng.NormFloat64())
				a = append(a, Series{Value: both * math.Exp(c.runs*rng.NormFloat64())})
				b = append(b, Series{Value: both * c.ratio * math.Exp(c.runs*rng.NormFloat64())})
				v = Certain(a, b, margin, alpha)
			}
			repeats += len(a)
			if v.Differs {
				differs++
			}
			if v.Within {
				within++
			}
			if !v.Decided() {
				open++
			}
		}
		of := func(n int) float64 { return float64(n) / float64(times) }
		t.Logf("%-32s %6.2f %% differ, %6.2f %% are within %g %%, %5.2f %% not decided, after %.1f repeats", c.name, 100*of(differs), 100*of(within), 100*margin, 100*of(open), float64(repeats)/float64(times))
		if c.ratio == 1 && of(differs) > alpha+tolerance {
			t.Errorf("%s: %.4f false alarms", c.name, of(differs))
		}
		if c.ratio > 1 && of(within) > alpha+tolerance {
			t.Errorf("%s: %.4f are said to be within", c.name, of(within))
		}
	}
}

// TestCertain: what decides, and what does not.
func TestCertain(t *testing.T) {
	series := func(values ...float64) (out []Series) {
		for _, v := range values {
			out = append(out, Series{Value: v})
		}
		return out
	}
	if c := Certain(series(1, 1), series(2, 2), 0.02, 0.05); c.Decided() || !math.IsInf(c.High, 1) {
		t.Errorf("two repeats decide: %+v", c)
	}
	far := Certain(series(1, 1.01, 0.99, 1), series(2, 2.03, 1.99, 2.01), 0.02, 0.05)
	if !far.Differs || far.Within || !(math.Abs(far.Ratio-2.0075) <= 0.01) {
		t.Errorf("twice as much: %+v", far)
	}
	near := Certain(series(1, 1.001, 0.999, 1, 1.0005), series(1.001, 1, 1, 1.001, 0.9995), 0.02, 0.05)
	if near.Differs || !near.Within {
		t.Errorf("the same: %+v", near)
	}
	late := series(2, 2.03, 1.99, 2.01)
	for i := range late {
		late[i].Error = 2 * late[i].Value
	}
	if c := Certain(series(1, 1.01, 0.99, 1), late, 0.02, 0.05); c.Differs {
		t.Errorf("what the client may have moved is a difference: %+v", c)
	}
	if c := Certain(series(1, 0, math.NaN()), series(2, 2, 2), 0.02, 0.05); c.Repeats != 1 {
		t.Errorf("values that are none count: %+v", c)
	}
	if q := anytimeT(10, 0.05); q < 3 || q > 5 { // that of a fixed number is 2.26
		t.Errorf("t of ten repeats: %g", q)
	}
}
