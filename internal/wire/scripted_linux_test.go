package wire

import (
	"io"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// scripted is a kernel that does what a test says.
type scripted struct {
	mu      sync.Mutex
	changed *sync.Cond
	woken   bool
	conns   []*scriptedConn // in the order of socket calls; fd is the index + 100
	next    int
	delayed time.Duration
	used    time.Duration // of the thread's processor
	edges   []unix.EpollEvent
	open    int
	wakes   int
	origin  time.Time
	// readAfterWrite raises an edge for what there is to read with every write.
	readAfterWrite bool
}

// scriptedConn is one connection's fate.
type scriptedConn struct {
	socketErr  error
	connectErr error
	lateErr    error // found when the connection is ready
	silent     bool  // it never is ready
	writes     []any // int: bytes taken; error; full: no more, ever
	reads      []any // []byte, error; stampOf; nil ends a burst (EAGAIN); full stays
	written    []byte
	wrote      time.Time // when it was written to last
	unacked    int       // how many of these the peer has not acknowledged
	made       bool
	tag        tag
}

// stampOf is data with a stamp, by its distance from the origin; 0 is none.
type stampOf struct {
	data string
	at   time.Duration
}

// missed is data that comes after a look that found none, and that no edge tells of.
type missed struct{ stampOf }

// full is as much as is asked for, again and again; of a write, nothing.
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
func (s *scripted) drain(int)                 {}
func (s *scripted) quiet(int) bool            { return true }
func (s *scripted) done()                     {}
func (s *scripted) pending(int) int           { return 0 }
func (s *scripted) runDelay() time.Duration   { return s.delayed }
func (s *scripted) shortSlice()               {}
func (s *scripted) cpuTime() time.Duration    { return s.used }
func (s *scripted) local(int) netip.AddrPort  { return scriptedLocal }

// scriptedLocal is the local address of all connections.
var scriptedLocal = netip.MustParseAddrPort("127.0.0.1:40000")

func (s *scripted) info(fd int) tcpInfo {
	i := tcpInfo{minRTT: time.Millisecond, retransmits: 1}
	if fd >= 100 {
		c := s.conn(fd)
		i.acked = uint64(len(c.written) + 1 - c.unacked)
	}
	return i
}

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
		if c.tag = t; c.silent {
			return nil
		}
		s.edge(c, unix.EPOLLOUT)
		if len(c.reads) > 0 {
			s.edge(c, unix.EPOLLIN)
		}
	}
	return nil
}

func (s *scripted) epollWait(_ int, events []unix.EpollEvent, d, pause time.Duration) (n int, slept bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := time.Now()
	if d > 0 { // under the lock: else it may come just before the wait for it
		time.AfterFunc(d, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	}
	for len(s.edges) == 0 && !s.woken && (d < 0 || time.Since(start) < d) {
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
	c.wrote = time.Now()
	if s.readAfterWrite && len(c.reads) > 0 {
		s.edge(c, unix.EPOLLIN)
	}
	if c.connectErr != nil && !c.made {
		return 0, unix.EAGAIN // the edge after epollAdd tells of it
	}
	if len(c.writes) > 0 {
		step := c.writes[0]
		if step == (full{}) {
			return 0, unix.EAGAIN
		}
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
	if late, ok := step.(missed); ok {
		c.reads[0] = late.stampOf
		return 0, 0, unix.EAGAIN
	}
	c.reads = c.reads[1:]
	switch step := step.(type) {
	case stampOf:
		stamp := int64(0)
		if step.at != 0 {
			var w wall
			w.sample(Clock{s.origin})
			stamp = int64(step.at) - w.offset
		}
		if len(c.reads) > 0 {
			s.edge(c, unix.EPOLLIN) // a short read: what follows raises an edge
		}
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
