package wire

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

// scripted is a kernel that does what a test says.
type scripted struct {
	mu      sync.Mutex
	changed *sync.Cond
	woken   bool
	conns   []*scriptedConn // in the order of socket calls; fd is the index + 100
	next    int
	delayed time.Duration
	edges   []unix.EpollEvent
	open    int
	wakes   int
	origin  time.Time
}

// scriptedConn is one connection's fate.
type scriptedConn struct {
	socketErr  error
	connectErr error
	lateErr    error // found when the connection is ready
	writes     []any // int: bytes taken; error
	reads      []any // []byte, error; stampOf; nil ends a burst (EAGAIN); full stays
	written    []byte
	made       bool
	tag        tag
}

// stampOf is data with a stamp, by its distance from the origin; 0 is none.
type stampOf struct {
	data string
	at   time.Duration
}

// full is as much as is asked for, again and again.
type full struct{}

func newScripted(conns ...*scriptedConn) *scripted {
	s := &scripted{conns: conns, origin: time.Now()}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *scripted) conn(fd int) *scriptedConn { return s.conns[fd-100] }

func (s *scripted) edge(c *scriptedConn, what uint32) {
	s.edges = append(s.edges, unix.EpollEvent{Events: what, Fd: c.tag.slot, Pad: c.tag.generation})
	s.changed.Broadcast()
}

func (s *scripted) epollCreate() (int, error) { return 1, nil }
func (s *scripted) eventfd() (int, error)     { return 2, nil }
func (s *scripted) rest(int)                  {}
func (s *scripted) quiet(int) bool            { return true }
func (s *scripted) done()                     {}
func (s *scripted) pending(int) int           { return 0 }
func (s *scripted) runDelay() time.Duration   { return s.delayed }
func (s *scripted) shortTurns()               {}

func (s *scripted) info(int) (time.Duration, int) { return time.Millisecond, 1 }

func (s *scripted) wake(int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken = true
	s.wakes++
	s.changed.Broadcast()
}

func (s *scripted) epollAdd(_, fd int, t tag) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fd >= 100 {
		c := s.conn(fd)
		c.tag = t
		s.edge(c, unix.EPOLLOUT)
		if len(c.reads) > 0 {
			s.edge(c, unix.EPOLLIN)
		}
	}
	return nil
}

func (s *scripted) epollWait(_ int, events []unix.EpollEvent, d, gather time.Duration) (n int, slept bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d > 0 {
		time.AfterFunc(d, s.changed.Broadcast)
	}
	for start := time.Now(); len(s.edges) == 0 && !s.woken && (d < 0 || time.Since(start) < d); {
		slept = true
		s.changed.Wait()
	}
	s.woken = false
	n = copy(events, s.edges)
	s.edges = append(s.edges[:0], s.edges[n:]...)
	return n, slept, nil
}

func (s *scripted) socket(int, Stamps) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[s.next]
	s.next++
	if c.socketErr != nil {
		return -1, c.socketErr
	}
	s.open++
	return s.next + 99, nil
}

func (s *scripted) connect(fd int, _ netip.AddrPort) error { return s.conn(fd).connectErr }

func (s *scripted) connected(fd int) error {
	s.conn(fd).made = true
	return s.conn(fd).lateErr
}

func (s *scripted) write(fd int, head, body []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn(fd)
	all := append(append([]byte{}, head...), body...)
	n := len(all)
	if c.connectErr != nil && !c.made {
		return 0, unix.EAGAIN // the edge after epollAdd tells of it
	}
	if len(c.writes) > 0 {
		step := c.writes[0]
		c.writes = c.writes[1:]
		if err, isErr := step.(error); isErr {
			if err == unix.EAGAIN {
				s.edge(c, unix.EPOLLOUT)
			}
			return 0, err
		}
		n = min(step.(int), n)
	}
	c.written = append(c.written, all[:n]...)
	return n, nil
}

func (s *scripted) recv(fd int, p []byte) (int, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn(fd)
	if len(c.reads) == 0 {
		return 0, 0, unix.EAGAIN
	}
	step := c.reads[0]
	if step == (full{}) {
		return len(p), 1, nil
	}
	c.reads = c.reads[1:]
	switch step := step.(type) {
	case stampOf:
		stamp := int64(0)
		if step.at != 0 {
			var w wall
			w.look(Clock{s.origin})
			stamp = int64(step.at - w.instant(0))
		}
		s.edge(c, unix.EPOLLIN) // a short read: what follows raises an edge
		return copy(p, step.data), stamp, nil
	case error:
		if step == io.EOF {
			return 0, 0, nil
		}
		return 0, 0, step
	}
	s.edge(c, unix.EPOLLIN)
	return 0, 0, unix.EAGAIN
}

func (s *scripted) close(fd int) {
	if fd >= 100 {
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
	}
}

