package packets

import (
	"net/netip"
	"sync"
)

// Source gives the frames that the kernel has copied. *Ring is one.
type Source interface {
	// Watch begins to copy what an endpoint sends.
	Watch(servers []netip.AddrPort) error
	// Drain calls take with each frame that is there; it must not keep its header.
	Drain(take func(Frame))
	// Lost is how many frames there was no room for.
	Lost() uint64
	Close() error
}

// Table follows the connections of a run. It is safe for concurrent use.
type Table struct {
	mu        sync.Mutex
	source    Source
	servers   map[netip.AddrPort]bool
	watched   []netip.AddrPort
	conns     map[Key]*Conn
	unclaimed []Key // connections by their first packets, the oldest overwritten
	oldest    int
	counts    Counts
	take      func(Frame)
	begin     func() bool // asked when a connection is opened, nil for nothing
}

// Bounds of what a table keeps.
const (
	mostServers   = 64
	mostUnclaimed = 4096 // connections of other programs to the same server
)

// NewTable returns a table that follows no connection before Start.
func NewTable() *Table {
	t := &Table{servers: map[netip.AddrPort]bool{}, conns: map[Key]*Conn{}}
	t.take = t.frame
	return t
}

// Start begins to follow the connections that are opened from now on, by the frames of a source,
// which Close closes.
func (t *Table) Start(source Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.source = source
	for server := range t.servers {
		t.watch(server)
	}
}

// StartAtNext has begin called when connections are opened, until it returns true or the table has
// been started: frames of the connections that are there already would be captured in vain.
// begin must not call the table.
func (t *Table) StartAtNext(begin func() bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin = begin
}

// Watch begins to follow the connections to a server, before the first of them is opened.
func (t *Table) Watch(server netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	server = plain(server)
	if t.servers[server] {
		return
	}
	t.servers[server] = true
	if t.source != nil {
		t.watch(server)
	}
}

// watch asks the source for a server's packets. Where it cannot, or where there are too many, the
// connections to it have no stamps.
func (t *Table) watch(server netip.AddrPort) {
	if len(t.watched) < mostServers && t.source.Watch(append(t.watched, server)) == nil {
		t.watched = append(t.watched, server)
	}
}

// Claim returns what is known of a connection that has been opened, or is being opened; nil
// before Start.
func (t *Table) Claim(server, local netip.AddrPort) *Conn {
	key := KeyOf(server, local)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.source == nil {
		if t.begin != nil && t.begin() {
			t.begin = nil
		}
		return nil
	}
	t.source.Drain(t.take)
	c := t.conns[key]
	if c == nil || c.claimed {
		c = &Conn{table: t, key: key}
		t.conns[key] = c
	}
	c.claimed = true
	t.counts.Connections++
	return c
}

// Counts are those so far; false before Start.
func (t *Table) Counts() (c Counts, started bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.source == nil {
		return c, false
	}
	c = t.counts
	c.Lost = t.source.Lost()
	return c, true
}

// Close ends the source. Connections have no stamps from then on.
func (t *Table) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.source == nil {
		return nil
	}
	return t.source.Close()
}

// frame takes in a frame.
func (t *Table) frame(f Frame) {
	t.counts.Frames++
	s, ok := Parse(f.Header, f.Length)
	if !ok {
		return
	}
	c := t.conns[s.Key]
	if s.SYN {
		// The answer to a SYN comes before connect has returned and the connection is claimed.
		if first := s.Seq + 1; c == nil || c.stream.taken > 0 && c.stream.first != first {
			c = &Conn{table: t, key: s.Key}
			t.conns[s.Key] = c
			t.noteUnclaimed(s.Key)
		}
		if c.stream.taken == 0 {
			c.end = end{} // of an earlier one
		}
		c.stream.Begin(s.Seq + 1)
		s.Seq++
	}
	if c == nil || !c.claimed && len(c.stream.marks) >= mostUnclaimedStamps {
		return
	}
	if s.FIN && c.end == (end{}) {
		c.end = end{s.Seq + uint32(s.Len), f.Stamp}
	}
	if s.Len > 0 {
		c.stream.Add(s.Seq, s.Len, f.Stamp)
	}
}

// mostUnclaimedStamps is how many stamps are kept of a connection that nobody has claimed.
const mostUnclaimedStamps = 64

// noteUnclaimed notes a connection that nobody has claimed, and forgets the oldest of them.
func (t *Table) noteUnclaimed(key Key) {
	if len(t.unclaimed) < mostUnclaimed {
		t.unclaimed = append(t.unclaimed, key)
		return
	}
	if c := t.conns[t.unclaimed[t.oldest]]; c != nil && !c.claimed {
		delete(t.conns, c.key)
	}
	t.unclaimed[t.oldest] = key
	t.oldest = (t.oldest + 1) % mostUnclaimed
}

// Conn is a connection that a table follows.
type Conn struct {
	table   *Table
	key     Key
	stream  Stream
	claimed bool
	counted bool
	end     end // zero before it was seen
}

// end is the segment with which the server ended a connection.
type end struct {
	seq   uint32
	stamp int64
}

// Take appends how the next n bytes arrived, which were read with the socket's stamp, 0 for
// none. whole reports whether the read took all that waited, so that both stamps are those of
// the same segment.
func (c *Conn) Take(dst []Piece, n int, socket int64, whole bool) []Piece {
	t := c.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.stream.Covers(n) {
		t.source.Drain(t.take)
	}
	from := len(dst)
	dst = c.stream.Take(dst, n, socket)
	if !c.stream.begun && !c.counted {
		c.counted = true
		t.counts.Unfollowed++
	}
	for _, p := range dst[from:] {
		if p.Exact {
			t.counts.Stamped += uint64(p.Len)
		} else {
			t.counts.Unstamped += uint64(p.Len)
		}
	}
	if last := dst[len(dst)-1]; last.Exact && socket != 0 && whole {
		c.compare(last.Stamp, socket)
	}
	return dst
}

// compare compares the stamps that a packet and a socket have of the last segment that was
// read. The kernel appends a FIN that comes before the read to the segment in front of it,
// which then has the FIN's stamp.
func (c *Conn) compare(packet, socket int64) {
	t := c.table
	apart := distance(packet, socket)
	if apart > Tolerance {
		t.source.Drain(t.take) // of what came behind those bytes
		if c.end.stamp != 0 && c.stream.ends(c.end.seq) {
			apart = min(apart, distance(c.end.stamp, socket))
		}
	}
	t.counts.Compared++
	if apart > Tolerance {
		t.counts.Differing++
	}
	t.counts.Largest = max(t.counts.Largest, apart)
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// Waiting is how many bytes have come that were not taken, as far as their packets were seen.
func (c *Conn) Waiting() int {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	c.table.source.Drain(c.table.take)
	return c.stream.Waiting()
}

// Sound reports whether the connection's bytes have had stamps so far.
func (c *Conn) Sound() bool {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	return c.stream.begun
}

// Close forgets the connection.
func (c *Conn) Close() {
	t := c.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns[c.key] == c {
		delete(t.conns, c.key)
	}
}
