package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"loadgen/internal/packets"
	"loadgen/internal/stream"
)

// captured is a source of the packets that a server has sent.
type captured struct {
	server, local netip.AddrPort
	frames        []packets.Frame
	seq           uint32
}

func (c *captured) Watch([]netip.AddrPort) error { return nil }
func (c *captured) Lost() uint64                 { return 0 }
func (c *captured) Close() error                 { return nil }

func (c *captured) Drain(take func(packets.Frame)) {
	for _, f := range c.frames {
		take(f)
	}
	c.frames = nil
}

// send captures a packet with n bytes of data, or a SYN without any.
func (c *captured) send(n int, stamp int64) {
	b := make([]byte, 40)
	b[0], b[9], b[32], b[33] = 0x45, 6, 5<<4, 0x10
	binary.BigEndian.PutUint16(b[2:], uint16(40+n))
	copy(b[12:], c.server.Addr().AsSlice())
	copy(b[16:], c.local.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[20:], c.server.Port())
	binary.BigEndian.PutUint16(b[22:], c.local.Port())
	binary.BigEndian.PutUint32(b[24:], c.seq)
	if c.seq += uint32(n); n == 0 {
		b[33] |= 2
		c.seq++
	}
	c.frames = append(c.frames, packets.Frame{Header: b, Length: len(b) + n, Stamp: stamp})
}

