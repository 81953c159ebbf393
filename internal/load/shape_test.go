package load

import (
	"math"
	"slices"
	"testing"
	"time"
)

// TestConstantRateForATime: due times are those of a run without an end, up to it.
func TestConstantRateForATime(t *testing.T) {
	all := Arrivals(1000, 50, 0.7, 3)
	s := Shape{Stages: []Stage{{Rate: 50, Length: 4 * time.Second}}, Burstiness: 0.7, Seed: 3}
	p := s.Plan()
	n := len(p.Arrivals) - 1
	if !slices.Equal(p.Arrivals[:n], all[:n]) || all[n] < 4 || all[n-1] >= 4 || p.Arrivals[n] != 4 || p.Until != 4*time.Second || p.Slots != nil {
		t.Errorf("%d arrivals until %v: %v", n, p.Until, p.Arrivals)
	}
	// Fewer requests end the schedule where it ends without a time.
	s.Requests = 20
	if p = s.Plan(); !slices.Equal(p.Arrivals, all[:21]) {
		t.Errorf("%v, want %v", p.Arrivals, all[:21])
	}
	s.Stages[0].Length = 0
	if p = s.Plan(); !slices.Equal(p.Arrivals, all[:21]) || p.Until != 0 {
		t.Errorf("%v, want %v", p.Arrivals, all[:21])
	}
}

// TestConstantSpacing: an infinite burstiness spaces requests by exactly 1/rate.
func TestConstantSpacing(t *testing.T) {
	got := Arrivals(100000, 3, math.Inf(1), 1)
	for i, at := range got {
		if at != float64(i)/3 {
			t.Fatalf("request %d is due at %v", i, at)
		}
	}
	for _, gap := range Intervals(3, 4, math.Inf(1), 1) {
		if gap != 0.25 {
			t.Errorf("a gap of %v", gap)
		}
	}
	s := Shape{Stages: []Stage{{Rate: 4, Length: time.Second}, {Rate: 2, Length: time.Second}}, Burstiness: math.Inf(1)}
	if got := s.Plan().Arrivals; !slices.Equal(got, []float64{0, 0.25, 0.5, 0.75, 1, 1.5, 2}) {
		t.Error(got)
	}
}

// TestRateRamps: with constant spacing request k is due when k requests' worth of the rate
// have added up.
func TestRateRamps(t *testing.T) {
	for _, c := range []struct {
		stages []Stage
		at     func(k float64) float64
		n      int
	}{
		// From 0 to 10/s in 10 s: k = t*t/2.
		{[]Stage{{Rate: 10, Ramp: 10 * time.Second, Length: 10 * time.Second}}, func(k float64) float64 { return math.Sqrt(2 * k) }, 50},
		// From 10/s to 2/s: k = 10 t - 0.4 t*t.
		{[]Stage{{Rate: 2, From: 10, Ramp: 10 * time.Second, Length: 10 * time.Second}}, func(k float64) float64 { return (10 - math.Sqrt(100-1.6*k)) / 0.8 }, 60},
		// From 1/s to e/s in 1 s, exponential: k = e^t - 1; then e/s.
		{[]Stage{{Rate: math.E, From: 1, Ramp: time.Second, Exponential: true, Length: 3 * time.Second}}, func(k float64) float64 {
			if k < math.E-1 {
				return math.Log(1 + k)
			}
			return 1 + (k-(math.E-1))/math.E
		}, 8},
		// 5/s, then a ramp of 2 s to 15/s, which then holds.
		{[]Stage{{Rate: 5, Length: 2 * time.Second}, {Rate: 15, Ramp: 2 * time.Second, Length: 4 * time.Second}}, func(k float64) float64 {
			switch {
			case k < 10:
				return k / 5
			case k < 30:
				return 2 + (-5+math.Sqrt(25+10*(k-10)))/5
			}
			return 4 + (k-30)/15
		}, 60},
		// From 0 to 10/s in 1 s, which then holds for 2 s, and 2/s: the ramp is part of its stage.
		{[]Stage{{Rate: 10, Ramp: time.Second, Length: 3 * time.Second}, {Rate: 2, Length: 2 * time.Second}}, func(k float64) float64 {
			switch {
			case k < 5:
				return math.Sqrt(k / 5)
			case k < 25:
				return 1 + (k-5)/10
			}
			return 3 + (k-25)/2
		}, 29},
	} {
		s := Shape{Stages: c.stages, Burstiness: math.Inf(1)}
		p := s.Plan()
		if n := len(p.Arrivals) - 1; n != c.n || p.Arrivals[n] != p.Until.Seconds() {
			t.Errorf("%+v: %d requests until %v, want %d", c.stages, n, p.Arrivals[n], c.n)
			continue
		}
		for k, at := range p.Arrivals[:c.n] {
			if want := c.at(float64(k)); !(math.Abs(at-want) <= 1e-12*want) {
				t.Errorf("%+v: request %d is due at %v, want %v", c.stages, k, at, want)
			}
		}
	}
	if got := RampTime(50, 0, 10, false); got != 10*time.Second {
		t.Errorf("50 requests in a ramp of %v", got)
	}
}

