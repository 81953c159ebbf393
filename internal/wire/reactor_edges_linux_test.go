package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// TestNoConnectionKeepsTheOthersWaiting has one that is never read dry: its own
// deadline and the other's answer must come through.
func TestNoConnectionKeepsTheOthersWaiting(t *testing.T) {
	sys := newScripted(&scriptedConn{reads: []any{full{}}}, &scriptedConn{reads: []any{stampOf{"bye.", time.Millisecond}}})
	r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv, Timeout: 50 * time.Millisecond}, sys)
	if err != nil {
		t.Fatal(err)
	}
	var loud stream.Class
	var all sync.WaitGroup
	all.Go(func() {
		s := &counter{}
		r.Do(context.Background(), &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("x"), Sink: s, Fresh: true})
		loud = s.err.Class
	})
	for begun := false; !begun; runtime.Gosched() {
		sys.mu.Lock()
		begun = sys.next > 0
		sys.mu.Unlock()
	}
	s := &sink{enough: "."}
	r.Do(context.Background(), &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("x"), Sink: s, Fresh: true})
	all.Wait()
	r.Close()
	if s.text.String() != "bye." || s.ended || loud != Timeout {
		t.Errorf("%q %v, the other %q", s.text.String(), s.err, loud)
	}
}

// TestAConnectionMakesRoomForTheNext has no idle moment to close in.
func TestAConnectionMakesRoomForTheNext(t *testing.T) {
	sys := newScripted(&scriptedConn{}, &scriptedConn{}, &scriptedConn{})
	r := &Reactor{readDelays: newReadDelays(), o: Options{Clock: NewClock()}, sys: sys}
	for range sys.conns {
		f := newFlow(&Exchange{Sink: &counter{}})
		f.addresses = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80")}
		r.connect(f)
		if sys.open != 1 {
			t.Fatalf("%d connections are open for one exchange", sys.open)
		}
		r.close(f, 0)
	}
}

// TestSYNsSentAgainAreCounted has connections that took long, one of them for ever.
func TestSYNsSentAgainAreCounted(t *testing.T) {
	for _, c := range []struct {
		name  string
		took  time.Duration
		end   func(r *Reactor, f *flow)
		again int
	}{
		{"made late", 2 * time.Second, (*Reactor).linked, 1},
		{"made at once", time.Millisecond, (*Reactor).linked, 0},
		{"never made", 2 * time.Second, func(r *Reactor, f *flow) { r.fail(f, failure(Timeout, "", nil)) }, 1},
	} {
		sys := newScripted(&scriptedConn{})
		r := &Reactor{readDelays: newReadDelays(), o: Options{Clock: Clock{time.Now().Add(-time.Hour)}}, sys: sys, links: []*link{nil}}
		f := newFlow(&Exchange{Sink: &counter{}, Head: []byte("x"), Start: r.o.Clock.Now() - c.took})
		f.opened = f.x.Start
		f.link = &link{fd: 100, flow: f}
		if c.end(r, f); f.x.SYNRetransmits != c.again {
			t.Errorf("%s: %d, want %d", c.name, f.x.SYNRetransmits, c.again)
		}
	}
}

func TestNobodyWakesTheDead(t *testing.T) {
	sys := newScripted()
	r, err := newReactor(Options{Clock: NewClock(), Env: noEnv}, sys)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	before := sys.wakes
	r.submit(command{flow: &flow{over: true}, cancel: failure(Interrupted, "", nil)})
	if sys.wakes != before {
		t.Error("a late command wrote to a descriptor that is closed")
	}
}

func TestZones(t *testing.T) {
	for zone, want := range map[string]uint32{"": 0, "7": 7, "no such": 0} {
		if got := zoneID(zone); got != want {
			t.Errorf("%q: %d, want %d", zone, got, want)
		}
	}
	if all, err := net.Interfaces(); err == nil && len(all) > 0 && zoneID(all[0].Name) != uint32(all[0].Index) {
		t.Errorf("%s is %d, not %d", all[0].Name, all[0].Index, zoneID(all[0].Name))
	}
}

func TestKernelStampsAreCheckedFor(t *testing.T) {
	none := unix.ENOPROTOOPT
	if err := checkStamps(newScripted(&scriptedConn{socketErr: none}, &scriptedConn{socketErr: none})); !errors.Is(err, none) || !strings.Contains(err.Error(), "SO_TIMESTAMPING") {
		t.Errorf("a kernel without stamps: %v", err)
	}
	sys := newScripted(&scriptedConn{socketErr: unix.EAFNOSUPPORT}, &scriptedConn{})
	if err := checkStamps(sys); err != nil || sys.open != 0 {
		t.Errorf("a kernel without IPv4: %v, %d sockets left open", err, sys.open)
	}
}

// TestReactorsPhases: the loop ends what is stuck, and says where.
func TestReactorsPhases(t *testing.T) {
	for phase, conn := range map[Phase]scriptedConn{
		Connecting: {connectErr: unix.EINPROGRESS, silent: true},
		Writing:    {writes: []any{3, full{}}},
		Awaiting:   {},
		Reading:    {reads: []any{stampOf{"x", time.Millisecond}}},
	} {
		for _, idle := range []bool{true, false} {
			const limit = 20 * time.Millisecond
			sys := newScripted(&conn)
			o := Options{Clock: Clock{sys.origin}, Env: noEnv, Timeout: limit}
			if idle {
				o.Timeout, o.IdleTimeout = 0, limit
			}
			r, err := newReactor(o, sys)
			if err != nil {
				t.Fatal(err)
			}
			conn := conn
			sys.conns[0] = &conn
			s := &sink{}
			x := &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte(get), Sink: s, Fresh: true}
			r.Do(context.Background(), x)
			r.Close()
			var cause *TimeoutError
			if !errors.As(s.err, &cause) || *cause != (TimeoutError{phase, limit, idle}) || strings.Contains(s.err.Message, "--") {
				t.Errorf("%s, idle %v: %v", phase, idle, s.err)
			}
			if x.Ended == 0 || sys.open != 0 || (x.Connect == 0) != (phase == Connecting) {
				t.Errorf("%s: connected at %v, over at %v, %d connections left open", phase, x.Connect, x.Ended, sys.open)
			}
		}
	}
}
