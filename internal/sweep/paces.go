package sweep

import "loadgen/pkg/metrics"

// paces are how long a request takes at the loads that were measured, as their latest runs say.
type paces struct{ all []pace }

type pace struct {
	load    Load
	seconds float64
}

// add notes how long the requests of a run took.
func (p *paces) add(l Load, r *Run) {
	seconds := r.Mean
	if values := r.Values[metrics.E2EL]; len(values) > 0 {
		seconds = 0
		for _, v := range values {
			seconds += v[0] / float64(len(values))
		}
	}
	if !(seconds > 0) {
		return
	}
	for i := range p.all {
		if p.all[i].load == l {
			p.all[i].seconds = seconds
			return
		}
	}
	p.all = append(p.all, pace{l, seconds})
}

// beyond is by how much longer a request is taken to take than at the highest load that was
// measured: a doubled load makes it as long as before, or twice as long where the server is
// saturated.
const beyond = 1.5

// seconds is how long a request takes at a load: between those of the loads around it; 0 where
// nothing is known.
func (p *paces) seconds(l Load) float64 {
	var low, high *pace
	for i := range p.all {
		x := &p.all[i]
		switch v := x.load.Value(); {
		case v == l.Value():
			return x.seconds
		case v < l.Value() && (low == nil || v > low.load.Value()):
			low = x
		case v > l.Value() && (high == nil || v < high.load.Value()):
			high = x
		}
	}
	switch {
	case low != nil && high != nil:
		return (low.seconds + high.seconds) / 2
	case low != nil:
		return beyond * low.seconds
	case high != nil:
		return high.seconds
	}
	return 0
}

// stagger is over how many seconds a closed loop at a load opens its slots.
func (p *paces) stagger(l Load) float64 {
	if l.Concurrency <= 1 {
		return 0
	}
	return p.seconds(l)
}
