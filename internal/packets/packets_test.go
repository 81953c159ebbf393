package packets

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/bpf"
)

var (
	server4 = netip.MustParseAddrPort("192.0.2.1:8000")
	local4  = netip.MustParseAddrPort("198.51.100.7:40001")
	server6 = netip.MustParseAddrPort("[2001:db8::1]:8000")
	local6  = netip.MustParseAddrPort("[2001:db8::2]:40002")
)

// packet is a packet from its IP header on.
type packet struct {
	from, to netip.AddrPort
	seq      uint32
	flags    byte
	options  int // bytes of TCP's
	ip       int // bytes of IPv4's options
	data     int
	fragment uint16
	protocol byte // TCP's if 0
	padding  int
	big      bool // its length does not fit into its header
}

func (p packet) bytes() []byte {
	var b []byte
	if p.protocol == 0 {
		p.protocol = tcp
	}
	length := tcpHeader + p.options + p.data
	said := func(n int) uint16 {
		if p.big {
			return 0
		}
		return uint16(n)
	}
	if p.from.Addr().Is4() {
		b = append(b, 0x40|byte((20+p.ip)/4), 0)
		b = binary.BigEndian.AppendUint16(b, said(20+p.ip+length))
		b = append(b, 0, 0)
		b = binary.BigEndian.AppendUint16(b, p.fragment)
		b = append(b, 64, p.protocol, 0, 0)
		b = append(append(b, p.from.Addr().AsSlice()...), p.to.Addr().AsSlice()...)
		b = append(b, make([]byte, p.ip)...)
	} else {
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, said(length))
		b = append(b, p.protocol, 64)
		b = append(append(b, p.from.Addr().AsSlice()...), p.to.Addr().AsSlice()...)
	}
	b = binary.BigEndian.AppendUint16(b, p.from.Port())
	b = binary.BigEndian.AppendUint16(b, p.to.Port())
	b = binary.BigEndian.AppendUint32(b, p.seq)
	b = append(b, 0, 0, 0, 0, byte((tcpHeader+p.options)/4)<<4, 0x10|p.flags, 0, 0, 0, 0, 0, 0)
	b = append(b, make([]byte, p.options)...)
	for range p.data {
		b = append(b, 'x')
	}
	return append(b, make([]byte, p.padding)...)
}

func TestParse(t *testing.T) {
	four, six := KeyOf(server4, local4), KeyOf(server6, local6)
	for name, c := range map[string]struct {
		packet packet
		want   Segment
		bad    bool
	}{
		"IPv4":                   {packet{from: server4, to: local4, seq: 7, data: 100}, Segment{four, 7, 100, false, false}, false},
		"IPv6":                   {packet{from: server6, to: local6, seq: 7, data: 100, options: 12}, Segment{six, 7, 100, false, false}, false},
		"IP and TCP options":     {packet{from: server4, to: local4, data: 5, ip: 40, options: 40}, Segment{four, 0, 5, false, false}, false},
		"SYN-ACK":                {packet{from: server4, to: local4, seq: 1 << 31, flags: synFlag, options: 20}, Segment{four, 1 << 31, 0, true, false}, false},
		"FIN":                    {packet{from: server4, to: local4, seq: 9, flags: finFlag}, Segment{four, 9, 0, false, true}, false},
		"padded by Ethernet":     {packet{from: server4, to: local4, padding: 6}, Segment{four, 0, 0, false, false}, false},
		"IPv4 beyond 64 KiB":     {packet{from: server4, to: local4, data: 100_000, big: true}, Segment{four, 0, 100_000, false, false}, false},
		"IPv6 beyond 64 KiB":     {packet{from: server6, to: local6, data: 100_000, big: true}, Segment{six, 0, 100_000, false, false}, false},
		"UDP":                    {packet{from: server4, to: local4, protocol: 17}, Segment{}, true},
		"UDP over IPv6":          {packet{from: server6, to: local6, protocol: 17}, Segment{}, true},
		"first fragment":         {packet{from: server4, to: local4, data: 8, fragment: 0x2000}, Segment{}, true},
		"later fragment":         {packet{from: server4, to: local4, data: 8, fragment: 100}, Segment{}, true},
		"must not be fragmented": {packet{from: server4, to: local4, data: 8, fragment: 0x4000}, Segment{four, 0, 8, false, false}, false},
	} {
		b := c.packet.bytes()
		got, ok := Parse(b, len(b))
		if ok == c.bad || ok && got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, ok, c.want)
		}
		for n := range min(len(b), 20+c.packet.ip+tcpHeader) { // of what is too short nothing is read
			if _, ok := Parse(b[:n], len(b)); ok {
				t.Errorf("%s: parsed from %d bytes", name, n)
			}
		}
	}
}

