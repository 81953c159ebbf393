package sweep

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// curve is a server of which only the TTFT is known, by its distribution: the logarithm of how many
// times the limit it is is normal, rises with the load, and at a rate of 100/s it is the limit for
// nine of ten requests. Requests that follow each other are correlated by rho.
type curve struct{ rho float64 }

// limitOfCurve is the rate up to which p90 TTFT is within a second, and tenth the normal deviate
// that one of ten is above.
const limitOfCurve, tenth = 100, 1.2815515655

func (c curve) measure(seed uint64) Measure {
	rng := rand.New(rand.NewPCG(seed, 23))
	return func(_ context.Context, a Ask) (*Run, error) {
		r := &Run{Requests: a.Requests}
		shift := 8 * (a.Load.Rate/limitOfCurve - 1)
		x := rng.NormFloat64()
		for range a.Requests {
			ttft := []float64{math.Exp((x + shift - tenth) / 4)}
			r.Values[0], r.Values[3] = append(r.Values[0], ttft), append(r.Values[3], ttft)
			x = c.rho*x + math.Sqrt(1-c.rho*c.rho)*rng.NormFloat64()
		}
		return r, nil
	}
}

// TestStatsCoverageOfSearches counts how often a search's answer is above the limit, which is known,
// and how near it is: for misses that are independent, and for such that come in clusters.
func TestStatsCoverageOfSearches(t *testing.T) {
	times := 5
	if fromEnv("COVERAGE_PAIRS", 0) > 0 {
		times = 200
	}
	for _, c := range []struct {
		name   string
		rho    float64
		most   int
		budget float64
	}{{"independent", 0, 1000, 0}, {"clusters of about 4", 0.8, 2000, 0}, {"clusters of about 20", 0.97, 8000, 0}, {"clusters of about 20, few requests", 0.97, 1000, 0},
		{"clusters of about 20, and the time", 0.97, 1000, 3600}} {
		if times < 200 && c.rho > 0.9 {
			continue
		}
		above, near, none, requests := 0, 0, 0, 0
		for i := range times {
			o := SLOOptions{Objectives: []Objective{percentile("ttft", 0.9, "p90", 1)}, From: Load{Rate: 40}, To: Load{Rate: 400}, Resolution: 0.02, MinRequests: 100, MaxRequests: c.most, Confirm: 3, Budget: c.budget}
			l, err := FindLimit(context.Background(), o, curve{c.rho}.measure(uint64(i)))
			if err != nil {
				t.Fatal(err)
			}
			for k := range l.Trials {
				requests += l.Trials[k].Requests
			}
			switch {
			case l.Best == nil:
				none++
			case l.Best.Load.Rate > limitOfCurve:
				above++
			case l.Best.Load.Rate >= 0.95*limitOfCurve:
				near++
			}
		}
		of := func(n int) float64 { return 100 * float64(n) / float64(times) }
		t.Logf("%-36s %5.2f %% of %d answers are above the limit, at a level of %g %%; %5.1f %% are at it or up to 5 %% below, %5.2f %% of the searches have none; %d requests each",
			c.name, of(above), times, 100*answerAlpha, of(near), of(none), requests/times)
		if allowed := answerAlpha + 3*math.Sqrt(answerAlpha*(1-answerAlpha)/float64(times)); of(above) > 100*allowed {
			t.Errorf("%s: %.2f %% are above the limit", c.name, of(above))
		}
	}
}

// TestClustersOfTheSearch: what the search has seen of clusters counts for the runs that confirm, and
// they have more requests for it, within bounds.
func TestClustersOfTheSearch(t *testing.T) {
	run := &Run{Requests: 2000}
	for range run.Requests {
		run.Values[0] = append(run.Values[0], []float64{0.1})
	}
	o := percentile("ttft", 0.99, "p99", 0.2)
	if !o.standing([]*Run{run}, 0.04, 0, true).Held || o.standing([]*Run{run}, 0.04, 40, true).Low > 0.991 {
		t.Error("2000 requests in clusters of 40 are 2000 independent ones")
	}
	if s := o.standing([]*Run{run}, 0.04, 1000, true); !s.Held {
		t.Errorf("no miss in 2000 requests, and they do not hold: %+v", s)
	}
	search := func(rho float64, most int, budget float64) *Limit {
		options := SLOOptions{Objectives: []Objective{percentile("ttft", 0.9, "p90", 1)}, From: Load{Rate: 40}, To: Load{Rate: 400}, Resolution: 0.02, MinRequests: 100, MaxRequests: most, Confirm: 3, Budget: budget}
		l, err := FindLimit(context.Background(), options, curve{rho}.measure(5))
		if err != nil || l.Best == nil {
			t.Fatalf("%v, %+v", err, l)
		}
		return l
	}
	if l := search(0, 1000, 0); l.Best.Runs > 6 || l.Enough != 0 {
		t.Errorf("independent values: confirmed by %d runs, %d requests would be enough", l.Best.Runs, l.Enough)
	}
	if l := search(0.9, 3000, 0); l.Best.Runs <= 3 || l.Enough != 0 {
		t.Errorf("clusters: confirmed by %d runs, %d requests would be enough", l.Best.Runs, l.Enough)
	}
	l := search(0.97, 1000, 0)
	if last := l.Trials[len(l.Trials)-1]; last.Requests > MostConfirmed*1000+3 || l.Enough < 1001 || l.Enough > 40_000 {
		t.Errorf("clusters and few requests: the last load had %d, %d would be enough", last.Requests, l.Enough)
	}
	more := search(0.97, 1000, 10_000)
	if last := more.Trials[len(more.Trials)-1]; last.Requests <= MostConfirmed*1000 || more.Best.Load.Rate <= l.Best.Load.Rate {
		t.Errorf("with time for more the last load had %d, and the answer is %s, without it %s", last.Requests, more.Best.Load, l.Best.Load)
	}
}
