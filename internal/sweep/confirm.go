package sweep

import (
	"context"
	"math"
)

// The loads that are confirmed: the first is begin steps of the resolution below the estimate or
// lower; upwards follow those up to the estimate, at most mostUp of them, and, as the estimate may be
// too low, mostBeyond more; mostDown are below the first where that is not confirmed, by downwards
// steps of the resolution.
const (
	begin      = 3
	mostUp     = 4
	mostBeyond = 4
	mostDown   = 4
)

var downwards = [mostDown]int{1, 2, 4, 8}

// confirm finds the highest load that runs of its own show to hold; zero where none is. The first
// that is tested is one that the search's own runs would confirm, some steps below its estimate. It goes
// upwards from there, until a load is not confirmed: an order that is settled before
// the runs are made, so that each test may have the level of all (fixed-sequence testing: Maurer,
// Hothorn and Lehmacher, 1995; what holds at a load holds below it). If the first is not confirmed,
// lower ones are tested at the level that is left.
func (s *search) confirm(ctx context.Context, low Load) (best Load, err error) {
	s.learn(low)
	if most := s.needs(); most > MostConfirmed {
		s.limit.Enough = int(math.Ceil(most / MostConfirmed * float64(s.o.MaxRequests)))
	}
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
	return best, nil
}

// likely is the first load to be confirmed: begin steps below the estimate, or, where confirmations
// have no more requests than the search, the highest load that its runs would confirm if that is
// lower.
func (s *search) likely(low Load) Load {
	l := s.below(low, begin)
	if l.Value() <= 0 {
		return low
	}
	if needs := s.needs(); needs > 1 && needs <= MostConfirmed {
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
	steps := min(mostUp, int(math.Ceil(math.Log(ratio)/math.Log1p(s.o.Resolution))))
	all = append(all, from)
	for i := 1; i <= steps; i++ {
		l := to
		if i < steps {
			l = from.times(math.Pow(ratio, float64(i)/float64(steps)))
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

// shows tests a load once with runs of its own: of as many requests in all as a search may take,
// and more where values that miss a limit come in clusters.
func (s *search) shows(ctx context.Context, l Load, alpha float64) (bool, error) {
	t := s.add(l, true)
	t.clusters = s.clusters
	each := l.requests((s.o.MaxRequests+s.o.Confirm-1)/s.o.Confirm, s.seconds(l))
	for range s.o.Confirm * s.times() {
		if err := s.run(ctx, t, each); err != nil {
			return false, err
		}
		t.decide(s.o.Objectives, alpha)
		s.note(t)
	}
	t.runs = nil
	return t.Outcome == Holds, nil
}

// nearby is down to which factor below the limit loads tell how values that miss it cluster.
const nearby = 1.1

// learn takes from the search how many requests are worth one, by objective: from the loads below
// the limit and the next one above it. A few runs that hold have few clusters, or only small ones
// by chance, and would seem to say more than they do. Further above, clusters are of another kind: a
// queue that does not end.
func (s *search) learn(low Load) {
	s.clusters = make([]float64, len(s.o.Objectives))
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
// a load with half of them is confirmed in 19 of 20 cases.
const enough = 33

// MostConfirmed is how many times the runs and requests of the options the confirmation of a load
// may take for that.
const MostConfirmed = 4

// needs is how many times MaxRequests are enough for the confirmation of a load.
func (s *search) needs() float64 {
	most := 1.0
	for k := range s.clusters {
		if q := s.o.Objectives[k].needed(); q > 0 && s.clusters[k] > 0 {
			most = max(most, s.clusters[k]*enough/(1-q)/float64(s.o.MaxRequests))
		}
	}
	return most
}

// times is how many times MaxRequests the confirmation of a load takes.
func (s *search) times() int { return int(math.Ceil(min(s.needs(), MostConfirmed))) }
