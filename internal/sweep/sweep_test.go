package sweep

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/judge"
)

var meanE2EL = judge.Quantity{Metric: "e2el", Statistic: judge.MeanOf}

func usual() Options {
	return Options{From: Load{Concurrency: 1}, To: Load{Concurrency: 1024}, Metrics: []judge.Quantity{meanE2EL}, Precision: 0.02, MinRequests: 100, MaxRequests: 3000, Seconds: 10}
}

// TestSweepFindsTheKnownLimit: of 20 sweeps of a server whose batch is the limit at least 19
// have the knee between the loads that they name, and the highest throughput within 5 %.
func TestSweepFindsTheKnownLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	for _, m := range []model{
		{batch: 16, step: 0.01, prefill: 0.002, tokens: 32, spread: 0.3, jitter: 0.05},
		{batch: 48, step: 0.02, prefill: 0.001, tokens: 24, spread: 0.2, jitter: 0.1, runs: 0.01},
	} {
		const seeds = 20
		inside, near, requests := 0, 0, 0
		worst := 0.0
		for seed := range uint64(seeds) {
			c, err := Sweep(context.Background(), usual(), m.measure(seed))
			if err != nil || c.Knee == nil || c.Ended {
				t.Fatalf("seed %d: %v, knee %v, ended %v", seed, err, c.Knee, c.Ended)
			}
			low, high := c.KneeBounds()
			if low.Concurrency <= m.batch && m.batch <= high.Concurrency {
				inside++
			}
			off := math.Abs(c.Points[c.Knee.Highest].Throughput.Value/m.capacity() - 1)
			if worst = max(worst, off); off <= 0.05 {
				near++
			}
			for i := range c.Points {
				requests += c.Points[i].Requests
			}
		}
		t.Logf("batch %d: %d of %d sweeps have the knee between the loads that they name, %d the capacity within 5 %% (worst %.1f %%), with %d requests each",
			m.batch, inside, seeds, near, 100*worst, requests/seeds)
		if inside < 19 || near < 19 {
			t.Errorf("batch %d: %d and %d of %d, want 19 or more", m.batch, inside, near, seeds)
		}
	}
}

// TestPointsAreAsPreciseAsAskedFor: a load gets as many requests as it needs, no fixed number.
func TestPointsAreAsPreciseAsAskedFor(t *testing.T) {
	m := model{batch: 64, step: 0.01, tokens: 32, spread: 0.9, jitter: 0.05}
	needed := map[float64]int{}
	for _, precision := range []float64{0.05, 0.02} {
		o := usual()
		o.Loads, o.Precision, o.MaxRequests = []Load{{Concurrency: 4}}, precision, 100_000
		c, err := Sweep(context.Background(), o, m.measure(1))
		if err != nil {
			t.Fatal(err)
		}
		p := c.Points[0]
		if !p.Precise || p.Asked[0].Relative() > precision || p.Runs < MinRuns {
			t.Errorf("precision %g: %+v", precision, p.Asked[0])
		}
		needed[precision] = p.Requests
	}
	if needed[0.02] < 2*needed[0.05] {
		t.Errorf("2 %% needed %d requests and 5 %% %d", needed[0.02], needed[0.05])
	}
	o := usual()
	o.Loads, o.Precision, o.MaxRequests = []Load{{Concurrency: 4}}, 0.0001, 1000
	c, err := Sweep(context.Background(), o, m.measure(1))
	if err != nil || c.Points[0].Precise || c.Points[0].Requests < 1000 || c.Points[0].Requests > 1100 {
		t.Errorf("%v; a load that cannot be precise got %d requests", err, c.Points[0].Requests)
	}
}

// TestServerThatDies: what was measured stands.
func TestServerThatDies(t *testing.T) {
	m := model{batch: 16, step: 0.01, tokens: 8}
	measure := m.measure(1)
	runs := 0
	gone := errors.New("connection refused")
	c, err := Sweep(context.Background(), usual(), func(ctx context.Context, a Ask) (*Run, error) {
		if runs++; runs > 12 {
			return nil, gone
		}
		return measure(ctx, a)
	})
	if !errors.Is(err, gone) || !strings.Contains(err.Error(), "concurrency 4") {
		t.Errorf("the error is %v", err)
	}
	var loads []int
	for i := range c.Points {
		loads = append(loads, c.Points[i].Load.Concurrency)
	}
	if !slices.Equal(loads, []int{1, 2, 4}) || c.Points[2].Runs != 2 {
		t.Errorf("%v stand", loads)
	}
	none := func(context.Context, Ask) (*Run, error) { return &Run{Requests: 20, Failed: 20}, nil }
	if c, err := Sweep(context.Background(), usual(), none); !errors.Is(err, ErrNothing) || len(c.Points) != 0 {
		t.Errorf("all failed: %v, %d points", err, len(c.Points))
	}
}

// TestRates: a rate is measured as it is listed.
func TestRates(t *testing.T) {
	m := model{batch: 16, step: 0.01, tokens: 16, jitter: 0.05}
	o := usual()
	o.Loads = []Load{{Rate: 10}, {Rate: 50}, {Rate: 90}, {Rate: 150}}
	c, err := Sweep(context.Background(), o, m.measure(3))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Points[1].Throughput.Value / 16; !(math.Abs(got/50-1) <= 0.1) {
		t.Errorf("50 requests/s gave %.1f", got)
	}
	if got := c.Points[3].Throughput.Value / m.capacity(); !(math.Abs(got-1) <= 0.05) {
		t.Errorf("beyond the capacity it is %.3f of that", got)
	}
	if l := (Load{Rate: 12.345}); l.times(1).Rate != 12.3 || l.FileName(1) != "rate_12.345_repeat_2.json" || l.Words() != "12.345 requests/s" {
		t.Errorf("%v, %s, %s", l.times(1), l.FileName(1), l.Words())
	}
}