// TestEventsByPackets: events that waited together have the stamps of their packets, of which
// none is in doubt. Where a packet was not seen, what it brought came before what followed it.
func TestEventsByPackets(t *testing.T) {
	chunk := func(text string) string {
		event := `data: {"choices":[{"index":0,"text":"` + text + `"}]}` + "\n\n"
		return fmt.Sprintf("%x\r\n%s\r\n", len(event), event)
	}
	long := strings.Repeat("x", 500)
	var many []string
	for range 30 {
		many = append(many, chunk(long))
	}
	for name, c := range map[string]struct {
		wait   []string // a segment each, a millisecond apart; behind a - for one whose packet is not seen; | is a read
		window int      // that was advertised
		at     string   // in ms, of the events; ~ where in doubt, * where they share a stamp
		more   string   // what is asked of the kernel
	}{
		"one":                   {[]string{chunk("a")}, 0, "1", ""},
		"three":                 {[]string{chunk("a"), chunk("b"), chunk("c")}, 0, "1 2 3", ""},
		"sent together":         {[]string{chunk("a") + chunk("b"), chunk("c")}, 0, "1 1 2", ""},
		"in two packets":        {[]string{chunk("a")[:20], chunk("a")[20:] + chunk("b"), chunk("c")}, 0, "2 2 3", ""},
		"a packet not seen":     {[]string{chunk("a"), "-" + chunk("b"), chunk("c"), chunk("d")}, 0, "1 ~4 ~4 4", ""},
		"not seen, and later":   {[]string{chunk("a"), "-" + chunk("b"), chunk("c"), "|", chunk("d")}, 0, "1 ~3 3 5", ""},
		"the first not seen":    {[]string{"-" + chunk("a"), chunk("b")}, 0, "~2 2", ""},
		"much, and room for it": {many, 64 << 10, "", "advertised"},
		"much, little room":     {many, 20 << 10, "~", "advertised"},
	} {
		clock := Clock{time.Now().Add(-time.Second)}
		var answer stream.Answer
		d := stream.NewDecoder(stream.Options{Streaming: true}, &answer)
		sys := &segments{came: tcpInfo{window: 64 << 10, advertised: c.window}}
		table, source := packets.NewTable(), &captured{server: netip.MustParseAddrPort("192.0.2.1:80"), local: scriptedLocal, seq: 5}
		table.Start(source)
		r := &Reactor{o: Options{Clock: clock, Packets: table}, sys: sys, buffer: make([]byte, 1<<20), readDelays: newReadDelays()}
		r.polled = pollState{returned: time.Hour, asked: true} // it comes late
		r.wall.sample(clock)
		stamp := func(at time.Duration) time.Duration { return at - time.Duration(r.wall.offset) }
		source.send(0, int64(stamp(0)))
		f := newFlow(&Exchange{Sink: d})
		f.link, f.written = &link{connected: true, flow: f, packets: table.Claim(source.server, source.local)}, true
		r.links = []*link{f.link}
		const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		sys.arrive(head, stamp(time.Microsecond))
		source.send(len(head), int64(stamp(time.Microsecond)))
		r.read(f, false)
		at := time.Duration(0)
		for _, data := range c.wait {
			if at += time.Millisecond; data == "|" {
				r.read(f, false)
				continue
			}
			seen := strings.TrimPrefix(data, "-")
			sys.arrive(seen, stamp(at))
			if seen == data {
				source.send(len(data), int64(stamp(at)))
			} else {
				source.seq += uint32(len(seen))
			}
		}
		r.read(f, false)
		var got []string
		for _, e := range answer.Events {
			doubt := map[bool]string{true: "~"}[e.Uncertainty > 0] + map[bool]string{true: "*"}[e.Shared && e.Uncertainty == 0]
			got = append(got, doubt+fmt.Sprint(e.At.Round(time.Millisecond).Milliseconds()))
		}
		text := strings.Join(got, " ")
		switch {
		case c.more == "" && text != c.at:
			t.Errorf("%s: %s, want %s", name, text, c.at)
		case c.more != "" && (len(got) != len(many) || strings.Contains(text, "~") != (c.at == "~")):
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestSurplusByPackets: a connection that brought more than its answer carries no other request,
// though the answer was over with a packet before.
func TestSurplusByPackets(t *testing.T) {
	for _, surplus := range []string{"", "HTTP/1.1 200 OK\r\n"} {
		clock := Clock{time.Now().Add(-time.Second)}
		sys := &segments{}
		table, source := packets.NewTable(), &captured{server: netip.MustParseAddrPort("192.0.2.1:80"), local: scriptedLocal}
		table.Start(source)
		source.send(0, 1)
		r := &Reactor{o: Options{Clock: clock, Packets: table}, sys: sys, buffer: make([]byte, 1<<16), readDelays: newReadDelays(), idle: map[Endpoint][]*link{}}
		r.wall.sample(clock)
		f := newFlow(&Exchange{Sink: stream.NewDecoder(stream.Options{Streaming: true, Reuse: true}, &stream.Answer{})})
		l := &link{connected: true, flow: f, packets: table.Claim(source.server, source.local)}
		f.link, f.written, r.links = l, true, []*link{l}
		event := `data: {"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
		for i, data := range []string{fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(event), event), surplus} {
			if data != "" {
				sys.arrive(data, time.Duration(i+1)*time.Millisecond-time.Duration(r.wall.offset))
				source.send(len(data), int64(time.Duration(i+1)*time.Millisecond-time.Duration(r.wall.offset)))
			}
		}
		r.read(f, false)
		if kept := len(r.idle[l.to]) == 1; !f.over || kept != (surplus == "") {
			t.Errorf("%q behind the answer: over %v, kept %v", surplus, f.over, kept)
		}
	}
}

// TestReactorsCostByPackets: stamps by packets take no allocation and no system call.
func TestReactorsCostByPackets(t *testing.T) {
	sys := &endless{chunk: make([]byte, 250)}
	table, source := packets.NewTable(), &captured{server: netip.MustParseAddrPort("192.0.2.1:80"), local: scriptedLocal}
	table.Start(source)
	source.send(0, 1)
	f := newFlow(&Exchange{Sink: &counter{piece: 250}})
	r := &Reactor{readDelays: newReadDelays(), o: Options{Clock: NewClock(), Packets: table}, sys: sys, buffer: make([]byte, 64<<10)}
	l := &link{fd: 100, flow: f, connected: true, packets: table.Claim(source.server, source.local)}
	f.link, r.links = l, []*link{l}
	r.polled.returned = time.Hour
	const events = 1000
	for range 2 * events {
		source.send(250, 1)
	}
	stampless := source.frames
	source.frames = nil
	table.Claim(source.server, netip.MustParseAddrPort("127.0.0.1:1")) // which takes what is there
	i := 0
	n := testing.AllocsPerRun(events, func() {
		source.frames = append(source.frames[:0], stampless[i])
		i++
		r.read(f, false)
	})
	if n > 1 { // that of the list in the test's source
		t.Errorf("%v allocations an event", n)
	}
	if counts, _ := table.Counts(); counts.Unstamped > 0 || sys.reads != events+1 || sys.asked > 0 {
		t.Errorf("%+v in %d reads, and %d other calls", counts, sys.reads, sys.asked)
	}
}