// TestRampsKeepTheProcess: waits of a rescaled process are drawn from the same numbers.
func TestRampsKeepTheProcess(t *testing.T) {
	unit := Arrivals(10, 1, 0.5, 9)
	s := Shape{Stages: []Stage{{Rate: 2, Length: time.Second}, {Rate: 4}}, Requests: 10, Burstiness: 0.5, Seed: 9}
	for k, at := range s.Plan().Arrivals {
		want := unit[k] / 2
		if unit[k] >= 2 {
			want = 1 + (unit[k]-2)/4
		}
		if !(math.Abs(at-want) <= 1e-12) {
			t.Errorf("request %d is due at %v, want %v", k, at, want)
		}
	}
}

// TestSlots: a ramp of concurrency goes by one slot at a time.
func TestSlots(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		stages []Stage
		want   []Step
		until  time.Duration
	}{
		{[]Stage{{Concurrency: 8, Length: 5 * s}}, []Step{{0, 8}}, 5 * s},
		{[]Stage{{Concurrency: 4, Ramp: 3 * s}}, []Step{{0, 1}, {1 * s, 2}, {2 * s, 3}, {3 * s, 4}}, 0},
		{[]Stage{{Concurrency: 1, Ramp: 3 * s, From: 4, Length: 4 * s}}, []Step{{0, 4}, {1 * s, 3}, {2 * s, 2}, {3 * s, 1}}, 4 * s},
		{[]Stage{{Concurrency: 4, Ramp: 4 * s, Exponential: true, Length: 9 * s}},
			[]Step{{0, 1}, {2 * s, 2}, {time.Duration(math.Round(4e9 * math.Log(3) / math.Log(4))), 3}, {4 * s, 4}}, 9 * s},
		{[]Stage{{Concurrency: 2, Length: 2 * s}, {Concurrency: 4, Ramp: s, Length: 2 * s}, {Concurrency: 4, Length: s}, {Concurrency: 1, Length: s}},
			[]Step{{0, 2}, {2500 * time.Millisecond, 3}, {3 * s, 4}, {5 * s, 1}}, 6 * s},
	} {
		shape := Shape{Stages: c.stages}
		p := shape.Plan()
		if !slices.Equal(p.Slots, c.want) || p.Until != c.until || p.Arrivals != nil {
			t.Errorf("%+v: %v until %v, want %v until %v", c.stages, p.Slots, p.Until, c.want, c.until)
		}
	}
}

func TestSpans(t *testing.T) {
	const s = time.Second
	shape := Shape{Stages: []Stage{{Concurrency: 1, Ramp: s, Length: 2 * s}, {Concurrency: 2, Ramp: s}}}
	if got := shape.Plan().Spans; !slices.Equal(got, []Span{{0, s, 2 * s}, {2 * s, 3 * s, 0}}) {
		t.Error(got)
	}
}
