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
	at, why = f.limit, Timeout
	if since := max(f.active, f.opened, f.x.Start); r.o.IdleTimeout > 0 && (at == 0 || since+r.o.IdleTimeout < at) {
		at, why = since+r.o.IdleTimeout, IdleTimeout
	}
	if f.message > 0 && (at == 0 || f.message < at) {
		at, why = f.message, ""
	}
	if f.x.DropAfter > 0 && f.x.Start > 0 && (at == 0 || f.x.Start+f.x.DropAfter <= at) {
		at, why = f.x.Start+f.x.DropAfter, f.x.Drop.Class
	}
	return at, why
}

// phase is what a flow waits for.
func (f *flow) phase() Phase {
	switch {
	case f.link == nil || !f.link.connected:
		return Connecting
	case !f.written:
		return Writing
	case !f.fed:
		return Awaiting
	}
	return Reading
}

// late reads what came for a flow while the loop was busy or the process did not run, and
// reports whether there was anything: then the server is not the one that is late.
func (r *Reactor) late(f *flow) bool {
	if f.link == nil || !f.link.connected || !f.written {
		return false
	}
	before := f.active
	if r.read(f, true); f.over {
		return true
	}
	if f.active == before {
		return false
	}
	r.watch(f)
	return true
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
		case f.x.DropAfter > 0 && why == f.x.Drop.Class:
			r.fail(f, f.x.Drop.failure())
		case why == Timeout:
			r.fail(f, timedOut(f.phase(), r.o.Timeout, false))
		case why == IdleTimeout && r.late(f):
		case why == IdleTimeout:
			r.fail(f, timedOut(f.phase(), r.o.IdleTimeout, true))
		case f.stale:
			r.fail(f, unsolicited())
		default: // what has come of the message must do
			f.sink.End(now, nil)
			r.close(f, now)
		}
	}
}
