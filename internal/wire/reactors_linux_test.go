package wire

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHowManyReactors: half of the processors, one on two.
func TestHowManyReactors(t *testing.T) {
	for processors, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 8: 4, 32: 16, 256: 16} {
		if n := MostReactors(processors); n != want {
			t.Errorf("%d on %d processors, want %d", n, processors, want)
		}
	}
	for _, c := range []struct {
		asked, processors, want int
		alone                   bool
	}{{0, 2, 1, true}, {0, 8, 1, false}, {1, 8, 1, true}, {3, 1, 3, false}} {
		started := 0
		tr, err := newReactors(Options{Clock: NewClock(), Reactors: c.asked}, c.processors, func() (*Reactor, error) {
			started++
			return newReactor(Options{Clock: NewClock()}, newScripted())
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, alone := tr.(*Reactor); started != c.want || alone != c.alone || len(tr.Threads()) != c.want {
			t.Errorf("asked for %d on %d processors: %d were started, alone %v", c.asked, c.processors, started, alone)
		}
		tr.Close()
	}
	none := errors.New("none")
	if _, err := newReactors(Options{Clock: NewClock(), Reactors: 2}, 2, func() (*Reactor, error) { return nil, none }); err != none {
		t.Error(err)
	}
}

// TestReactorsAreChosen: exchanges are spread evenly, idle connections are used, each once, and
// another reactor is added where all have enough to do and at no other time.
func TestReactorsAreChosen(t *testing.T) {
	started := 0
	g := &reactors{o: Options{Clock: Clock{time.Now().Add(-time.Hour)}}, grows: true, most: 3, all: []*Reactor{{}}}
	g.start = func() (*Reactor, error) { started++; return &Reactor{}, nil }
	fresh := func() *Reactor { return g.choose(newFlow(&Exchange{Fresh: true})) }
	for i := range streamsEach {
		if r := fresh(); r != g.all[0] || started > 0 {
			t.Fatalf("exchange %d: %d reactors", i, len(g.all))
		}
	}
	if r := fresh(); len(g.all) != 2 || r != g.all[1] {
		t.Fatalf("%d reactors after %d exchanges", len(g.all), streamsEach+1)
	}
	for range 99 {
		fresh()
	}
	if n := g.all[1].underWay.Load(); n != 100 || started != 1 {
		t.Errorf("%d exchanges with the second, %d started", n, started)
	}

	g.all[0].underWay.Store(5)
	g.all[1].underWay.Store(5)
	now := g.o.Clock.Now()
	for _, c := range []struct {
		name        string
		busy, since [2]time.Duration
		want        int
	}{
		{"one is busy", [2]time.Duration{900, 100}, [2]time.Duration{}, 2},
		{"both were", [2]time.Duration{900, 900}, [2]time.Duration{0, time.Minute}, 2},
		{"both are", [2]time.Duration{900, 900}, [2]time.Duration{}, 3},
		{"all may be: there are as many as there may be", [2]time.Duration{900, 900}, [2]time.Duration{}, 3},
	} {
		for i := range c.busy {
			g.all[i].busy.Store(int64(c.busy[i]))
			g.all[i].busyAt.Store(int64(now - c.since[i]))
		}
		if fresh(); len(g.all) != c.want {
			t.Errorf("%s: %d reactors, want %d", c.name, len(g.all), c.want)
		}
	}

	for _, r := range g.all {
		r.underWay.Store(10)
	}
	g.all[2].idling.Store(2)
	g.all[2].underWay.Store(50)
	reusing := func() *Reactor { return g.choose(newFlow(&Exchange{})) }
	first, second, third := reusing(), reusing(), reusing()
	if fresh() == g.all[2] || first != g.all[2] || second != g.all[2] || third == g.all[2] {
		t.Error("the two idle connections are for the first two that may use one")
	}

	g = &reactors{o: g.o, grows: true, most: 3, all: []*Reactor{{}}, start: func() (*Reactor, error) { return nil, errors.New("no more files") }}
	g.all[0].underWay.Store(streamsEach)
	for range 2 {
		if fresh() != g.all[0] {
			t.Error("the one that is there has to do")
		}
	}
}

// TestABusyReactorSaysSo counts the thread's time, not that of the wall.
func TestABusyReactorSaysSo(t *testing.T) {
	sys := &scripted{}
	r := &Reactor{sys: sys}
	for _, c := range []struct {
		now, used time.Duration
		want      int64
	}{
		{busyWindow / 2, busyWindow / 2, 0}, // the window is not over
		{busyWindow, busyWindow * 3 / 4, 750},
		{busyWindow * 2, busyWindow, 250},
		{busyWindow * 12, busyWindow, 0},
	} {
		sys.used = c.used
		if r.noteBusy(c.now); r.busy.Load() != c.want {
			t.Errorf("at %v: %d", c.now, r.busy.Load())
		}
	}
}

// TestIdleConnectionsAreCounted, as they come, are used and go.
func TestIdleConnectionsAreCounted(t *testing.T) {
	r := &Reactor{o: Options{Clock: NewClock()}, sys: newScripted(&scriptedConn{}, &scriptedConn{}), idle: map[Endpoint][]*link{}, readDelays: newReadDelays()}
	for i := range 2 {
		l := &link{fd: 100 + i, tag: tag{slot: int32(i)}, since: r.o.Clock.Now()}
		r.links, r.idle[l.to] = append(r.links, l), append(r.idle[l.to], l)
		r.idling.Add(1)
	}
	f := newFlow(&Exchange{Sink: &counter{}})
	f.claims = true
	r.claimed.Add(1)
	if r.begin(f); r.idling.Load() != 1 || r.claimed.Load() != 0 || !f.x.Reused {
		t.Errorf("%d idle, %d claimed", r.idling.Load(), r.claimed.Load())
	}
	if r.event(r.links[0], unix.EPOLLRDHUP); r.idling.Load() != 0 {
		t.Errorf("%d idle", r.idling.Load())
	}
}
