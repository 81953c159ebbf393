package packets

import (
	"net/netip"
	"slices"
	"testing"
)

// TestStartAtNext: nothing is begun before another connection is opened, and then once.
func TestStartAtNext(t *testing.T) {
	table, asked := NewTable(), 0
	table.Claim(server4, local4)
	table.StartAtNext(func() bool { asked++; return asked == 2 })
	table.Watch(server4)
	if asked != 0 {
		t.Fatal("asked without another connection")
	}
	for range 4 {
		table.Claim(server4, local4)
	}
	if asked != 2 {
		t.Errorf("asked %d times, and told to begin the second time", asked)
	}
	table = started(&scripted{})
	table.StartAtNext(func() bool { t.Error("begun twice"); return true })
	table.Claim(server4, local4)
}

// scripted is a source that brings given frames.
type scripted struct {
	frames  []Frame
	watched []netip.AddrPort
	drains  int
	lost    uint64
}

func (s *scripted) Watch(servers []netip.AddrPort) error {
	s.watched = slices.Clone(servers)
	return nil
}

func (s *scripted) Drain(take func(Frame)) {
	s.drains++
	for _, f := range s.frames {
		take(f)
	}
	s.frames = nil
}

func (s *scripted) Lost() uint64 { return s.lost }

func (s *scripted) Close() error { return nil }

func (s *scripted) bring(p packet, stamp int64) {
	b := p.bytes()
	s.frames = append(s.frames, Frame{b[:min(len(b), 80)], len(b), stamp})
}

func started(s Source) *Table {
	t := NewTable()
	t.Start(s)
	return t
}

// TestStart: what is opened before there is a source is not followed, what comes later is.
func TestStart(t *testing.T) {
	s := &scripted{}
	table := NewTable()
	table.Watch(server4)
	if c := table.Claim(server4, local4); c != nil {
		t.Error("there is nothing to follow a connection by")
	}
	if _, counts := table.Counts(); counts || table.Close() != nil {
		t.Error("nothing has been started")
	}
	table.Start(s)
	if !slices.Equal(s.watched, []netip.AddrPort{server4}) {
		t.Errorf("watched: %v", s.watched)
	}
	s.bring(packet{from: server4, to: local4, seq: 1, flags: synFlag}, 1)
	s.bring(packet{from: server4, to: local4, seq: 2, data: 7}, 2)
	c := table.Claim(server4, local4)
	if n := c.Waiting(); n != 7 {
		t.Errorf("%d bytes wait", n)
	}
}

