package sweep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"loadgen/internal/judge"
)

// SLOOptions say what is to hold and where it is looked for.
type SLOOptions struct {
	Objectives []Objective
	// The load doubles from From, up to To, until one fails; then it is halved in between until
	// the highest load that holds and the lowest one that does not are within Resolution.
	From, To   Load
	Resolution float64
	// MinRequests and MaxRequests bound the requests by which a load is decided.
	MinRequests, MaxRequests int
	Seconds                  float64 // that a run at a rate takes at least
	Confirm                  int     // runs by which the answer is confirmed
	Budget                   float64 // seconds within which a confirmation may take more than MostConfirmed
	// Note gets a load after each run.
	Note func(t *Trial)
}

// Levels of the tests. Each load of the search is decided wrongly with at most searchAlpha; the
// answer is confirmed by runs of its own, and wrong with at most answerAlpha.
const (
	searchAlpha = 0.01
	answerAlpha = 0.05
	// Of answerAlpha the loads that are confirmed upwards have upwardAlpha, all of them together,
	// and those below the first of them what is left.
	upwardAlpha = 0.04
	// How often a queue that does not grow may be taken for one that does, at a load of the search
	// and at one that is confirmed: a mistake in the search cannot be undone, and one that confirms
	// a rate above what the server can do is worse than a lower answer.
	searchGrowth, answerGrowth = 0.001, 0.1
)

// MostFailed is the share of requests that may fail at a load which holds.
const MostFailed = 0.01

// fewestRuns is how many runs show that a load holds in the search. One that fails shows it.
const fewestRuns = 3

// Outcome is how a load was decided.
type Outcome int

// The outcomes.
const (
	Undecided Outcome = iota // within the requests that were allowed
	Holds
	Fails
)

func (o Outcome) String() string { return [...]string{"not decided", "holds", "fails"}[o] }

// Trial is a load that was tried.
type Trial struct {
	Load             Load
	Runs             int
	Requests, Failed int
	Confirms         bool // runs of its own for a load that held before
	Standings        []Standing
	Outcome          Outcome
	Leans            bool // it holds as far as can be seen, decided or not
	Limited          int  // runs in which the client could not keep up
	// Grows says that more requests came than were answered while they came, so that the queue
	// was longer at the end of the runs: measured for longer, the latencies would be higher.
	Grows bool

	runs   []*Run
	likely bool // it would be confirmed if it were measured once more with the same outcome
	// clusters are by objective how many requests are worth one at the least, as the search's
	// runs say; few says that there are too few requests for them.
	clusters []float64
	few      bool
}

// Limit is what a search brought.
type Limit struct {
	Trials []Trial
	// Best is the highest load that holds, confirmed; Above the lowest load beyond it that fails or
	// is not decided. Nil where there is none.
	Best, Above *Trial
	Confidence  float64 // of Best
	// Enough is the MaxRequests, and EnoughSeconds the Budget, by which the answer would be nearer the
	// limit, where values that miss come in such clusters that those of the options may leave it
	// several percent low; 0 where they do not.
	Enough        int
	EnoughSeconds float64
	// Low and High are the loads between which the limit lies by the estimates alone.
	Low, High Load
}

// search is a search under way.
type search struct {
	o       *SLOOptions
	measure Measure
	limit   *Limit
	runs    map[Load]int // made so far
	seen    paces
	spent   float64 // seconds of all runs
	// clusters are by objective how many requests are worth one around the limit.
	clusters []float64
	queued   bool // what fails above the limit is a queue that grows
	short    bool // the requests allowed were not enough for the last load that was to be confirmed
}

// FindLimit finds the highest load at which all objectives hold: by bisection in which each
// load is tested sequentially until it is decided, as measurements are noisy (Waeber, Frazier
// and Henderson, "Bisection search with noisy responses", SIAM Journal on Control and
// Optimization 51(3), 2013). A load that is not decided within MaxRequests goes by where it
// leans. The answer is then confirmed by runs of its own. With an error, which ends it, comes
// what was tried before: a load that was confirmed is.
func FindLimit(ctx context.Context, o SLOOptions, measure Measure) (*Limit, error) {
	s := &search{o: &o, measure: measure, limit: &Limit{}, runs: map[Load]int{}}
	low, high, err := s.bracket(ctx)
	if err == nil && low != (Load{}) {
		low, high, err = s.halve(ctx, low, high)
	}
	s.limit.Low, s.limit.High = low, high
	best := Load{}
	if err == nil && low != (Load{}) {
		best, err = s.confirm(ctx, low)
	}
	if best != (Load{}) {
		s.limit.Confidence = 1 - answerAlpha
	}
	s.finish(best)
	return s.limit, err
}

