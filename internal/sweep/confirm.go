package sweep

import (
	"context"
	"math"
	"slices"

	"loadgen/internal/judge"
)

// The loads that are confirmed: the first is begin steps of the resolution below the estimate or
// lower; upwards follow those up to the estimate, at most mostUp of them, and, as the estimate may be
// too low, mostBeyond more; mostDown are below the first where that is not confirmed, by downwards
// steps of the resolution.
const (
	begin      = 3
	mostUp     = 5
	mostBeyond = 4
	mostDown   = 4
)

// upTo is how far each of the loads upwards is from the first one to the estimate.
var upTo = [mostUp]float64{1. / 3, 1. / 2, 2. / 3, 5. / 6, 1}

var downwards = [mostDown]int{1, 2, 4, 8}

// confirm finds the highest load that runs of its own show to hold; zero where none is. The first
// that is tested is one that the search's own runs would confirm, some steps below its estimate. It goes
// upwards from there, until a load is not confirmed: an order that is settled before
// the runs are made, so that each test may have the level of all (fixed-sequence testing: Maurer,
// Hothorn and Lehmacher, 1995; what holds at a load holds below it). If the first is not confirmed,
// lower ones are tested at the level that is left.
func (s *search) confirm(ctx context.Context, low Load) (best Load, err error) {
	s.learn(low)
	first := s.likely(low)
	for _, l := range s.upwards(first, low) {
		held, err := s.shows(ctx, l, upwardAlpha)
		if err != nil {
			return best, err
		}
		if !held {
			break
		}
		best = l
	}
	for l, i := first, 0; best == (Load{}) && i < mostDown; i++ {
		if l = s.below(l, downwards[i]); l.Value() <= 0 {
			break
		}
		held, err := s.shows(ctx, l, (answerAlpha-upwardAlpha)/mostDown)
		if err != nil {
			return best, err
		}
		if held {
			best = l
		}
	}
	if s.short {
		needs := s.needs()
		s.limit.Enough = int(math.Ceil(needs / MostConfirmed * float64(s.o.MaxRequests)))
		s.limit.EnoughSeconds = s.spent + 2*needs*float64(s.o.MaxRequests)*s.perRequest(low)
	}
	return best, nil
}

// allHold reports whether the search decided that the highest of all loads holds.
func (s *search) allHold() bool {
	return s.limit.High == (Load{}) && slices.ContainsFunc(s.limit.Trials, func(t Trial) bool { return t.Load == s.o.To && t.Outcome == Holds })
}

// likely is the first load to be confirmed: the highest one where that holds, else begin steps below the
// estimate, or, where confirmations have no more requests than the search, the highest load that its runs
// would confirm if that is lower.
func (s *search) likely(low Load) Load {
	l := s.below(low, begin)
	if l.Value() <= 0 || s.allHold() {
		return low
	}
	if needs := s.needs(); needs > 1 && (needs <= MostConfirmed || needs*float64(s.o.MaxRequests) <= 4*float64(s.most(l))) {
		return l
	}
	confirmed := Load{}
	for i := range s.limit.Trials {
		t := &s.limit.Trials[i]
		if t.likely && t.Load.Value() <= low.Value() && t.Load.Value() > confirmed.Value() {
			confirmed = t.Load
		}
	}
	if confirmed != (Load{}) && confirmed.Value() < l.Value() {
		return confirmed
	}
	return l
}

// upwards are the loads from one to another, and some beyond it, that are tested one after the other.
func (s *search) upwards(from, to Load) (all []Load) {
	ratio := to.Value() / from.Value()
	all = append(all, from)
	for _, by := range upTo {
		l := to
		if by < 1 {
			l = from.times(math.Pow(ratio, by))
		}
		if l.Value() > all[len(all)-1].Value() {
			all = append(all, l)
		}
	}
	for range mostBeyond {
		last := all[len(all)-1]
		l := last.times(1 + s.o.Resolution)
		if l == last {
			l.Concurrency++
		}
		if l.Value() > s.o.To.Value() {
			break
		}
		all = append(all, l)
	}
	return all
}

// below is a load lower by so many steps of the resolution.
func (s *search) below(l Load, steps int) (next Load) {
	if next = l.times(math.Pow(1+s.o.Resolution, -float64(steps))); next == l {
		next.Concurrency--
	}
	return next
}