func TestTable(t *testing.T) {
	s := &scripted{lost: 3}
	table := started(s)
	for range 2 {
		table.Watch(netip.MustParseAddrPort("[::ffff:192.0.2.1]:8000"))
	}
	if !slices.Equal(s.watched, []netip.AddrPort{server4}) {
		t.Fatalf("watched: %v", s.watched)
	}
	s.bring(packet{from: server4, to: local4, seq: 99, flags: synFlag}, 1) // before the connection is claimed
	c := table.Claim(server4, local4)
	s.bring(packet{from: server4, to: local4, seq: 100, data: 10}, 2)
	s.bring(packet{from: server4, to: local4, seq: 110, data: 10}, 3)
	if got := c.Take(nil, 20, 3, true); !slices.Equal(got, []Piece{{10, 2, true}, {10, 3, true}}) {
		t.Errorf("%+v", got)
	}
	s.bring(packet{from: server4, to: local4, seq: 120, data: 30}, 50)
	if got := c.Take(nil, 10, 50+Tolerance+1, true); got[0] != (Piece{10, 50, true}) {
		t.Errorf("%+v", got)
	}
	drains := s.drains
	if c.Take(nil, 20, 50+2*Tolerance, false); s.drains != drains {
		t.Error("the source was asked for what is known")
	}
	if got := c.Take(nil, 5, 60, true); got[0] != (Piece{5, 60, false}) {
		t.Errorf("%+v", got)
	}
	want := Counts{Frames: 4, Lost: 3, Connections: 1, Stamped: 50, Unstamped: 5, Compared: 2, Differing: 1, Largest: Tolerance + 1}
	if got, _ := table.Counts(); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestEndOfAConnection: a socket has the stamp of a FIN that came before the read for the bytes
// in front of it: that is no difference. Neither does a FIN excuse what was read before.
func TestEndOfAConnection(t *testing.T) {
	const late = 50 * Tolerance
	s := &scripted{}
	table := started(s)
	s.bring(packet{from: server4, to: local4, seq: 99, flags: synFlag}, 1)
	c := table.Claim(server4, local4)
	s.bring(packet{from: server4, to: local4, seq: 100, data: 10}, 2)
	c.Take(nil, 10, 2, true)
	s.bring(packet{from: server4, to: local4, seq: 110, data: 10}, 3)
	s.bring(packet{from: server4, to: local4, seq: 120, flags: finFlag}, late)
	s.bring(packet{from: server4, to: local4, seq: 120, flags: finFlag}, 2*late) // sent again
	if got := c.Take(nil, 10, late, true); got[0] != (Piece{10, 3, true}) {
		t.Errorf("%+v", got)
	}
	if got, _ := table.Counts(); got.Compared != 2 || got.Differing != 0 || got.Largest != 0 {
		t.Errorf("%+v", got)
	}
	s.bring(packet{from: server4, to: local4, seq: 499, flags: synFlag}, 1) // another program's, from that port
	s.bring(packet{from: server4, to: local4, seq: 500, flags: finFlag}, 1)
	d := table.Claim(server4, local4) // of a later connection nothing is known yet
	s.bring(packet{from: server4, to: local4, seq: 199, flags: synFlag}, 1)
	s.bring(packet{from: server4, to: local4, seq: 200, data: 20}, 2)
	s.bring(packet{from: server4, to: local4, seq: 220, flags: finFlag}, late)
	d.Take(nil, 10, late, true)
	d.Take(nil, 10, late, true)
	if got, _ := table.Counts(); got.Compared != 4 || got.Differing != 1 || got.Largest != late-2 {
		t.Errorf("%+v", got)
	}
}

// TestPortIsUsedAgain: a new connection from a port has its own sequence numbers, whether the
// one before was given up by then or not, and whether its SYN-ACK or the claim comes first.
func TestPortIsUsedAgain(t *testing.T) {
	for _, closed := range []bool{true, false} {
		for _, late := range []bool{true, false} {
			s := &scripted{}
			table := started(s)
			s.bring(packet{from: server6, to: local6, seq: 1, flags: synFlag}, 1)
			c := table.Claim(server6, local6)
			s.bring(packet{from: server6, to: local6, seq: 2, data: 10}, 2)
			c.Take(nil, 10, 2, true)
			if closed {
				c.Close()
			}
			synAck := packet{from: server6, to: local6, seq: 1 << 30, flags: synFlag}
			if !late {
				s.bring(synAck, 3)
			}
			d := table.Claim(server6, local6)
			if late {
				s.bring(synAck, 3)
			}
			s.bring(synAck, 4) // sent again
			s.bring(packet{from: server6, to: local6, seq: 1<<30 + 1, data: 10}, 5)
			if got := d.Take(nil, 10, 9, true); got[0] != (Piece{10, 5, true}) {
				t.Errorf("closed %v, late %v: %+v", closed, late, got)
			}
			c.Close()
			if table.conns[d.key] != d {
				t.Error("the connection before took the later one with it")
			}
		}
	}
}

// TestUnfollowed: without the SYN-ACK nothing is known, and nothing guessed.
func TestUnfollowed(t *testing.T) {
	s := &scripted{}
	table := started(s)
	c := table.Claim(server4, local4)
	s.bring(packet{from: server4, to: local4, seq: 2, data: 10}, 2)
	if got := c.Take(nil, 10, 7, true); got[0] != (Piece{10, 7, false}) || c.Sound() {
		t.Errorf("%+v", got)
	}
	c.Take(nil, 10, 8, true)
	if got, _ := table.Counts(); got.Unfollowed != 1 || got.Unstamped != 20 {
		t.Errorf("%+v", got)
	}
}

// TestUnclaimed: connections of other programs to the same server take little memory.
func TestUnclaimed(t *testing.T) {
	s := &scripted{}
	table := started(s)
	for i := range 3 * mostUnclaimed {
		local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5)
		s.bring(packet{from: server4, to: local, flags: synFlag}, 1)
		if i == 2*mostUnclaimed {
			for k := range uint32(2 * mostUnclaimedStamps) {
				s.bring(packet{from: server4, to: local, seq: 1 + k, data: 1}, int64(k)+1)
			}
		}
	}
	table.Claim(server4, local4)
	if n := len(table.conns); n > mostUnclaimed+1 {
		t.Errorf("%d connections", n)
	}
	for _, c := range table.conns {
		if len(c.stream.marks) > mostUnclaimedStamps {
			t.Errorf("%d stamps of a connection of another program", len(c.stream.marks))
		}
	}
}

// TestServersAreBounded: of more servers than the filter has room for no packet is asked.
func TestServersAreBounded(t *testing.T) {
	s := &scripted{}
	table := started(s)
	for i := range 2 * mostServers {
		table.Watch(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 80))
	}
	if len(s.watched) != mostServers {
		t.Errorf("%d servers", len(s.watched))
	}
}