// bracket doubles the load until it does not hold; low is zero where not even the lowest one
// does, and high where all do. On the way a load passes by its first run, if that leans so; the
// highest one is decided when the next fails.
func (s *search) bracket(ctx context.Context) (low, high Load, err error) {
	var passed []int // of the trials
	for l := s.o.From; high == (Load{}); l = l.times(2) {
		if l.Value() > s.o.To.Value() {
			l = s.o.To
		}
		i := s.add(l, false)
		err := s.decide(ctx, i, l != s.o.To)
		switch leans := s.limit.Trials[i].Leans; {
		case err != nil:
			return low, high, err
		case leans && l == s.o.To:
			return l, Load{}, nil
		case leans:
			low, passed = l, append(passed, i)
		default:
			high = l
		}
	}
	for _, i := range slices.Backward(passed) {
		err := s.decide(ctx, i, false)
		if t := &s.limit.Trials[i]; err != nil || t.Leans {
			return t.Load, high, err
		}
		high = s.limit.Trials[i].Load
	}
	return s.descend(ctx, high)
}

// descend halves a first load that does not hold, down to one request at a time, or to a
// hundredth of a rate.
func (s *search) descend(ctx context.Context, high Load) (Load, Load, error) {
	least := Load{Concurrency: 1}
	if high.Concurrency == 0 {
		least = high.times(0.01)
	}
	for high.Value() > least.Value() {
		l := high.times(0.5)
		if l.Value() < least.Value() || l == high {
			l = least
		}
		t, err := s.try(ctx, l)
		if err != nil || t.Leans {
			return l, high, err
		}
		high = l
	}
	return Load{}, high, nil
}

// halve narrows the loads between which the limit lies.
func (s *search) halve(ctx context.Context, low, high Load) (Load, Load, error) {
	for high != (Load{}) && high.Value() > (1+s.o.Resolution)*low.Value() {
		mid := low.times(math.Sqrt(high.Value() / low.Value()))
		if mid == low || mid == high {
			break
		}
		t, err := s.try(ctx, mid)
		if err != nil {
			return low, high, err
		}
		if t.Leans {
			low = mid
		} else {
			high = mid
		}
	}
	return low, high, nil
}

// base is how many requests the first run at a load has at least.
func (o *SLOOptions) base(l Load, seconds float64) int {
	return l.requests(min(o.MinRequests, max(1, o.MaxRequests/fewestRuns)), seconds)
}

// Least is the least runs and requests that a load has as it doubles: one run where the next load
// follows; at the last one those that show that it holds, where each run has as many requests as all before.
func (o *SLOOptions) Least(l Load) (runs, requests int) {
	if requests = o.base(l, o.Seconds); l.times(2).Value() <= o.To.Value() {
		return 1, requests
	}
	for runs = 1; runs < fewestRuns; runs++ {
		requests *= 2
	}
	return runs, requests
}

// try decides a load.
func (s *search) try(ctx context.Context, l Load) (*Trial, error) {
	i := s.add(l, false)
	err := s.decide(ctx, i, false)
	return &s.limit.Trials[i], err
}

// decide decides a trial by runs of which each has as many requests as all before: after each the
// test has its share of searchAlpha. With passing, a load that leans to hold is left at that.
func (s *search) decide(ctx context.Context, i int, passing bool) error {
	t := &s.limit.Trials[i]
	base := s.o.base(t.Load, s.seconds(t.Load))
	looks := 1 + max(0, int(math.Ceil(math.Log2(float64(s.o.MaxRequests)/float64(base)))))
	for t.Outcome == Undecided && (t.Requests < s.o.MaxRequests || t.Runs < fewestRuns) {
		if err := s.run(ctx, t, max(base, t.Requests)); err != nil {
			return err
		}
		t.decide(s.o.Objectives, searchAlpha/float64(looks))
		t.likely = t.Outcome == Holds || t.holds(s.o.Objectives, upwardAlpha)
		if t.Runs < fewestRuns && t.Outcome == Holds { // the requests of a run may have been lucky together
			t.Outcome = Undecided
		}
		s.note(t)
		if passing && t.Leans {
			return nil
		}
	}
	t.runs = nil
	return nil
}