// shows tests a load with runs of its own, until they show that it holds or seem not to: of as many
// requests in all as a search may take, and of twice as many time and again where values that miss
// a limit come in clusters. The last of these looks has half of the level, each before it half of that
// after it.
func (s *search) shows(ctx context.Context, l Load, alpha float64) (bool, error) {
	i := s.add(l, true)
	s.limit.Trials[i].clusters = s.clusters
	most, enough, first := s.most(l), s.needs()*float64(s.o.MaxRequests), s.o.MaxRequests
	if s.queued { // a short run begins with a queue that grows at any rate
		first = max(first, most/2)
	}
	each := l.requests((first+s.o.Confirm-1)/s.o.Confirm, s.seconds(l))
	looks := 1 + max(0, int(math.Ceil(math.Log2(float64(most)/float64(s.o.Confirm*each)))))
	for look := 1; ; look++ {
		t := &s.limit.Trials[i]
		t.few = look == looks && float64(most) < enough
		for range s.o.Confirm {
			if err := s.run(ctx, t, each); err != nil {
				return false, err
			}
			t.decide(s.o.Objectives, alpha*share(look, looks))
			if s.queued && look < looks && t.Outcome == Holds && mayGrow(longest(t.runs), answerGrowth) {
				t.Outcome = Undecided
			}
			s.note(t)
		}
		if t.Outcome != Undecided || look >= looks || s.futile(t, float64(most), enough, alpha*share(looks, looks)) {
			t.runs = nil
			s.short = t.Outcome == Undecided && float64(most) < enough
			return t.Outcome == Holds, nil
		}
		each = l.requests((min(t.Requests, most-t.Requests)+s.o.Confirm-1)/s.o.Confirm, s.seconds(l))
	}
}

// share is that of a look in the level of all.
func share(look, looks int) float64 {
	return math.Pow(2, float64(look-looks)) / (2 - math.Pow(2, float64(1-looks)))
}

// hopeful is how probable it is that a load which could be shown is given up.
const hopeful = 0.1

// futile reports whether more runs would hardly show that a load holds: even if it were as good as it
// may be by those there are.
func (s *search) futile(t *Trial, most, enough, alpha float64) bool {
	for k := range t.Standings {
		q := s.o.Objectives[k].needed()
		if q == 0 {
			continue
		}
		x := t.standing(s.o.Objectives, k, hopeful)
		of := judge.Share{Value: x.High, Of: most / max(1, s.clusters[k])}
		if most < enough {
			of.Of = max(of.Of, float64(judge.NeededForShare(q, alpha)))
		}
		if of.Low(alpha) < q {
			return true
		}
	}
	return false
}

// perRequest is how many seconds a request takes of a run at a load.
func (s *search) perRequest(l Load) float64 {
	if l.Rate > 0 {
		return 1 / l.Rate
	}
	return s.seen.seconds(l) / float64(l.Concurrency)
}

// most is how many requests the confirmation of a load may take.
func (s *search) most(l Load) int {
	requests := MostConfirmed * float64(s.o.MaxRequests)
	if s.o.Budget > 0 {
		requests = max(float64(s.o.MaxRequests), (s.o.Budget-s.spent)/3/s.perRequest(l))
	}
	return int(math.Ceil(min(s.needs()*float64(s.o.MaxRequests), requests)))
}

// nearby is down to which factor below the limit loads tell how values that miss it cluster.
const nearby = 1.1

// learn takes from the search how many requests are worth one, by objective: from the loads below
// the limit and the next one above it. A few runs that hold have few clusters, or only small ones
// by chance, and would seem to say more than they do. Further above, clusters are of another kind: a
// queue that does not end.
func (s *search) learn(low Load) {
	s.clusters = make([]float64, len(s.o.Objectives))
	for i := range s.limit.Trials {
		t := &s.limit.Trials[i]
		s.queued = s.queued || t.Load == s.limit.High && t.Grows
	}
	for k := range s.clusters {
		all := clusters{}
		for i := range s.limit.Trials {
			t := &s.limit.Trials[i]
			if v := t.Load.Value() / low.Value(); t.Load == s.limit.High || v > 1/nearby && v <= (1+s.o.Resolution)*(1+s.o.Resolution) {
				all.is += t.Standings[k].clusters.is
				all.independent += t.Standings[k].clusters.independent
			}
		}
		s.clusters[k] = all.size()
	}
}

// enough is how many values that miss a limit may be expected of independent ones at the limit: then
// a load with 70 % of them is confirmed in nine of ten cases.
const enough = 100

// How many times MaxRequests are enough for a mean, whose interval is wide by three runs, and for a queue,
// which changes by chance by more than it grows for a while.
const enoughForMean, enoughForQueue = 8, 20

// MostConfirmed is how many times the runs and requests of the options the confirmation of a load
// may take for that.
const MostConfirmed = 4

// needs is how many times MaxRequests are enough for the confirmation of a load.
func (s *search) needs() float64 {
	most := 1.0
	if s.queued {
		most = enoughForQueue
	}
	for k := range s.clusters {
		if q := s.o.Objectives[k].needed(); q == 0 {
			most = max(most, enoughForMean)
		} else if s.clusters[k] > 0 {
			most = max(most, s.clusters[k]*enough/(1-q)/float64(s.o.MaxRequests))
		}
	}
	return most
}