func FuzzFrames(f *testing.F) {
	for _, p := range []packet{
		{from: server4, to: local4, data: 100}, {from: server6, to: local6, data: 100}, {from: server4, to: local4, ip: 40, flags: synFlag},
		{from: server4, to: local4, data: 9, fragment: 0x2000},
	} {
		f.Add(p.bytes(), 100)
	}
	program, err := filter([]netip.AddrPort{server4, server6})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, length int) {
		s, ok := Parse(b, length)
		if ok && (s.Len < 0 || !s.Server.IsValid() || !s.Local.IsValid()) {
			t.Errorf("%+v", s)
		}
		table := started(&scripted{frames: []Frame{{b, length, 1}}})
		table.Claim(server4, local4).Take(nil, 1, 0, true)
		if n := run(t, program, b); n > 80 {
			t.Errorf("%d bytes were kept", n)
		}
	})
}

// run runs a filter over a packet that has arrived.
func run(t *testing.T, program []bpf.RawInstruction, b []byte) int {
	t.Helper()
	is, ok := bpf.Disassemble(program)
	if !ok {
		t.Fatal("the filter has instructions that are none")
	}
	protocol := uint32(etherIPv4)
	if len(b) > 0 && b[0]>>4 == 6 {
		protocol = etherIPv6
	}
	for i := range is { // the virtual machine knows no extensions of these
		if e, ok := is[i].(bpf.LoadExtension); ok {
			is[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: map[bpf.Extension]uint32{bpf.ExtProto: protocol}[e.Num]}
		}
	}
	vm, err := bpf.NewVM(is)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return min(n, len(b))
}

// TestFilter: what is copied is a segment of a server, and nothing of its payload.
func TestFilter(t *testing.T) {
	other := netip.MustParseAddrPort("192.0.2.1:22")
	var many []netip.AddrPort
	for i := range mostServers - 2 {
		many = append(many, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 80), netip.AddrPortFrom(netip.MustParseAddr("fd00::1"), uint16(i)))
	}
	many = append(many[:mostServers-2], server4, server6)
	for name, c := range map[string]struct {
		packet packet
		keep   int
	}{
		"data":                    {packet{from: server4, to: local4, data: 3}, 40},
		"data over IPv6":          {packet{from: server6, to: local6, data: 3}, 60},
		"data behind TCP options": {packet{from: server4, to: local4, data: 3, options: 12}, 40},
		"data behind IP options":  {packet{from: server4, to: local4, data: 3, ip: 8}, 48},
		"SYN-ACK":                 {packet{from: server4, to: local4, flags: synFlag, options: 20}, 40},
		"SYN-ACK over IPv6":       {packet{from: server6, to: local6, flags: synFlag, options: 20}, 60},
		"FIN":                     {packet{from: server4, to: local4, flags: finFlag}, 40},
		"FIN over IPv6":           {packet{from: server6, to: local6, flags: finFlag}, 60},
		"acknowledgement":         {packet{from: server4, to: local4, options: 12, padding: 6}, 0},
		"the same over IPv6":      {packet{from: server6, to: local6, options: 12}, 0},
		"beyond 64 KiB":           {packet{from: server4, to: local4, data: 70_000, big: true}, 40},
		"another port":            {packet{from: other, to: local4, data: 3}, 0},
		"another host":            {packet{from: local4, to: server4, data: 3}, 0},
		"another host, IPv6":      {packet{from: local6, to: server6, data: 3}, 0},
		"UDP":                     {packet{from: server4, to: local4, data: 3, protocol: 17}, 0},
		"a fragment":              {packet{from: server4, to: local4, data: 3, fragment: 1}, 0},
	} {
		for _, servers := range [][]netip.AddrPort{{server4, server6}, many, nil} {
			program, err := filter(servers)
			if err != nil {
				t.Fatal(err)
			}
			want := c.keep
			if servers == nil {
				want = 0
			}
			if n := run(t, program, c.packet.bytes()); n != want {
				t.Errorf("%s: %d bytes kept, want %d, with %d servers", name, n, want, len(servers))
			}
		}
	}
}

