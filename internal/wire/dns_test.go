package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// nameServer is a name server on loopback that answers each question as a test says: a packet for
// a question, nil for none. Over TCP it answers well, where it listens there.
type nameServer struct {
	answer  func(question []byte) []byte
	udp     net.PacketConn
	tcp     net.Listener // nil where it does not listen
	overTCP atomic.Int32
}

func startNameServer(t *testing.T, tcp bool, answer func(question []byte) []byte) *nameServer {
	t.Helper()
	s := &nameServer{answer: answer}
	var err error
	for range 20 { // a port that is free for both
		if s.udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if !tcp {
			break
		}
		if s.tcp, err = net.Listen("tcp", s.udp.LocalAddr().String()); err == nil {
			break
		}
		s.udp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.udp.Close()
		if s.tcp != nil {
			s.tcp.Close()
		}
	})
	go s.serveUDP()
	if tcp {
		go s.serveTCP()
	}
	return s
}

func (s *nameServer) serveUDP() {
	buffer := make([]byte, 512)
	for {
		n, from, err := s.udp.ReadFrom(buffer)
		if err != nil {
			return
		}
		if reply := s.answer(append([]byte(nil), buffer[:n]...)); reply != nil {
			s.udp.WriteTo(reply, from)
		}
	}
}

func (s *nameServer) serveTCP() {
	for {
		c, err := s.tcp.Accept()
		if err != nil {
			return
		}
		s.overTCP.Add(1)
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err == nil {
			question := make([]byte, binary.BigEndian.Uint16(head))
			if _, err := io.ReadFull(c, question); err == nil {
				reply := addressOf(question)
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
			}
		}
		c.Close()
	}
}

// look asks this server, as the system's resolver would.
func (s *nameServer) look(ctx context.Context, host string) ([]net.IPAddr, error) {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.udp.LocalAddr().String())
	}}
	return r.LookupIPAddr(ctx, host)
}

// reply answers a question with a code and so many records of 127.0.0.9; a question for other than
// an IPv4 address has none.
func reply(question []byte, code byte, records uint16, flags byte) []byte {
	end := 12
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the name's end, type and class
	if question[end-3] != 1 {
		records = 0
	}
	out := append([]byte(nil), question[:end]...)
	out[2], out[3] = 0x80|flags|question[2]&1, 0x80|code
	binary.BigEndian.PutUint16(out[6:], records)
	binary.BigEndian.PutUint32(out[8:], 0) // no more sections
	for range records {
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9)
	}
	return out
}

func addressOf(question []byte) []byte { return reply(question, 0, 1, 0) }

const truncated = 2

// TestNameServers: whatever a name server does, a look-up ends within its limit, with addresses or
// a failure of the class "dns" that says what was waited for.
func TestNameServers(t *testing.T) {
	for name, c := range map[string]struct {
		tcp    bool
		answer func(question []byte) []byte
		good   bool
		late   bool // the limit ends it
		tcps   bool // it is asked over TCP
	}{
		"answers":           {answer: addressOf, good: true},
		"slow":              {answer: func(q []byte) []byte { time.Sleep(50 * time.Millisecond); return addressOf(q) }, good: true},
		"drops":             {answer: func([]byte) []byte { return nil }, late: true},
		"SERVFAIL":          {answer: func(q []byte) []byte { return reply(q, 2, 0, 0) }},
		"REFUSED":           {answer: func(q []byte) []byte { return reply(q, 5, 0, 0) }},
		"NXDOMAIN":          {answer: func(q []byte) []byte { return reply(q, 3, 0, 0) }},
		"no records":        {answer: func(q []byte) []byte { return reply(q, 0, 0, 0) }},
		"truncated, TCP":    {tcp: true, answer: func(q []byte) []byte { return reply(q, 0, 0, truncated) }, good: true, tcps: true},
		"truncated, no TCP": {answer: func(q []byte) []byte { return reply(q, 0, 0, truncated) }},
		"of another query":  {answer: func(q []byte) []byte { q[0]++; return addressOf(q) }, late: true},
		"garbage":           {answer: func(q []byte) []byte { return append(q[:2], 0xff, 0xff, 0xff) }, late: true},
		"records missing":   {answer: func(q []byte) []byte { a := addressOf(q); return a[:len(a)-6] }, late: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startNameServer(t, c.tcp, c.answer)
			limit := lookupLimit
			if c.late {
				limit = 300 * time.Millisecond
			}
			r := newResolver(Options{Timeout: limit})
			defer r.close()
			r.look = s.look
			addresses, err := r.resolve(t.Context(), "server.test.:80")
			if c.good {
				if err != nil || len(addresses) != 1 || addresses[0] != "127.0.0.9:80" {
					t.Errorf("%v, %v", addresses, err)
				}
			} else if class := classify(err).Class; err == nil || class != DNS {
				t.Errorf("%v, %v of class %q", addresses, err, class)
			}
			var tooLate *TimeoutError
			if late := errors.As(err, &tooLate); late != c.late || late && tooLate.Phase != Resolving {
				t.Errorf("%v", err)
			}
			if asked := s.overTCP.Load() > 0; asked != c.tcps {
				t.Errorf("asked over TCP: %v", asked)
			}
		})
	}
}