// add begins a trial and returns its place.
func (s *search) add(l Load, confirms bool) int {
	s.limit.Trials = append(s.limit.Trials, Trial{Load: l, Confirms: confirms})
	return len(s.limit.Trials) - 1
}

func (s *search) note(t *Trial) {
	if s.o.Note != nil {
		s.o.Note(t)
	}
}

// waves is how many times as long as a request a run at a rate takes at the least: it begins with
// an idle server, which is not the load that is asked for.
const waves = 5

// seconds is how long a run at a rate takes at the least.
func (s *search) seconds(l Load) float64 { return max(s.o.Seconds, waves*s.seen.seconds(l)) }

// run makes a run of a trial.
func (s *search) run(ctx context.Context, t *Trial, requests int) error {
	r, err := s.measure(ctx, Ask{t.Load, s.runs[t.Load], requests, s.seen.stagger(t.Load)})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", t.Load.Words(), err)
	case r.Answered() == 0:
		return fmt.Errorf("%s: %w", t.Load.Words(), ErrNothing)
	}
	s.seen.add(t.Load, r)
	s.spent += r.Seconds
	s.runs[t.Load]++
	t.Runs++
	t.Requests += r.Requests
	t.Failed += r.Failed
	if r.Limited {
		t.Limited++
	}
	t.runs = append(t.runs, r)
	return nil
}

// decide tests all objectives. A load holds if each of them does and its queue does not grow; it
// fails if one does, or its queue grows, at the level that belongs to the best of several.
func (t *Trial) decide(objectives []Objective, alpha float64) {
	t.Standings = t.Standings[:0]
	tests := float64(len(objectives) + 1)
	held, broken := float64(t.Failed) <= MostFailed*float64(t.Requests), false
	t.Leans = held
	for i := range objectives {
		s := t.standing(objectives, i, alpha)
		held, t.Leans = held && s.Held, t.Leans && s.Leans
		if len(objectives) > 1 {
			s.Broken = s.Broken && t.standing(objectives, i, alpha/tests).Broken
		}
		broken = broken || s.Broken
		t.Standings = append(t.Standings, s)
	}
	answered := judge.Share{Value: 1 - float64(t.Failed)/float64(t.Requests), Of: float64(t.Requests)}
	broken = broken || answered.High(alpha/tests) < 1-MostFailed || t.Runs >= fewestRuns && grows(longest(t.runs), searchGrowth/10)
	if t.Grows = grows(longest(t.runs), map[bool]float64{false: searchGrowth, true: answerGrowth}[t.Confirms]); t.Grows {
		held, t.Leans = false, false
	}
	switch {
	case held:
		t.Outcome = Holds
	case broken:
		t.Outcome, t.Leans = Fails, false
	default:
		t.Outcome = Undecided
	}
}

// standing is how the load stands to an objective.
func (t *Trial) standing(objectives []Objective, i int, alpha float64) Standing {
	cluster := 0.0
	if t.clusters != nil {
		cluster = t.clusters[i]
	}
	return objectives[i].standing(t.runs, alpha, cluster, t.few)
}

// holds reports whether a load would hold at a level.
func (t *Trial) holds(objectives []Objective, alpha float64) bool {
	for i := range objectives {
		if !t.standing(objectives, i, alpha).Held {
			return false
		}
	}
	return t.Leans
}

// finish names the answer among the trials.
func (s *search) finish(best Load) {
	for i := range s.limit.Trials {
		t := &s.limit.Trials[i]
		if t.Load == best && t.Confirms {
			s.limit.Best = t
		}
		if t.Load.Value() > best.Value() && t.Runs > 0 && t.Outcome != Holds && (s.limit.Above == nil || t.Load.Value() < s.limit.Above.Load.Value()) {
			s.limit.Above = t
		}
	}
}

// Needed is how many requests show the objectives at the least, where all requests meet them.
func (o *SLOOptions) Needed() (most int) {
	for i := range o.Objectives {
		most = max(most, judge.NeededForShare(o.Objectives[i].needed(), upwardAlpha))
	}
	if o.From.Rate > 0 {
		most = int(math.Ceil(float64(most) / (1 - startShare)))
	}
	return most
}