func TestReactorTakesWhatTheKernelDoes(t *testing.T) {
	again, intr := unix.EAGAIN, unix.EINTR
	const body = "0123456789"
	hi := stampOf{"hi", time.Millisecond}
	bye := stampOf{"bye.", 2 * time.Millisecond}
	for name, c := range map[string]struct {
		conns  []*scriptedConn
		host   string
		text   string
		class  stream.Class
		kernel bool
	}{
		"all at once":                     {conns: []*scriptedConn{{reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"partial writes":                  {conns: []*scriptedConn{{writes: []any{1, again, 3, intr, 5, again, again, 1, 2}, reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"connect under way":               {conns: []*scriptedConn{{connectErr: unix.EINPROGRESS, reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"EINTR everywhere":                {conns: []*scriptedConn{{connectErr: intr, writes: []any{intr, intr}, reads: []any{intr, hi, intr, bye}}}, text: "hibye.", kernel: true},
		"EAGAIN storm":                    {conns: []*scriptedConn{{reads: []any{nil, nil, nil, hi, nil, nil, bye}}}, text: "hibye.", kernel: true},
		"no stamps":                       {conns: []*scriptedConn{{reads: []any{stampOf{"hi", 0}, bye}}}, text: "hibye."},
		"refused":                         {conns: []*scriptedConn{{connectErr: unix.ECONNREFUSED}}, class: Refused},
		"refused later":                   {conns: []*scriptedConn{{connectErr: unix.EINPROGRESS, lateErr: unix.ECONNREFUSED}}, class: Refused},
		"second address":                  {conns: []*scriptedConn{{connectErr: unix.EINPROGRESS, lateErr: unix.ECONNREFUSED}, {reads: []any{hi, bye}}}, host: "two", text: "hibye.", kernel: true},
		"no IPv6, and refused":            {conns: []*scriptedConn{{connectErr: unix.ECONNREFUSED}, {connectErr: unix.EADDRNOTAVAIL}}, host: "two", class: Refused},
		"no more files":                   {conns: []*scriptedConn{{socketErr: unix.EMFILE}}, class: TooManyFiles},
		"no more ports":                   {conns: []*scriptedConn{{connectErr: unix.EADDRNOTAVAIL}}, class: NoPorts},
		"unreachable":                     {conns: []*scriptedConn{{connectErr: unix.EHOSTUNREACH}}, class: Unreachable},
		"reset by the write":              {conns: []*scriptedConn{{writes: []any{2, unix.EPIPE}}}, class: stream.Reset},
		"answer before the write's reset": {conns: []*scriptedConn{{writes: []any{2, unix.ECONNRESET}, reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"reset at first":                  {conns: []*scriptedConn{{reads: []any{unix.ECONNRESET}}}, class: stream.Reset},
		"reset in the middle":             {conns: []*scriptedConn{{reads: []any{hi, unix.ECONNRESET}}}, text: "hi", class: stream.Reset, kernel: true},
		"end in the middle":               {conns: []*scriptedConn{{reads: []any{hi, io.EOF}}}, text: "hi", kernel: true},
		"end at first":                    {conns: []*scriptedConn{{reads: []any{io.EOF}}}},
		"timeout":                         {conns: []*scriptedConn{{reads: []any{hi}}}, text: "hi", class: IdleTimeout, kernel: true},
	} {
		t.Run(name, func(t *testing.T) {
			sys := newScripted(c.conns...)
			r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv, IdleTimeout: 50 * time.Millisecond}, sys)
			if err != nil {
				t.Fatal(err)
			}
			r.dialer.addresses["two:80"] = []string{"127.0.0.1:80", "[::1]:80"}
			host := "127.0.0.1:80"
			if c.host != "" {
				host = c.host + ":80"
			}
			s := &sink{enough: "."}
			x := &Exchange{To: Endpoint{Host: host}, Head: []byte("head "), Body: []byte(body), Sink: s, Fresh: true}
			r.Do(context.Background(), x)
			r.Close()
			if s.text.String() != c.text || s.class() != c.class || s.ended != (s.text.String() != "hibye.") || x.KernelStamps != c.kernel {
				t.Errorf("%q, %v, kernel %v", s.text.String(), s.err, x.KernelStamps)
			}
			if last := c.conns[len(c.conns)-1]; strings.HasSuffix(c.text, ".") && len(last.writes) == 0 && c.class == "" && name != "answer before the write's reset" && string(last.written) != "head "+body {
				t.Errorf("%q was written", last.written)
			}
			if sys.open != 0 {
				t.Errorf("%d connections left open", sys.open)
			}
			if never := slices.Contains([]stream.Class{Refused, TooManyFiles, NoPorts, Unreachable}, c.class); (x.Connect == 0) != never {
				t.Errorf("connected at %v", x.Connect)
			}
		})
	}
}

func TestStampsNeverStepBack(t *testing.T) {
	sys := newScripted(&scriptedConn{reads: []any{stampOf{"a", 3 * time.Millisecond}, stampOf{"b", time.Millisecond}, stampOf{"c", time.Hour}, stampOf{"d.", 2 * time.Millisecond}}})
	time.Sleep(5 * time.Millisecond)
	r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv}, sys)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{enough: "."}
	r.Do(context.Background(), &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("x"), Sink: s, Fresh: true})
	now := time.Since(sys.origin)
	r.Close()
	if len(s.at) != 4 {
		t.Fatalf("%v", s.at)
	}
	for i := 1; i < len(s.at); i++ {
		if s.at[i] < s.at[i-1] || s.at[i] > now {
			t.Errorf("stamps %v, read by %v", s.at, now)
		}
	}
	if s.at[0].Round(100*time.Microsecond) != 3*time.Millisecond {
		t.Errorf("the kernel's stamp is not taken: %v", s.at)
	}
}

// TestBlindSpot follows the loop's attention: what it reads cannot have come
// before it looked, be it that it was woken late.
func TestBlindSpot(t *testing.T) {
	ms := time.Millisecond
	clock := Clock{time.Now().Add(-time.Hour)}
	sys := &scripted{}
	r := &Reactor{o: Options{Clock: clock}, sys: sys}
	near := func(name string, got, want time.Duration) {
		t.Helper()
		if got < want || got > want+50*ms {
			t.Errorf("%s: blind for %v, want %v", name, got, want)
		}
	}
	now := clock.Now()
	r.attention.returned = now - 100*ms
	r.look(now-90*ms, 1, 256, false)
	blind := func() time.Duration { at := clock.Now(); return r.blind(at, at) }
	near("it came back at once: since the look before", blind(), 100*ms)
	r.attention.returned, r.attention.full = now-100*ms, true
	r.attention.since = now - 200*ms
	r.look(now-90*ms, 1, 256, false)
	near("the look before was cut short: since the one before that", blind(), 200*ms)
	r.look(now, -1, 256, true)
	near("the wait was interrupted: no look at all", blind(), 200*ms)
	r.attention = lookout{since: now, returned: now, asked: true}
	if at := clock.Now(); r.blind(at, now-30*ms) < 60*ms {
		t.Error("an arrival from before the look, though the loop had not slept, is not late")
	}
	r.attention = lookout{since: now, returned: now}
	for _, c := range []struct {
		name                 string
		slept, delayed, want time.Duration
	}{
		{"it slept and was woken at once", 500 * ms, 0, 0},
		{"it slept and then waited for a processor", 500 * ms, 300 * ms, 300 * ms},
		{"it cannot have waited longer than it slept", 500 * ms, 2000 * ms, 500 * ms},
		{"a short sleep", 500 * time.Microsecond, 2000*ms + 100*time.Microsecond, 100 * time.Microsecond},
		{"nothing is known of its waiting", 500 * ms, -1, 500 * ms},
	} {
		sys.delayed = c.delayed
		r.look(clock.Now()-c.slept, 1, 256, true)
		near(c.name, blind(), c.want)
	}
	for _, c := range []struct {
		name             string
		age, slept, want time.Duration
	}{
		{"it came while the loop ran", -2 * ms, 500 * ms, 0},
		{"the processor took its time to come back", ms / 10, 500 * ms, ms / 5},
		{"within a short sleep", ms / 10, ms / 8, ms / 8},
		{"the process was stopped", 30 * ms, 500 * ms, 60 * ms},
		{"it cannot have been stopped for longer than it slept", 30 * ms, 40 * ms, 40 * ms},
	} {
		r.attention = lookout{since: now, slept: c.slept, asked: true}
		if got := r.blind(now, now-c.age); got != c.want {
			t.Errorf("%s: blind for %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSecondFigure(t *testing.T) {
	for line, want := range map[string]time.Duration{"1 23 4\n": 23, "": -1, "1": -1, "1 x 3": -1, "1 2": -1} {
		if got := secondFigure([]byte(line)); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}

// counter never has enough.
type counter struct {
	n, warmed, piece int
	err              *stream.Error
}

func (c *counter) Feed(p []byte, _ time.Duration) bool    { c.n += len(p); return false }
func (c *counter) End(_ time.Duration, err *stream.Error) { c.err = err }
func (c *counter) Piece() int                             { return c.piece }
func (c *counter) Mixed() bool                            { return false }
func (c *counter) Doubt(time.Duration, bool)              {}
func (c *counter) Failing() bool                          { return false }
func (c *counter) Reusable() bool                         { return false }
func (c *counter) Warm() byte                             { c.warmed++; return 0 }

// endless always has one chunk to read; of any other call it panics.
type endless struct {
	syscalls
	chunk        []byte
	reads, asked int
}

// pending tells of two chunks.
func (e *endless) pending(int) int {
	e.asked++
	return 2 * len(e.chunk)
}

func (e *endless) recv(_ int, p []byte) (int, int64, error) {
	e.reads++
	return copy(p, e.chunk), 1, nil
}

// TestReactorsCostPerEvent holds it to one system call for each event of a
// connection, beside the wait that brings many of them, and to no allocation. Where it
// comes late it asks once how many bytes there are, and still reads each event once.
func TestReactorsCostPerEvent(t *testing.T) {
	sys := &endless{chunk: bytes.Repeat([]byte("x"), 250)}
	f := newFlow(&Exchange{Sink: &counter{}})
	r := &Reactor{readDelays: newReadDelays(), o: Options{Clock: NewClock()}, sys: sys, buffer: make([]byte, 64<<10)}
	l := &link{fd: 100, flow: f, connected: true}
	f.link = l
	r.links = append(r.links, l)
	event := unix.EpollEvent{Events: unix.EPOLLIN}
	const events = 1000
	if n := testing.AllocsPerRun(events, func() { r.event(event) }); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
	if sys.reads != events+1 || sys.asked != 0 { // one to warm up
		t.Errorf("%d reads for %d events, and %d other calls", sys.reads, events+1, sys.asked)
	}
	f.sink.(*counter).piece = len(sys.chunk)
	r.attention.returned, sys.reads = time.Hour, 0
	if n := testing.AllocsPerRun(events, func() { r.event(event) }); n != 0 {
		t.Errorf("%v allocations a turn that comes late", n)
	}
	if sys.reads != 2*(events+1) || sys.asked != events+1 {
		t.Errorf("late: %d reads for %d events, and %d other calls", sys.reads, 2*(events+1), sys.asked)
	}
}

func TestReactorCarriesManyAndAbortsAtOnce(t *testing.T) {
	const streams = 400
	to := listen(t, func(_ int, conn net.Conn) {
		if _, err := readHead(conn); err == nil {
			io.WriteString(conn, "x")
			io.Copy(io.Discard, conn)
		}
	})
	r, err := NewReactor(Options{Clock: NewClock(), Env: noEnv})
	if err != nil {
		t.Skip(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	sinks := make([]sink, streams)
	for i := range sinks {
		all.Go(func() { r.Do(ctx, &Exchange{To: to, Head: []byte(get), Sink: &sinks[i], Fresh: true}) })
	}
	time.Sleep(100 * time.Millisecond)
	before := time.Now()
	cancel()
	all.Wait()
	if took := time.Since(before); took > 5*time.Second { // a third of a second on a free machine
		t.Errorf("%d streams took %v to end", streams, took)
	}
	for i := range sinks {
		if sinks[i].class() != Interrupted {
			t.Fatalf("stream %d: %v", i, sinks[i].err)
		}
	}
}

func TestIdleReactorSleeps(t *testing.T) {
	to := listen(t, func(_ int, conn net.Conn) { io.Copy(io.Discard, conn) })
	r, err := NewReactor(Options{Clock: NewClock(), Env: noEnv, Timeout: 6 * time.Hour})
	if err != nil {
		t.Skip(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { r.Do(ctx, &Exchange{To: to, Head: []byte(get), Sink: &sink{}, Fresh: true}) })
	runtime.Gosched()
	var before, after unix.Rusage
	time.Sleep(50 * time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	time.Sleep(300 * time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	cancel()
	done.Wait()
	// Other tests of the package do not run at the same time.
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	if used > 150*time.Millisecond {
		t.Errorf("an idle stream cost %v of 300ms", used)
	}
}

func TestReactorKeepsAlive(t *testing.T) {
	conns := 0
	var mu sync.Mutex
	to := listen(t, func(n int, conn net.Conn) {
		mu.Lock()
		conns++
		mu.Unlock()
		for {
			if _, err := readHead(conn); err != nil || n == 0 && conns > 1 {
				return
			}
			io.WriteString(conn, "ok.")
		}
	})
	r, err := NewReactor(Options{Clock: NewClock(), Env: noEnv})
	if err != nil {
		t.Skip(err)
	}
	defer r.Close()
	var reused []bool
	for range 3 {
		s := &sink{enough: ".", reusable: true}
		x := &Exchange{To: to, Head: []byte(get), Sink: s}
		r.Do(context.Background(), x)
		if s.text.String() != "ok." || s.ended {
			t.Errorf("%q %v", s.text.String(), s.err)
		}
		reused = append(reused, x.Reused)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(reused) != "[false true true]" || conns != 1 {
		t.Errorf("reused %v, %d connections", reused, conns)
	}
}
