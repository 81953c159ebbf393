package wire

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// Of the virtual kernel that floods: what its calls take, and when an answer begins.
const (
	readTakes    = 100 * time.Microsecond
	connectTakes = 50 * time.Microsecond
	firstAfter   = 20 * time.Microsecond
)

// flooding is a kernel whose connections bring more, from their first bytes on, than can be
// read. It is used in virtual time.
type flooding struct {
	syscalls
	woken atomic.Bool
	conns []*floodedConn
}

type floodedConn struct {
	tag   tag
	out   bool      // writable, which is yet to be told
	first time.Time // when its first bytes come
	read  bool      // since the last edge
}

func (k *flooding) epollCreate() (int, error) { return 1, nil }
func (k *flooding) eventfd() (int, error)     { return 2, nil }
func (k *flooding) wake(int)                  { k.woken.Store(true) }
func (k *flooding) drain(int)                 { k.woken.Store(false) }
func (k *flooding) shortSlice()               {}
func (k *flooding) runDelay() time.Duration   { return 0 }
func (k *flooding) cpuTime() time.Duration    { return 0 }
func (k *flooding) done()                     {}
func (k *flooding) close(int)                 {}
func (k *flooding) info(int) tcpInfo          { return tcpInfo{window: 1 << 30} }
func (k *flooding) pending(int) int           { return 0 }
func (k *flooding) socket(int, Stamps) (int, error) {
	k.conns = append(k.conns, &floodedConn{})
	return 99 + len(k.conns), nil
}
func (k *flooding) connect(int, netip.AddrPort) error { time.Sleep(connectTakes); return nil }

func (k *flooding) epollAdd(_, fd int, t tag) error {
	if fd >= 100 {
		k.conns[fd-100].tag, k.conns[fd-100].out = t, true
	}
	return nil
}

func (k *flooding) write(fd int, head, body []byte) (int, error) {
	c := k.conns[fd-100]
	c.first, c.read = time.Now().Add(firstAfter), true
	return len(head) + len(body), nil
}

func (k *flooding) recv(fd int, p []byte) (int, int64, error) {
	c := k.conns[fd-100]
	if time.Now().Before(c.first) {
		return 0, 0, unix.EAGAIN
	}
	stamp := time.Now().UnixNano() // what it brings last has just come
	time.Sleep(readTakes)
	c.read = true
	return len(p), stamp, nil
}

func (k *flooding) epollWait(_ int, events []unix.EpollEvent, d, _ time.Duration) (n int, slept bool, err error) {
	for start := time.Now(); ; time.Sleep(time.Microsecond) {
		if k.woken.Load() {
			events[0], n = unix.EpollEvent{Fd: -1}, 1
		}
		for _, c := range k.conns {
			what := uint32(0)
			if c.out {
				what |= unix.EPOLLOUT
			}
			if c.read && !time.Now().Before(c.first) {
				what |= unix.EPOLLIN
			}
			if what == 0 || n == len(events) {
				continue
			}
			events[n] = unix.EpollEvent{Events: what, Fd: c.tag.slot, Pad: c.tag.generation}
			c.out, c.read = false, c.read && what&unix.EPOLLIN == 0
			n++
		}
		if n > 0 || d >= 0 && time.Since(start) >= d {
			return n, slept, nil
		}
		slept = true
	}
}

// endlessAnswer takes all there is, and notes when it began.
type endlessAnswer struct {
	counter
	first, late time.Duration
}

func (a *endlessAnswer) Feed(p []byte, at time.Duration) bool {
	if a.n == 0 {
		a.first, a.late = at, -1
	}
	return a.counter.Feed(p, at)
}
func (a *endlessAnswer) Mixed() bool { return true }
func (a *endlessAnswer) Uncertain(late time.Duration, _ bool) {
	if a.late < 0 {
		a.late = late
	}
}

// TestWhoBeginsDoesNotWaitForAFlood: while streams bring more than can be read, requests are
// sent and first bytes read all the same, what is said of their stamps is true, and who gives
// up is let go.
func TestWhoBeginsDoesNotWaitForAFlood(t *testing.T) {
	const streams, more = 64, 16
	synctest.Test(t, func(t *testing.T) {
		clock, k := NewClock(), &flooding{}
		r, err := newReactor(Options{Clock: clock, Env: noEnv}, k)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		begin := func(ctx context.Context) (*Exchange, *endlessAnswer) {
			s := &endlessAnswer{}
			x := &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("x"), Sink: s, Fresh: true}
			all.Go(func() { r.Do(ctx, x) })
			return x, s
		}
		for range streams {
			begin(ctx)
		}
		time.Sleep(time.Second)
		asked := clock.Now()
		var sent []*Exchange
		var answers []*endlessAnswer
		for range more {
			x, s := begin(ctx)
			sent, answers = append(sent, x), append(answers, s)
		}
		time.Sleep(time.Second)
		gone, giveUp := context.WithCancel(ctx)
		before := time.Duration(0)
		all.Go(func() {
			r.Do(gone, &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("x"), Sink: &endlessAnswer{}, Fresh: true})
			if took := clock.Now() - before; took > time.Millisecond {
				t.Errorf("one that was given up came back after %v", took)
			}
		})
		time.Sleep(time.Second)
		before = clock.Now()
		giveUp()
		time.Sleep(time.Second)
		cancel()
		all.Wait()
		r.Close()
		for i, x := range sent {
			if late := x.Start - asked; late > 5*time.Millisecond {
				t.Errorf("request %d was sent %v after it was asked for", i, late)
			}
			came := x.Written + firstAfter
			off, said := answers[i].first-came, answers[i].late
			if off < 0 || off > 500*time.Microsecond {
				t.Errorf("the stamp of answer %d is %v late", i, off)
			}
			if said < off || said > time.Millisecond {
				t.Errorf("the stamp of answer %d is %v late, and is said to be %v late at most", i, off, said)
			}
		}
	})
}
