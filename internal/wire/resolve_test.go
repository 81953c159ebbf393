package wire

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/stream"
)

// TestLookUps counts the look-ups of a host by requests that come at different times.
func TestLookUps(t *testing.T) {
	known := []net.IPAddr{{IP: net.IPv4(10, 0, 0, 1)}}
	missing := &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}
	for _, c := range []struct {
		name    string
		takes   time.Duration
		until   time.Duration // the look-ups fail that begin before
		at      []time.Duration
		class   []stream.Class
		lookups int
	}{
		{"one for all", 0, 0, []time.Duration{0, 0, 5 * time.Second, time.Hour}, []stream.Class{"", "", "", ""}, 1},
		{"shared while it is under way", 2 * time.Second, 0, []time.Duration{0, 0, time.Second}, []stream.Class{"", "", ""}, 1},
		{"a failure is remembered, for a while", 0, time.Hour, []time.Duration{0, 0, 999 * time.Millisecond}, []stream.Class{DNS, DNS, DNS}, 1},
		{"and tried again", 0, 500 * time.Millisecond, []time.Duration{0, time.Second}, []stream.Class{DNS, ""}, 2},
		{"with pauses that double", 0, time.Hour, []time.Duration{0, 1 * time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 6 * time.Second, 7 * time.Second}, []stream.Class{DNS, DNS, DNS, DNS, DNS, DNS, DNS}, 4},
		{"no answer", time.Hour, 0, []time.Duration{0, 2 * time.Second, 3 * time.Second, 3500 * time.Millisecond}, []stream.Class{DNS, DNS, DNS, DNS}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Options{Clock: NewClock(), Env: noEnv, Timeout: 3 * time.Second,
					Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }}
				b := NewBlocking(o)
				defer b.Close()
				lookups, began := 0, time.Now()
				b.dialer.look = func(ctx context.Context, _ string) ([]net.IPAddr, error) {
					lookups++
					if time.Since(began) < c.until {
						return nil, missing
					}
					select {
					case <-time.After(c.takes):
						return known, nil
					case <-ctx.Done():
						return nil, &net.DNSError{Err: "i/o timeout", Name: "h", IsTimeout: true}
					}
				}
				got := make([]stream.Class, len(c.at))
				var all sync.WaitGroup
				for i, at := range c.at {
					all.Go(func() {
						time.Sleep(at)
						s := &sink{}
						b.Do(context.Background(), &Exchange{To: Endpoint{Host: "h:80"}, Head: []byte(get), Sink: s, Fresh: true})
						if took := time.Since(began) - at; took > 3*time.Second {
							t.Errorf("request %d took %v", i, took)
						}
						if got[i] = s.class(); got[i] == Refused { // it came to connecting
							got[i] = ""
						}
						var limit *TimeoutError
						if late := errors.As(s.err, &limit); late != (c.takes == time.Hour) || late && limit.Phase != Resolving {
							t.Errorf("request %d: %v", i, s.err)
						}
					})
				}
				all.Wait()
				if lookups != c.lookups || !slices.Equal(got, c.class) {
					t.Errorf("%d look-ups for %v, want %d for %v", lookups, got, c.lookups, c.class)
				}
			})
		})
	}
}

// TestALookUpEndsWithTheRun: neither an interrupted request nor Close waits for one.
func TestALookUpEndsWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv})
		b.dialer.look = func(ctx context.Context, _ string) ([]net.IPAddr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began, s := time.Now(), &sink{}
		b.Do(ctx, &Exchange{To: Endpoint{Host: "h:80"}, Head: []byte(get), Sink: s, Fresh: true})
		b.Close()
		if s.class() != Interrupted || time.Since(began) != time.Second {
			t.Errorf("%v after %v", s.err, time.Since(began))
		}
	})
}
