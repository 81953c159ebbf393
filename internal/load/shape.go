package load

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Shape is what a load is over time. Plan makes the schedule of it.
type Shape struct {
	// Stages follow one another. Either all of them have a rate, or none.
	Stages []Stage
	// Requests is the most requests that are sent; 0 is no bound.
	Requests int
	// Burstiness is the shape of the gamma distribution of the waits, infinite for constant
	// spacing; Seed seeds them.
	Burstiness float64
	Seed       uint32
}

// Stage is a part of a run with one load, and the ramp that leads to it.
type Stage struct {
	// Rate is in requests per second. 0 is none: as many requests as Concurrency says are
	// under way, and each is due when its slot is free.
	Rate        float64
	Concurrency int
	// Ramp is how long the load takes, at the stage's beginning, to come from that of the
	// stage before. Of the first stage it comes from From: requests per second, or requests
	// at a time, of which there is at least one.
	Ramp time.Duration
	From float64
	// Exponential ramps grow by the same factor in the same time, others by the same amount.
	Exponential bool
	// Length is how long the stage lasts, its ramp included. 0 is without an end, for the
	// last stage: until as many requests were sent as there are.
	Length time.Duration
}

// Plan is the schedule of a shape: nothing in it depends on the run. Instants are counted
// from the run's start.
type Plan struct {
	// Arrivals are the due times in seconds, and as the last element the end of the
	// schedule; nil where requests are due when a slot is free.
	Arrivals []float64
	// Slots are the bound on requests under way over time; nil where a rate is kept.
	Slots []Step
	// Until is when nothing is sent any more, 0 for no such time.
	Until time.Duration
	// Spans are when each stage begins, when its ramp is over, and when it ends.
	Spans []Span
}

// Step is the bound on requests under way from an instant on.
type Step struct {
	At    time.Duration
	Slots int
}

// Span is a stage's time. To is 0 where it has no end.
type Span struct{ From, Steady, To time.Duration }

// Plan computes the schedule.
func (s *Shape) Plan() *Plan {
	p := &Plan{}
	at := time.Duration(0)
	for i := range s.Stages {
		g := &s.Stages[i]
		span := Span{From: at, Steady: at + g.Ramp}
		if g.Length > 0 {
			at += g.Length
			span.To = at
		}
		p.Spans = append(p.Spans, span)
	}
	if n := len(p.Spans); n > 0 {
		p.Until = p.Spans[n-1].To
	}
	if len(s.Stages) > 0 && s.Stages[0].Rate > 0 {
		p.Arrivals = s.arrivals(p.Until)
	} else {
		p.Slots = s.slots()
	}
	return p
}

// arrivals are the due times before the end of the stages, and the end of the schedule:
// that of the stages, or where the requests are fewer, one wait after the last of them.
func (s *Shape) arrivals(until time.Duration) []float64 {
	end := math.Inf(1)
	if until > 0 {
		end = until.Seconds()
	}
	most := s.Requests
	if most == 0 {
		most = math.MaxInt - 1
	}
	var at []float64
	next := s.instants()
	for len(at) < most {
		t := next()
		if t >= end {
			break
		}
		at = append(at, t)
	}
	if len(at) == most {
		end = min(end, next())
	}
	return append(at, end)
}

// instants returns what draws one due time after the other, the first of them 0. At one
// constant rate they are Arrivals'. Else waits of mean 1 are drawn, and a request is due
// when as much of the rate has added up: with waits of a Poisson process this is a Poisson
// process of that rate (time rescaling).
func (s *Shape) instants() func() float64 {
	constant := len(s.Stages) == 1 && s.Stages[0].Ramp == 0
	rate := 1.0
	if constant {
		rate = s.Stages[0].Rate
	}
	sum := sums(rate, s.Burstiness, s.Seed)
	if constant {
		return sum
	}
	segments, k := s.segments(), 0
	begun, due := 0.0, 0.0 // seconds and requests before the segment
	return func() float64 {
		u := sum()
		for k < len(segments) && u-due >= segments[k].total() {
			begun, due, k = begun+segments[k].length, due+segments[k].total(), k+1
		}
		if k == len(segments) {
			return math.Inf(1)
		}
		return begun + segments[k].instant(u-due)
	}
}

