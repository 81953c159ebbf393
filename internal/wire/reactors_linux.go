package wire

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// reactors share the exchanges: each is carried from its first byte to its last by one of
// them, which alone knows the connection. Between their loops nothing is shared; a lock is
// taken once for each exchange, by its caller, to choose one.
type reactors struct {
	o      Options
	dialer *dialer // resolves, each host once
	start  func() (*Reactor, error)
	grows  bool // with the load
	most   int

	mu  sync.Mutex
	all []*Reactor
}

// share is what is to be known of a reactor to choose one.
type share struct {
	underWay        atomic.Int64
	idling, claimed atomic.Int64 // idle connections, and how many of them are kept for exchanges
	busy, busyAt    atomic.Int64 // the share of a processor in 1000, and when that was measured

	// The loop's.
	begun    int // exchanges
	atFirst  Thread
	since    time.Duration
	cpuSince time.Duration
}

// Another reactor is added when each has so many exchanges under way, or uses so much of a
// processor. One carries 200,000 events a second, which 2,000 streams bring at 10 ms a token.
const (
	streamsEach = 2000
	busyEnough  = 700 // of 1000
	busyWindow  = 100 * time.Millisecond
)

// NewReactors starts reactors, as many as the options say, which Close ends.
func NewReactors(o Options) (Transport, error) {
	return newReactors(o, runtime.GOMAXPROCS(0), func() (*Reactor, error) { return newReactor(o, &linux{}) })
}

func newReactors(o Options, processors int, start func() (*Reactor, error)) (Transport, error) {
	g := &reactors{o: o, start: start, most: o.Reactors, dialer: newDialer(o)}
	first := o.Reactors
	if o.Reactors <= 0 {
		g.most, g.grows, first = MostReactors(processors), true, 1
	}
	for range first {
		r, err := start()
		if err != nil {
			g.Close()
			return nil, err
		}
		g.all = append(g.all, r)
	}
	if g.most == 1 {
		return g.all[0], nil
	}
	return g, nil
}

// Do runs one exchange.
func (g *reactors) Do(ctx context.Context, x *Exchange) {
	if f := prepare(ctx, &g.o, g.dialer, x); f != nil {
		r := g.choose(f)
		defer r.underWay.Add(-1)
		r.carry(ctx, f)
	}
}

// choose returns the reactor that carries a flow: one with an idle connection where that may
// be used, and of these, or of all, the one with the fewest under way. Where all have enough
// to do another is added.
func (g *reactors) choose(f *flow) *Reactor {
	g.mu.Lock()
	defer g.mu.Unlock()
	var best *Reactor
	for _, r := range g.all {
		spare := !f.x.Fresh && r.idling.Load() > r.claimed.Load()
		if best == nil || spare && !f.claims || spare == f.claims && r.underWay.Load() < best.underWay.Load() {
			best, f.claims = r, spare
		}
	}
	if !f.claims && g.grows && len(g.all) < g.most && g.full(best.underWay.Load()) {
		if r, err := g.start(); err == nil {
			g.all, best = append(g.all, r), r
		} else { // those that are there have to do
			g.grows = false
		}
	}
	if f.claims {
		best.claimed.Add(1)
	}
	best.underWay.Add(1)
	return best
}

// full reports whether all have enough to do, where each has at least so many under way.
func (g *reactors) full(least int64) bool {
	if least >= streamsEach {
		return true
	}
	now := g.o.Clock.Now()
	for _, r := range g.all {
		if r.busy.Load() < busyEnough || now-time.Duration(r.busyAt.Load()) > 2*busyWindow {
			return false
		}
	}
	return true
}

// ReadDelays are those of all.
func (g *reactors) ReadDelays() *hdrhistogram.Histogram {
	all := newReadDelays().h
	for _, r := range g.there() {
		all.Merge(r.ReadDelays())
	}
	return all
}

// Threads are those of all.
func (g *reactors) Threads() (all []Thread) {
	for _, r := range g.there() {
		all = append(all, r.Threads()...)
	}
	return all
}

// Close ends all. No exchange must be under way.
func (g *reactors) Close() {
	g.dialer.close()
	for _, r := range g.there() {
		r.Close()
	}
}

func (g *reactors) there() []*Reactor {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all[:len(g.all):len(g.all)]
}

// Threads is the reactor's own, none once it has ended.
func (r *Reactor) Threads() []Thread {
	reply := make(chan Thread, 1)
	r.submit(command{reply: reply})
	select {
	case t := <-reply:
		t.Reads = r.ReadDelays()
		return []Thread{t}
	case <-r.ended:
		return nil
	}
}

// thread is asked of the loop, whose thread it is.
func (r *Reactor) thread() Thread {
	return Thread{Exchanges: r.begun, CPU: r.sys.cpuTime() - r.atFirst.CPU, Waited: max(r.sys.runDelay(), 0) - r.atFirst.Waited}
}

// noteBusy notes how much of a processor the loop has used.
func (r *Reactor) noteBusy(now time.Duration) {
	spent := now - r.since
	if spent < busyWindow {
		return
	}
	cpu := r.sys.cpuTime()
	r.busy.Store(int64(1000 * (cpu - r.cpuSince) / spent))
	r.busyAt.Store(int64(now))
	r.since, r.cpuSince = now, cpu
}