func TestStream(t *testing.T) {
	const first = 0xffffff00 // sequence numbers wrap around
	at := func(offset int) uint32 { return first + uint32(offset) }
	type add struct {
		offset, n int
		stamp     int64
	}
	for name, c := range map[string]struct {
		adds []add
		take []int
		want [][]Piece
	}{
		"in order": {[]add{{0, 100, 1}, {100, 200, 2}, {300, 10, 3}}, []int{310},
			[][]Piece{{{100, 1, true}, {200, 2, true}, {10, 3, true}}}},
		"read within segments": {[]add{{0, 100, 1}, {100, 100, 2}}, []int{50, 100, 50},
			[][]Piece{{{50, 1, true}}, {{50, 1, true}, {50, 2, true}}, {{50, 2, true}}}},
		"one stamp": {[]add{{0, 100, 1}, {100, 100, 1}}, []int{200}, [][]Piece{{{200, 1, true}}}},
		"a gap is filled: what lay behind it could not be read before": {[]add{{0, 10, 1}, {20, 10, 2}, {30, 10, 3}, {10, 10, 9}, {40, 10, 10}}, []int{50},
			[][]Piece{{{10, 1, true}, {30, 9, true}, {10, 10, true}}}},
		"sent again":                                           {[]add{{0, 100, 1}, {0, 100, 5}, {100, 100, 6}}, []int{200}, [][]Piece{{{100, 1, true}, {100, 6, true}}}},
		"sent again with more":                                 {[]add{{0, 100, 1}, {0, 150, 5}}, []int{150}, [][]Piece{{{100, 1, true}, {50, 5, true}}}},
		"behind a gap, sent again with more":                   {[]add{{10, 10, 1}, {10, 30, 2}, {0, 15, 3}}, []int{40}, [][]Piece{{{40, 3, true}}}},
		"a keep-alive probe":                                   {[]add{{0, 10, 1}, {9, 0, 2}, {10, 5, 3}}, []int{15}, [][]Piece{{{10, 1, true}, {5, 3, true}}}},
		"the first frame is lost":                              {[]add{{10, 10, 2}}, []int{20}, [][]Piece{{{20, 99, false}}}},
		"a lost frame: nothing is known of what lay behind it": {[]add{{0, 10, 1}, {20, 10, 3}}, []int{30}, [][]Piece{{{10, 1, true}, {20, 99, false}}}},
		"a lost frame, read before the next is there":          {[]add{{0, 10, 1}}, []int{20, 5}, [][]Piece{{{10, 1, true}, {10, 99, false}}, {{5, 99, false}}}},
		"a lost frame, read within what lay behind it":         {[]add{{0, 10, 1}, {20, 20, 3}}, []int{30, 10}, [][]Piece{{{10, 1, true}, {20, 99, false}}, {{10, 99, false}}}},
		"nothing": {nil, []int{5}, [][]Piece{{{5, 99, false}}}},
	} {
		var s Stream
		s.Begin(first)
		for _, a := range c.adds {
			s.Add(at(a.offset), a.n, a.stamp)
		}
		for i, n := range c.take {
			if d := cmp.Diff(c.want[i], s.Take(nil, n, 99)); d != "" {
				t.Errorf("%s, read %d: %s", name, i, d)
			}
		}
	}
}

// TestStreamAfterLoss: once bytes without a stamp were read, the next segments have theirs.
func TestStreamAfterLoss(t *testing.T) {
	var s Stream
	s.Begin(1)
	s.Add(1, 10, 1)
	s.Add(21, 10, 3) // of the frame before it there was none
	got := s.Take(nil, 20, 2)
	s.Add(31, 10, 4)
	got = s.Take(got, 20, 5)
	want := []Piece{{10, 1, true}, {10, 2, false}, {10, 4, false}, {10, 4, true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestStreamIsBounded: of what nobody reads and what never becomes complete little is kept,
// and what was read is forgotten.
func TestStreamIsBounded(t *testing.T) {
	var s Stream
	s.Begin(0)
	for i := range uint32(2 * mostBehind) {
		s.Add(10+20*i, 10, int64(i))
	}
	if len(s.behind) != mostBehind {
		t.Errorf("%d segments behind a gap", len(s.behind))
	}
	s = Stream{}
	s.Begin(0)
	for i := range uint32(mostUnread + 10) {
		s.Add(i, 1, int64(i)+1)
	}
	if p := s.Take(nil, mostUnread+10, 99); len(s.marks) != mostUnread || p[len(p)-1] != (Piece{11, 99, false}) {
		t.Errorf("%d stamps, the last of %+v", len(s.marks), p[len(p)-1])
	}
	s = Stream{}
	s.Begin(0)
	var pieces []Piece
	for i := range uint32(100_000) {
		s.Add(10*i, 10, int64(i)+1)
		if pieces = s.Take(pieces[:0], 10, 0); !slices.Equal(pieces, []Piece{{10, int64(i) + 1, true}}) {
			t.Fatalf("%d: %+v", i, pieces)
		}
	}
	if cap(s.marks) > 200 {
		t.Errorf("room for %d stamps", cap(s.marks))
	}
}

// TestStreamAgainstBytes plays arbitrary segments to a stream and compares it with what a
// list of all bytes says.
func FuzzStream(f *testing.F) {
	f.Add(uint32(0xfffffff0), []byte{0, 10, 20, 5, 10, 10, 25, 9, 255, 20})
	f.Fuzz(func(t *testing.T, first uint32, script []byte) {
		var s Stream
		s.Begin(first)
		var stamps []int64 // of the bytes that are complete
		seen := map[int]bool{}
		taken := 0
		for i := 0; i+1 < len(script); i += 2 {
			stamp := int64(i) + 1
			if script[i] == 255 { // a read, of what is complete
				n := min(int(script[i+1]), len(stamps)-taken)
				for _, p := range s.Take(nil, n, -1) {
					for range p.Len {
						if !p.Exact || p.Stamp != stamps[taken] {
							t.Fatalf("byte %d: %+v, want %d", taken, p, stamps[taken])
						}
						taken++
					}
				}
				continue
			}
			begin := max(len(stamps)-100, 0) + int(script[i])
			n := int(script[i+1])
			if !s.Add(first+uint32(begin), n, stamp) {
				continue
			}
			for k := range n {
				seen[begin+k] = true
			}
			for seen[len(stamps)] {
				stamps = append(stamps, stamp)
			}
		}
	})
}
