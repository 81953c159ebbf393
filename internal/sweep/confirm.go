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
	mostDown   = 3
)

var downwards = [mostDown]int{1, 2, 4}

// confirm finds the highest load that runs of its own show to hold; zero where none is. The first
// that is tested is one that the search's own runs would confirm, some steps below its estimate. It goes
// upwards from there, until a load is not confirmed: an order that is settled before
// the runs are made, so that each test may have the level of all (fixed-sequence testing: Maurer,
// Hothorn and Lehmacher, 1995; what holds at a load holds below it). If the first is not confirmed,
// lower ones are tested at the level that is left.
func (s *search) confirm(ctx context.Context, low Load) (best Load, err error) {
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

// likely is the first load to be confirmed: begin steps below the estimate, or the highest load
// that the search's runs would confirm where that is lower.
func (s *search) likely(low Load) Load {
	l := s.below(low, begin)
	if l.Value() <= 0 {
		return low
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

// shows tests a load once with runs of its own, as many requests in all as a search may take.
func (s *search) shows(ctx context.Context, l Load, alpha float64) (bool, error) {
	t := s.add(l, true)
	for range s.o.Confirm {
		if err := s.run(ctx, t, l.requests((s.o.MaxRequests+s.o.Confirm-1)/s.o.Confirm, s.seconds(l))); err != nil {
			return false, err
		}
		t.decide(s.o.Objectives, alpha)
		s.note(t)
	}
	t.runs = nil
	return t.Outcome == Holds, nil
}
