package wire

import (
	"time"

	"loadgen/internal/stream"
)

// watch brings the next look at the deadlines forward to this flow's.
func (r *Reactor) watch(f *flow) {
	if at, _ := r.deadline(f); at > 0 && (r.check == 0 || at < r.check) {
		r.check = at
	}
}

// deadline is when a flow must end unless something comes, 0 for never, and why.
func (r *Reactor) deadline(f *flow) (at time.Duration, why stream.Class) {
	if r.o.Timeout > 0 {
		at, why = f.x.Start+r.o.Timeout, Timeout
	}
	if since := max(f.active, f.x.Start); r.o.IdleTimeout > 0 && (at == 0 || since+r.o.IdleTimeout < at) {
		at, why = since+r.o.IdleTimeout, IdleTimeout
	}
	if f.words > 0 && (at == 0 || f.words < at) {
		at, why = f.words, ""
	}
	return at, why
}

// checkDeadlines ends what is late, and finds out when to look again.
func (r *Reactor) checkDeadlines() {
	now := r.o.Clock.Now()
	r.check = 0
	for _, l := range r.links {
		if l == nil || l.flow == nil {
			continue
		}
		f := l.flow
		switch at, why := r.deadline(f); {
		case at == 0 || now < at:
			r.watch(f)
		case why == Timeout:
			r.fail(f, failure(Timeout, "no complete answer within "+r.o.Timeout.String()+" (--timeout)", nil))
		case why == IdleTimeout:
			r.fail(f, failure(IdleTimeout, "nothing came for "+r.o.IdleTimeout.String()+" (--idle-timeout)", nil))
		default: // what has come of the words must do
			f.sink.End(now, nil)
			r.close(f)
		}
	}
}
