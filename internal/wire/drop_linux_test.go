package wire

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestDropCountsFromTheStart: an exchange that is dropped on purpose ends so long after its Start, to the
// instant, also where the host's name was looked up before it and no limit of time is set.
func TestDropCountsFromTheStart(t *testing.T) {
	const lookup, after = 30 * time.Millisecond, 70 * time.Millisecond
	drop := &Drop{Class: "dropped", Why: "on purpose"}
	slow := func(context.Context, string) ([]net.IPAddr, error) {
		time.Sleep(lookup)
		return []net.IPAddr{{IP: net.IPv4(127, 0, 0, 1)}}, nil
	}
	for _, limit := range []time.Duration{0, time.Second} {
		for name, with := range map[string]func(o Options, x *Exchange){
			"blocking": func(o Options, x *Exchange) {
				o.Dial = pipeTo(func(conn net.Conn) { readHead(conn); readHead(conn) })
				b := NewBlocking(o)
				b.dialer.look = slow
				b.Do(context.Background(), x)
				b.Close()
			},
			"reactor": func(o Options, x *Exchange) {
				r, err := newReactor(o, newScripted(&scriptedConn{reads: []any{stampOf{"hi", time.Millisecond}}}))
				if err != nil {
					t.Fatal(err)
				}
				r.dialer.look = slow
				r.Do(context.Background(), x)
				r.Close()
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				o := Options{Clock: NewClock(), Env: noEnv, Timeout: limit, IdleTimeout: limit}
				s := &sink{}
				x := &Exchange{To: Endpoint{Host: "server:80"}, Head: []byte(get), Sink: s, Fresh: true, DropAfter: after, Drop: drop}
				asked := o.Clock.Now()
				with(o, x)
				if s.class() != drop.Class || x.Start-asked != lookup || o.Clock.Now()-x.Start != after {
					t.Errorf("%s: %v, started after %v, ended %v after that", name, s.err, x.Start-asked, o.Clock.Now()-x.Start)
				}
			})
		}
	}
}