// segment is a time in which the rate is constant, or goes from one value to another.
type segment struct {
	from, to    float64 // requests per second
	length      float64 // seconds; infinite for the last of a run without an end
	exponential bool
}

func (s *Shape) segments() (all []segment) {
	for i := range s.Stages {
		g := &s.Stages[i]
		ramp := g.Ramp.Seconds()
		if ramp > 0 {
			from := g.From
			if i > 0 {
				from = s.Stages[i-1].Rate
			}
			all = append(all, segment{from, g.Rate, ramp, g.Exponential})
		}
		rest := math.Inf(1)
		if g.Length > 0 {
			rest = (g.Length - g.Ramp).Seconds()
		}
		if rest > 0 {
			all = append(all, segment{from: g.Rate, to: g.Rate, length: rest})
		}
	}
	return all
}

// total is how many requests are due in the segment.
func (g segment) total() float64 {
	switch {
	case g.from == g.to:
		return g.from * g.length
	case g.exponential:
		return (g.to - g.from) * g.length / math.Log(g.to/g.from)
	}
	return (g.from + g.to) / 2 * g.length
}

// instant is when so many requests of the segment were due, in seconds from its beginning.
func (g segment) instant(requests float64) float64 {
	switch {
	case requests == 0:
		return 0
	case g.from == g.to:
		return requests / g.from
	case g.exponential:
		growth := math.Log(g.to/g.from) / g.length
		return math.Log1p(growth*requests/g.from) / growth
	}
	// The root of from*t + (to-from)/(2*length)*t*t = requests, in the form that loses nothing.
	return 2 * requests / (g.from + math.Sqrt(float64(g.from*g.from)+float64(2*(g.to-g.from)*requests/g.length)))
}

// RampTime is how long a ramp of the request rate lasts in which so many requests are due.
func RampTime(requests int, from, to float64, exponential bool) time.Duration {
	return duration(float64(requests) / segment{from, to, 1, exponential}.total())
}

// slots are the bound over time. A ramp goes by one slot at a time, each at the instant at
// which its curve comes to that number.
func (s *Shape) slots() (steps []Step) {
	at := time.Duration(0)
	for i := range s.Stages {
		g := &s.Stages[i]
		from := max(int(g.From), 1)
		if i > 0 {
			from = s.Stages[i-1].Concurrency
		}
		if g.Ramp == 0 {
			from = g.Concurrency
		}
		steps = append(steps, Step{at, from})
		for n := from; n != g.Concurrency; {
			if n < g.Concurrency {
				n++
			} else {
				n--
			}
			steps = append(steps, Step{at + g.reached(from, n), n})
		}
		at += g.Length
	}
	return slices.CompactFunc(steps, func(a, b Step) bool { return a.Slots == b.Slots })
}

// reached is when a ramp of concurrency that begins with from comes to n.
func (g *Stage) reached(from, n int) time.Duration {
	share := float64(n-from) / float64(g.Concurrency-from)
	if g.Exponential {
		share = math.Log(float64(n)/float64(from)) / math.Log(float64(g.Concurrency)/float64(from))
	}
	return time.Duration(math.Round(share * float64(g.Ramp)))
}

// open reports whether slot k, counted from 0, may be used at an instant, and since when, or
// if not from when on; never is negative.
func open(steps []Step, k int, at time.Duration) (now bool, from time.Duration) {
	i := sort.Search(len(steps), func(i int) bool { return steps[i].At > at })
	if i > 0 && k < steps[i-1].Slots {
		for i--; i > 0 && k < steps[i-1].Slots; i-- {
		}
		return true, steps[i].At
	}
	for ; i < len(steps); i++ {
		if k < steps[i].Slots {
			return false, steps[i].At
		}
	}
	return false, -1
}

// Most is the largest bound there is.
func Most(steps []Step) (n int) {
	for _, s := range steps {
		n = max(n, s.Slots)
	}
	return n
}
